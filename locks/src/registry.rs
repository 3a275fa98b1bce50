//! The list of the correct locks.

use crate::{
    CountedConsumers, ExclusiveConsumer, ExclusiveQueue, FencedMutex, FiledSemaphore, Lock,
    MutexByMessage, PersistentMutex, PersistentSemaphore, ReceiveSemaphore,
};

/// Every correct lock.
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
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lock_promises_something_and_says_what_it_is() {
        for lock in ALL {
            assert!(!lock.promises().is_empty(), "{}", lock.name());
            assert!(!lock.summary().is_empty(), "{}", lock.name());
            assert_eq!(lock.breaks(), None, "{}", lock.name());
        }
    }
}
