//! How one claim counts in a gate today.

use claims::{Accepted, Proof, Shard, Standing, Tested};
use jiff::civil::Date;

/// How what came of a claim on one testbed counts today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling<'a> {
    /// It is as claimed.
    Passed,
    /// It is not, and that is accepted for a while.
    Accepted(&'a Accepted),
    /// It is not as claimed.
    Failed,
    /// It is not as claimed, and the time for which that was accepted is over.
    Expired(&'a Accepted),
    /// The runs do not decide it.
    Unknown,
    /// It was not put to the test.
    NotRun,
    /// The harness broke down.
    Broken,
    /// What one shard alone has not seen is for the whole to say.
    LeftToTheWhole,
}

/// What a claim on one testbed is called in reports: `exclusion on docker`.
#[must_use]
pub fn name(tested: &Tested) -> String {
    format!("{} on {}", tested.claim.id, tested.testbed)
}

impl<'a> Ruling<'a> {
    /// How a case of a proof counts today.
    #[must_use]
    pub fn of(tested: &'a Tested, proof: &Proof, today: Date) -> Self {
        let is_whole = proof.shard == Shard::WHOLE;
        match (tested.standing, &tested.claim.accepted) {
            (Standing::Confirmed, _) => Self::Passed,
            (Standing::Contradicted, Some(accepted)) if accepted.is_in_force(today) => {
                Self::Accepted(accepted)
            }
            (Standing::Contradicted, Some(accepted)) => Self::Expired(accepted),
            (Standing::Contradicted, None) => Self::Failed,
            (Standing::Broken, _) => Self::Broken,
            _ if !is_whole => Self::LeftToTheWhole,
            (Standing::Unknown, _) => Self::Unknown,
            (Standing::NotRun, _) => Self::NotRun,
        }
    }

    /// One word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "confirmed",
            Self::Accepted(_) => "accepted",
            Self::Failed => "contradicted",
            Self::Expired(_) => "contradicted, no longer accepted",
            Self::Unknown => "unknown",
            Self::NotRun => "not run",
            Self::Broken => "broken",
            Self::LeftToTheWhole => "left to the whole",
        }
    }

    /// Why, with what was accepted.
    #[must_use]
    pub fn told(self, why: &str) -> String {
        match self {
            Self::Accepted(Accepted { reason, until }) => {
                format!("accepted until {until} ({reason}): {why}")
            }
            Self::Expired(Accepted { reason, until }) => {
                format!("was accepted until {until} ({reason}), which is over: {why}")
            }
            _ => why.to_owned(),
        }
    }

    /// Whether it keeps the gate shut.
    #[must_use]
    pub const fn stops(self) -> bool {
        !matches!(
            self,
            Self::Passed | Self::Accepted(_) | Self::LeftToTheWhole
        )
    }
}
