//! `clock-jump`: the broker's clock jumps.

use async_trait::async_trait;
use history::fault::{Class, Evidence};

use crate::{BrokerHarm, Fault, Form, Landing, Need, Parameter, Part, Strike, SystemError};

/// What counts on the time of day is too early or too late; what counts the time that passes is not.
/// RabbitMQ counts that, so this is expected to take nothing away, and `all` leaves it out.
pub(crate) struct ClockJump;

#[async_trait]
impl Fault for ClockJump {
    fn name(&self) -> &'static str {
        "clock-jump"
    }

    fn summary(&self) -> &'static str {
        "the clock of the broker's machine jumps ahead, and back when it heals"
    }

    fn class(&self) -> Class {
        Class::Slowing
    }

    fn settable(&self) -> &'static [Parameter] {
        &[Parameter {
            name: "by",
            summary: "how far ahead it jumps",
            form: Form::Span,
            default: "10m",
        }]
    }

    fn parts(&self) -> &'static [Part] {
        &[Part::Broker]
    }

    fn needs(&self) -> Need {
        Need::Clock
    }

    fn strikes_all(&self) -> bool {
        true
    }

    fn is_in_all(&self) -> bool {
        false
    }

    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError> {
        let harm = BrokerHarm::ClockJump(strike.time("by")?);
        let seen = strike.system.harm_broker(&harm).await?;
        Ok(Landing::InForce(seen))
    }

    async fn heal(&self, strike: &Strike<'_>) -> Result<Evidence, SystemError> {
        let harm = BrokerHarm::ClockJump(strike.time("by")?);
        strike.system.mend_broker(&harm).await
    }
}
