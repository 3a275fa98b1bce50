//! The list of broken locks.

use std::sync::{Arc, LazyLock};

use locks::Lock;

use crate::{
    Broken, Consuming, Deaf, Declared, Decrement, Granted, Made, Messages, NoLock, Persisting,
    Reconnecting, Released, Removed, ReturnedIsTaken, Tokens, Verified,
};

/// Every broken lock.
pub static ALL: LazyLock<Vec<Arc<dyn Lock>>> = LazyLock::new(|| {
    vec![
        Arc::new(NoLock),
        Arc::new(Broken(Reconnecting::QUEUE)),
        Arc::new(Broken(Reconnecting::SLOT)),
        Arc::new(Broken(Reconnecting::CONSUMER)),
        Arc::new(Broken(Reconnecting::MESSAGE)),
        Arc::new(Broken(Reconnecting::RECOVERED)),
        Arc::new(Broken(Declared::Shared)),
        Arc::new(Broken(Declared::CheckFirst)),
        Arc::new(Broken(Declared::Expiring)),
        Arc::new(Broken(Declared::PerClient)),
        Arc::new(Broken(Granted::Refusal)),
        Arc::new(Broken(Granted::Silence)),
        Arc::new(Broken(Verified::WithoutAnswer)),
        Arc::new(Broken(Verified::Elsewhere)),
        Arc::new(Broken(Deaf::Memory)),
        Arc::new(Broken(Deaf::Cache)),
        Arc::new(Broken(Deaf::Errors)),
        Arc::new(Broken(Deaf::Release)),
        Arc::new(Broken(Released::AtVerify)),
        Arc::new(Broken(Released::ByChannel)),
        Arc::new(Broken(Released::Watched)),
        Arc::new(Broken(Consuming::Shared)),
        Arc::new(Broken(Consuming::CheckFirst)),
        Arc::new(Broken(Consuming::SingleActive)),
        Arc::new(Broken(Persisting::Transient)),
        Arc::new(Broken(Persisting::DeletedByRelease)),
        Arc::new(Broken(Persisting::DeletedByRefusal)),
        Arc::new(Broken(ReturnedIsTaken)),
        Arc::new(Broken(Messages::AckedAtAcquire)),
        Arc::new(Broken(Messages::GotWithoutAck)),
        Arc::new(Broken(Messages::RejectedForGood)),
        Arc::new(Broken(Messages::GivenBackTwice)),
        Arc::new(Broken(Messages::Added)),
        Arc::new(Broken(Messages::ToppedUp)),
        Arc::new(Broken(Messages::Expiring)),
        Arc::new(Broken(Messages::Transient)),
        Arc::new(Broken(Tokens::OfSession)),
        Arc::new(Broken(Tokens::OfUptime)),
        Arc::new(Broken(Tokens::Transient)),
        Arc::new(Broken(Tokens::Requeued)),
        Arc::new(Broken(Made::Expiring)),
        Arc::new(Broken(Made::GrowWithoutLook)),
        Arc::new(Broken(Made::Unguarded)),
        Arc::new(Broken(Made::DestroySparesHeld)),
        Arc::new(Broken(Removed::VerifyAsksHolder)),
        Arc::new(Broken(Removed::Remembered)),
        Arc::new(Broken(Removed::ImpatientWait)),
        Arc::new(Broken(Decrement::UnguardedRequest)),
        Arc::new(Broken(Decrement::Twice)),
        Arc::new(Broken(Decrement::SoldAsOnce)),
        Arc::new(Broken(Decrement::SoldAsSure)),
        Arc::new(Broken(Decrement::OfNothing)),
    ]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_broken_lock_breaks_a_promise_of_its_own() {
        for lock in ALL.iter() {
            let broken = lock.breaks().expect("it is broken");
            assert!(lock.promises().contains(&broken), "{}", lock.name());
            assert!(lock.summary().starts_with("broken: "), "{}", lock.name());
        }
    }
}
