//! `slow`: a long way to the broker.

use async_trait::async_trait;
use history::fault::Class;

use crate::{Fault, Form, Landing, LinkHarm, Parameter, Part, Strike, SystemError};

/// Everything arrives, later than it would: what a lock takes for silence depends on its time-outs.
pub(crate) struct Slow;

#[async_trait]
impl Fault for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn summary(&self) -> &'static str {
        "everything between a client and the broker takes longer, both ways"
    }

    fn class(&self) -> Class {
        Class::Slowing
    }

    fn settable(&self) -> &'static [Parameter] {
        &[
            Parameter {
                name: "latency",
                summary: "how much longer, each way",
                form: Form::Time,
                default: "200ms",
            },
            Parameter {
                name: "jitter",
                summary: "by how much more or less",
                form: Form::Time,
                default: "100ms",
            },
        ]
    }

    fn parts(&self) -> &'static [Part] {
        &[Part::Link]
    }

    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError> {
        let harm = LinkHarm::Slow {
            latency: strike.time("latency")?,
            jitter: strike.time("jitter")?,
        };
        strike.harm_links(&harm).await?;
        Ok(Landing::unseen())
    }
}
