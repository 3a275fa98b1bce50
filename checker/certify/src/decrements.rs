//! `no-lost-decrement` and `no-doubled-decrement`: what was requested and what was carried out,
//! counted.

use std::collections::BTreeMap;

use history::{Function, History, Kind};

use super::administration::{AdminOp, administered};
use super::error::{Flaw, ensure};
use super::ledger::{Ledger, Requests};
use super::record::KeyName;

/// What of one key is known.
struct Account<'a> {
    ops: &'a [AdminOp],
    /// The counts after the first request or shrink.
    counts: Vec<&'a AdminOp>,
    last: &'a AdminOp,
    ledger: Ledger<'a>,
    requests: Requests,
}

pub(super) fn none_lost(history: &History) -> Result<(), Flaw> {
    for_all(
        history,
        "it is not certain that every decrement was carried out",
        |account| {
            let requested = account.requests.filed();
            let is_carried_out = account.ledger.least_until(account.last) >= requested;
            let is_in_time = |count: &&AdminOp| {
                let later = requested - account.requests.filed_by(count.invoked);
                account.ledger.least_since(count) >= later
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
        is_any(history, |account| account.requests.filed() > 0),
        || Flaw::new("no decrement was requested"),
    )
}

pub(super) fn none_doubled(history: &History) -> Result<(), Flaw> {
    for_all(
        history,
        "it is not certain that every decrement was requested",
        |account| {
            let is_covered = |count: &&AdminOp| {
                let surely = account.requests.filed_by(count.invoked);
                let most = account.ledger.most_until(count);
                most.is_some_and(|most| most <= surely)
            };
            let mut shrinks = account.of(Function::Shrink);
            let goes_on = shrinks.any(|shrink| shrink.ended > account.last.invoked);
            !goes_on && account.counts.iter().all(is_covered) && account.is_asked_for()
        },
    )?;
    ensure(
        is_any(history, |account| {
            account.ledger.least_until(account.last) > 0
        }),
        || Flaw::new("no decrement was carried out"),
    )
}

/// Whether a shrink that ends at a position found nothing requested any more, and the last count,
/// which ends at another, lacks fewer slots than requested.
pub(super) fn is_lost(history: &History, name: &KeyName, told: usize, counted: usize) -> bool {
    let ops = work(history).remove(name).unwrap_or_default();
    let Ok(account) = Account::of_key(&ops) else {
        return false;
    };
    let mut tellers = ops.iter().filter(|op| op.ended == told);
    let is_told = tellers.any(|teller| is_final(&ops, teller)) && told < account.last.invoked;
    let most = account.ledger.most_until(account.last);
    let is_less = most.is_some_and(|most| most < account.requests.filed());
    is_told && account.last.ended == counted && is_less
}

/// Whether a count that ends at a position lacks more slots than may have been requested by then.
pub(super) fn is_doubled(history: &History, name: &KeyName, counted: usize) -> bool {
    let ops = work(history).remove(name).unwrap_or_default();
    let Ok(account) = Account::of_key(&ops) else {
        return false;
    };
    let mut counts = account.counts.iter().filter(|count| count.ended == counted);
    counts.any(|count| account.is_doubled_by(count))
}

/// What was done to each key that has a request or a shrink; none where nothing is ever requested.
fn work(history: &History) -> BTreeMap<KeyName, Vec<AdminOp>> {
    let mut administered = administered(history);
    let is = |op: &AdminOp, function| op.is(&function);
    let mut all = administered.values().flatten();
    let is_requested = all.any(|op| is(op, Function::Request));
    let is_work = |op: &AdminOp| is(op, Function::Request) || is(op, Function::Shrink);
    administered.retain(|_, ops| is_requested && ops.iter().any(is_work));
    administered
}

/// Fails unless the accounts of every such key are known and fine.
fn for_all(
    history: &History,
    why: &'static str,
    is_fine: impl Fn(&Account<'_>) -> bool,
) -> Result<(), Flaw> {
    for (name, ops) in work(history) {
        let account = Account::of_key(&ops).map_err(|why| Flaw::new(why).on(&name))?;
        ensure(is_fine(&account), || Flaw::new(why).on(&name))?;
    }
    Ok(())
}

fn is_any(history: &History, is: impl Fn(&Account<'_>) -> bool) -> bool {
    work(history)
        .values()
        .any(|ops| Account::of_key(ops).is_ok_and(|account| is(&account)))
}

impl<'a> Account<'a> {
    fn of_key(ops: &'a [AdminOp]) -> Result<Self, &'static str> {
        let is_work = |op: &&AdminOp| op.is(&Function::Request) || op.is(&Function::Shrink);
        let begun = ops.iter().find(is_work).map(|op| op.invoked);
        let begun = begun.ok_or("no decrement was requested")?;
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
        let ledger = Ledger::new(ops, first, last);
        let mut destroyed = ops.iter().filter(|op| op.is(&Function::Destroy));
        if destroyed.any(|op| ledger.is_within_reach(op)) {
            return Err("the lock was destroyed in between");
        }
        Ok(Self {
            ops,
            counts,
            last,
            ledger,
            requests: Requests::new(ops),
        })
    }

    fn of(&self, function: Function) -> impl Iterator<Item = &'a AdminOp> {
        self.ops.iter().filter(move |op| op.is(&function))
    }

    /// Whether a count lacks more slots than may have been requested by then.
    fn is_doubled_by(&self, count: &AdminOp) -> bool {
        self.ledger.least_until(count) > self.requests.asked_by(count.ended)
    }

    /// Whether, at the end of every shrink, no more slots had been listed by shrinks than may have
    /// been requested.
    fn is_asked_for(&self) -> bool {
        let listing = self.of(Function::Shrink);
        let listing = listing.filter_map(|op| Some((op.ended, op.slots.as_ref()?.len() as u64)));
        let mut listing: Vec<(usize, u64)> = listing.collect();
        listing.sort_unstable();
        let mut listed = 0;
        listing.iter().all(|(ended, number)| {
            listed += number;
            listed <= self.requests.asked_by(*ended)
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
