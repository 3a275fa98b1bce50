//! What sort of lock a lock is, and so what can be asked of it.

use std::fmt;

/// A sort of lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// One holder; there is no lock while nobody holds it.
    TrueMutex,
    /// One holder; the lock is there until somebody removes it.
    PersistentMutex,
    /// One holder, whose grant carries a fencing token.
    FencedMutex,
    /// As many holders as there are slots, which have no numbers.
    Semaphore,
    /// As many holders as there are slots, which have numbers and are administered.
    PersistentSemaphore,
    /// A persistent semaphore whose decrements are filed first and carried out later.
    FiledSemaphore,
}

impl Kind {
    /// The name in lists.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TrueMutex => "true mutex",
            Self::PersistentMutex => "persistent mutex",
            Self::FencedMutex => "fenced mutex",
            Self::Semaphore => "semaphore",
            Self::PersistentSemaphore => "persistent semaphore",
            Self::FiledSemaphore => "persistent semaphore, filed decrements",
        }
    }

    /// Whether more clients than one can hold it.
    #[must_use]
    pub const fn has_slots(self) -> bool {
        matches!(
            self,
            Self::Semaphore | Self::PersistentSemaphore | Self::FiledSemaphore
        )
    }

    /// Whether administrators can change its slots.
    #[must_use]
    pub const fn is_administered(self) -> bool {
        matches!(self, Self::PersistentSemaphore | Self::FiledSemaphore)
    }

    /// Whether a decrement is filed before it is carried out.
    #[must_use]
    pub const fn files_decrements(self) -> bool {
        matches!(self, Self::FiledSemaphore)
    }

    /// Whether its grants carry fencing tokens.
    #[must_use]
    pub const fn has_tokens(self) -> bool {
        matches!(self, Self::FencedMutex)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
