//! `partition`: silence.

use async_trait::async_trait;
use history::fault::Class;

use crate::{Fault, Landing, LinkHarm, Part, Strike, SystemError, Way};

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

    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError> {
        for way in [Way::Upstream, Way::Downstream] {
            strike.harm_links(&LinkHarm::Hold(way)).await?;
        }
        Ok(Landing::unseen())
    }
}
