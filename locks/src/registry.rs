//! The list of the correct locks.

use std::sync::{Arc, LazyLock};

use crate::{
    CountedConsumers, ExclusiveConsumer, ExclusiveQueue, FencedMutex, FiledSemaphore, Lock,
    MutexByMessage, PersistentMutex, PersistentSemaphore, ReceiveSemaphore,
};

/// Every correct lock.
pub static ALL: LazyLock<Vec<Arc<dyn Lock>>> = LazyLock::new(|| {
    vec![
        Arc::new(ExclusiveQueue),
        Arc::new(ExclusiveConsumer),
        Arc::new(FencedMutex),
        Arc::new(PersistentMutex::Declare),
        Arc::new(PersistentMutex::Publish),
        Arc::new(PersistentSemaphore),
        Arc::new(CountedConsumers),
        Arc::new(FiledSemaphore::AtMostOnce),
        Arc::new(FiledSemaphore::AtLeastOnce),
        Arc::new(ReceiveSemaphore),
        Arc::new(MutexByMessage),
    ]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lock_promises_something_and_says_what_it_is() {
        for lock in ALL.iter() {
            assert!(!lock.promises().is_empty(), "{}", lock.name());
            assert!(!lock.summary().is_empty(), "{}", lock.name());
            assert_eq!(lock.breaks(), None, "{}", lock.name());
        }
    }
}
