//! What an operation of a lock may cost.

use std::fmt;

use checker::counted;
use serde::{Deserialize, Serialize};
use suite::Summary;

use crate::claim::Expected;
use crate::standing::Standing;

/// What an operation of a lock may cost, where nothing is broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Cost {
    /// The operation.
    pub operation: Operation,
    /// How many slots the lock is made with.
    #[serde(default = "one")]
    pub slots: u32,
    /// So often the client waits for the broker at most before it can go on.
    pub round_trips: u32,
}

const fn one() -> u32 {
    1
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// A session is opened.
    Open,
    /// A session that is new takes a free lock.
    FirstAcquire,
    /// A session that has held the lock before takes it while it is free; of several slots, the
    /// last free one.
    Acquire,
    /// A session that was refused before is refused again.
    RefusedAcquire,
    /// The holder asks whether it holds.
    Verify,
    /// The holder gives back.
    Release,
    /// A way to verify, by itself: no lock has it.
    #[serde(skip_deserializing)]
    Ask,
}

impl Operation {
    /// Its name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::FirstAcquire => "first-acquire",
            Self::Acquire => "acquire",
            Self::RefusedAcquire => "refused-acquire",
            Self::Verify => "verify",
            Self::Release => "release",
            Self::Ask => "ask",
        }
    }
}

impl Cost {
    /// The guarantee that it comes to: `round-trips<=1`.
    #[must_use]
    pub fn guarantee(&self) -> String {
        format!("round-trips<={}", self.round_trips)
    }
}

impl Cost {
    /// How a claim about it stands, and why: one sentence. A round that cost more decides at once.
    pub(crate) fn decide(
        &self,
        expected: Expected,
        needed: u64,
        summary: &Summary,
    ) -> (Standing, String) {
        let (rounds, dear) = (summary.judged_runs(), summary.failing.len() as u64);
        let (all, most) = (
            counted(rounds, "round"),
            counted(self.round_trips.into(), "round trip"),
        );
        if dear > 0 {
            let why = format!("more than {most} in {dear} of {all}");
            return (expected.if_violated(), why);
        }
        if let Some((_, why)) = summary.broken.first() {
            return (Standing::Broken, why.clone());
        }
        if rounds == 0 {
            return (Standing::NotRun, "nothing was measured".to_owned());
        }
        if rounds < needed {
            let why = format!("not measured often enough: {rounds} of {needed} rounds");
            return (Standing::Unknown, why);
        }
        let why = format!("never more than {most} in {all}");
        match expected {
            Expected::Holds => (Standing::Confirmed, why),
            Expected::Violated => (
                Standing::Contradicted,
                format!("expected to cost more: {why}"),
            ),
        }
    }
}

impl fmt::Display for Cost {
    /// `cost of acquire with 8 slots`
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "cost of {}", self.operation.name())?;
        match self.slots {
            1 => Ok(()),
            slots => write!(out, " with {slots} slots"),
        }
    }
}
