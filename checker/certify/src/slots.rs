//! The slots of a lock: each is a mutex whose holds may be revoked.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{Flaw, ensure};
use super::object::{Object, Place};
use super::record::{Act, Hold, Operation, Record};

/// The law of slots that grants name.
pub(super) struct Slots;

/// What was said about the hold of a slot, which is named by the invocation of its acquire.
pub(super) struct Call {
    act: Act,
    slot: u32,
    hold: usize,
}

impl Slots {
    /// Fails where no grant names a slot, or where a key has exclusive grants that do and others
    /// that do not.
    pub(super) fn named_in(record: &Record) -> Result<Self, Flaw> {
        let keys = |is_named: bool| -> BTreeSet<usize> {
            let holds = record.holds.iter().filter(|hold| !hold.shared);
            holds
                .filter(|hold| hold.slot.is_some() == is_named)
                .map(|hold| hold.key)
                .collect()
        };
        let (named, unnamed) = (keys(true), keys(false));
        ensure(!named.is_empty(), || Flaw::new("no grant names a slot"))?;
        ensure(named.is_disjoint(&unnamed), || {
            Flaw::new("some grants of a key name a slot and others do not")
        })?;
        Ok(Self)
    }

    /// The operations of known outcome that belong to the hold of a slot.
    pub(super) fn places(&self, record: &Record) -> Vec<Place<Call>> {
        let place = |operation: &Operation| {
            let hold = operation.hold.filter(|_| !operation.is_unknown())?;
            let hold = &record.holds[hold];
            Some(Place {
                key: operation.key,
                invoked: operation.invoked,
                ended: operation.ended,
                call: Call {
                    act: operation.act,
                    slot: hold.slot?,
                    hold: hold.asked,
                },
            })
        };
        record.operations.iter().filter_map(place).collect()
    }

    /// Whether these holds can go on together: not if all are of one slot.
    pub(super) fn fit(holds: &[&Hold]) -> bool {
        let slot = holds.first().and_then(|hold| hold.slot);
        let is_one = slot.is_some() && holds.iter().all(|hold| hold.slot == slot);
        holds.len() < 2 || !is_one
    }
}

impl Object for Slots {
    /// The hold of each slot that is held.
    type State = BTreeMap<u32, usize>;
    type Call = Call;

    fn step(&self, state: &mut Self::State, call: &Call) -> bool {
        let Call { act, slot, hold } = *call;
        let is_its = state.get(&slot) == Some(&hold);
        match act {
            Act::Acquire => state.insert(slot, hold).is_none(),
            Act::Release => is_its && state.remove(&slot).is_some(),
            Act::Confirm => is_its,
            Act::LossReport | Act::RefusedRelease => !is_its,
            Act::Refusal => false,
        }
    }

    fn observes(&self, call: &Call) -> bool {
        !matches!(call.act, Act::Acquire | Act::Release)
    }

    /// None of these is of unknown outcome.
    fn is_alike(&self, _one: &Call, _other: &Call) -> bool {
        false
    }

    fn revokes(&self) -> bool {
        true
    }

    fn holds(&self, state: &Self::State) -> Vec<usize> {
        state.values().copied().collect()
    }

    fn revoke(&self, state: &mut Self::State, hold: usize) -> bool {
        let slot = state.iter().find(|(_, holder)| **holder == hold);
        let slot = slot.map(|(slot, _)| *slot);
        slot.is_some_and(|slot| state.remove(&slot).is_some())
    }

    fn weight(&self, state: &Self::State) -> u64 {
        state.len() as u64
    }
}
