//! A legal order of what happened to a lock: the evidence for `valid`.

use std::collections::BTreeSet;
use std::sync::Arc;

use history::History;

use crate::holds::Lock;
use crate::position::{Position, position};
use crate::search::{Placed, Placement};

/// Something that takes effect at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OrderEntry {
    /// The invocation of the operation; for a revocation that of the acquire whose hold is taken
    /// away.
    pub(crate) invoke: Position,
    /// Whether this is the silent end of a hold.
    pub(crate) is_revocation: bool,
}

impl OrderEntry {
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

/// The order for one key. That the instants exist is checked by whoever reads it: each entry takes
/// the earliest that is left to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    pub(crate) key: Option<Arc<str>>,
    pub(crate) entries: Vec<OrderEntry>,
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
pub(crate) fn in_sequence(key: Option<Arc<str>>, mut placed: Vec<(Instant, OrderEntry)>) -> Order {
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
            Placed::Operation(index) => Some(OrderEntry::operation(place(history, index))),
            Placed::Revocation(_) => None,
        };
        Self {
            key,
            entries: found.iter().filter_map(operation).collect(),
        }
    }

    /// The order that a search found in which every acquisition is an owner of its own, named by
    /// the number of its hold. Acquires of unknown outcome have no names, and any of them that goes
    /// on may be the one that is revoked.
    pub(crate) fn of_search(lock: &Lock, history: &History, found: &[Placement]) -> Self {
        let unknown: BTreeSet<Position> = lock.unknown.iter().map(|span| span.invoke).collect();
        let mut nameless = Vec::new();
        let entries = found.iter().map(|placement| match placement.placed {
            Placed::Operation(index) => {
                let invoke = place(history, index);
                nameless.extend(unknown.get(&invoke));
                OrderEntry::operation(invoke)
            }
            Placed::Revocation(revocation) => OrderEntry::revocation(match revocation.process {
                Some(hold) => lock.holds[hold as usize].asked,
                None => nameless.pop().expect("only what goes on is revoked"),
            }),
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
