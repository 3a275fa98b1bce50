//! Whether the operations of a key have a legal order at all: tried out, within a bound.

use std::collections::{BTreeSet, HashSet};

use super::law::{Duty, Law, State};
use super::record::{Act, Operation, Record};

/// What searches may still cost, all searches of a certificate together. It bounds time and memory.
pub(super) struct Budget(pub(super) u64);

/// The bound was hit before there was an answer.
pub(super) struct BoundHit;

/// One try costs one, and what must be kept of it about as much more as it takes space in comparison.
const KEEP_COST: u64 = 16;

impl Budget {
    fn spend(&mut self, cost: u64) -> Result<(), BoundHit> {
        self.0 = self.0.checked_sub(cost).ok_or(BoundHit)?;
        Ok(())
    }
}

/// What may have happened so far.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Past {
    state: State,
    /// The operations that took effect and have not ended yet.
    placed: BTreeSet<usize>,
}

impl Past {
    fn cost(&self) -> u64 {
        KEEP_COST + (self.placed.len() + self.state.owners().count()) as u64
    }
}

/// Goes through the events of the key with every past that explains them: whatever has to have happened when an operation
/// ends happened at that moment at the latest.
pub(super) fn has_order(
    record: &Record,
    law: &Law,
    key: usize,
    budget: &mut Budget,
) -> Result<bool, BoundHit> {
    let mut search = Search {
        record,
        law,
        budget,
        pending: BTreeSet::new(),
    };
    let mut pasts = HashSet::from([Past::default()]);
    for (_, index, is_end) in timeline(record, law, key) {
        if !is_end {
            search.pending.insert(index);
            continue;
        }
        pasts = search.explain_end(pasts, index)?;
        search.pending.remove(&index);
        if pasts.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Positions, operations, and whether they end there.
fn timeline(record: &Record, law: &Law, key: usize) -> BTreeSet<(usize, usize, bool)> {
    let mut timeline = BTreeSet::new();
    for (index, operation) in record.operations.iter().enumerate() {
        if operation.key != key || law.duty(operation) == Duty::Never {
            continue;
        }
        timeline.insert((operation.invoked, index, false));
        if !operation.is_unknown() {
            timeline.insert((operation.ended, index, true));
        }
    }
    timeline
}

struct Search<'a> {
    record: &'a Record,
    law: &'a Law,
    budget: &'a mut Budget,
    /// The operations that have begun and not ended.
    pending: BTreeSet<usize>,
}

impl Search<'_> {
    /// The pasts in which the operation took effect.
    fn explain_end(
        &mut self,
        pasts: HashSet<Past>,
        ending: usize,
    ) -> Result<HashSet<Past>, BoundHit> {
        let mut explained = HashSet::new();
        let mut open: Vec<Past> = pasts.iter().cloned().collect();
        let mut seen = pasts;
        while let Some(mut past) = open.pop() {
            if past.placed.remove(&ending) {
                explained.insert(past);
                continue;
            }
            for next in self.nexts(&past)? {
                if !seen.contains(&next) {
                    self.budget.spend(next.cost())?;
                    seen.insert(next.clone());
                    open.push(next);
                }
            }
        }
        Ok(explained)
    }

    fn nexts(&mut self, past: &Past) -> Result<Vec<Past>, BoundHit> {
        let mut nexts = Vec::new();
        self.budget.spend(1 + self.pending.len() as u64)?;
        for index in self.pending.difference(&past.placed).copied() {
            let operation = &self.record.operations[index];
            let mut next = past.clone();
            if self.is_first_of_its_like(past, index, operation)
                && self.law.step(&mut next.state, self.record, operation)
            {
                next.placed.insert(index);
                nexts.push(next);
            }
        }
        for owner in past.state.owners().filter(|_| self.law.revokes()) {
            let mut next = past.clone();
            next.state.leave(owner);
            nexts.push(next);
        }
        Ok(nexts)
    }

    /// Unknown acquires do the same and never end: to take them in their order loses nothing.
    fn is_first_of_its_like(&self, past: &Past, index: usize, operation: &Operation) -> bool {
        let alike = |other: usize| {
            let other = &self.record.operations[other];
            other.act == Act::Acquire && other.is_unknown() && other.shared == operation.shared
        };
        if operation.act != Act::Acquire || !operation.is_unknown() {
            return true;
        }
        !self
            .pending
            .range(..index)
            .any(|other| alike(*other) && !past.placed.contains(other))
    }
}
