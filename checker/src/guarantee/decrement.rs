//! How many decrements were requested of a lock, carried out, lost and doubled: a matter of
//! counting.
//!
//! The count goes from the last state that is known for certain and older than all requests to the
//! last successful count. What is missing there, and was removed by no `overshoot`, was carried out
//! as a decrement. Where an operation that makes or removes slots was under way with either end, or
//! is of unknown outcome, it may have counted or not, and the number lies between bounds.
//!
//! A request that was not carried out may still be waiting. It is lost only if a `shrink` found
//! afterwards that nothing was requested, while no other `shrink` can have had a request in its
//! hands, and nothing was requested later.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::AddAssign;
use std::sync::Arc;

use history::{Function, Kind};

use crate::Case;
use crate::administration::{AdminOp, last_count};
use crate::finding::{Rule, Violation, counted};
use crate::position::Position;

/// Between two numbers; without an upper one anything may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    least: u64,
    most: Option<u64>,
}

impl Bounds {
    const NONE: Self = Self::exactly(0);
    const ANY: Self = Self {
        least: 0,
        most: None,
    };

    const fn exactly(number: u64) -> Self {
        Self {
            least: number,
            most: Some(number),
        }
    }

    /// This number less another; never less than nothing.
    fn less(self, other: Self) -> Self {
        let least = other.most.map_or(0, |most| self.least.saturating_sub(most));
        let most = self.most.map(|most| most.saturating_sub(other.least));
        Self { least, most }
    }
}

impl AddAssign for Bounds {
    fn add_assign(&mut self, other: Self) {
        self.least += other.least;
        self.most = self.most.zip(other.most).map(|(one, two)| one + two);
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.most {
            Some(most) if most == self.least => write!(out, "{most}"),
            Some(most) => write!(out, "{} to {most}", self.least),
            None => write!(out, "at least {}", self.least),
        }
    }
}

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

/// The decrements between a known state and a count.
struct Ledger<'a> {
    /// The operation that showed the state before; none if the lock did not exist.
    base: Option<&'a AdminOp>,
    count: &'a AdminOp,
    /// What made and removed slots in between.
    others: Vec<&'a AdminOp>,
    carried_out: Bounds,
    /// How many were requested before the count ended, at most.
    possible: u64,
    /// How many were requested before the count ended for certain.
    certain: u64,
    /// Whether some count lacked more than had been requested by then: what was lost is hidden by
    /// what was doubled before, and the other way round.
    is_masked: bool,
    /// The shrink that found that nothing was requested any more.
    none_left: Option<&'a AdminOp>,
    /// Whether a slot may have been removed after the count.
    goes_on: bool,
    requests: Vec<&'a AdminOp>,
    shrinks: Vec<&'a AdminOp>,
}

/// The account of every lock of which a decrement was requested.
pub(super) fn accounts<'a>(case: &'a Case<'_>) -> Vec<Account<'a>> {
    let accounts = case.administration.iter();
    accounts
        .filter_map(|(key, ops)| Account::new(key, ops))
        .collect()
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
        if requests.is_empty() {
            return None;
        }
        let is_filed = |op: &&&AdminOp| op.kind == Kind::Ok;
        let requested = requests.iter().filter(is_filed).count();
        Some(Self {
            key,
            requested: requested as u64,
            perhaps: (requests.len() - requested) as u64,
            ledger: Ledger::new(ops, requests),
        })
    }

    fn carried_out(&self) -> Bounds {
        let ledger = self.ledger.as_ref();
        ledger.map_or(Bounds::ANY, |ledger| ledger.carried_out)
    }

    /// Whether a request was filed for certain.
    pub(super) fn is_filed(&self) -> bool {
        self.requested > 0
    }

    /// Whether a decrement was carried out for certain.
    pub(super) fn is_carried_out(&self) -> bool {
        self.carried_out().least > 0
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
        let ledger = self.ledger.as_ref();
        ledger.map_or(0, |ledger| {
            ledger.carried_out.least.saturating_sub(ledger.possible)
        })
    }

    /// Why it is not known that none was lost.
    pub(super) fn perhaps_lost(&self) -> Option<&'static str> {
        match &self.ledger {
            Err(why) => Some(why),
            Ok(ledger) if ledger.is_masked => Some(MASKED),
            Ok(ledger) if ledger.carried_out.least >= self.requested => None,
            Ok(ledger) if ledger.none_left.is_some() => Some(UNCLEAR),
            Ok(_) => Some("a request that was not carried out may still be waiting"),
        }
    }

    /// Why it is not known that none was doubled.
    pub(super) fn perhaps_doubled(&self) -> Option<&'static str> {
        match &self.ledger {
            Err(why) => Some(why),
            Ok(ledger) if ledger.is_masked => Some(MASKED),
            Ok(ledger) if ledger.goes_on => Some(
                "a slot may have been removed after the slots of its lock were counted for the last time",
            ),
            Ok(ledger) => {
                let most = ledger.carried_out.most;
                let is_covered = most.is_some_and(|most| most <= ledger.certain);
                (!is_covered).then_some(UNCLEAR)
            }
        }
    }

    /// The violation of who asks for lost decrements, if any was.
    pub(super) fn losing(&self, case: &Case<'_>) -> Option<Violation> {
        let ledger = self.ledger.as_ref().ok().filter(|_| self.lost() > 0)?;
        let none_left = ledger.none_left?;
        let witness = case.witness([none_left.end, ledger.count.end]);
        let violation = Violation::new(Rule::LostDecrement, self.key.clone(), witness);
        let requests = ledger.requests.iter().copied();
        Some(violation.showing(ledger.shown(case, requests.chain([none_left]))))
    }

    /// The violation of who asks for doubled decrements, if any was.
    pub(super) fn doubling(&self, case: &Case<'_>) -> Option<Violation> {
        let ledger = self.ledger.as_ref().ok().filter(|_| self.doubled() > 0)?;
        let witness = case.witness([ledger.count.end]);
        let violation = Violation::new(Rule::DoubledDecrement, self.key.clone(), witness);
        let requests = ledger.requests.iter();
        let work = requests.chain(&ledger.shrinks).copied();
        Some(violation.showing(ledger.shown(case, work)))
    }
}

