//! What the faults that wait for a method share.

use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use history::fault::Evidence;

use crate::strike::note;
use crate::{Form, LinkHarm, Moment, Parameter, Strike, SystemError, Trap, Worker};

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
        form: Form::Span,
        default: "10s",
    },
];

/// What helps where nobody who held a lock came to the method.
pub(super) fn helps(fault: &str) -> String {
    format!(
        "name a method that a holder sends (method=basic.publish where verify publishes): who acquires or releases has no lock to \
         lose, and is asked for with --coverage {fault}=none,{fault}.releasing=3"
    )
}

/// Sets a trap on the links of all targets and waits until one has sprung: that one is struck, and
/// the others are let go. From then on nothing passes over its link.
pub(super) async fn moment(strike: &Strike<'_>) -> Result<Option<Moment>, SystemError> {
    let trap = Trap {
        method: strike.word("method")?.to_owned(),
        nth: strike.number("nth")?,
    };
    strike.harm_links(&LinkHarm::Trap(trap)).await?;
    let over = strike.timer.rest(strike.time("within")?);
    let Either::Left((sprung, _)) = select(Box::pin(sprung(strike)), over).await else {
        return Ok(None);
    };
    let Some((struck, evidence)) = sprung? else {
        return Ok(None);
    };
    for other in strike.targets.iter().filter(|other| **other != struck) {
        strike.system.heal(*other).await?;
    }
    let mut all = Evidence::new();
    note(&mut all, struck, evidence);
    Ok(Some(Moment {
        targets: vec![struck],
        evidence: all,
    }))
}

/// The first that springs.
async fn sprung(strike: &Strike<'_>) -> Result<Option<(Worker, Evidence)>, SystemError> {
    let mut traps: FuturesUnordered<_> = strike
        .targets
        .iter()
        .map(async |target| (*target, strike.system.sprung(*target).await))
        .collect();
    match traps.next().await {
        Some((worker, evidence)) => Ok(Some((worker, evidence?))),
        None => Ok(None),
    }
}
