//! What somebody says of a history that its file does not.

use std::num::NonZeroU32;

use history::History;

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

/// What the run of a history recorded, as its certificate knows it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct Recorded {
    /// How many events.
    pub events: u64,
    /// SHA-256 of the canonical bytes of the history, in lower-case hex.
    pub history: String,
}

/// How a history differs from what its run recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Difference {
    /// It is shorter: what is left may be true as far as it goes.
    CutOff(String),
    /// It has other events: nothing follows from them.
    Altered(String),
}

impl Recorded {
    pub(crate) fn difference(&self, history: &History) -> Option<Difference> {
        let (events, recorded) = (history.events().len() as u64, self.events);
        if events < recorded {
            let why = format!("the history has {events} events, and its run recorded {recorded}");
            return Some(Difference::CutOff(why));
        }
        let is_same = checker::certificate::history_digest(history) == self.history;
        let why = "the history is not the one that its run recorded (its digest is another)";
        (!is_same).then(|| Difference::Altered(why.to_owned()))
    }
}
