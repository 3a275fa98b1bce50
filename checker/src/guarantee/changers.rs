//! What may have made slots, or removed them: when may a slot have changed next?

use std::collections::BTreeMap;

use history::Function;

use crate::administration::AdminOp;
use crate::position::{NEVER, Position};

/// The operations on a lock that may have made slots, or those that may have removed them.
#[derive(Default)]
pub(super) struct Changers {
    /// What may have changed any slot.
    any: Course,
    /// What may have changed this slot, and only others that it lists.
    listed: BTreeMap<u32, Course>,
}

impl Changers {
    /// What may have made slots.
    pub(super) fn making(ops: &[AdminOp]) -> Self {
        let mut changers = Self::default();
        for op in ops.iter().filter(|op| op.is_making() && op.may_count()) {
            changers.enter(op, op.slots.is_none());
        }
        changers
    }

    /// What may have removed slots: who destroys a lock removes all of them.
    pub(super) fn removing(ops: &[AdminOp]) -> Self {
        let mut changers = Self::default();
        for op in ops.iter().filter(|op| op.is_removing() && op.may_count()) {
            let is_of_any = op.slots.is_none() || op.function == Function::Destroy;
            changers.enter(op, is_of_any);
        }
        changers
    }

    fn enter(&mut self, op: &AdminOp, is_of_any: bool) {
        if is_of_any {
            return self.any.enter(op);
        }
        for slot in op.slots.iter().flatten() {
            self.listed.entry(*slot).or_default().enter(op);
        }
    }

    /// When the first began that may have changed a slot and was not settled by a position.
    pub(super) fn first_unsettled(&self, slot: u32, by: Position) -> Position {
        let listed = self.listed.get(&slot);
        let listed = listed.map_or(NEVER, |course| course.first_unsettled(by));
        listed.min(self.any.first_unsettled(by))
    }

    /// When the last was settled of those that may have changed a slot and began by a position:
    /// whatever begins after that finds none of them under way. Nothing if there is none of them.
    pub(super) fn settled_by(&self, slot: u32, by: Position) -> Option<Position> {
        let listed = self.listed.get(&slot);
        let listed = listed.and_then(|course| course.settled_by(by));
        listed.max(self.any.settled_by(by))
    }
}

/// Some of the operations, in the order of their invocations.
#[derive(Default)]
struct Course {
    invokes: Vec<Position>,
    /// When the last of those up to each was settled.
    settled: Vec<Position>,
}

impl Course {
    fn enter(&mut self, op: &AdminOp) {
        let before = self.settled.last().copied().unwrap_or(0);
        self.invokes.push(op.invoke);
        self.settled.push(op.settled().max(before));
    }

    fn first_unsettled(&self, by: Position) -> Position {
        let first = self.settled.partition_point(|settled| *settled < by);
        self.invokes.get(first).copied().unwrap_or(NEVER)
    }

    fn settled_by(&self, by: Position) -> Option<Position> {
        let begun = self.invokes.partition_point(|invoke| *invoke <= by);
        begun.checked_sub(1).map(|last| self.settled[last])
    }
}
