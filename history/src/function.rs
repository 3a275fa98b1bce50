//! What was done: the operations of clients, the faults of the nemesis, and the marks of the
//! record.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::Mark;

/// What an event is about: Jepsen's `:f`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Function {
    /// Ask for the lock.
    Acquire,
    /// Ask the service whether the lock is still held.
    Verify,
    /// Give the lock back.
    Release,
    /// A loss notification: nobody asked for it.
    Lost,
    /// Make an administered lock.
    Create,
    /// Add slots to an administered lock.
    Grow,
    /// Take slots away from an administered lock.
    Shrink,
    /// Remove an administered lock.
    Destroy,
    /// Find the slots of an administered lock.
    Count,
    /// Remove the slots of an administered lock that lie behind a gap.
    Overshoot,
    /// Ask whether the holder of a removed slot is gone.
    Wait,
    /// File that an administered lock shall lose a slot; whoever shrinks next carries it out.
    Request,
    /// Read a resource, a register or a set.
    Read,
    /// Write a resource or a register.
    Write,
    /// Compare and set a register.
    Cas,
    /// Add an element to a set.
    Add,
    /// Put an element into a queue.
    Enqueue,
    /// Take an element from a queue.
    Dequeue,
    /// A fault, by its name; only the nemesis does this.
    Fault(Arc<str>),
    /// What the record says of itself; only the run does this.
    Mark(Mark),
}

/// Every operation of clients with its name in histories.
const OPERATIONS: &[(&str, Function)] = &[
    ("acquire", Function::Acquire),
    ("verify", Function::Verify),
    ("release", Function::Release),
    ("lost", Function::Lost),
    ("create", Function::Create),
    ("grow", Function::Grow),
    ("shrink", Function::Shrink),
    ("destroy", Function::Destroy),
    ("count", Function::Count),
    ("overshoot", Function::Overshoot),
    ("wait", Function::Wait),
    ("request", Function::Request),
    ("read", Function::Read),
    ("write", Function::Write),
    ("cas", Function::Cas),
    ("add", Function::Add),
    ("enqueue", Function::Enqueue),
    ("dequeue", Function::Dequeue),
];

impl Function {
    /// Whether it administers a lock; its value is then a list of slots.
    #[must_use]
    pub fn is_administration(&self) -> bool {
        matches!(
            self,
            Self::Create
                | Self::Grow
                | Self::Shrink
                | Self::Destroy
                | Self::Count
                | Self::Overshoot
                | Self::Wait
                | Self::Request
        )
    }

    /// The operation of a client with this name, if there is one.
    #[must_use]
    pub fn operation(name: &str) -> Option<Self> {
        let (_, function) = OPERATIONS.iter().find(|(known, _)| *known == name)?;
        Some(function.clone())
    }

    /// The fault with this name.
    #[must_use]
    pub fn fault(name: &str) -> Self {
        Self::Fault(name.into())
    }

    /// The name in histories.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Fault(name) => name,
            Self::Mark(mark) => mark.name(),
            operation => OPERATIONS
                .iter()
                .find(|(_, function)| function == operation)
                .map_or("", |(name, _)| name),
        }
    }
}

impl fmt::Display for Function {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Serialize for Function {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for (name, function) in OPERATIONS {
            assert_eq!(function.name(), *name);
            assert_eq!(Function::operation(name).as_ref(), Some(function));
        }
        for mark in Mark::ALL {
            assert_eq!(Function::Mark(mark).name(), mark.name());
            assert_eq!(Mark::named(mark.name()), Some(mark));
        }
        assert_eq!(Function::operation("partition"), None);
        assert_eq!(Function::fault("partition").name(), "partition");
    }
}
