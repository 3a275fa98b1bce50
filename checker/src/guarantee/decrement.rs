//! How many decrements were requested of a lock, carried out, lost and doubled: a matter of
//! counting.
//!
//! The count goes from the last state that is known for certain and older than all requests to
//! every count after that. What is missing there, and was removed by no `overshoot`, was carried
//! out as a decrement. Where an operation that requests, makes or removes slots was under way with
//! a count, or is of unknown outcome, it may have come before or after it, and the number lies
//! between bounds. Whoever judges by the last count alone does not see that what was doubled before
//! an earlier one hides what was lost after it.
//!
//! A request that was not carried out may still be waiting. It is lost only if a `shrink` found
//! afterwards that nothing was requested, while no other `shrink` can have had a request in its
//! hands, and nothing was requested later.

use std::sync::Arc;

use history::{Function, Kind};

use super::carried_out::{Bounds, Since, Until};
use crate::Case;
use crate::administration::{AdminOp, last_count};
use crate::finding::{Rule, Violation, counted};
use crate::position::Position;
use crate::search::Reason;

/// What is known of the decrements of one lock.
pub(super) struct Account<'a> {
    key: &'a Option<Arc<str>>,
    /// Requests that were filed for certain.
    requested: u64,
    /// Requests of which nobody knows.
    perhaps: u64,
    /// What was counted, or why nothing could be.
    ledger: Result<Ledger<'a>, &'static str>,
}

/// The decrements between a known state and the last count.
struct Ledger<'a> {
    /// The operation that showed the state before; none if the lock did not exist.
    base: Option<&'a AdminOp>,
    count: &'a AdminOp,
    /// What made and removed slots in between.
    others: Vec<&'a AdminOp>,
    carried_out: Bounds,
    /// The first count that lacks more than can have been requested by then, and by how much.
    doubled: Option<(&'a AdminOp, u64)>,
    /// Whether some count may lack more than was requested by then.
    may_be_doubled: bool,
    /// Whether since some count less may have been carried out than was requested after it.
    may_be_late: bool,
    /// Whether shrinks removed more than was requested by then, as they say themselves.
    is_unasked: bool,
    /// The shrink that found that nothing was requested any more.
    none_left: Option<&'a AdminOp>,
    /// Whether a slot may have been removed after the count.
    goes_on: bool,
    requests: Vec<&'a AdminOp>,
    shrinks: Vec<&'a AdminOp>,
}

/// The account of every lock of which a decrement was requested, or that lost slots to shrinks: none
/// where nothing is ever requested, for there shrinks go by themselves.
///
/// # Errors
/// The caller said to stop.
pub(super) fn accounts<'a>(case: &'a Case<'_>) -> Result<Vec<Account<'a>>, Reason> {
    let mut accounts = Vec::new();
    for (key, ops) in case.administration.iter() {
        case.limits.go_on()?;
        accounts.extend(Account::new(key, ops));
    }
    case.limits.go_on()?;
    let is_requested = accounts.iter().any(Account::is_requested);
    accounts.retain(|_| is_requested);
    Ok(accounts)
}

