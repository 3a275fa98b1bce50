//! What the faults that wait for a method share.

use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use history::fault::Evidence;

use crate::strike::note;
use crate::{Form, Landing, LinkHarm, Parameter, Strike, SystemError, Then, Trap};

/// What they wait for.
pub(super) const SETTABLE: &[Parameter] = &[
    Parameter {
        name: "method",
        summary: "the method of AMQP after which it strikes",
        form: Form::Method,
        default: "queue.declare",
    },
    Parameter {
        name: "nth",
        summary: "after which of those on the link since it was set, counted from 1",
        form: Form::Number,
        default: "1",
    },
    Parameter {
        name: "within",
        summary: "how long it waits for that",
        form: Form::Time,
        default: "10s",
    },
];

/// Sets a trap on the links of all targets, and waits until the first has sprung.
pub(super) async fn set(strike: &Strike<'_>, then: Then) -> Result<Landing, SystemError> {
    let trap = Trap {
        method: strike.word("method")?.to_owned(),
        nth: strike.number("nth")?,
        then,
    };
    strike.harm_links(&LinkHarm::Trap(trap)).await?;
    match select(
        Box::pin(sprung(strike)),
        over(strike, strike.time("within")?),
    )
    .await
    {
        Either::Left((sprung, _)) => sprung.map(Landing::InForce),
        Either::Right(_) => Ok(Landing::Missed),
    }
}

fn over<'a>(
    strike: &'a Strike<'_>,
    within: Duration,
) -> std::pin::Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
    strike.timer.rest(within)
}

async fn sprung(strike: &Strike<'_>) -> Result<Evidence, SystemError> {
    let mut traps: FuturesUnordered<_> = strike
        .targets
        .iter()
        .map(async |target| (*target, strike.system.sprung(*target).await))
        .collect();
    let mut all = Evidence::new();
    if let Some((worker, evidence)) = traps.next().await {
        note(&mut all, worker, evidence?);
    }
    Ok(all)
}
