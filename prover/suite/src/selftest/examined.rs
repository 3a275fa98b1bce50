//! What an examination showed.

use std::collections::BTreeMap;
use std::sync::Arc;

use locks::Lock;
use run::seed::Seed;

/// A lock that was examined.
#[derive(Debug)]
pub struct Examined {
    /// Which.
    pub lock: Arc<dyn Lock>,
    /// In how many runs.
    pub runs: u64,
    /// How many certificates were re-checked and hold.
    pub certificates: u64,
    /// What came out; what should not have, where it is not what was expected.
    pub shown: Result<Shown, Shortcoming>,
}

/// What was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A broken lock was caught by the run of this seed.
    Caught(Seed),
    /// A correct lock kept its promises in all runs.
    Kept {
        /// So many of them prove it; the others put less than all to the test.
        valid: u64,
    },
}

/// What was not expected. Either the prover is broken, or a lock is not what it says.
#[derive(Debug, thiserror::Error)]
pub enum Shortcoming {
    /// A broken lock was not caught.
    #[error("not caught: {promise} was never found violated, {}", instead(.others))]
    NotCaught {
        /// The promise that it breaks.
        promise: String,
        /// What was found violated instead, and by which seed first.
        others: BTreeMap<String, Seed>,
    },
    /// A correct lock broke a promise.
    #[error("{guarantee} was found violated by seed {seed}")]
    Violated {
        /// The promise.
        guarantee: String,
        /// The first run that shows it.
        seed: Seed,
    },
    /// No run of a correct lock proved anything.
    #[error("no run was valid")]
    NeverValid,
    /// The evidence for a verdict does not hold.
    #[error("the certificate of seed {seed} does not hold: {reason}")]
    Refused {
        /// Of which run.
        seed: Seed,
        /// Why.
        reason: String,
    },
    /// A run broke down.
    #[error("seed {seed}: {reason}")]
    BrokeDown {
        /// Which.
        seed: Seed,
        /// Why.
        reason: String,
    },
}

fn instead(others: &BTreeMap<String, Seed>) -> String {
    if others.is_empty() {
        return "nor was any other promise".to_owned();
    }
    let others = others
        .iter()
        .map(|(name, seed)| format!("{name} was, by seed {seed}"));
    others.collect::<Vec<_>>().join(", ")
}

impl Shortcoming {
    /// The run that shows it, where one does.
    #[must_use]
    pub fn seed(&self) -> Option<Seed> {
        match self {
            Self::Violated { seed, .. }
            | Self::Refused { seed, .. }
            | Self::BrokeDown { seed, .. } => Some(*seed),
            Self::NotCaught { others, .. } => others.values().min_by_key(|seed| seed.0).copied(),
            Self::NeverValid => None,
        }
    }
}