/// `3 decrements requested, 1 more perhaps, 2 carried out, 1 surely lost, 0 surely doubled`.
pub(super) fn evidence(accounts: &[Account<'_>]) -> String {
    let requested = accounts.iter().map(|account| account.requested).sum();
    let perhaps: u64 = accounts.iter().map(|account| account.perhaps).sum();
    let lost: u64 = accounts.iter().map(Account::lost).sum();
    let doubled: u64 = accounts.iter().map(Account::doubled).sum();
    let mut carried_out = Bounds::NONE;
    for account in accounts {
        carried_out += account.carried_out();
    }
    let perhaps = match perhaps {
        0 => String::new(),
        more => format!(", {more} more perhaps"),
    };
    format!(
        "{} requested{perhaps}, {carried_out} carried out, {lost} surely lost, {doubled} surely doubled",
        counted(requested, "decrement")
    )
}

impl<'a> Account<'a> {
    fn new(key: &'a Option<Arc<str>>, ops: &'a [AdminOp]) -> Option<Self> {
        let requests = of_kind(ops, &Function::Request);
        let shrinks = of_kind(ops, &Function::Shrink);
        if requests.is_empty() && shrinks.is_empty() {
            return None;
        }
        let is_filed = |op: &&&AdminOp| op.kind == Kind::Ok;
        let requested = requests.iter().filter(is_filed).count();
        Some(Self {
            key,
            requested: requested as u64,
            perhaps: (requests.len() - requested) as u64,
            ledger: Ledger::new(ops, requests, shrinks),
        })
    }

    fn is_requested(&self) -> bool {
        self.requested + self.perhaps > 0
    }

    fn carried_out(&self) -> Bounds {
        let ledger = self.ledger.as_ref();
        ledger.map_or(Bounds::ANY, |ledger| ledger.carried_out)
    }

    /// How many requests were filed for certain.
    pub(super) fn filed(&self) -> u64 {
        self.requested
    }

    /// How many decrements were carried out for certain.
    pub(super) fn surely_carried_out(&self) -> u64 {
        self.carried_out().least
    }

    /// How many decrements were lost at least.
    pub(super) fn lost(&self) -> u64 {
        let ledger = self.ledger.as_ref();
        let ledger = ledger.ok().filter(|ledger| ledger.none_left.is_some());
        let carried_out = ledger.and_then(|ledger| ledger.carried_out.most);
        carried_out.map_or(0, |most| self.requested.saturating_sub(most))
    }

    /// How many were carried out at least beyond what was requested.
    pub(super) fn doubled(&self) -> u64 {
        let ledger = self.ledger.as_ref().ok();
        let doubled = ledger.and_then(|ledger| ledger.doubled);
        doubled.map_or(0, |(_, surplus)| surplus)
    }

    /// Why it is not known that none was lost.
    pub(super) fn perhaps_lost(&self) -> Option<&'static str> {
        match &self.ledger {
            Err(why) => Some(why),
            Ok(ledger) if ledger.is_unasked => Some(UNASKED),
            Ok(ledger) if ledger.doubled.is_some() => Some(DOUBLED),
            Ok(ledger) if ledger.carried_out.least >= self.requested => {
                ledger.may_be_late.then_some(LATE)
            }
            Ok(ledger) if ledger.none_left.is_some() => Some(UNCLEAR),
            Ok(_) => Some("a request that was not carried out may still be waiting"),
        }
    }

    /// Why it is not known that none was doubled.
    pub(super) fn perhaps_doubled(&self) -> Option<&'static str> {
        match &self.ledger {
            Err(why) => Some(why),
            Ok(ledger) if ledger.is_unasked => Some(UNASKED),
            Ok(ledger) if ledger.goes_on => Some(
                "a slot may have been removed after the slots of its lock were counted for the last time",
            ),
            Ok(ledger) => ledger.may_be_doubled.then_some(UNCLEAR),
        }
    }

    /// The violation of who asks for lost decrements, if any was.
    pub(super) fn losing(&self, case: &Case<'_>) -> Option<Violation> {
        let ledger = self.ledger.as_ref().ok().filter(|_| self.lost() > 0)?;
        let none_left = ledger.none_left?;
        let witness = case.witness([none_left.end, ledger.count.end]);
        let violation = Violation::new(Rule::LostDecrement, self.key.clone(), witness);
        let requests = ledger.requests.iter().copied();
        let work = requests.chain([none_left]);
        Some(violation.showing(ledger.shown(case, ledger.count, work)))
    }

    /// The violation of who asks for doubled decrements, if any was.
    pub(super) fn doubling(&self, case: &Case<'_>) -> Option<Violation> {
        let ledger = self.ledger.as_ref().ok()?;
        let (count, _) = ledger.doubled?;
        let witness = case.witness([count.end]);
        let violation = Violation::new(Rule::DoubledDecrement, self.key.clone(), witness);
        let requests = ledger.requests.iter();
        let work = requests.chain(&ledger.shrinks).copied();
        Some(violation.showing(ledger.shown(case, count, work)))
    }
}

const UNASKED: &str = "a shrink says that it removed a slot before that was requested: what was lost and what was doubled may cancel out";

