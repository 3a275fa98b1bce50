//! `broker-pause`: the broker stands still.

use async_trait::async_trait;
use history::fault::{Class, Evidence};

use crate::{BrokerHarm, Fault, Landing, Need, Part, Strike, SystemError};

/// All processes of the broker stop where they are, as a virtual machine that is moved does: nobody is
/// told, and its patience with clients does not run on.
pub(crate) struct BrokerPause;

#[async_trait]
impl Fault for BrokerPause {
    fn name(&self) -> &'static str {
        "broker-pause"
    }

    fn summary(&self) -> &'static str {
        "the broker stands still with all it has, and then goes on as if nothing had happened"
    }

    fn class(&self) -> Class {
        Class::Isolating
    }

    fn parts(&self) -> &'static [Part] {
        &[Part::Broker]
    }

    fn needs(&self) -> Need {
        Need::Broker
    }

    fn strikes_all(&self) -> bool {
        true
    }

    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError> {
        let seen = strike.system.harm_broker(&BrokerHarm::Pause).await?;
        Ok(Landing::InForce(seen))
    }

    async fn heal(&self, strike: &Strike<'_>) -> Result<Evidence, SystemError> {
        strike.system.mend_broker(&BrokerHarm::Pause).await
    }
}
