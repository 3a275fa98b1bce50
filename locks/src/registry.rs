//! The list of locks. Command line, documentation and test matrix are made from it.

use crate::{
    CountedConsumers, ExclusiveConsumer, ExclusiveQueue, FencedMutex, FiledSemaphore, Lock,
    MutexByMessage, PersistentMutex, PersistentSemaphore, ReceiveSemaphore, broken,
};

/// Every lock, the correct ones first.
pub const ALL: &[&dyn Lock] = &[
    &ExclusiveQueue,
    &ExclusiveConsumer,
    &FencedMutex,
    &PersistentMutex::Declare,
    &PersistentMutex::Publish,
    &PersistentSemaphore,
    &CountedConsumers,
    &FiledSemaphore::AtMostOnce,
    &FiledSemaphore::AtLeastOnce,
    &ReceiveSemaphore,
    &MutexByMessage,
    &broken::NoLock,
    &broken::SilentReconnect,
];

/// The lock of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Lock> {
    ALL.iter().copied().find(|lock| lock.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_found() {
        let names: BTreeSet<_> = ALL.iter().map(|lock| lock.name()).collect();
        assert_eq!(names.len(), ALL.len());
        for name in names {
            assert_eq!(find(name).unwrap().name(), name);
        }
        assert!(find("nothing").is_none());
    }

    #[test]
    fn every_lock_promises_something_and_says_what_it_is() {
        for lock in ALL {
            assert!(!lock.promises().is_empty(), "{}", lock.name());
            assert!(!lock.summary().is_empty(), "{}", lock.name());
            let broken = lock.breaks();
            assert!(broken.is_none_or(|promise| lock.promises().contains(&promise)));
        }
    }
}