const DOUBLED: &str = "a count of a lock lacked more slots than were requested by then: what was doubled may hide what was lost";

const UNCLEAR: &str = "an operation that requests, makes or removes slots was under way with a count, or is of unknown outcome";

const LATE: &str = "fewer slots may have gone after a count than were requested after it: what was doubled before may hide what was lost";

impl<'a> Ledger<'a> {
    fn new(
        ops: &'a [AdminOp],
        requests: Vec<&'a AdminOp>,
        shrinks: Vec<&'a AdminOp>,
    ) -> Result<Self, &'static str> {
        let work = requests.iter().chain(&shrinks);
        let begun = work.map(|op| op.invoke).min().unwrap_or_default();
        let (base, before) = base(ops, begun)
            .ok_or("the slots were not known before the first decrement of a lock")?;
        let (count, _) = last_count(ops)
            .filter(|(count, _)| count.invoke > begun)
            .ok_or("the slots of a lock were not counted after a decrement was requested")?;
        let is_between = |op: &&AdminOp| {
            op.invoke < count.end && base.is_none_or(|base| op.settled() > base.invoke)
        };
        let others = || {
            ops.iter()
                .filter(is_between)
                .filter(|op| op.changes_otherwise())
        };
        if others().any(|op| op.function == Function::Destroy) {
            return Err("a lock was destroyed while its decrements were counted");
        }
        let since = Since::new(ops, &shrinks, (base, before));
        let counts = counts_after(ops, begun);
        let filed = Filed::new(&requests);
        let carried_out = counts
            .iter()
            .map(|(count, found)| (*count, since.until(count, *found), filed.by(count)));
        let is_covered = |(_, gone, asked): &(_, Bounds, Bounds)| {
            gone.most.is_some_and(|most| most <= asked.least)
        };
        let surplus = |(count, gone, asked): (_, Bounds, Bounds)| {
            let surplus = gone.least.saturating_sub(asked.most.unwrap_or(u64::MAX));
            (surplus > 0).then_some((count, surplus))
        };
        Ok(Self {
            base,
            count,
            others: others().collect(),
            carried_out: carried_out
                .clone()
                .next_back()
                .map_or(Bounds::ANY, |(_, gone, _)| gone),
            doubled: carried_out.clone().find_map(surplus),
            may_be_doubled: !carried_out.clone().all(|account| is_covered(&account)),
            may_be_late: may_be_late(ops, &shrinks, &counts, &filed),
            is_unasked: is_unasked(&shrinks, &filed),
            none_left: none_left(ops, &requests, count),
            goes_on: shrinks.iter().any(|op| op.end > count.invoke),
            requests,
            shrinks,
        })
    }

    /// The events of the operations that were counted until a count, and of others.
    fn shown(
        &self,
        case: &Case<'_>,
        count: &'a AdminOp,
        work: impl Iterator<Item = &'a AdminOp>,
    ) -> Vec<u64> {
        let others = self.others.iter().copied();
        let others = others.filter(|op| op.invoke < count.end);
        let ops = self
            .base
            .into_iter()
            .chain([count])
            .chain(others)
            .chain(work);
        case.indices(ops.flat_map(|op| [op.invoke, op.end]))
    }
}

impl AdminOp {
    /// Whether it may have made or removed slots, but not as a decrement.
    fn changes_otherwise(&self) -> bool {
        self.may_change() && self.function != Function::Shrink
    }
}

/// The counts that began after a position, with what they found. The last is the last of all.
fn counts_after(ops: &[AdminOp], begun: Position) -> Vec<(&AdminOp, u64)> {
    let counts = ops.iter().filter(|op| op.invoke > begun);
    let counts = counts.filter_map(|op| Some((op, op.counted()?.len() as u64)));
    counts.collect()
}

/// When requests were filed.
struct Filed {
    /// The invocations of all that may have been.
    invoked: Vec<Position>,
    /// The ends of those that were.
    ended: Vec<Position>,
}