const MASKED: &str = "a count of a lock lacked more slots than were requested by then: what was lost and what was doubled may cancel out";

const UNCLEAR: &str =
    "an operation that makes or removes slots was under way with a count, or is of unknown outcome";

impl<'a> Ledger<'a> {
    fn new(ops: &'a [AdminOp], requests: Vec<&'a AdminOp>) -> Result<Self, &'static str> {
        let shrinks = of_kind(ops, &Function::Shrink);
        let work = requests.iter().chain(&shrinks);
        let begun = work.map(|op| op.invoke).min().unwrap_or_default();
        let (base, before) = base(ops, begun)
            .ok_or("the slots were not known before the first decrement of a lock")?;
        let (count, after) = last_count(ops)
            .filter(|(count, _)| count.invoke > begun)
            .ok_or("the slots of a lock were not counted after a decrement was requested")?;
        let mut ledger = Self::until(ops, &requests, &shrinks, (base, before), (count, after))?;
        let counts = ops.iter().filter(|op| op.invoke > begun);
        ledger.is_masked = counts
            .filter_map(|count| Some((count, count.counted()?)))
            .filter_map(|until| Self::until(ops, &requests, &shrinks, (base, before), until).ok())
            .any(|earlier| earlier.carried_out.least > earlier.possible);
        Ok(ledger)
    }

    /// From a known state until a count.
    fn until(
        ops: &'a [AdminOp],
        requests: &[&'a AdminOp],
        shrinks: &[&'a AdminOp],
        (base, before): (Option<&'a AdminOp>, u64),
        (count, after): (&'a AdminOp, &BTreeSet<u32>),
    ) -> Result<Self, &'static str> {
        let is_between = |op: &&AdminOp| {
            op.invoke < count.end && base.is_none_or(|base| op.settled() > base.invoke)
        };
        let between = |function| of_kind(ops, function).into_iter().filter(is_between);
        if between(&Function::Destroy).next().is_some() {
            return Err("a lock was destroyed while its decrements were counted");
        }
        let mut made = Bounds::exactly(before);
        let mut gone = Bounds::exactly(after.len() as u64);
        let mut others = Vec::new();
        let is_within = |op: &AdminOp| {
            op.settled() < count.invoke && base.is_none_or(|base| base.end < op.invoke)
        };
        for op in between(&Function::Create).chain(between(&Function::Grow)) {
            made += listed(op, is_within(op));
            others.push(op);
        }
        for op in between(&Function::Overshoot) {
            // Of a slot that two remove at one time both may say that they did.
            let is_alone = !shrinks.iter().any(|shrink| shrink.meets(op));
            gone += listed(op, is_within(op) && is_alone);
            others.push(op);
        }
        let asked = || requests.iter().filter(|op| op.invoke < count.end);
        let certain = asked().filter(|op| op.kind == Kind::Ok).count();
        Ok(Self {
            base,
            count,
            others,
            carried_out: made.less(gone),
            possible: asked().count() as u64,
            certain: certain as u64,
            is_masked: false,
            none_left: none_left(ops, requests, count),
            goes_on: shrinks.iter().any(|op| op.end > count.invoke),
            requests: requests.to_vec(),
            shrinks: shrinks.to_vec(),
        })
    }

    /// The events of the operations that were counted, and of others.
    fn shown(&self, case: &Case<'_>, work: impl Iterator<Item = &'a AdminOp>) -> Vec<u64> {
        let others = self.others.iter().copied();
        let counted = self.base.into_iter().chain([self.count]).chain(others);
        let ops = counted.chain(work);
        case.indices(ops.flat_map(|op| [op.invoke, op.end]))
    }
}

impl AdminOp {
    /// Whether two operations were under way at one time, or may have been.
    fn meets(&self, other: &Self) -> bool {
        self.invoke < other.settled() && other.invoke < self.settled()
    }
}

/// The operations of one kind that took effect, or may have.
fn of_kind<'a>(ops: &'a [AdminOp], function: &Function) -> Vec<&'a AdminOp> {
    let of_kind = ops.iter().filter(|op| op.function == *function);
    of_kind.filter(|op| op.may_count()).collect()
}

/// How many slots an operation made or removed within the time that is counted.
fn listed(op: &AdminOp, is_within: bool) -> Bounds {
    let number = op.slots.as_ref().map(|slots| slots.len() as u64);
    Bounds {
        least: number.filter(|_| is_within).unwrap_or(0),
        most: number,
    }
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
    let shrinks = || ops.iter().filter(|op| op.function == Function::Shrink);
    let is_conclusive = |told: &&AdminOp| {
        let is_after = requests.iter().all(|request| {
            request.invoke < told.invoke && (request.kind != Kind::Ok || request.end < told.invoke)
        });
        let is_alone = || {
            let mut others = shrinks().filter(|other| other.invoke != told.invoke);
            !others.any(|other| told.meets(other))
        };
        told.found_no_request && told.end < count.invoke && is_after && is_alone()
    };
    shrinks().find(is_conclusive)
}
