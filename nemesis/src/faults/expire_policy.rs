//! `expire-policy`: a policy takes queues or messages away.

use async_trait::async_trait;
use history::fault::{Class, Evidence};

use crate::{BrokerHarm, Fault, Form, Landing, Need, Parameter, Part, Rule, Strike, SystemError};

/// Set for other queues perhaps, by a pattern that was too wide: it breaks locks that never asked for
/// it. `all` leaves this out.
pub(crate) struct ExpirePolicy;

#[async_trait]
impl Fault for ExpirePolicy {
    fn name(&self) -> &'static str {
        "expire-policy"
    }

    fn summary(&self) -> &'static str {
        "a policy of the broker lets the queues of the lock expire, or drops their messages"
    }

    fn class(&self) -> Class {
        Class::Breaking
    }

    fn settable(&self) -> &'static [Parameter] {
        &[
            Parameter {
                name: "rule",
                summary: "what it says of a queue",
                form: Form::Word(&["expires", "max-length"]),
                default: "expires",
            },
            Parameter {
                name: "expires",
                summary: "after how long without use a queue is deleted",
                form: Form::Span,
                default: "1s",
            },
            Parameter {
                name: "max-length",
                summary: "how many messages a queue keeps",
                form: Form::Number,
                default: "1",
            },
        ]
    }

    fn parts(&self) -> &'static [Part] {
        &[Part::Broker]
    }

    fn needs(&self) -> Need {
        Need::Operator
    }

    fn strikes_all(&self) -> bool {
        true
    }

    fn is_in_all(&self) -> bool {
        false
    }

    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError> {
        let seen = strike.system.harm_broker(&harm(strike)?).await?;
        Ok(Landing::InForce(seen))
    }

    async fn heal(&self, strike: &Strike<'_>) -> Result<Evidence, SystemError> {
        strike.system.mend_broker(&harm(strike)?).await
    }
}

fn harm(strike: &Strike<'_>) -> Result<BrokerHarm, SystemError> {
    let rule = match strike.word("rule")? {
        "expires" => Rule::Expires(strike.time("expires")?),
        _ => Rule::MaxLength(u32::try_from(strike.number("max-length")?).unwrap_or(u32::MAX)),
    };
    Ok(BrokerHarm::Policy {
        prefix: strike.system.queue_prefix(),
        rule,
    })
}
