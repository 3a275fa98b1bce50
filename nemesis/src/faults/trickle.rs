//! `trickle`: a narrow way to the broker.

use async_trait::async_trait;
use history::fault::Class;

use crate::{Fault, Form, Landing, LinkHarm, Parameter, Part, Strike, SystemError};

/// Frames arrive in pieces, long after their beginning did.
pub(crate) struct Trickle;

#[async_trait]
impl Fault for Trickle {
    fn name(&self) -> &'static str {
        "trickle"
    }

    fn summary(&self) -> &'static str {
        "bytes between a client and the broker trickle in small pieces, both ways"
    }

    fn class(&self) -> Class {
        Class::Slowing
    }

    fn settable(&self) -> &'static [Parameter] {
        &[
            Parameter {
                name: "bytes-per-s",
                summary: "how many bytes pass in a second, each way",
                form: Form::Number,
                default: "1000",
            },
            Parameter {
                name: "slice-bytes",
                summary: "in pieces of this size",
                form: Form::Number,
                default: "10",
            },
        ]
    }

    fn parts(&self) -> &'static [Part] {
        &[Part::Link]
    }

    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError> {
        let harm = LinkHarm::Trickle {
            bytes_per_s: strike.number("bytes-per-s")?,
            slice_bytes: strike.number("slice-bytes")?,
        };
        strike.harm_links(&harm).await?;
        Ok(Landing::unseen())
    }
}
