//! Whether what came of runs is as it was claimed.

use std::fmt;

use checker::{counted, is_of_each_loss, rarity};
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
    if let Some(rarity) = rarity(trials) {
        text += &format!(": {rarity}");
    }
    text
}

/// How often violations could have been seen, and the words for it where these are not the runs. A loss
/// in a run that left open what is judged is none.
fn trials(summary: &Summary) -> (u64, String) {
    let mut judged = summary.judged().peekable();
    let is_of_each_loss = judged.peek().is_some() && judged.all(is_of_each_loss);
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
