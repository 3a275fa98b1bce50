//! `limit`: connections that end in the middle.

use async_trait::async_trait;
use history::fault::Class;

use crate::{Fault, Form, Landing, LinkHarm, Parameter, Part, Strike, SystemError};

/// Wherever the operation stands then: its request may have gone through whole, in part or not at all.
pub(crate) struct Limit;

#[async_trait]
impl Fault for Limit {
    fn name(&self) -> &'static str {
        "limit"
    }

    fn summary(&self) -> &'static str {
        "each connection of a client is closed after so many bytes in one direction, new ones too"
    }

    fn class(&self) -> Class {
        Class::Breaking
    }

    fn settable(&self) -> &'static [Parameter] {
        &[Parameter {
            name: "bytes",
            summary: "after how many bytes in one direction",
            form: Form::Number,
            default: "200",
        }]
    }

    fn parts(&self) -> &'static [Part] {
        &[Part::Link]
    }

    fn helps(&self) -> Option<String> {
        let text = "give it fewer bytes than a holder says in one hold (limit{bytes=100}), or holders more to say (--hold more, --verify-interval less)";
        Some(text.to_owned())
    }

    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError> {
        let bytes = strike.number("bytes")?;
        strike.harm_links(&LinkHarm::Limit { bytes }).await?;
        Ok(Landing::unseen())
    }
}
