//! `cut`: a broken connection that both ends hear of.

use async_trait::async_trait;
use history::fault::Class;

use crate::{Fault, Landing, LinkHarm, Part, Strike, SystemError};

/// Connections are reset, and new ones too until it heals.
pub(crate) struct Cut;

#[async_trait]
impl Fault for Cut {
    fn name(&self) -> &'static str {
        "cut"
    }

    fn summary(&self) -> &'static str {
        "a client's connections to the broker are reset, and new ones too until it heals"
    }

    fn class(&self) -> Class {
        Class::Breaking
    }

    fn parts(&self) -> &'static [Part] {
        &[Part::Link]
    }

    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError> {
        strike.harm_links(&LinkHarm::Cut).await?;
        Ok(Landing::unseen())
    }
}
