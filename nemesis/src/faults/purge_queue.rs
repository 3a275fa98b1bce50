//! `purge-queue`: an operator empties the queues of the lock.

use async_trait::async_trait;
use history::fault::{Class, Evidence};

use crate::{BrokerHarm, Fault, Landing, Need, Part, Strike, SystemError};

/// A mistake: of a lock that is a message nothing is left. `all` leaves this out.
pub(crate) struct PurgeQueue;

#[async_trait]
impl Fault for PurgeQueue {
    fn name(&self) -> &'static str {
        "purge-queue"
    }

    fn summary(&self) -> &'static str {
        "an operator empties the queues of the lock (a mistake: what was in them does not come back)"
    }

    fn class(&self) -> Class {
        Class::Breaking
    }

    fn parts(&self) -> &'static [Part] {
        &[Part::Broker]
    }

    fn needs(&self) -> Need {
        Need::Operator
    }

    fn strikes_all(&self) -> bool {
        true
    }

    fn is_in_all(&self) -> bool {
        false
    }

    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError> {
        let harm = BrokerHarm::PurgeQueues(strike.system.queue_prefix());
        let seen = strike.system.harm_broker(&harm).await?;
        Ok(Landing::if_met(seen, "purged"))
    }

    async fn heal(&self, strike: &Strike<'_>) -> Result<Evidence, SystemError> {
        let _ = strike;
        Ok(Evidence::new())
    }
}
