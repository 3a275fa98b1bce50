//! What an administrator can ask of a lock.

use crate::{Error, ErrorKind};

/// What an administrator does to a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Makes the lock, with so many slots.
    Create {
        /// How many.
        slots: u32,
    },
    /// Adds a slot behind the last.
    Grow {
        /// How many there may be then.
        most: u32,
    },
    /// Removes the last slot; its holder learns it when it verifies. Where decrements are filed:
    /// carries out the one that is.
    Shrink,
    /// Removes the lock.
    Destroy,
    /// Finds the slots there are, those behind a gap too.
    Count,
    /// Removes slots that lie behind a gap.
    Overshoot,
    /// Asks whether the holder of a slot that was removed is gone.
    Wait {
        /// The slot.
        slot: u32,
    },
    /// Files that the lock shall lose a slot.
    Request,
}

impl Action {
    /// The name in histories.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Grow { .. } => "grow",
            Self::Shrink => "shrink",
            Self::Destroy => "destroy",
            Self::Count => "count",
            Self::Overshoot => "overshoot",
            Self::Wait { .. } => "wait",
            Self::Request => "request",
        }
    }

    /// The error of a lock that cannot do that.
    pub(crate) fn unknown_to(self, key: &str) -> Error {
        let text = format!("{key} is a lock that knows no {}", self.name());
        Error::new(ErrorKind::Invalid, text)
    }
}
