//! The three answers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is known about a guarantee after reading the history. The order is by badness, so that the
/// worst of several is their maximum.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It held.
    Valid,
    /// The history does not decide it, or a bound was hit before it was decided. Where nobody has
    /// judged, nothing is known.
    #[default]
    Unknown,
    /// It was violated.
    Violated,
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(match self {
            Self::Valid => "valid",
            Self::Unknown => "unknown",
            Self::Violated => "violated",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_judged_is_unknown() {
        assert_eq!(Verdict::default(), Verdict::Unknown);
        assert_eq!(crate::Finding::default().verdict, Verdict::Unknown);
    }

    #[test]
    fn the_worst_is_the_greatest() {
        assert!(Verdict::Violated > Verdict::Unknown);
        assert!(Verdict::Unknown > Verdict::Valid);
        assert_eq!(format!("{:8}|", Verdict::Valid), "valid   |");
    }
}
