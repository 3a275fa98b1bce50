//! How often a claim must be put to the test before anything is said.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use suite::{Power, Summary};

/// How often a claim must be put to the test, over all of its runs on one testbed, before it is said
/// to be as claimed. Beside that its runs together must be covered, always.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Needs {
    /// Runs.
    #[serde(skip_serializing_if = "is_zero")]
    pub runs: u64,
    /// Grants.
    #[serde(skip_serializing_if = "is_zero")]
    pub holds: u64,
    /// Windows of faults that took a lock away, of all faults together.
    #[serde(skip_serializing_if = "is_zero")]
    pub revoked: u64,
    /// Windows of a fault that had its due effect, by the name of the fault.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub landed: BTreeMap<String, u64>,
    /// Known mistakes that the plan catches.
    #[serde(skip_serializing_if = "is_zero")]
    pub power: u64,
}

/// Something that was seen less often than needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// What.
    pub of: String,
    /// How often it was seen.
    pub seen: u64,
    /// How often it is needed.
    pub needed: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Needs {
    /// What was seen less often in these runs than needed. Of power nothing is said: it is not seen
    /// in runs.
    #[must_use]
    pub fn shortfalls(&self, summary: &Summary) -> Vec<Shortfall> {
        let revoked = summary.faults.values().map(|fault| fault.revoked).sum();
        let counts = [
            ("runs", summary.judged_runs(), self.runs),
            ("holds", summary.holds, self.holds),
            ("windows that took a lock away", revoked, self.revoked),
        ];
        let counts = counts.map(|(of, seen, needed)| (of.to_owned(), seen, needed));
        let landed = self.landed.iter().map(|(fault, needed)| {
            let seen = summary.faults.get(fault).map_or(0, |fault| fault.landed);
            (format!("windows of {fault} with effect"), seen, *needed)
        });
        let all = counts.into_iter().chain(landed);
        all.filter(|(_, seen, needed)| seen < needed)
            .map(|(of, seen, needed)| Shortfall { of, seen, needed })
            .collect()
    }

    /// How many known mistakes too few the plan catches.
    #[must_use]
    pub fn power_shortfall(&self, power: Option<&Power>) -> Option<Shortfall> {
        let seen = power.map_or(0, |power| power.caught() as u64);
        (seen < self.power).then(|| Shortfall {
            of: "known mistakes caught".to_owned(),
            seen,
            needed: self.power,
        })
    }
}

impl std::fmt::Display for Shortfall {
    /// `12 of 20 runs`
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} of {} {}", self.seen, self.needed, self.of)
    }
}
