//! Whether the operations of a key have a legal order at all: tried out, within a bound.

use std::collections::{BTreeSet, HashSet};

use super::object::{Object, Place};

/// What searches may still cost, all searches of a certificate together. It bounds time and memory.
pub(super) struct Budget(pub(super) u64);

/// The bound was hit before there was an answer.
pub(super) struct BoundHit;

/// What is kept of a try costs this much more than the try itself, beside the weight of its state.
const KEEP_COST: u64 = 16;

impl Budget {
    fn spend(&mut self, cost: u64) -> Result<(), BoundHit> {
        self.0 = self.0.checked_sub(cost).ok_or(BoundHit)?;
        Ok(())
    }
}

/// What may have happened so far.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Past<S> {
    state: S,
    /// The operations that took effect and have not ended yet.
    placed: BTreeSet<usize>,
}

/// Goes through the events of one key with every past that explains them: whatever has to have
/// happened when an operation ends happened at that moment at the latest. `places` are those of the
/// key, in the order of their invocations.
pub(super) fn has_order<O: Object>(
    object: &O,
    places: &[Place<O::Call>],
    budget: &mut Budget,
) -> Result<bool, BoundHit> {
    let mut search = Search {
        object,
        places,
        budget,
        pending: BTreeSet::new(),
    };
    let mut pasts = HashSet::from([Past {
        state: object.initial(),
        placed: BTreeSet::new(),
    }]);
    for (_, index, is_end) in timeline(places) {
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
fn timeline<C>(places: &[Place<C>]) -> BTreeSet<(usize, usize, bool)> {
    let begins = places.iter().enumerate();
    let begins = begins.map(|(index, place)| (place.invoked, index, false));
    let ends = places
        .iter()
        .enumerate()
        .filter(|(_, place)| place.is_must());
    begins
        .chain(ends.map(|(index, place)| (place.ended, index, true)))
        .collect()
}

struct Search<'a, O: Object> {
    object: &'a O,
    places: &'a [Place<O::Call>],
    budget: &'a mut Budget,
    /// The operations that have begun and not ended.
    pending: BTreeSet<usize>,
}

impl<O: Object> Search<'_, O> {
    /// The pasts in which the operation took effect.
    fn explain_end(
        &mut self,
        pasts: HashSet<Past<O::State>>,
        ending: usize,
    ) -> Result<HashSet<Past<O::State>>, BoundHit> {
        let mut explained = HashSet::new();
        let mut open: Vec<_> = pasts.iter().cloned().collect();
        let mut seen = pasts;
        while let Some(mut past) = open.pop() {
            if past.placed.remove(&ending) {
                explained.insert(past);
                continue;
            }
            for next in self.nexts(&past)? {
                if !seen.contains(&next) {
                    self.budget.spend(
                        KEEP_COST + next.placed.len() as u64 + self.object.weight(&next.state),
                    )?;
                    seen.insert(next.clone());
                    open.push(next);
                }
            }
        }
        Ok(explained)
    }

    fn nexts(&mut self, past: &Past<O::State>) -> Result<Vec<Past<O::State>>, BoundHit> {
        let mut nexts = Vec::new();
        let weight = 1 + self.object.weight(&past.state);
        self.budget
            .spend((1 + self.pending.len() as u64) * weight)?;
        for index in self.pending.difference(&past.placed).copied() {
            let Some(next) = self.take(past, index) else {
                continue;
            };
            // What changes nothing may as well happen at once: it stands in nobody's way.
            if self.object.observes(&self.places[index].call) {
                return Ok(vec![next]);
            }
            nexts.push(next);
        }
        for hold in self.object.holds(&past.state) {
            let mut next = past.clone();
            if self.object.revoke(&mut next.state, hold) {
                nexts.push(next);
            }
        }
        Ok(nexts)
    }

    fn take(&self, past: &Past<O::State>, index: usize) -> Option<Past<O::State>> {
        let mut next = past.clone();
        let is_possible = self.is_first_of_its_like(past, index)
            && self.object.step(&mut next.state, &self.places[index].call);
        next.placed.insert(index);
        is_possible.then_some(next)
    }

    /// What does the same and never ends loses nothing if it happens in the order of the
    /// invocations.
    fn is_first_of_its_like(&self, past: &Past<O::State>, index: usize) -> bool {
        let place = &self.places[index];
        let is_alike = |other: &usize| {
            let other = &self.places[*other];
            !other.is_must() && self.object.is_alike(&other.call, &place.call)
        };
        let mut earlier = self
            .pending
            .range(..index)
            .filter(|other| !past.placed.contains(other));
        place.is_must() || !earlier.any(is_alike)
    }
}
