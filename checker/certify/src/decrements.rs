//! `no-lost-decrement` and `no-doubled-decrement`: what was requested and what was carried out,
//! counted.

use std::collections::BTreeSet;

use history::{Function, History, Kind};

use super::administration::{AdminOp, administered, ops};
use super::error::{Flaw, ensure};
use super::record::KeyName;

/// What of one key is counted between a state and a count.
#[derive(Clone, Copy)]
struct Books {
    /// How many slots went as decrements, at least and at most.
    least: u64,
    most: Option<u64>,
}

/// What of one key is known.
struct Account<'a> {
    ops: &'a [AdminOp],
    /// Of the count that all others are compared with; none if the key was made by the first thing
    /// that was done to it.
    first: Option<&'a AdminOp>,
    /// The counts after the first request or shrink.
    counts: Vec<&'a AdminOp>,
    last: &'a AdminOp,
}

pub(super) fn none_lost(history: &History) -> Result<(), Flaw> {
    for_all(
        history,
        "it is not certain that every decrement was carried out",
        |account| {
            let requested = account.requests().filter(|op| op.outcome == Kind::Ok);
            let is_carried_out = account.until(account.last).least >= requested.count() as u64;
            let is_in_time = |count: &&AdminOp| {
                let later = account.requests().filter(|op| op.outcome == Kind::Ok);
                let later = later.filter(|op| op.ended > count.invoked);
                account.between(Some(count), account.last).least >= later.count() as u64
            };
            let is_hidden = account
                .counts
                .iter()
                .any(|count| account.is_doubled_by(count));
            is_carried_out
                && !is_hidden
                && account.counts.iter().all(is_in_time)
                && account.is_asked_for()
        },
    )?;
    ensure(
        is_any(history, |account| {
            account.requests().any(|op| op.outcome == Kind::Ok)
        }),
        || Flaw::new("no decrement was requested"),
    )
}

pub(super) fn none_doubled(history: &History) -> Result<(), Flaw> {
    for_all(
        history,
        "it is not certain that every decrement was requested",
        |account| {
            let is_covered = |count: &&AdminOp| {
                let surely = account.requests().filter(|op| op.outcome == Kind::Ok);
                let surely = surely.filter(|op| op.ended < count.invoked).count() as u64;
                account.until(count).most.is_some_and(|most| most <= surely)
            };
            let mut shrinks = account.of(Function::Shrink);
            let goes_on = shrinks.any(|shrink| shrink.ended > account.last.invoked);
            !goes_on && account.counts.iter().all(is_covered) && account.is_asked_for()
        },
    )?;
    ensure(
        is_any(history, |account| account.until(account.last).least > 0),
        || Flaw::new("no decrement was carried out"),
    )
}

/// Whether a shrink that ends at a position found nothing requested any more, and the last count,
/// which ends at another, lacks fewer slots than requested.
pub(super) fn is_lost(history: &History, name: &KeyName, told: usize, counted: usize) -> bool {
    let ops = ops(history, name);
    let Ok(account) = Account::of_key(&ops) else {
        return false;
    };
    let mut tellers = ops.iter().filter(|op| op.ended == told);
    let is_told = tellers.any(|teller| is_final(&ops, teller)) && told < account.last.invoked;
    let requested = account
        .requests()
        .filter(|op| op.outcome == Kind::Ok)
        .count() as u64;
    let most = account.until(account.last).most;
    is_told && account.last.ended == counted && most.is_some_and(|most| most < requested)
}

/// Whether a count that ends at a position lacks more slots than may have been requested by then.
pub(super) fn is_doubled(history: &History, name: &KeyName, counted: usize) -> bool {
    let ops = ops(history, name);
    let Ok(account) = Account::of_key(&ops) else {
        return false;
    };
    let mut counts = account.counts.iter().filter(|count| count.ended == counted);
    counts.any(|count| account.is_doubled_by(count))
}

