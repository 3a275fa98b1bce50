//! Locks without owners: only how many hold matters, and anybody may release.
//!
//! Nothing takes effect before it must. What must take effect while there is no room for it (or
//! nothing to release) is preceded by one operation of the other kind: of those under way, the one
//! that ends first, since it has the least time left.

use std::collections::BTreeSet;

use crate::holds::{Lock, Said, Span};
use crate::order::{Order, OrderEntry};
use crate::position::{NEVER, Position};

/// The operation that cannot take effect before it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stuck {
    pub(crate) end: Position,
    /// The invocations of those that are in its way: of an acquire, all that hold; of a release, the
    /// last one, after which nobody held.
    pub(crate) behind: Vec<Position>,
}

/// A legal order for a semaphore without owners. `unknown_releases` are those of which nobody knows
/// the outcome; loss reports say nothing.
pub(crate) fn count(
    lock: &Lock,
    unknown_releases: &[Span],
    permits: usize,
) -> Result<Order, Stuck> {
    let mut sweep = Sweep {
        permits,
        ..Sweep::default()
    };
    for (_, turn) in turns(lock, unknown_releases) {
        sweep.step(turn)?;
    }
    Ok(Order {
        key: lock.key.clone(),
        entries: sweep.entries,
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Acquire,
    Release,
}

/// Ordered by the end first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pending {
    end: Position,
    invoke: Position,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    Due(Kind, Pending),
    Invoked(Kind, Pending),
    Stated(Position),
}

fn turns(lock: &Lock, unknown_releases: &[Span]) -> Vec<(Position, Turn)> {
    let known = lock.holds.iter().map(|hold| {
        (
            Kind::Acquire,
            Pending {
                invoke: hold.asked,
                end: hold.granted,
            },
        )
    });
    let of_span = |kind| {
        move |span: &Span| {
            (
                kind,
                Pending {
                    invoke: span.invoke,
                    end: span.end,
                },
            )
        }
    };
    let released = lock
        .statements
        .iter()
        .filter(|statement| statement.said == Said::Released);
    let released = released.map(|statement| of_span(Kind::Release)(&statement.span));
    let unknown = lock.unknown.iter().map(of_span(Kind::Acquire));
    let unknown = unknown.chain(unknown_releases.iter().map(of_span(Kind::Release)));
    let mut turns = Vec::new();
    for (kind, pending) in known.chain(released).chain(unknown) {
        turns.push((pending.invoke, Turn::Invoked(kind, pending)));
        if pending.end != NEVER {
            turns.push((pending.end, Turn::Due(kind, pending)));
        }
    }
    let said = lock
        .statements
        .iter()
        .filter(|statement| statement.said == Said::Lost);
    turns
        .extend(said.map(|statement| (statement.span.invoke, Turn::Stated(statement.span.invoke))));
    turns.sort_unstable();
    turns
}

#[derive(Default)]
struct Sweep {
    permits: usize,
    /// The acquires that hold.
    held: Vec<Position>,
    last_release: Option<Position>,
    acquires: BTreeSet<Pending>,
    releases: BTreeSet<Pending>,
    entries: Vec<OrderEntry>,
}

impl Sweep {
    fn pending(&mut self, kind: Kind) -> &mut BTreeSet<Pending> {
        match kind {
            Kind::Acquire => &mut self.acquires,
            Kind::Release => &mut self.releases,
        }
    }

    fn step(&mut self, turn: Turn) -> Result<(), Stuck> {
        match turn {
            Turn::Invoked(kind, pending) => {
                self.pending(kind).insert(pending);
            }
            Turn::Stated(invoke) => self.entries.push(OrderEntry::operation(invoke)),
            Turn::Due(kind, pending) if self.pending(kind).contains(&pending) => {
                if !self.make_way(kind) {
                    return Err(self.stuck(kind, pending.end));
                }
                self.take_effect(kind, pending);
            }
            Turn::Due(..) => {}
        }
        Ok(())
    }

    /// Lets something of the other kind take effect first, if there is need, and tells whether there
    /// is a way then.
    fn make_way(&mut self, kind: Kind) -> bool {
        let (is_stuck, other) = match kind {
            Kind::Acquire => (self.held.len() == self.permits, Kind::Release),
            Kind::Release => (self.held.is_empty(), Kind::Acquire),
        };
        if !is_stuck {
            return true;
        }
        let first = self.pending(other).first().copied();
        if let Some(first) = first {
            self.take_effect(other, first);
        }
        first.is_some()
    }

    fn stuck(&mut self, kind: Kind, end: Position) -> Stuck {
        let behind = match kind {
            Kind::Acquire => std::mem::take(&mut self.held),
            Kind::Release => self.last_release.into_iter().collect(),
        };
        Stuck { end, behind }
    }

    fn take_effect(&mut self, kind: Kind, pending: Pending) {
        self.pending(kind).remove(&pending);
        self.entries.push(OrderEntry::operation(pending.invoke));
        match kind {
            Kind::Acquire => self.held.push(pending.invoke),
            Kind::Release => {
                self.held.pop();
                self.last_release = Some(pending.invoke);
            }
        }
    }
}