impl Filed {
    fn new(requests: &[&AdminOp]) -> Self {
        let sorted = |positions: &mut dyn Iterator<Item = Position>| {
            let mut positions: Vec<Position> = positions.collect();
            positions.sort_unstable();
            positions
        };
        let surely = requests.iter().filter(|op| op.kind == Kind::Ok);
        Self {
            invoked: sorted(&mut requests.iter().map(|op| op.invoke)),
            ended: sorted(&mut surely.map(|op| op.end)),
        }
    }

    /// How many before a count: a request that was under way with it may have come after it.
    fn by(&self, count: &AdminOp) -> Bounds {
        Bounds {
            least: self.ended.partition_point(|end| *end < count.invoke) as u64,
            most: Some(self.possibly_by(count.end)),
        }
    }

    /// How many at most before a position.
    fn possibly_by(&self, end: Position) -> u64 {
        self.invoked.partition_point(|invoke| *invoke < end) as u64
    }

    /// How many of those that surely were filed may have been so after a count.
    fn perhaps_after(&self, count: &AdminOp) -> u64 {
        self.ended.len() as u64 - self.by(count).least
    }
}

/// Whether since some count less may have been carried out than was requested after it.
fn may_be_late(
    ops: &[AdminOp],
    shrinks: &[&AdminOp],
    counts: &[(&AdminOp, u64)],
    filed: &Filed,
) -> bool {
    let Some(last) = counts.last() else {
        return true;
    };
    let until = Until::new(ops, shrinks, *last);
    let mut counts = counts.iter();
    counts.any(|(count, found)| until.least_since(count, *found) < filed.perhaps_after(count))
}

/// Whether the shrinks up to one list more slots than can have been requested before that ended.
fn is_unasked(shrinks: &[&AdminOp], filed: &Filed) -> bool {
    let mut listed: Vec<(Position, u64)> = shrinks
        .iter()
        .filter_map(|op| Some((op.end, op.slots.as_ref()?.len() as u64)))
        .collect();
    listed.sort_unstable();
    let mut gone = 0;
    listed.into_iter().any(|(end, number)| {
        gone += number;
        gone > filed.possibly_by(end)
    })
}

/// The operations of one kind that took effect, or may have.
pub(super) fn of_kind<'a>(ops: &'a [AdminOp], function: &Function) -> Vec<&'a AdminOp> {
    let of_kind = ops.iter().filter(|op| op.function == *function);
    of_kind.filter(|op| op.may_count()).collect()
}

/// The last state that is known before an event, and how many slots there were: what a count found,
/// or that there were none before the lock was made.
fn base(ops: &[AdminOp], begun: Position) -> Option<(Option<&AdminOp>, u64)> {
    let before = || ops.iter().filter(|op| op.may_count() && op.end < begun);
    let mut counts = before().filter_map(|op| Some((Some(op), op.counted()?.len() as u64)));
    counts.next_back().or_else(|| {
        let mut all = ops.iter().filter(|op| op.may_count());
        let first = all.next()?;
        let is_made = first.function == Function::Create && first.kind == Kind::Ok;
        let is_alone = all.next().is_none_or(|next| first.end < next.invoke);
        (is_made && is_alone).then_some((None, 0))
    })
}

/// A shrink that was told, before the count began, that nothing was requested, after every request
/// and beside no other shrink.
fn none_left<'a>(
    ops: &'a [AdminOp],
    requests: &[&AdminOp],
    count: &AdminOp,
) -> Option<&'a AdminOp> {
    let filed = requests.iter().map(|request| match request.kind {
        Kind::Ok => request.end,
        _ => request.invoke,
    });
    let filed = filed.max().unwrap_or(0);
    let shrinks: Vec<&AdminOp> = ops
        .iter()
        .filter(|op| op.function == Function::Shrink)
        .collect();
    let mut settled = 0;
    let mut told = shrinks.iter().enumerate().filter(|(place, shrink)| {
        let is_first = settled < shrink.invoke;
        settled = settled.max(shrink.settled());
        let next = shrinks.get(place + 1);
        let is_alone = is_first && next.is_none_or(|next| next.invoke > shrink.end);
        let is_in_time = filed < shrink.invoke && shrink.end < count.invoke;
        shrink.found_no_request && is_alone && is_in_time
    });
    told.next().map(|(_, shrink)| *shrink)
}
