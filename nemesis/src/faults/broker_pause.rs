//! `broker-pause`: the broker stands still.

use async_trait::async_trait;
use history::fault::Class;

use crate::{Fault, Need, Part, System, SystemError, Worker};

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
        Need::Container
    }

    fn strikes_all(&self) -> bool {
        true
    }

    async fn inject(&self, system: &dyn System, targets: &[Worker]) -> Result<(), SystemError> {
        let _ = targets;
        system.pause_broker().await
    }

    async fn heal(&self, system: &dyn System, targets: &[Worker]) -> Result<(), SystemError> {
        let _ = targets;
        system.resume_broker().await
    }
}
