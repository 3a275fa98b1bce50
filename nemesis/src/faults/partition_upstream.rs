//! `partition-upstream`: the broker hears nothing any more.

use async_trait::async_trait;
use history::fault::Class;

use crate::{Fault, Landing, LinkHarm, Part, Strike, SystemError, Way};

/// The client still hears the broker, and so the broker's heartbeats: it is the broker that must
/// lose patience.
pub(crate) struct PartitionUpstream;

#[async_trait]
impl Fault for PartitionUpstream {
    fn name(&self) -> &'static str {
        "partition-upstream"
    }

    fn summary(&self) -> &'static str {
        "nothing passes from a client to the broker, while the client still hears the broker"
    }

    fn class(&self) -> Class {
        Class::Isolating
    }

    fn parts(&self) -> &'static [Part] {
        &[Part::Link]
    }

    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError> {
        strike.harm_links(&LinkHarm::Hold(Way::Upstream)).await?;
        Ok(Landing::unseen())
    }
}
