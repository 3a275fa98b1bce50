//! A legal order of what happened to a lock: the evidence for `valid`.

use std::collections::BTreeMap;
use std::sync::Arc;

use history::History;

use crate::holds::{Lock, Position, position};
use crate::search::{Placed, Placement};

/// Something that takes effect at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The invocation of the operation; for a revocation that of the acquire whose hold is taken away.
    pub(crate) invoke: Position,
    /// Whether this is the silent end of a hold.
    pub(crate) is_revocation: bool,
}

impl Entry {
    pub(crate) fn operation(invoke: Position) -> Self {
        Self {
            invoke,
            is_revocation: false,
        }
    }

    pub(crate) fn revocation(acquire: Position) -> Self {
        Self {
            invoke: acquire,
            is_revocation: true,
        }
    }
}

/// The order for one key. That the instants exist is checked by whoever reads it: each entry takes the earliest that is left to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    pub(crate) key: Option<Arc<str>>,
    pub(crate) entries: Vec<Entry>,
}

/// Where an entry stands: beside an event, and on which side of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Instant {
    pub(crate) beside: Position,
    pub(crate) side: Side,
}

/// On which side of an event an instant lies, from left to right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    /// Before a hold that begins just before the event.
    WellBefore,
    /// Before anything else that happens just before the event: what ends there makes room.
    Ending,
    /// Just before the event.
    Before,
    /// Just before it, and after what else happens there.
    BeforeLast,
    /// Just after it.
    After,
    /// Just after it, and after what else happens there.
    AfterLast,
}

impl Instant {
    pub(crate) fn new(beside: Position, side: Side) -> Self {
        Self { beside, side }
    }
}

/// Entries with their instants, put into sequence.
pub(crate) fn in_sequence(key: Option<Arc<str>>, mut placed: Vec<(Instant, Entry)>) -> Order {
    placed.sort_by_key(|(instant, _)| *instant);
    Order {
        key,
        entries: placed.into_iter().map(|(_, entry)| entry).collect(),
    }
}

impl Order {
    /// The order that a search found for an object that changes only by operations.
    pub(crate) fn of_plain_search(
        key: Option<Arc<str>>,
        history: &History,
        found: &[Placement],
    ) -> Self {
        let operation = |placement: &Placement| match placement.placed {
            Placed::Operation(index) => Some(Entry::operation(place(history, index))),
            Placed::Revocation(_) => None,
        };
        Self {
            key,
            entries: found.iter().filter_map(operation).collect(),
        }
    }

    /// The order that a search found. A search revokes a hold of a process; which one it is follows from what is affirmed later.
    pub(crate) fn of_search(lock: &Lock, history: &History, found: &[Placement]) -> Self {
        let mut holders = Holders::new(lock);
        let entries = found.iter().map(|placement| match placement.placed {
            Placed::Operation(index) => {
                holders.take_effect(place(history, index));
                Entry::operation(place(history, index))
            }
            Placed::Revocation(revocation) => Entry::revocation(holders.revoke(revocation.process)),
        });
        Self {
            entries: entries.collect(),
            key: lock.key.clone(),
        }
    }
}

fn place(history: &History, index: u64) -> Position {
    position(
        history
            .events()
            .partition_point(|event| event.index < index),
    )
}

/// Who holds, while an order is read.
struct Holders {
    /// The hold that each invocation begins (with its process, if that may act again) or affirms.
    begins: BTreeMap<Position, Option<u32>>,
    affirms: BTreeMap<Position, (Position, bool)>,
    /// How often each hold will still be affirmed.
    to_come: BTreeMap<Position, usize>,
    active: BTreeMap<Option<u32>, Vec<Position>>,
}

impl Holders {
    fn new(lock: &Lock) -> Self {
        use crate::holds::Said;
        let known = lock
            .holds
            .iter()
            .map(|hold| (hold.asked, Some(hold.process)));
        let begins = known
            .chain(lock.unknown.iter().map(|span| (span.invoke, None)))
            .collect();
        let affirming = lock
            .statements
            .iter()
            .filter(|statement| matches!(statement.said, Said::Held | Said::Released));
        let affirms: BTreeMap<_, _> = affirming
            .filter_map(|statement| {
                let hold = lock.holds[statement.hold? as usize].asked;
                Some((
                    statement.span.invoke,
                    (hold, statement.said == Said::Released),
                ))
            })
            .collect();
        let mut to_come = BTreeMap::new();
        for (hold, _) in affirms.values() {
            *to_come.entry(*hold).or_default() += 1;
        }
        Self {
            begins,
            affirms,
            to_come,
            active: BTreeMap::new(),
        }
    }

    fn take_effect(&mut self, invoke: Position) {
        if let Some(process) = self.begins.get(&invoke) {
            self.active.entry(*process).or_default().push(invoke);
        }
        if let Some((hold, ends)) = self.affirms.get(&invoke) {
            self.to_come.entry(*hold).and_modify(|count| *count -= 1);
            if *ends {
                self.active
                    .values_mut()
                    .for_each(|holds| holds.retain(|active| active != hold));
            }
        }
    }

    fn revoke(&mut self, process: Option<u32>) -> Position {
        let holds = self.active.entry(process).or_default();
        let is_over = |hold: &Position| self.to_come.get(hold).is_none_or(|count| *count == 0);
        let place = holds.iter().position(is_over).unwrap_or(0);
        holds.remove(place)
    }
}
