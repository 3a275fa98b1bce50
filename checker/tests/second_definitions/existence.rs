//! `slot-existence`: every slot, every pair of operations, and all that may have come in between.

use std::collections::BTreeSet;

use history::{Function, Value};

use super::record::{Op, Record};
use super::{Verdict, verdict};

/// What an operation says of a slot: whether it was there, and whether it is.
#[derive(Clone, Copy, Debug, Default)]
struct Said {
    found: Option<bool>,
    left: Option<bool>,
}

impl Said {
    fn found(is_there: bool) -> Self {
        Self {
            found: Some(is_there),
            left: Some(is_there),
        }
    }

    fn changed(is_there: bool) -> Self {
        Self {
            found: Some(!is_there),
            left: Some(is_there),
        }
    }
}

pub(crate) fn existence(record: &Record) -> Verdict {
    let keys = record.keys().into_iter();
    let slots: Vec<Slot<'_>> = keys
        .map(|key| record.ops_on(&key))
        .filter(|ops| ops.iter().any(|op| op.function.is_administration()))
        .flat_map(slots)
        .collect();
    let is_violated = slots.iter().any(Slot::contradicts_itself);
    verdict(is_violated, true, slots.iter().any(Slot::is_tested))
}

/// A slot, and all operations on its lock.
struct Slot<'a> {
    slot: u32,
    ops: Vec<&'a Op>,
}

/// Every slot that was ever named.
fn slots(ops: Vec<&Op>) -> Vec<Slot<'_>> {
    let listed = ops.iter().filter_map(|op| op.slots()).flatten().copied();
    let granted = ops.iter().filter_map(|op| granted(op));
    let slots: BTreeSet<u32> = listed.chain(granted).collect();
    let slot = |slot| Slot {
        slot,
        ops: ops.clone(),
    };
    slots.into_iter().map(slot).collect()
}

fn granted(op: &Op) -> Option<u32> {
    match &op.value {
        Value::Grant(grant) if op.is_ok(&Function::Acquire) && !op.is_shared() => grant.slot,
        _ => None,
    }
}

impl Slot<'_> {
    fn is_listed_by(&self, op: &Op) -> bool {
        op.slots().is_some_and(|slots| slots.contains(&self.slot))
    }

    fn said_by(&self, op: &Op) -> Said {
        if op.is_unknown() || !op.may_count() {
            return Said::default();
        }
        let is_listed = self.is_listed_by(op);
        match op.function {
            Function::Create | Function::Grow if is_listed => Said::changed(true),
            Function::Create if op.slots().is_some() => Said::found(false),
            Function::Shrink | Function::Overshoot | Function::Destroy if is_listed => {
                Said::changed(false)
            }
            Function::Destroy => Said {
                found: None,
                left: Some(false),
            },
            Function::Count if op.slots().is_some() => Said::found(is_listed),
            Function::Acquire if granted(op) == Some(self.slot) => Said::found(true),
            _ => Said::default(),
        }
    }

    /// Whether it may have brought the slot about, or removed it.
    fn may_leave(&self, op: &Op, is_there: bool) -> bool {
        let is_of_kind = match op.function {
            Function::Create | Function::Grow => is_there,
            Function::Shrink | Function::Overshoot | Function::Destroy => !is_there,
            _ => false,
        };
        let may_be_this = self.is_listed_by(op) || op.slots().is_none();
        op.may_count() && is_of_kind && (may_be_this || op.is(&Function::Destroy))
    }

    /// Whether a third may have left the slot so between two operations.
    fn may_be_left(&self, first: &Op, second: &Op, is_there: bool) -> bool {
        self.ops.iter().any(|op| {
            let is_third = op.invoke != first.invoke && op.invoke != second.invoke;
            let is_between = op.invoke < second.end && op.settled() > first.invoke;
            is_third && is_between && self.may_leave(op, is_there)
        })
    }

    /// Whether the first cannot have come before the second.
    fn contradict(&self, first: &Op, second: &Op) -> bool {
        match (self.said_by(first).left, self.said_by(second).found) {
            (Some(left), Some(found)) => left != found && !self.may_be_left(first, second, found),
            _ => false,
        }
    }

    fn contradicts_itself(&self) -> bool {
        self.pairs().any(|(first, second)| {
            let is_later = first.end < second.invoke;
            let is_earlier = second.end < first.invoke;
            let is_possible = !self.contradict(first, second) && !is_earlier;
            let is_other_way_possible = !self.contradict(second, first) && !is_later;
            !is_possible && !is_other_way_possible
        })
    }

    fn pairs(&self) -> impl Iterator<Item = (&Op, &Op)> {
        let ops = self.ops.iter();
        ops.flat_map(|first| {
            let others = self.ops.iter().filter(|op| op.invoke > first.invoke);
            others.map(|second| (*first, *second))
        })
    }

    /// Whether somebody looked for the slot after a change, before it could change again.
    fn is_tested(&self) -> bool {
        self.pairs().any(|(first, second)| {
            let said = self.said_by(first);
            let Some(left) = said.left.filter(|left| said.found == Some(!left)) else {
                return false;
            };
            let looked = self.said_by(second);
            let is_looked_for = looked.found.is_some() && looked.found == looked.left;
            let is_later = first.end < second.invoke;
            is_later && is_looked_for && !self.may_be_left(first, second, !left)
        })
    }
}
