//! The list of locks. Command line, documentation and test matrix are made from it.

use crate::broken::{
    Broken, Consuming, Deaf, Declared, Decrement, Granted, Made, Messages, NoLock, Persisting,
    Reconnecting, Released, Removed, ReturnedIsTaken, Tokens, Verified,
};
use crate::{
    CountedConsumers, ExclusiveConsumer, ExclusiveQueue, FencedMutex, FiledSemaphore, Lock,
    MutexByMessage, PersistentMutex, PersistentSemaphore, ReceiveSemaphore,
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
    &NoLock,
    &Broken(Reconnecting::QUEUE),
    &Broken(Reconnecting::SLOT),
    &Broken(Reconnecting::CONSUMER),
    &Broken(Reconnecting::MESSAGE),
    &Broken(Reconnecting::RECOVERED),
    &Broken(Declared::Shared),
    &Broken(Declared::CheckFirst),
    &Broken(Declared::Expiring),
    &Broken(Declared::PerClient),
    &Broken(Granted::Refusal),
    &Broken(Granted::Silence),
    &Broken(Verified::WithoutAnswer),
    &Broken(Verified::Elsewhere),
    &Broken(Deaf::Memory),
    &Broken(Deaf::Cache),
    &Broken(Deaf::Errors),
    &Broken(Deaf::Release),
    &Broken(Released::AtVerify),
    &Broken(Released::ByChannel),
    &Broken(Released::Watched),
    &Broken(Consuming::Shared),
    &Broken(Consuming::CheckFirst),
    &Broken(Consuming::SingleActive),
    &Broken(Persisting::Transient),
    &Broken(Persisting::DeletedByRelease),
    &Broken(Persisting::DeletedByRefusal),
    &Broken(ReturnedIsTaken),
    &Broken(Messages::AckedAtAcquire),
    &Broken(Messages::GotWithoutAck),
    &Broken(Messages::RejectedForGood),
    &Broken(Messages::GivenBackTwice),
    &Broken(Messages::Added),
    &Broken(Messages::ToppedUp),
    &Broken(Messages::Expiring),
    &Broken(Messages::Transient),
    &Broken(Tokens::OfSession),
    &Broken(Tokens::OfUptime),
    &Broken(Tokens::Transient),
    &Broken(Tokens::Requeued),
    &Broken(Made::Expiring),
    &Broken(Made::GrowWithoutLook),
    &Broken(Made::Unguarded),
    &Broken(Made::DestroySparesHeld),
    &Broken(Removed::VerifyAsksHolder),
    &Broken(Removed::Remembered),
    &Broken(Removed::ImpatientWait),
    &Broken(Decrement::UnguardedRequest),
    &Broken(Decrement::Twice),
    &Broken(Decrement::SoldAsOnce),
    &Broken(Decrement::SoldAsSure),
    &Broken(Decrement::OfNothing),
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
