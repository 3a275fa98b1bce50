//! `memory-alarm`: the broker has too little memory.

use async_trait::async_trait;
use history::fault::{Class, Evidence};

use crate::{BrokerHarm, Fault, Landing, Need, Part, Resource, Strike, SystemError};

/// Who publishes is blocked with its whole connection, heartbeats excepted; all others go on. A lock
/// that publishes nothing feels nothing, so `all` leaves this out.
pub(crate) struct MemoryAlarm;

#[async_trait]
impl Fault for MemoryAlarm {
    fn name(&self) -> &'static str {
        "memory-alarm"
    }

    fn summary(&self) -> &'static str {
        "the broker raises its memory alarm and blocks every connection that publishes"
    }

    fn class(&self) -> Class {
        Class::Slowing
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
        let seen = strike
            .system
            .harm_broker(&BrokerHarm::Alarm(Resource::Memory))
            .await?;
        Ok(Landing::InForce(seen))
    }

    async fn heal(&self, strike: &Strike<'_>) -> Result<Evidence, SystemError> {
        strike
            .system
            .mend_broker(&BrokerHarm::Alarm(Resource::Memory))
            .await
    }
}
