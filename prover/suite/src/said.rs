//! What somebody says of a history that its file does not.

use std::num::NonZeroU32;

use checker::counted;
use history::History;
use plan::manifest::Recorded;

/// What is said of a history on the command line; it counts more than what stands beside the
/// history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// How many clients may hold a lock at one time.
    pub slots: Option<NonZeroU32>,
    /// How many workers there were.
    pub workers: Option<NonZeroU32>,
    /// The names of the faults that were selected.
    pub faults: Option<Vec<String>>,
}

/// How a history differs from what its run recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// It is shorter: what is left may be true as far as it goes.
    CutOff(String),
    /// It has other events: nothing follows from them.
    Altered(String),
}

impl Difference {
    pub(crate) fn of(history: &History, recorded: &Recorded) -> Option<Self> {
        let events = history.events().len() as u64;
        if events < recorded.events {
            let why = format!(
                "the history has {}, and its run recorded {}",
                counted(events, "event"),
                recorded.events
            );
            return Some(Self::CutOff(why));
        }
        let is_same = checker::certificate::history_digest(history) == recorded.history;
        let why = "the history is not the one that its run recorded (its digest is another)";
        (!is_same).then(|| Self::Altered(why.to_owned()))
    }
}

/// What the run of a history has recorded.
#[must_use]
pub fn recorded(history: &History) -> Recorded {
    Recorded {
        events: history.events().len() as u64,
        history: checker::certificate::history_digest(history),
    }
}
