//! `restart`: the broker is stopped in order.

use async_trait::async_trait;
use history::fault::{Class, Evidence};

use crate::{BrokerHarm, Fault, Landing, Need, Part, Recovery, Strike, SystemError};

/// Clients are told, and what is durable is kept whole; the rest is gone as after [`Kill`](super::Kill).
pub(crate) struct Restart;

#[async_trait]
impl Fault for Restart {
    fn name(&self) -> &'static str {
        "restart"
    }

    fn summary(&self) -> &'static str {
        "the broker is stopped in order, clients are told, and it is started again when it heals; nobody can connect meanwhile"
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
        let seen = strike.system.harm_broker(&BrokerHarm::Stop).await?;
        Ok(Landing::InForce(seen))
    }

    async fn heal(&self, strike: &Strike<'_>) -> Result<Evidence, SystemError> {
        strike.system.mend_broker(&BrokerHarm::Stop).await
    }
}
