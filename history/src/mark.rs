//! What a record says of itself: that it begins, where its last phase begins, and that it is whole.

use std::fmt;

/// A milestone of a record of this program's own; each stands in a history at most once.
///
/// What was recorded elsewhere has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mark {
    /// The first event. Its value is the [outline](crate::Outline) of the run.
    Begin,
    /// The run's time is up: what follows shows whether every lock can be had, and nothing else.
    Settle,
    /// The last event: the run came to its end, and the record is whole.
    End,
}

impl Mark {
    /// All of them, in the order in which they stand in a history.
    pub const ALL: [Self; 3] = [Self::Begin, Self::Settle, Self::End];

    /// The name in histories.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::Settle => "settle",
            Self::End => "end",
        }
    }

    /// The mark with this name, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mark| mark.name() == name)
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}
