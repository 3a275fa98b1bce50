//! `slot-removal` and `slot-sequence`: every removal and all that came after it, and every count.

use std::collections::BTreeSet;

use history::Function;

use super::record::{Hold, NEVER, Op, Reach, Record};
use super::{Verdict, verdict};

pub(crate) fn removal(record: &Record) -> Verdict {
    let removals = removals(record);
    let is_broken = |removal: &Removal<'_>| removal.is_broken();
    verdict(
        removals.iter().any(is_broken),
        true,
        removals.iter().any(Removal::met_a_holder),
    )
}

/// A slot that was removed, and how long it surely was not there.
struct Removal<'a> {
    record: &'a Record,
    slot: u32,
    op: &'a Op,
    until: usize,
    ops: Vec<&'a Op>,
    /// All holds of the slot.
    holds: Vec<&'a Hold>,
}

fn removals(record: &Record) -> Vec<Removal<'_>> {
    let ops = record.ops.iter().filter(|op| op.slots().is_some());
    let ops = ops.filter(|op| {
        [Function::Shrink, Function::Overshoot, Function::Destroy].contains(&op.function)
    });
    let slots = ops.flat_map(|op| op.slots().unwrap_or_default().iter().map(move |s| (op, *s)));
    slots
        .filter_map(|(op, slot)| Removal::new(record, op, slot))
        .collect()
}

impl<'a> Removal<'a> {
    /// Nothing if the slot may have been made again at once.
    fn new(record: &'a Record, op: &'a Op, slot: u32) -> Option<Self> {
        let ops = record.ops_on(&op.key);
        let makes = |op: &&&Op| {
            let is_maker = op.is(&Function::Create) || op.is(&Function::Grow);
            let may_be_this = op.slots().is_none_or(|slots| slots.contains(&slot));
            op.may_count() && is_maker && may_be_this
        };
        let makers = || ops.iter().filter(makes);
        if makers().any(|make| make.invoke < op.end && make.settled() > op.invoke) {
            return None;
        }
        let again = makers().filter(|make| make.invoke > op.end);
        let until = again.map(|make| make.invoke).min().unwrap_or(NEVER);
        let mut holds = record.holds_on(&op.key);
        holds.retain(|hold| hold.slot() == Some(slot));
        Some(Self {
            record,
            slot,
            op,
            until,
            ops,
            holds,
        })
    }

    /// Whether the slot is not there for as long as an operation takes.
    fn is_absent_for(&self, op: &Op) -> bool {
        self.op.end < op.invoke && op.end < self.until
    }

    fn is_broken(&self) -> bool {
        let waits = self.ops.iter().filter(|op| {
            let is_of_slot = op.slots().is_some_and(|slots| slots.contains(&self.slot));
            op.is(&Function::Wait) && is_of_slot && self.is_absent_for(op)
        });
        let waited = waits.map(|op| op.end).min().unwrap_or(NEVER);
        self.holds.iter().any(|hold| {
            let mut confirmations = hold.confirmations.iter();
            let is_confirmed = confirmations.any(|op| match op.function {
                Function::Verify => self.is_absent_for(op),
                _ => waited < op.invoke && op.invoke < self.until,
            });
            is_confirmed || self.is_absent_for(&hold.op)
        })
    }

    fn met_a_holder(&self) -> bool {
        let mut held = self
            .holds
            .iter()
            .filter(|hold| hold.is_believed(self.op.invoke));
        held.any(|hold| {
            let end = hold.reach(self.op.invoke);
            let tells = |op: &&Op| op.tells_loss() && end == Reach::Event(op.end);
            end.is_after(self.record, self.op.end) || self.ops.iter().any(tells)
        })
    }
}

pub(crate) fn sequence(record: &Record) -> Verdict {
    let keys = record.keys().into_iter();
    let locks: Vec<Sequence<'_>> = keys.map(|key| Sequence::new(record.ops_on(&key))).collect();
    let is_known = locks.iter().all(Sequence::is_known);
    let mut changes = locks.iter().flat_map(|lock| &lock.changes);
    let is_judged = changes.any(|op| !op.is_unknown());
    verdict(locks.iter().any(Sequence::is_broken), is_known, is_judged)
}

/// How the slots of a lock changed, and what was found of them.
struct Sequence<'a> {
    changes: Vec<&'a Op>,
    counts: Vec<&'a Op>,
}

impl<'a> Sequence<'a> {
    fn new(ops: Vec<&'a Op>) -> Self {
        let of = |is: fn(&Op) -> bool| ops.iter().copied().filter(|op| is(op)).collect();
        Self {
            changes: of(Op::is_change),
            counts: of(Op::is_finding),
        }
    }

    /// The last count, if all changes were over before it.
    fn last(&self) -> Option<&Op> {
        let last = self.counts.iter().max_by_key(|op| op.invoke)?;
        let mut changes = self.changes.iter();
        changes.all(|op| op.end < last.invoke).then_some(last)
    }

    /// Whether there is no gap in the end; one that is known to stay is a violation.
    fn is_known(&self) -> bool {
        self.changes.is_empty() || self.last().is_some_and(|last| !has_gap(last))
    }

    fn is_broken(&self) -> bool {
        let may_be_repaired = self.changes.iter().any(|op| op.is_unknown());
        let mut after_all = self
            .counts
            .iter()
            .filter(|count| self.changes.iter().all(|op| op.end < count.invoke));
        let stays = !may_be_repaired && after_all.any(|count| has_gap(count));
        let mut overshoots = self
            .changes
            .iter()
            .filter(|op| op.is_ok(&Function::Overshoot));
        stays || overshoots.any(|overshoot| self.leaves_a_gap(overshoot))
    }

    /// Whether a count finds a gap after an overshoot, and nothing else can have opened it.
    fn leaves_a_gap(&self, overshoot: &Op) -> bool {
        let mut gaps = self.counts.iter().filter(|op| has_gap(op));
        gaps.any(|count| {
            let mut others = self.changes.iter();
            let is_changed = others.any(|op| {
                let is_other = op.invoke != overshoot.invoke;
                is_other && op.settled() > overshoot.invoke && op.invoke < count.end
            });
            overshoot.end < count.invoke && !is_changed
        })
    }
}

/// Whether the slots that were found are not numbered from 1 without gaps.
fn has_gap(count: &Op) -> bool {
    let found = count.slots().unwrap_or_default().iter();
    let found: BTreeSet<u32> = found.copied().collect();
    let numbers: BTreeSet<u32> = (1..).take(found.len()).collect();
    found != numbers
}
