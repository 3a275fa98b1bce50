//! `no-lost-decrement` and `no-doubled-decrement`: on which side of each count everything may have
//! come is tried out.

use history::{Function, Kind};

use super::explained::{distinct, is_created_first};
use super::record::{NEVER, Op, Record};
use super::{Verdict, verdict};

/// What is known of a lock.
struct Account<'a> {
    ops: Vec<&'a Op>,
    base: Option<&'a Op>,
    counts: Vec<&'a Op>,
}

/// The accounts of all locks with a request or a shrink, where anything is requested at all; nothing
/// for one of which nothing is known.
fn accounts(record: &Record) -> Vec<Option<Account<'_>>> {
    let keys = record.keys().into_iter();
    let ops = keys.map(|key| record.ops_on(&key));
    let is_work = |op: &&Op| is(op, Function::Request) || is(op, Function::Shrink);
    let worked = ops.filter(|ops| ops.iter().any(is_work));
    if record.ops.iter().any(|op| is(op, Function::Request)) {
        worked.map(Account::new).collect()
    } else {
        Vec::new()
    }
}

fn is(op: &Op, function: Function) -> bool {
    op.is(&function) && op.may_count()
}

fn number(op: &Op) -> Option<i64> {
    op.slots().map(|slots| distinct(slots) as i64)
}

impl<'a> Account<'a> {
    fn new(ops: Vec<&'a Op>) -> Option<Self> {
        let work = ops
            .iter()
            .filter(|op| is(op, Function::Request) || is(op, Function::Shrink));
        let begun = work.map(|op| op.invoke).min()?;
        let findings = || ops.iter().copied().filter(|op| op.is_finding());
        let base = findings()
            .filter(|op| op.end < begun)
            .max_by_key(|op| op.invoke);
        let mut counts: Vec<&Op> = findings().filter(|op| op.invoke > begun).collect();
        counts.sort_by_key(|op| op.invoke);
        let account = Self { base, counts, ops };
        let last = *account.counts.last()?;
        let mut destroyed = account.ops.iter().filter(|op| is(op, Function::Destroy));
        let is_destroyed = destroyed.any(|op| !sides(op, base, last).is_outside());
        let is_known = base.is_some() || is_created_first(&account.ops);
        (is_known && !is_destroyed).then_some(account)
    }

    fn last(&self) -> &'a Op {
        self.counts[self.counts.len() - 1]
    }

    fn of(&self, function: Function) -> Vec<&'a Op> {
        let ops = self.ops.iter().copied();
        ops.filter(|op| is(op, function.clone())).collect()
    }

    /// All numbers of decrements that may have been carried out from a state to a count; nothing
    /// where there is no end of them.
    fn carried_out(&self, from: Option<&Op>, until: &Op) -> Option<Vec<i64>> {
        let mut sums = vec![from.and_then(number).unwrap_or(0) - number(until)?];
        for op in [Function::Create, Function::Grow, Function::Overshoot]
            .map(|f| self.of(f))
            .concat()
        {
            let sign = if op.is(&Function::Overshoot) { -1 } else { 1 };
            let mut sides = sides(op, from, until);
            if op.is(&Function::Overshoot) && sides == Sides::Inside {
                // Of a slot that two remove at one time both may say that they did.
                let shrinks = self.of(Function::Shrink).into_iter();
                let mut beside = shrinks
                    .filter(|shrink| shrink.invoke < op.settled() && op.invoke < shrink.settled());
                if beside.next().is_some() {
                    sides = Sides::Either;
                }
            }
            let changes = match (sides, number(op)) {
                (Sides::Outside, _) => vec![0],
                (_, None) => return None,
                (Sides::Inside, Some(number)) => vec![sign * number],
                (Sides::Either, Some(number)) => vec![0, sign * number],
            };
            let more = |sum: &i64| {
                changes
                    .iter()
                    .map(|change| sum + change)
                    .collect::<Vec<_>>()
            };
            sums = sums.iter().flat_map(more).collect();
            sums.sort_unstable();
            sums.dedup();
        }
        Some(sums.into_iter().map(|sum| sum.max(0)).collect())
    }

    fn least(&self, from: Option<&Op>, until: &Op) -> i64 {
        // What makes slots without a limit can only add; what removes some can take all.
        let listed = |op: &&Op| number(op).is_some() || op.is(&Function::Overshoot);
        let known = Self {
            ops: self
                .ops
                .iter()
                .copied()
                .filter(|op| !is(op, Function::Create) && !is(op, Function::Grow) || listed(op))
                .collect(),
            base: self.base,
            counts: self.counts.clone(),
        };
        let sums = known.carried_out(from, until);
        sums.and_then(|sums| sums.into_iter().min()).unwrap_or(0)
    }

    fn most(&self, from: Option<&Op>, until: &Op) -> i64 {
        // What removes slots without a limit may have removed none.
        let known = Self {
            ops: self
                .ops
                .iter()
                .copied()
                .filter(|op| !is(op, Function::Overshoot) || number(op).is_some())
                .collect(),
            base: self.base,
            counts: self.counts.clone(),
        };
        let sums = known.carried_out(from, until);
        sums.and_then(|sums| sums.into_iter().max())
            .unwrap_or(i64::MAX)
    }

    fn requests(&self, which: impl Fn(&Op) -> bool) -> i64 {
        let requests = self.of(Function::Request).into_iter();
        requests.filter(|op| which(op)).count() as i64
    }

    fn acknowledged(&self) -> i64 {
        self.requests(|op| op.kind == Kind::Ok)
    }

    /// Whether some count lacks more than can have been requested by then.
    fn is_doubled(&self) -> bool {
        self.counts.iter().any(|count| {
            let possible = self.requests(|op| op.invoke < count.end);
            self.least(self.base, count) > possible
        })
    }

    /// Whether shrinks never said that they removed more than can have been requested.
    fn is_asked_for(&self) -> bool {
        let shrinks = self.of(Function::Shrink);
        shrinks
            .iter()
            .filter(|op| number(op).is_some())
            .all(|last| {
                let before = shrinks.iter().filter(|op| op.end <= last.end);
                let listed: i64 = before.filter_map(|op| number(op)).sum();
                listed <= self.requests(|op| op.invoke < last.end)
            })
    }

    /// Whether a shrink was told, after all requests and alone, that nothing is requested.
    fn none_is_left(&self) -> bool {
        let shrinks = || self.ops.iter().filter(|op| op.is(&Function::Shrink));
        let mut told = shrinks().filter(|op| op.is_refused() && op.error == "nothing-requested");
        told.any(|told| {
            let is_over =
                |op: &Op| op.invoke < told.invoke && (op.is_unknown() || op.end < told.invoke);
            let all = self.requests(is_over) == self.requests(|_| true);
            let mut others = shrinks().filter(|other| other.invoke != told.invoke);
            let alone = others.all(|op| op.settled() < told.invoke || op.invoke > told.end);
            all && alone && told.end < self.last().invoke
        })
    }
}

