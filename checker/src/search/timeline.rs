//! The operations of one key as the search sees them: who is pending at which end.

use std::cmp::Reverse;
use std::collections::binary_heap::{BinaryHeap, PeekMut};

use history::{Kind, Operation};
use rustc_hash::FxHashMap;

use super::Reason;
use crate::model::Reference;

/// An operation that may or must be linearized.
#[derive(Debug)]
pub(super) struct Pending<C> {
    pub(super) call: C,
    /// The index of its invocation.
    pub(super) invoke: u64,
    /// The place of its bit, its own for as long as it is pending.
    pub(super) slot: u32,
    /// Whether it ended, so that it must be linearized before its end.
    pub(super) must: bool,
    /// Whether it leaves every state as it is.
    pub(super) observes: bool,
    /// The slot of the operation that is as good and was invoked before this one, for operations
    /// that need not be linearized.
    ///
    /// Crashed operations with equal calls are interchangeable: wherever an order takes the later
    /// one and not the earlier one (or not yet), taking the earlier one in its place leads through
    /// the same states, and is allowed, for it was invoked before and has no end. So only orders
    /// that take equal ones by their invocations need to be looked at: n of them give n + 1
    /// choices, not 2^n.
    pub(super) after: Option<u32>,
}

/// The operations with their ends in order.
#[derive(Debug)]
pub(super) struct Timeline<C> {
    /// In the order of invocations.
    pub(super) operations: Vec<Pending<C>>,
    /// The operations that must be linearized, in the order of their ends.
    pub(super) ends: Vec<End>,
    /// How many slots there are.
    pub(super) slots: usize,
}

/// The end of an operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    /// Which operation.
    pub(super) operation: u32,
    /// The index of the event.
    pub(super) index: u64,
    /// How many operations were invoked before.
    pub(super) invoked: u32,
}

impl<C: Clone + Eq + std::hash::Hash> Timeline<C> {
    pub(super) fn new<R: Reference<Call = C>>(
        object: &R,
        operations: &[Operation<'_>],
    ) -> Result<Self, Reason> {
        let mut pending = Vec::new();
        let mut ends = Vec::new();
        for operation in operations {
            if !constrains(operation) {
                continue;
            }
            let Some(call) = object.call(operation)? else {
                continue;
            };
            let number = u32::try_from(pending.len()).map_err(|_| Reason::TooLarge)?;
            let end = operation.end.filter(|end| end.kind != Kind::Info);
            if let Some(end) = end {
                ends.push(End {
                    operation: number,
                    index: end.index,
                    invoked: 0,
                });
            }
            let invoke = operation.invoke.index;
            let observes = object.observes(&call);
            pending.push(Pending {
                call,
                observes,
                invoke,
                slot: 0,
                must: end.is_some(),
                after: None,
            });
        }
        ends.sort_unstable_by_key(|end| end.index);
        count_invoked(&pending, &mut ends);
        let slots = assign_slots(&mut pending, &ends);
        chain_equals(&mut pending);
        Ok(Self {
            operations: pending,
            ends,
            slots,
        })
    }
}

/// A failure that the client decided on by itself constrains nothing.
fn constrains(operation: &Operation<'_>) -> bool {
    operation
        .end
        .is_none_or(|end| end.kind != Kind::Fail || end.observed)
}

fn count_invoked<C>(operations: &[Pending<C>], ends: &mut [End]) {
    let mut invoked = 0;
    for end in ends {
        while operations
            .get(invoked as usize)
            .is_some_and(|operation| operation.invoke < end.index)
        {
            invoked += 1;
        }
        end.invoked = invoked;
    }
}

/// Gives each operation the lowest slot that is free from its invocation to its end, and tells how
/// many there are.
fn assign_slots<C>(operations: &mut [Pending<C>], ends: &[End]) -> usize {
    let mut free = BinaryHeap::new();
    let mut slots = 0;
    let mut ended = ends.iter().peekable();
    for number in 0..operations.len() {
        let invoke = operations[number].invoke;
        while let Some(end) = ended.next_if(|end| end.index < invoke) {
            free.push(Reverse(operations[end.operation as usize].slot));
        }
        operations[number].slot = match free.peek_mut() {
            Some(lowest) => PeekMut::pop(lowest).0,
            None => {
                slots += 1;
                slots - 1
            }
        };
    }
    slots as usize
}

fn chain_equals<C: Clone + Eq + std::hash::Hash>(operations: &mut [Pending<C>]) {
    let mut latest: FxHashMap<C, u32> = FxHashMap::default();
    for operation in operations.iter_mut().filter(|operation| !operation.must) {
        operation.after = latest.insert(operation.call.clone(), operation.slot);
    }
}

/// Which operation is in which slot just before an end; it can be moved forth and back.
#[derive(Debug)]
pub(super) struct Cursor {
    at: usize,
    invoked: u32,
    occupants: Vec<u32>,
    occupied: Vec<u64>,
}

impl Cursor {
    pub(super) fn new(slots: usize) -> Self {
        Self {
            at: 0,
            invoked: 0,
            occupants: vec![0; slots],
            occupied: vec![0; slots.div_ceil(64)],
        }
    }

    /// Moves to just before the end of this number.
    pub(super) fn seek<C>(&mut self, timeline: &Timeline<C>, at: u32) {
        while self.at > at as usize {
            self.back(timeline);
        }
        while self.at < at as usize {
            self.enter(timeline, timeline.ends[self.at].invoked);
            let ended = timeline.ends[self.at].operation;
            self.clear(timeline.operations[ended as usize].slot);
            self.at += 1;
        }
        if let Some(end) = timeline.ends.get(self.at) {
            self.enter(timeline, end.invoked);
        }
    }

    /// The operation in a slot.
    pub(super) fn occupant(&self, slot: u32) -> u32 {
        self.occupants[slot as usize]
    }

    /// The lowest slot, from this one on, with an operation that has not been taken.
    pub(super) fn next_open(&self, from: u32, taken: &[u64]) -> Option<u32> {
        let first = (from / 64) as usize;
        let mut mask = u64::MAX << (from % 64);
        for (word, (occupied, taken)) in self.occupied.iter().zip(taken).enumerate().skip(first) {
            let open = occupied & !taken & mask;
            if open != 0 {
                return Some(word as u32 * 64 + open.trailing_zeros());
            }
            mask = u64::MAX;
        }
        None
    }

    fn back<C>(&mut self, timeline: &Timeline<C>) {
        self.at -= 1;
        let end = timeline.ends[self.at];
        while self.invoked > end.invoked {
            self.invoked -= 1;
            self.clear(timeline.operations[self.invoked as usize].slot);
        }
        self.set(
            timeline.operations[end.operation as usize].slot,
            end.operation,
        );
    }

    fn enter<C>(&mut self, timeline: &Timeline<C>, invoked: u32) {
        for number in self.invoked..invoked {
            self.set(timeline.operations[number as usize].slot, number);
        }
        self.invoked = self.invoked.max(invoked);
    }

    fn set(&mut self, slot: u32, operation: u32) {
        self.occupants[slot as usize] = operation;
        self.occupied[slot as usize / 64] |= 1 << (slot % 64);
    }

    fn clear(&mut self, slot: u32) {
        self.occupied[slot as usize / 64] &= !(1 << (slot % 64));
    }
}
