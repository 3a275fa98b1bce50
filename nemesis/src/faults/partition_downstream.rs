//! `partition-downstream`: the client hears nothing any more.

use async_trait::async_trait;
use history::fault::Class;

use crate::{Fault, Landing, LinkHarm, Part, Strike, SystemError, Way};

/// What the client asks for is done, and it never hears of it; the broker still hears its
/// heartbeats.
pub(crate) struct PartitionDownstream;

#[async_trait]
impl Fault for PartitionDownstream {
    fn name(&self) -> &'static str {
        "partition-downstream"
    }

    fn summary(&self) -> &'static str {
        "nothing passes from the broker to a client, while the broker still hears the client"
    }

    fn class(&self) -> Class {
        Class::Isolating
    }

    fn parts(&self) -> &'static [Part] {
        &[Part::Link]
    }

    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError> {
        strike.harm_links(&LinkHarm::Hold(Way::Downstream)).await?;
        Ok(Landing::unseen())
    }
}
