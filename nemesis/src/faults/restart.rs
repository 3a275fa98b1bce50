//! `restart`: the broker dies.

use async_trait::async_trait;
use history::fault::Class;

use crate::{Fault, Need, Part, System, SystemError, Worker};

/// Only what is on disk comes back: no exclusive queue, no consumer, no message that was not kept.
pub(crate) struct Restart;

#[async_trait]
impl Fault for Restart {
    fn name(&self) -> &'static str {
        "restart"
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

    fn strikes_all(&self) -> bool {
        true
    }

    async fn inject(&self, system: &dyn System, targets: &[Worker]) -> Result<(), SystemError> {
        let _ = targets;
        system.kill_broker().await?;
        Ok(())
    }

    async fn heal(&self, system: &dyn System, targets: &[Worker]) -> Result<(), SystemError> {
        let _ = targets;
        system.start_broker().await?;
        Ok(())
    }
}
