//! What was measured in the runs of a claim.

use serde::{Deserialize, Serialize};
use suite::{Came, Outcome};

use crate::distribution::Distribution;

/// What was measured in the runs of a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Measures {
    /// For how long more clients believed than a lock has slots: one time for each overlap.
    pub exposures: Distribution,
    /// How long after its begin each run violated something that it was judged by; of runs that did.
    pub first_violation: Distribution,
    /// How long after a fault its holder learned that the lock was lost.
    pub noticed: Distribution,
    /// How long after a fault somebody else was granted the holder's lock.
    pub granted: Distribution,
}

impl Measures {
    /// Takes in what was measured in a run.
    pub fn add(&mut self, outcome: &Outcome) {
        let Came::Judged(judged) = &outcome.came else {
            return;
        };
        self.exposures.extend(judged.exposures_ns());
        self.first_violation.extend(judged.first_violation_ns);
        for hit in &judged.hits {
            self.noticed.extend(hit.noticed);
            self.granted.extend(hit.granted);
        }
    }

    /// Takes in what was measured elsewhere.
    pub fn merge(&mut self, other: &Self) {
        self.exposures.merge(&other.exposures);
        self.first_violation.merge(&other.first_violation);
        self.noticed.merge(&other.noticed);
        self.granted.merge(&other.granted);
    }
}
