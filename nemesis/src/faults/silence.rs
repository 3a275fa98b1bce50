//! `silence`: heartbeats are lost.

use async_trait::async_trait;
use history::fault::Class;

use crate::{Fault, Landing, LinkHarm, Need, Part, Strike, SystemError};

/// As of a client library whose heartbeat thread died: the broker takes a client that has nothing
/// to say for dead. One that speaks oftener than that loses nothing, so `all` leaves this out.
pub(crate) struct Silence;

#[async_trait]
impl Fault for Silence {
    fn name(&self) -> &'static str {
        "silence"
    }

    fn summary(&self) -> &'static str {
        "a client's heartbeats do not arrive, all else does: the broker drops who is idle"
    }

    fn class(&self) -> Class {
        Class::Breaking
    }

    fn parts(&self) -> &'static [Part] {
        &[Part::Link]
    }

    fn needs(&self) -> Need {
        Need::Frames
    }

    fn spares_the_busy(&self) -> bool {
        true
    }

    fn helps(&self) -> Option<String> {
        let text = "give --hold and --verify-interval more than three heartbeats: whoever says anything is heard";
        Some(text.to_owned())
    }

    fn is_in_all(&self) -> bool {
        false
    }

    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError> {
        strike.harm_links(&LinkHarm::Silence).await?;
        Ok(Landing::unseen())
    }
}