/// Fails unless the accounts of every key with a request are known and fine.
fn for_all(
    history: &History,
    why: &'static str,
    is_fine: impl Fn(&Account<'_>) -> bool,
) -> Result<(), Flaw> {
    for (name, ops) in administered(history) {
        if ops.iter().any(|op| op.is(&Function::Request)) {
            let account = Account::of_key(&ops).map_err(|why| Flaw::new(why).on(&name))?;
            ensure(is_fine(&account), || Flaw::new(why).on(&name))?;
        }
    }
    Ok(())
}

fn is_any(history: &History, is: impl Fn(&Account<'_>) -> bool) -> bool {
    let administered = administered(history);
    administered
        .values()
        .any(|ops| Account::of_key(ops).is_ok_and(|account| is(&account)))
}

impl<'a> Account<'a> {
    fn of_key(ops: &'a [AdminOp]) -> Result<Self, &'static str> {
        let is_work = |op: &&AdminOp| op.is(&Function::Request) || op.is(&Function::Shrink);
        if !ops.iter().any(|op| op.is(&Function::Request)) {
            return Err("no decrement was requested");
        }
        let begun = ops.iter().find(is_work).map_or(0, |op| op.invoked);
        let counts: Vec<&AdminOp> = ops
            .iter()
            .filter(|op| op.found().is_some() && op.invoked > begun)
            .collect();
        let last = *counts
            .last()
            .ok_or("the slots were not counted after the first request")?;
        let first = ops
            .iter()
            .rfind(|op| op.found().is_some() && op.ended < begun);
        ensure_known(ops, begun, first)?;
        let account = Self {
            ops,
            first,
            counts,
            last,
        };
        if account
            .of(Function::Destroy)
            .any(|op| account.is_between(op, first, last))
        {
            return Err("the lock was destroyed in between");
        }
        Ok(account)
    }

    fn of(&self, function: Function) -> impl Iterator<Item = &'a AdminOp> {
        self.ops.iter().filter(move |op| op.is(&function))
    }

    fn requests(&self) -> impl Iterator<Item = &'a AdminOp> {
        self.of(Function::Request)
    }

    /// Whether a count lacks more slots than may have been requested by then.
    fn is_doubled_by(&self, count: &AdminOp) -> bool {
        let possible = self.requests().filter(|op| op.invoked < count.ended);
        self.until(count).least > possible.count() as u64
    }

    /// Whether an operation may have taken effect between a state and a count.
    fn is_between(&self, op: &AdminOp, from: Option<&AdminOp>, until: &AdminOp) -> bool {
        op.invoked < until.ended && from.is_none_or(|from| op.settled() > from.invoked)
    }

    /// Whether it surely did, if at all.
    fn is_within(&self, op: &AdminOp, from: Option<&AdminOp>, until: &AdminOp) -> bool {
        op.settled() < until.invoked && from.is_none_or(|from| from.ended < op.invoked)
    }

    fn until(&self, count: &AdminOp) -> Books {
        self.between(self.first, count)
    }

    /// What went as decrements between a state and a count.
    fn between(&self, from: Option<&AdminOp>, until: &AdminOp) -> Books {
        let number = |op: &AdminOp| op.slots.as_ref().map(|slots| slots.len() as i128);
        let found = |op: Option<&AdminOp>| op.and_then(number).unwrap_or(0);
        let difference = found(from) - found(Some(until));
        let (mut least, mut most) = (Some(difference), Some(difference));
        let plus = |sum: Option<i128>, more: Option<i128>| sum.zip(more).map(|(a, b)| a + b);
        for made in self.of(Function::Create).chain(self.of(Function::Grow)) {
            if self.is_between(made, from, until) {
                let surely = number(made).filter(|_| self.is_within(made, from, until));
                least = plus(least, Some(surely.unwrap_or(0)));
                most = plus(most, number(made));
            }
        }
        for gone in self.of(Function::Overshoot) {
            if self.is_between(gone, from, until) {
                let is_surely = self.is_within(gone, from, until) && !self.is_contested(gone);
                let surely = number(gone).filter(|_| is_surely);
                least = plus(least, number(gone).map(|number| -number));
                most = plus(most, Some(-surely.unwrap_or(0)));
            }
        }
        let positive = |number: i128| u64::try_from(number).unwrap_or(0);
        Books {
            least: least.map_or(0, positive),
            most: most.map(positive),
        }
    }

    /// Whether a shrink was under way with it, and may have removed the same slots.
    fn is_contested(&self, op: &AdminOp) -> bool {
        let mut shrinks = self.of(Function::Shrink);
        shrinks.any(|shrink| shrink.invoked < op.settled() && op.invoked < shrink.settled())
    }

    /// Whether, at the end of every shrink, no more slots had been listed by shrinks than may have
    /// been requested.
    fn is_asked_for(&self) -> bool {
        let listing = || self.of(Function::Shrink).filter(|op| op.slots.is_some());
        listing().all(|last| {
            let until = listing().filter(|op| op.ended <= last.ended);
            let listed: usize = until.flat_map(|op| &op.slots).map(BTreeSet::len).sum();
            let requested = self.requests().filter(|op| op.invoked < last.ended);
            listed <= requested.count()
        })
    }
}

/// Without a count before all requests and shrinks, the lock must have been made by the first thing
/// that was done to it, alone.
fn ensure_known(
    ops: &[AdminOp],
    begun: usize,
    first: Option<&AdminOp>,
) -> Result<(), &'static str> {
    let mut all = ops.iter().filter(|op| op.outcome != Kind::Fail);
    let made = all
        .next()
        .filter(|made| made.function == Function::Create && made.outcome == Kind::Ok);
    let is_made =
        made.is_some_and(|made| made.ended < begun && all.all(|other| made.ended < other.invoked));
    if first.is_some() || is_made {
        Ok(())
    } else {
        Err("the slots were not known before the first request")
    }
}

/// Whether a shrink was told that nothing was requested after every request that is `ok`, beside no
/// other shrink, and nothing was requested later.
fn is_final(ops: &[AdminOp], told: &AdminOp) -> bool {
    let is_after = ops
        .iter()
        .filter(|op| op.is(&Function::Request))
        .all(|request| {
            let is_over = request.outcome == Kind::Info || request.ended < told.invoked;
            request.invoked < told.invoked && is_over
        });
    let mut others = ops
        .iter()
        .filter(|op| op.function == Function::Shrink && op.invoked != told.invoked);
    let is_alone = others.all(|other| other.settled() < told.invoked || other.invoked > told.ended);
    told.function == Function::Shrink && told.nothing_requested && is_after && is_alone
}
