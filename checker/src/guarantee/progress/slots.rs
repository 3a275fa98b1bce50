//! The slots of a lock that must be granted again, and the first moment at which they were.

use std::collections::BTreeSet;

use crate::Case;
use crate::administration::{AdminOp, last_count};
use crate::hold::Hold;
use crate::holds::Lock;
use crate::position::{NEVER, Position};

/// The slots that must be granted again.
pub(super) struct Slots {
    pub(super) number: usize,
    /// Their numbers, where a count found them and grants name theirs.
    named: Option<BTreeSet<u32>>,
    /// Since when they are the same and nothing is broken.
    pub(super) since: Position,
    /// Whether they may change all the same.
    pub(super) doubtful: bool,
}

impl Slots {
    /// Those of a lock after the last healing; or why they are not known.
    pub(super) fn new(
        case: &Case<'_>,
        lock: &Lock,
        healed: Position,
    ) -> Result<Self, &'static str> {
        let ops = case.administration.of(&lock.key);
        let Some((count, slots)) = last_count(ops) else {
            if ops.iter().any(AdminOp::may_change) {
                return Err("the slots of a lock that is administered were never counted");
            }
            return Ok(Self {
                number: case.scope.slots(),
                named: None,
                since: healed,
                doubtful: false,
            });
        };
        let changes = || ops.iter().filter(|op| op.may_change());
        let last = changes().map(|op| op.end).max().unwrap_or(0);
        if last > count.invoke {
            return Err("the slots of a lock were not counted after the last change");
        }
        if slots.is_empty() {
            return Err("a lock has no slots any more");
        }
        let is_named = lock.holds.iter().any(|hold| hold.slot.is_some());
        Ok(Self {
            number: slots.len(),
            named: is_named.then(|| slots.clone()),
            since: healed.max(last),
            doubtful: changes().any(|op| op.settled() == NEVER),
        })
    }

    /// Whether a hold is of one of these slots.
    pub(super) fn has(&self, hold: &Hold) -> bool {
        let named = self.named.as_ref().zip(hold.slot);
        named.is_none_or(|(named, slot)| named.contains(&slot))
    }

    /// When waiting begins: with these slots, or when the holders from before are done.
    pub(super) fn start(&self, lock: &Lock) -> Option<Position> {
        let keeps = |hold: &&Hold| match &self.named {
            Some(named) => hold.slot.is_some_and(|slot| named.contains(&slot)),
            None => self.number == 1,
        };
        let before = lock.holds.iter().filter(|hold| hold.granted < self.since);
        let done = before.filter(keeps).filter_map(done);
        let kept = done.filter(|done| self.since < *done).max();
        let start = kept.unwrap_or(self.since);
        (start != NEVER).then_some(start)
    }

    /// The first instant at which all of them were granted.
    pub(super) fn full_at(&self, lock: &Lock) -> Option<Position> {
        match &self.named {
            Some(named) => self.each_granted_at(lock, named),
            None => self.all_held_at(lock),
        }
    }

    fn each_granted_at(&self, lock: &Lock, named: &BTreeSet<u32>) -> Option<Position> {
        let mut missing = named.clone();
        let mut again = lock.holds.iter().filter(|hold| hold.granted > self.since);
        let last = again.find(|hold| {
            let is_missing = hold.slot.is_some_and(|slot| missing.remove(&slot));
            is_missing && missing.is_empty()
        });
        last.map(|hold| hold.granted)
    }

    fn all_held_at(&self, lock: &Lock) -> Option<Position> {
        let mut ends: BTreeSet<(Position, usize)> = BTreeSet::new();
        for (place, belief) in lock.beliefs() {
            while ends.first().is_some_and(|(end, _)| *end <= belief.begin) {
                ends.pop_first();
            }
            ends.insert((belief.end.position, place));
            // Whoever believes again in what it had before was not granted it again.
            let is_again = lock.holds[place].granted > self.since;
            if is_again && belief.begin > self.since && ends.len() >= self.number {
                return Some(belief.begin);
            }
        }
        None
    }
}

/// When the client of a hold believes in it no more for good, if it ever did.
fn done(hold: &Hold) -> Option<Position> {
    Some(hold.beliefs().last()?.end.position)
}
