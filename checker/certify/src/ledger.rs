//! What of the slots of one key is counted between one state and another: numbers that are added up
//! once, whichever states are compared.

use history::{Function, Kind};

use super::administration::AdminOp;
use super::sums::Sums;

/// What made slots or took them away otherwise than as a decrement, between a first state and a
/// last one.
pub(super) struct Ledger<'a> {
    first: Option<&'a AdminOp>,
    last: &'a AdminOp,
    /// What was surely done since the first state, by when it was settled.
    made_since: Sums,
    gone_since: Sums,
    /// What may have been, by when it was begun.
    perhaps_made_since: Sums,
    perhaps_gone_since: Sums,
    /// What was surely done by the last state, by when it was begun.
    made_until: Sums,
    /// What may have been, by when it was settled.
    perhaps_gone_until: Sums,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(ops: &'a [AdminOp], first: Option<&'a AdminOp>, last: &'a AdminOp) -> Self {
        let shrinks = Shrinks::new(ops);
        let made = || {
            let is_made = |op: &&AdminOp| op.is(&Function::Create) || op.is(&Function::Grow);
            ops.iter().filter(is_made)
        };
        let gone = || ops.iter().filter(|op| op.is(&Function::Overshoot));
        let number = |op: &AdminOp| op.slots.as_ref().map(std::collections::BTreeSet::len);
        let surely_made = |op: &AdminOp| Some(number(op).unwrap_or(0));
        let surely_gone =
            |op: &AdminOp| Some(number(op).filter(|_| !shrinks.meet(op)).unwrap_or(0));
        let is_since = |op: &&AdminOp| first.is_none_or(|first| first.ended < op.invoked);
        let may_be_since = |op: &&AdminOp| first.is_none_or(|first| op.settled() > first.invoked);
        let is_until = |op: &&AdminOp| op.settled() < last.invoked;
        let may_be_until = |op: &&AdminOp| op.invoked < last.ended;
        let settled = |op: &AdminOp| op.settled();
        let begun = |op: &AdminOp| op.invoked;
        Self {
            first,
            last,
            made_since: Sums::new(
                made()
                    .filter(is_since)
                    .map(|op| (settled(op), surely_made(op))),
            ),
            gone_since: Sums::new(
                gone()
                    .filter(is_since)
                    .map(|op| (settled(op), surely_gone(op))),
            ),
            perhaps_made_since: Sums::new(
                made()
                    .filter(may_be_since)
                    .map(|op| (begun(op), number(op))),
            ),
            perhaps_gone_since: Sums::new(
                gone()
                    .filter(may_be_since)
                    .map(|op| (begun(op), number(op))),
            ),
            made_until: Sums::new(
                made()
                    .filter(is_until)
                    .map(|op| (begun(op), surely_made(op))),
            ),
            perhaps_gone_until: Sums::new(
                gone()
                    .filter(may_be_until)
                    .map(|op| (settled(op), number(op))),
            ),
        }
    }

    /// Whether an operation may have taken effect between the first state and the last.
    pub(super) fn is_within_reach(&self, op: &AdminOp) -> bool {
        let is_since = self.first.is_none_or(|first| op.settled() > first.invoked);
        op.invoked < self.last.ended && is_since
    }

    /// How many slots went as decrements from the first state to a count, at least.
    pub(super) fn least_until(&self, count: &AdminOp) -> u64 {
        let (made, _) = self.made_since.before(count.invoked);
        let gone = self.perhaps_gone_since.before(count.ended);
        least(found(self.first) - found(Some(count)) + made, gone)
    }

    /// The same at most; nothing if that is not known.
    pub(super) fn most_until(&self, count: &AdminOp) -> Option<u64> {
        let (gone, _) = self.gone_since.before(count.invoked);
        let (made, unknown) = self.perhaps_made_since.before(count.ended);
        let most = found(self.first) - found(Some(count)) + made - gone;
        (unknown == 0).then(|| positive(most))
    }

    /// How many went from a count to the last state, at least.
    pub(super) fn least_since(&self, count: &AdminOp) -> u64 {
        let (made, _) = self.made_until.after(count.ended);
        let gone = self.perhaps_gone_until.after(count.invoked);
        least(found(Some(count)) - found(Some(self.last)) + made, gone)
    }
}

/// What is left of a number if so much may be gone: nothing if that is not known.
fn least(there: i128, (gone, unknown): (i128, usize)) -> u64 {
    match unknown {
        0 => positive(there - gone),
        _ => 0,
    }
}

fn positive(number: i128) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// How many slots a count found; none in the beginning.
fn found(count: Option<&AdminOp>) -> i128 {
    let slots = count.and_then(|count| count.slots.as_ref());
    slots.map_or(0, |slots| slots.len() as i128)
}

/// When shrinks were under way: those may have removed the same slots as something else.
struct Shrinks {
    /// The invocations, each with when the last of those up to it was settled.
    begun: Vec<(usize, usize)>,
}

impl Shrinks {
    fn new(ops: &[AdminOp]) -> Self {
        let mut latest = 0;
        let shrinks = ops.iter().filter(|op| op.is(&Function::Shrink));
        let begun = shrinks.map(|op| {
            latest = latest.max(op.settled());
            (op.invoked, latest)
        });
        Self {
            begun: begun.collect(),
        }
    }

    /// Whether one was under way with another operation.
    fn meet(&self, op: &AdminOp) -> bool {
        let before = self
            .begun
            .partition_point(|(begun, _)| *begun < op.settled());
        let last = before.checked_sub(1).map(|last| self.begun[last]);
        last.is_some_and(|(_, settled)| op.invoked < settled)
    }
}

/// When decrements were requested.
pub(super) struct Requests {
    /// When each was asked for, whatever came of it.
    asked: Vec<usize>,
    /// When each came back that was filed for certain.
    filed: Vec<usize>,
}

impl Requests {
    pub(super) fn new(ops: &[AdminOp]) -> Self {
        let requests = || ops.iter().filter(|op| op.is(&Function::Request));
        let filed = requests().filter(|op| op.outcome == Kind::Ok);
        let mut filed: Vec<usize> = filed.map(|op| op.ended).collect();
        filed.sort_unstable();
        Self {
            asked: requests().map(|op| op.invoked).collect(),
            filed,
        }
    }

    /// How many were filed for certain.
    pub(super) fn filed(&self) -> u64 {
        self.filed.len() as u64
    }

    /// How many were filed for certain before a position.
    pub(super) fn filed_by(&self, position: usize) -> u64 {
        self.filed.partition_point(|filed| *filed < position) as u64
    }

    /// How many may have been filed before a position.
    pub(super) fn asked_by(&self, position: usize) -> u64 {
        self.asked.partition_point(|asked| *asked < position) as u64
    }
}
