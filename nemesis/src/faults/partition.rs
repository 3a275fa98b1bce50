//! `partition`: silence.

use async_trait::async_trait;
use history::fault::Class;

use crate::{Fault, Part, System, SystemError, Worker};

/// Nothing passes, and nobody is told: each end must find out by its own patience.
pub(crate) struct Partition;

#[async_trait]
impl Fault for Partition {
    fn name(&self) -> &'static str {
        "partition"
    }

    fn summary(&self) -> &'static str {
        "nothing passes between a client and the broker, closes included; healing lets the same connection live on"
    }

    fn class(&self) -> Class {
        Class::Isolating
    }

    fn parts(&self) -> &'static [Part] {
        &[Part::Link]
    }

    async fn inject(&self, system: &dyn System, targets: &[Worker]) -> Result<(), SystemError> {
        for target in targets {
            system.partition(*target).await?;
        }
        Ok(())
    }
}
