//! Whether what came of runs is as it was claimed.

use std::fmt;

use checker::{counted, stem};
use serde::{Deserialize, Serialize};
use suite::{Power, Summary};

use crate::claim::Expected;
use crate::needs::{Needs, Shortfall};

/// How a claim stands after its runs on one testbed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// What came of the runs is as claimed.
    Confirmed,
    /// It is not.
    Contradicted,
    /// The runs do not decide it.
    Unknown,
    /// The harness broke down.
    Broken,
    /// It was not put to the test.
    #[default]
    NotRun,
}

impl fmt::Display for Standing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Confirmed => "confirmed",
            Self::Contradicted => "contradicted",
            Self::Unknown => "unknown",
            Self::Broken => "broken",
            Self::NotRun => "not run",
        })
    }
}

/// What is known of the runs of a claim on one testbed.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// What they showed together.
    pub summary: &'a Summary,
    /// Which known mistakes the plan catches, where that was tried.
    pub power: Option<&'a Power>,
    /// Seeds that were to be run and were not.
    pub missing: u64,
    /// Whether that is all there is, and not the part of one shard.
    pub is_whole: bool,
}

/// How a claim stands, and why: one sentence.
///
/// A violation decides at once, and for good: it contradicts `holds` and confirms `violated`. That
/// none was seen says something only where the claim was put to the test as often as it needs.
#[must_use]
pub fn decide(expected: Expected, needs: &Needs, evidence: Evidence<'_>) -> (Standing, String) {
    let summary = evidence.summary;
    let violated = summary.failing.len() as u64;
    let runs = counted(summary.judged_runs(), "run");
    if violated > 0 {
        let (seed, names) = (summary.failing[0], summary.violated().join(", "));
        return (
            expected.if_violated(),
            format!("{names} violated in {violated} of {runs}, first with seed {seed}"),
        );
    }
    if let Some((seed, why)) = summary.broken.first() {
        return (Standing::Broken, format!("seed {seed}: {why}"));
    }
    if !evidence.is_whole && summary.runs > 0 {
        return (
            Standing::Unknown,
            format!("nothing violated in {runs} of this shard; `prover merge` decides"),
        );
    }
    if let Some(why) = missing(needs, evidence) {
        let standing = if summary.runs == 0 {
            Standing::NotRun
        } else {
            Standing::Unknown
        };
        return (standing, why);
    }
    let seen = seen(summary);
    match expected {
        Expected::Holds => (Standing::Confirmed, format!("not violated in {seen}")),
        Expected::Violated => {
            let why = format!("expected to be violated, and was not in {seen}");
            (Standing::Contradicted, why)
        }
    }
}

/// How often it was put to the test, and how rare violations must be that were not seen, where enough
/// was tried to say so.
fn seen(summary: &Summary) -> String {
    let mut text = counted(summary.decided_runs(), "run");
    let open = summary.open.len();
    if open > 0 {
        text += &format!(" ({open} more left it open)");
    }
    if summary.faults.is_empty() {
        text += " without faults";
    }
    let (trials, told) = trials(summary);
    text += &told;
    if let Some(bound) = bound_at_95(trials) {
        let percent = rounded_up(bound * 100.0);
        text += &format!(": below {percent} % each at 95 %");
    }
    text
}

/// What each loss of a lock puts to the test by itself. Everything else is decided once a run.
const OF_EACH_LOSS: &[&str] = &[
    "exclusion",
    "confirmed-exclusion",
    "overlap",
    "slot-exclusion",
];

/// How often violations could have been seen, and the words for it where these are not the runs. A loss
/// in a run that left open what is judged is none.
fn trials(summary: &Summary) -> (u64, String) {
    let mut judged = summary.judged().peekable();
    let is_of_each_loss =
        judged.peek().is_some() && judged.all(|name| OF_EACH_LOSS.contains(&stem(name)));
    let (runs, losses) = (summary.decided_runs(), summary.revoked());
    if is_of_each_loss && summary.open.is_empty() && losses > runs {
        return (losses, format!(", the lock lost {losses} times"));
    }
    (runs, String::new())
}

/// What was not put to the test, or stayed open.
fn missing(needs: &Needs, evidence: Evidence<'_>) -> Option<String> {
    let summary = evidence.summary;
    if summary.runs == 0 {
        return Some("nothing was run".to_owned());
    }
    if evidence.missing > 0 {
        return Some(format!(
            "time was up before {} more",
            counted(evidence.missing, "seed")
        ));
    }
    if let Some(seed) = summary.open.first().filter(|_| needs.decided == 0) {
        let open = counted(summary.open.len() as u64, "run");
        let because = summary.open_because.iter();
        let because: String = because.map(|(_, why)| format!(": {why}")).collect();
        return Some(format!(
            "{open} left open what is judged, first with seed {seed}{because}"
        ));
    }
    let gaps: Vec<String> = summary.gaps().into_iter().collect();
    if !gaps.is_empty() {
        return Some(gaps.join("; "));
    }
    let mut shortfalls = needs.shortfalls(summary);
    shortfalls.extend(needs.power_shortfall(evidence.power));
    let told: Vec<String> = shortfalls.iter().map(Shortfall::to_string).collect();
    (!told.is_empty()).then(|| format!("not put to the test often enough: {}", told.join(", ")))
}

/// With two digits that say something, and never less than it is.
fn rounded_up(percent: f64) -> String {
    let digits = (1.0 - percent.log10().floor()).max(0.0) as usize;
    let unit = 10_f64.powi(digits as i32);
    format!("{:.digits$}", (percent * unit).ceil() / unit)
}

/// The rule of three: what never happened in so many independent trials happens, with a confidence of
/// 95 %, in less than this part of them. Of fewer than 30 trials it says nothing.
#[must_use]
pub fn bound_at_95(trials: u64) -> Option<f64> {
    (trials >= 30).then(|| 3.0 / trials as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_never_told_tighter_than_it_is() {
        let told = |trials: u64| bound_at_95(trials).map(|bound| rounded_up(bound * 100.0));
        assert_eq!(told(29), None);
        assert_eq!(told(30).as_deref(), Some("10"));
        assert_eq!(told(33).as_deref(), Some("9.1"));
        assert_eq!(told(148_205).as_deref(), Some("0.0021"));
        for trials in 30..2_000 {
            let told: f64 = told(trials).expect("enough").parse().expect("a number");
            assert!(told >= 300.0 / trials as f64 - 1e-9, "{trials}: {told}");
        }
    }
}
