//! The report of a campaign: what many runs showed together, on one page.

use checker::{Verdict, counted};
use serde::Serialize;

use crate::error::SiteError;
use crate::page::page;
use crate::standing::Standing;

const TEMPLATE: &str = include_str!("campaign.html.j2");

/// A campaign as its report tells of it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Campaign {
    /// The lock under test.
    pub lock: String,
    /// What the clients did with it.
    pub workload: String,
    /// Where and when it ran, by name.
    pub facts: Vec<(&'static str, String)>,
    /// Of all runs together.
    #[serde(skip)]
    pub verdict: Verdict,
    /// Runs.
    pub runs: u64,
    /// The seeds that were asked for.
    pub seeds: String,
    /// How many seeds those are.
    pub seeds_asked: u64,
    /// Runs by their own verdicts: valid, violated, unknown.
    pub verdicts: [u64; 3],
    /// What all runs put to the test: so many, of so many, of what.
    pub coverage: Vec<Share>,
    /// What no run put to the test.
    pub gaps: Vec<String>,
    /// Every guarantee.
    pub guarantees: Vec<GuaranteeTally>,
    /// Every fault.
    pub faults: Vec<FaultTally>,
    /// What the plan would have caught, in a sentence, where that was tried.
    pub power: Option<String>,
    /// Known mistakes that were tried: the broken lock, what it breaks, what became of it.
    pub mistakes: Vec<[String; 3]>,
    /// How many situations there were, how many of them were first seen in the last tenth of the
    /// runs, and how many runs those are.
    pub saturation: [u64; 3],
    /// Runs that violate something, the shortest counterexample first.
    pub failing: Vec<Failing>,
    /// Seeds that left something open, with the commands that repeat them.
    pub open: Vec<[String; 2]>,
    /// Seeds whose runs broke down, and why.
    pub broken: Vec<[String; 2]>,
    /// The command that repeats the campaign.
    pub repeat: String,
}

/// So many of so many.
#[derive(Clone, Debug, Serialize)]
pub struct Share {
    /// Of what.
    pub what: String,
    /// So many.
    pub part: u64,
    /// Of so many.
    pub whole: u64,
}

/// What all runs say of a guarantee.
#[derive(Clone, Debug, Serialize)]
pub struct GuaranteeTally {
    /// Its name.
    pub name: String,
    /// Whether it decides.
    pub is_judged: bool,
    /// How many runs say valid, violated, unknown.
    pub verdicts: [u64; 3],
    /// How often and how long too many had the lock, where they had.
    pub exposure: String,
}

/// What all runs say of a fault.
#[derive(Clone, Debug, Serialize)]
pub struct FaultTally {
    /// Its name.
    pub name: String,
    /// How often it was injected.
    pub windows: u64,
    /// How often it revoked a hold.
    pub revoked: u64,
    /// How often it only delayed a holder.
    pub delayed: u64,
    /// The effect that it must have at least once.
    pub due: String,
}

/// A run that violates something.
#[derive(Clone, Debug, Serialize)]
pub struct Failing {
    /// Its seed.
    pub seed: String,
    /// What it violated first, where that is known.
    pub guarantee: String,
    /// How many operations had begun by then, where that is known.
    pub operations: Option<u64>,
    /// Where the run is stored beside this page, if it is.
    pub folder: Option<String>,
    /// The command that repeats it.
    pub repeat: String,
}

/// So many seeds of a kind are listed, and so many of these are shown at once.
const LISTED_MAX: usize = 200;
const SHOWN_MAX: usize = 10;

#[derive(Serialize)]
struct View<'a> {
    #[serde(flatten)]
    campaign: &'a Campaign,
    standing: &'static str,
    says: String,
    saturated: String,
    listed_max: usize,
    shown_max: usize,
}

/// The report of a campaign. The same arguments give the same bytes.
///
/// # Errors
/// Never, unless a template of the prover is broken.
pub fn campaign_page(campaign: &Campaign) -> Result<String, SiteError> {
    let standing = Standing::from(campaign.verdict).word();
    let title = format!(
        "{} {}, seeds {}: {standing}",
        campaign.lock, campaign.workload, campaign.seeds
    );
    let view = View {
        campaign,
        standing,
        says: says(campaign),
        saturated: saturated(campaign),
        listed_max: LISTED_MAX,
        shown_max: SHOWN_MAX,
    };
    page(&title, TEMPLATE, &view)
}

fn says(campaign: &Campaign) -> String {
    let runs = counted(campaign.runs, "simulated run");
    match campaign.verdict {
        Verdict::Valid => format!(
            "None of {runs} contradicts what they were judged by, and together they put that to the test."
        ),
        Verdict::Violated => format!(
            "{} of {runs} {} what they were judged by.",
            campaign.failing.len(),
            if campaign.failing.len() == 1 {
                "contradicts"
            } else {
                "contradict"
            }
        ),
        Verdict::Unknown => format!("{runs} do not decide it."),
    }
}

fn saturated(campaign: &Campaign) -> String {
    let [situations, new, last] = campaign.saturation;
    let last = match last {
        1 => "the last run".to_owned(),
        last => format!("the last {last} runs"),
    };
    let advice = match new {
        _ if campaign.runs < 10 => {
            "so few runs say little about how many more would show something new"
        }
        0 => "more seeds of this plan would hardly show more",
        _ => "more seeds are likely to show more",
    };
    format!(
        "{} in all, {new} of them first seen in {last}: {advice}.",
        counted(situations, "situation")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn campaign() -> Campaign {
        let failing = |seed: &str, operations, folder: Option<&str>| Failing {
            seed: seed.to_owned(),
            guarantee: "exclusion".to_owned(),
            operations,
            folder: folder.map(str::to_owned),
            repeat: format!("prover --seed {seed}"),
        };
        Campaign {
            lock: "<script>alert(1)</script>".to_owned(),
            workload: "mutex".to_owned(),
            verdict: Verdict::Violated,
            runs: 40,
            seeds: "0..40".to_owned(),
            seeds_asked: 40,
            verdicts: [38, 2, 0],
            saturation: [7, 0, 4],
            failing: vec![
                failing("9", Some(12), Some("seed-9")),
                failing("3", None, None),
            ],
            coverage: vec![Share {
                what: "runs in which clients contended".to_owned(),
                part: 39,
                whole: 40,
            }],
            ..Campaign::default()
        }
    }

    #[test]
    fn the_page_has_its_denominators_and_leads_to_the_shortest_counterexample() {
        let page = campaign_page(&campaign()).expect("it renders");
        assert!(page.contains("39 of 40"), "{page}");
        assert!(
            page.contains("7 situations in all, 0 of them first seen in the last 4 runs"),
            "{page}"
        );
        assert!(
            page.contains("seed-9/report.html") || page.contains("seed-9/report"),
            "{page}"
        );
        assert_eq!(page, campaign_page(&campaign()).expect("it renders"));
    }

    #[test]
    fn hostile_names_are_text() {
        let page = campaign_page(&campaign()).expect("it renders");
        assert!(!page.contains("<script>alert"), "{page}");
    }
}
