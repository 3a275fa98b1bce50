//! The list of broken locks.

use locks::Lock;

use crate::{
    Broken, Consuming, Deaf, Declared, Decrement, Granted, Made, Messages, NoLock, Persisting,
    Reconnecting, Released, Removed, ReturnedIsTaken, Tokens, Verified,
};

/// Every broken lock.
pub const ALL: &[&dyn Lock] = &[
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_broken_lock_breaks_a_promise_of_its_own() {
        for lock in ALL {
            let broken = lock.breaks().expect("it is broken");
            assert!(lock.promises().contains(&broken), "{}", lock.name());
            assert!(lock.summary().starts_with("broken: "), "{}", lock.name());
        }
    }
}
