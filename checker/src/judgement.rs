//! What was found out about a history, as it is shown and as it is stored.

use serde::{Deserialize, Serialize};

use crate::{Finding, Linearized, Verdict};

/// The guarantee that asks whether a run proves something.
pub const COVERAGE: &str = "coverage";

/// The row that says which known mistakes the plan of a run would have caught.
pub const POWER: &str = "power";

/// What was found out about a history.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Judgement {
    /// The worst of what was judged.
    pub verdict: Verdict,
    /// Whether the record was cut off: the verdict speaks of what was recorded.
    pub incomplete: bool,
    /// Why a run that did not go through all its phases proves nothing, whatever its guarantees
    /// say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<String>,
    /// The first event that is missing from the history of a run: whoever took it away may have
    /// turned any verdict into another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_event: Option<u64>,
    /// Every guarantee, what was judged first.
    pub guarantees: Vec<Row>,
    /// Who made the promises that are judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised_by: Option<String>,
    /// What the models' verdicts stand on.
    #[serde(skip)]
    pub linearized: Vec<Linearized>,
}

/// One guarantee of a judgement.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// Whether it decides the verdict.
    pub judged: bool,
    /// What was found out.
    #[serde(flatten)]
    pub finding: Finding,
}

impl Row {
    /// Whether it is about the run, not about the lock: how much the verdict is worth.
    #[must_use]
    pub fn is_about_the_run(&self) -> bool {
        [COVERAGE, POWER].contains(&self.finding.guarantee.as_str())
    }
}