/// Whether something took effect between two states: surely, perhaps or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sides {
    Inside,
    Either,
    Outside,
}

impl Sides {
    fn is_outside(self) -> bool {
        self == Self::Outside
    }
}

fn sides(op: &Op, from: Option<&Op>, until: &Op) -> Sides {
    let may_be_before_end = op.invoke < until.end;
    let is_before_end = op.settled() != NEVER && op.settled() < until.invoke;
    let may_be_after_begin = from.is_none_or(|from| op.settled() > from.invoke);
    let is_after_begin = from.is_none_or(|from| op.invoke > from.end);
    match (
        may_be_before_end && may_be_after_begin,
        is_before_end && is_after_begin,
    ) {
        (false, _) => Sides::Outside,
        (true, true) => Sides::Inside,
        (true, false) => Sides::Either,
    }
}

pub(crate) fn none_lost(record: &Record) -> Verdict {
    let accounts = accounts(record);
    let is_lost = |account: &Account<'_>| {
        let most = account.most(account.base, account.last());
        account.none_is_left() && most < account.acknowledged()
    };
    let is_fine = |account: &Account<'_>| {
        let is_in_time = |count: &&Op| {
            let later = account.requests(|op| op.kind == Kind::Ok && op.end > count.invoke);
            account.least(Some(count), account.last()) >= later
        };
        account.is_asked_for()
            && !account.is_doubled()
            && account.least(account.base, account.last()) >= account.acknowledged()
            && account.counts.iter().all(is_in_time)
    };
    let is_known = accounts
        .iter()
        .all(|account| account.as_ref().is_some_and(is_fine));
    let requests = record.ops.iter().filter(|op| op.is_ok(&Function::Request));
    let is_violated = accounts.iter().flatten().any(is_lost);
    verdict(is_violated, is_known, requests.count() > 0)
}

pub(crate) fn none_doubled(record: &Record) -> Verdict {
    let accounts = accounts(record);
    let is_fine = |account: &Account<'_>| {
        let is_covered = |count: &&Op| {
            let certain = account.requests(|op| op.kind == Kind::Ok && op.end < count.invoke);
            account.most(account.base, count) <= certain
        };
        let shrinks = account.of(Function::Shrink);
        let goes_on = shrinks.iter().any(|op| op.end > account.last().invoke);
        account.is_asked_for() && account.counts.iter().all(is_covered) && !goes_on
    };
    let is_known = accounts
        .iter()
        .all(|account| account.as_ref().is_some_and(is_fine));
    let mut known = accounts.iter().flatten();
    let is_judged = known.any(|account| account.least(account.base, account.last()) > 0);
    let is_violated = accounts.iter().flatten().any(Account::is_doubled);
    verdict(is_violated, is_known, is_judged)
}
