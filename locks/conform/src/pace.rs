//! How long to wait for what a step brings about: until the agreed time has passed, or until it is
//! what is expected.

use std::time::Duration;

use crate::transcript::{StepOutcome, StepRecord, Transcript};

/// Under virtual time everything that a step brings about has happened after this: it is several
/// times the longest way over a link.
const QUIET: Duration = Duration::from_millis(10);
/// Nothing comes later than this, unless it is held back.
const ANSWER: Duration = Duration::from_millis(20);
/// How long a real broker may take for what is expected of it, before that counts as not happening.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long an answer that nobody expects is waited for.
const DOUBT: Duration = Duration::from_millis(100);

/// When a step is over.
#[derive(Clone, Copy, Debug)]
pub enum Pace<'a> {
    /// After a fixed time that is long enough: only under virtual time.
    Virtual,
    /// As soon as everything is as in this transcript, or after a few seconds. What comes without
    /// being expected shows itself in one of the next steps, or after the last one.
    Guided(&'a Transcript),
}

impl<'a> Pace<'a> {
    pub(super) fn expected(self, entry: usize) -> Option<&'a StepRecord> {
        match self {
            Self::Virtual => None,
            Self::Guided(transcript) => transcript.entries.get(entry),
        }
    }

    /// How long to wait for an answer.
    pub(super) fn answer(self, entry: usize) -> Duration {
        match (self, self.expected(entry)) {
            (Self::Virtual, _) => ANSWER,
            (_, Some(expected)) if expected.outcome == StepOutcome::Unanswered => DOUBT,
            _ => PATIENCE,
        }
    }

    /// How long to wait for what is told unasked, and what the server holds.
    pub(super) fn settling(self, entry: usize, outcome: &StepOutcome) -> Duration {
        match (self, self.expected(entry)) {
            (Self::Virtual, _) => QUIET,
            (_, Some(expected)) if expected.outcome == *outcome => PATIENCE,
            _ => DOUBT,
        }
    }

    /// How long to wait, after the last step, for what nobody expects.
    pub(super) fn last(self) -> Duration {
        match self {
            Self::Virtual => QUIET,
            Self::Guided(_) => DOUBT / 2,
        }
    }
}
