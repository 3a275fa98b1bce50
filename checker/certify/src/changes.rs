//! What may change the slots of a key, and when the next of it begins.

use std::collections::BTreeMap;

use history::Function;

use super::administration::AdminOp;
use super::record::NEVER;

/// What may make slots, or what may remove them.
#[derive(Default)]
pub(super) struct Changes {
    /// What may concern every slot.
    all: Begun,
    /// What concerns the slots that it lists.
    named: BTreeMap<u32, Begun>,
}

impl Changes {
    /// What may make slots.
    pub(super) fn making(ops: &[AdminOp]) -> Self {
        let makes = |op: &&AdminOp| op.is(&Function::Create) || op.is(&Function::Grow);
        Self::of(ops.iter().filter(makes))
    }

    /// What may remove slots.
    pub(super) fn removing(ops: &[AdminOp]) -> Self {
        let removes = |op: &&AdminOp| {
            let is = |function| op.is(function);
            [Function::Destroy, Function::Shrink, Function::Overshoot]
                .iter()
                .any(is)
        };
        Self::of(ops.iter().filter(removes))
    }

    /// A lock that is destroyed has no slots left, whichever are listed.
    fn of<'a>(ops: impl Iterator<Item = &'a AdminOp>) -> Self {
        let mut changes = Self::default();
        for op in ops {
            match &op.slots {
                Some(slots) if op.function != Function::Destroy => {
                    for slot in slots {
                        changes.named.entry(*slot).or_default().push(op);
                    }
                }
                _ => changes.all.push(op),
            }
        }
        changes
    }

    /// Where the first begins that may change a slot and is not through at a position.
    pub(super) fn next(&self, slot: u32, from: usize) -> usize {
        let named = self
            .named
            .get(&slot)
            .map_or(NEVER, |begun| begun.next(from));
        named.min(self.all.next(from))
    }
}

/// Where operations begin, each with when the last of those up to it is settled.
#[derive(Default)]
struct Begun(Vec<(usize, usize)>);

impl Begun {
    fn push(&mut self, op: &AdminOp) {
        let latest = self.0.last().map_or(0, |(_, settled)| *settled);
        self.0.push((op.invoked, op.settled().max(latest)));
    }

    fn next(&self, from: usize) -> usize {
        let through = self.0.partition_point(|(_, settled)| *settled <= from);
        self.0.get(through).map_or(NEVER, |(invoked, _)| *invoked)
    }
}
