//! `disk-alarm`: the broker has too little space on its disk.

use async_trait::async_trait;
use history::fault::{Class, Evidence};

use crate::{BrokerHarm, Fault, Landing, Need, Part, Resource, Strike, SystemError};

/// As [`MemoryAlarm`](super::MemoryAlarm), for another reason.
pub(crate) struct DiskAlarm;

#[async_trait]
impl Fault for DiskAlarm {
    fn name(&self) -> &'static str {
        "disk-alarm"
    }

    fn summary(&self) -> &'static str {
        "the broker raises its disk alarm and blocks every connection that publishes"
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
            .harm_broker(&BrokerHarm::Alarm(Resource::Disk))
            .await?;
        Ok(Landing::InForce(seen))
    }

    async fn heal(&self, strike: &Strike<'_>) -> Result<Evidence, SystemError> {
        strike
            .system
            .mend_broker(&BrokerHarm::Alarm(Resource::Disk))
            .await
    }
}
