//! Exit codes: a documented part of the command line, so that scripts can tell a finding from a
//! harness error.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Every judged guarantee is valid; or the command did what it was asked.
    Valid = 0,
    /// A guarantee was violated.
    Violation = 1,
    /// Nothing can be said: the run proves nothing, or a bound was hit.
    Unknown = 2,
    /// A harness error: the testbed could not be started or kept running, or the record could not
    /// be written.
    Harness = 3,
    /// Nothing was selected.
    NothingSelected = 4,
    /// Interrupted; the history is kept.
    Interrupted = 130,
    /// The arguments, a file given as one, or the configuration are wrong.
    BadArguments = 254,
    /// A bug of the prover.
    Internal = 255,
}

/// The worst first; an interruption says nothing about the runs before it.
const WORST_FIRST: &[Exit] = &[
    Exit::Violation,
    Exit::Internal,
    Exit::Harness,
    Exit::BadArguments,
    Exit::Interrupted,
    Exit::Unknown,
    Exit::NothingSelected,
    Exit::Valid,
];

impl Exit {
    /// The worst of several; nothing was selected if there are none.
    #[must_use]
    pub fn worst(exits: impl IntoIterator<Item = Self>) -> Self {
        let seen: Vec<_> = exits.into_iter().collect();
        let worst = WORST_FIRST.iter().find(|exit| seen.contains(exit));
        worst.copied().unwrap_or(Self::NothingSelected)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl From<checker::Verdict> for Exit {
    fn from(verdict: checker::Verdict) -> Self {
        match verdict {
            checker::Verdict::Valid => Self::Valid,
            checker::Verdict::Violated => Self::Violation,
            checker::Verdict::Unknown => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_is_worse_than_a_harness_error_and_that_is_worse_than_doubt() {
        assert_eq!(
            Exit::worst([Exit::Valid, Exit::Harness, Exit::Violation]),
            Exit::Violation
        );
        assert_eq!(
            Exit::worst([Exit::Unknown, Exit::Harness, Exit::Valid]),
            Exit::Harness
        );
        assert_eq!(Exit::worst([Exit::Valid, Exit::Unknown]), Exit::Unknown);
        assert_eq!(Exit::worst([]), Exit::NothingSelected);
    }
}
