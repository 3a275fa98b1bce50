//! `kill`: the broker dies.

use async_trait::async_trait;
use history::fault::{Class, Evidence};

use crate::{BrokerHarm, Fault, Landing, Need, Part, Recovery, Strike, SystemError};

/// Only what is on disk comes back: no exclusive queue, no consumer, no message that was not kept.
pub(crate) struct Kill;

#[async_trait]
impl Fault for Kill {
    fn name(&self) -> &'static str {
        "kill"
    }

    fn summary(&self) -> &'static str {
        "the broker is killed, and started again when it heals; nobody can connect meanwhile"
    }

    fn class(&self) -> Class {
        Class::Breaking
    }

    fn parts(&self) -> &'static [Part] {
        &[Part::Broker]
    }

    fn needs(&self) -> Need {
        Need::Broker
    }

    fn recovery(&self) -> Recovery {
        Recovery::Broker
    }

    fn strikes_all(&self) -> bool {
        true
    }

    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError> {
        let seen = strike.system.harm_broker(&BrokerHarm::Kill).await?;
        Ok(Landing::InForce(seen))
    }

    async fn heal(&self, strike: &Strike<'_>) -> Result<Evidence, SystemError> {
        strike.system.mend_broker(&BrokerHarm::Kill).await
    }
}
