//! What is judged: a history, what is known about its lock and its run, and the holds found in it.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use history::fault::{Effect, Struck};
use history::{Event, Function, History, Kind, Mark, Value};
use rayon::prelude::*;

use crate::administration::Administration;
use crate::asks::Asks;
use crate::belief::{Clock, Leases, Moment};
use crate::crowd::Crowds;
use crate::holds::{self, Lock};
use crate::overlap::Capacity;
use crate::position::{NEVER, Position, position_or_never};
use crate::search::{Limits, Reason};
use crate::steps::Steps;

/// What the history itself does not say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// How many clients may hold a lock at one time: 1, or the size of a semaphore.
    pub slots: NonZeroU32,
    /// How many workers the run had; the worker of a process is `process % workers`. Without it
    /// every process counts as a worker.
    pub workers: Option<NonZeroU32>,
    /// The names of the faults that were selected for the run.
    pub faults: Vec<String>,
    /// The effects asked of faults in place of those that are due of their classes, by name.
    pub effects: BTreeMap<String, Effect>,
    /// How often faults must strike whom at the least.
    pub struck: Struck,
}

impl Default for Scope {
    fn default() -> Self {
        Self {
            slots: NonZeroU32::MIN,
            workers: None,
            faults: Vec::new(),
            effects: BTreeMap::new(),
            struck: Struck::new(),
        }
    }
}

impl Scope {
    /// How many clients may hold a lock at one time.
    pub(crate) fn slots(&self) -> usize {
        self.slots.get() as usize
    }

    /// The same for a record in which an administrator asked for more slots than that.
    #[must_use]
    pub fn grown_by(&self, history: &History) -> Self {
        let events = history.events().iter();
        let makes = |event: &&Event| {
            event.kind == Kind::Invoke
                && matches!(event.function, Function::Create | Function::Grow)
        };
        let asked = events.filter(makes).filter_map(|event| match &event.value {
            Value::Slots(slots) => slots.iter().copied().max(),
            _ => None,
        });
        let most = asked.filter_map(NonZeroU32::new).max();
        Self {
            slots: most.map_or(self.slots, |most| most.max(self.slots)),
            ..self.clone()
        }
    }

    /// How much of a lock there is: of one slot it is clients that count.
    pub(crate) fn capacity(&self) -> Capacity {
        match self.slots() {
            1 => Capacity::OneClient,
            number => Capacity::Grants(number),
        }
    }

    /// The worker of a process.
    pub(crate) fn worker(&self, process: u32) -> u32 {
        self.workers.map_or(process, |workers| process % workers)
    }
}

/// A history made ready to be judged: holds and administration are found once, for all guarantees.
#[derive(Debug)]
pub struct Case<'a> {
    pub(crate) history: &'a History,
    pub(crate) scope: &'a Scope,
    pub(crate) limits: Limits<'a>,
    pub(crate) locks: Vec<Lock>,
    pub(crate) administration: Administration,
    pub(crate) asks: Asks,
    /// The index of the first invocation of several permits at once, if there is one.
    pub(crate) several: Option<u64>,
    /// Where the last phase begins; [`NEVER`] if nothing says so. What follows is evidence for
    /// progress alone.
    pub(crate) settle: Position,
    pub(crate) leases: Leases,
}

impl<'a> Case<'a> {
    /// Finds the holds of a history. Only what no sweep decides is searched, within `limits`.
    #[must_use]
    pub fn new(history: &'a History, scope: &'a Scope, limits: Limits<'a>) -> Self {
        Self {
            history,
            scope,
            limits,
            locks: holds::locks(history),
            administration: Administration::new(history),
            asks: Asks::new(history),
            several: first_of_several(history),
            settle: position_or_never(history.mark(Mark::Settle)),
            leases: Leases::of(history),
        }
    }

    /// The steps of a loop, within the limits.
    pub(crate) fn steps(&self) -> Steps<'a> {
        Steps::new(self.limits)
    }

    /// What is found of each lock, in their order.
    ///
    /// # Errors
    /// The caller said to stop.
    pub(crate) fn of_locks<'s, T: Send>(
        &'s self,
        find: impl Fn(&'s Lock) -> Result<T, Reason> + Sync,
    ) -> Result<Vec<T>, Reason> {
        let find = |lock| {
            self.limits.go_on()?;
            find(lock)
        };
        let found = self.locks.par_iter().map(find).collect::<Result<_, _>>()?;
        self.limits.go_on()?;
        Ok(found)
    }

    /// When not everybody who wanted a lock could have it.
    pub(crate) fn crowds(&self, lock: &Lock) -> Crowds {
        let asks = self.asks.of(&lock.key);
        Crowds::new(lock, asks, self.scope.capacity())
    }

    /// The history's own index of the event at a position; nothing if there is no such event.
    pub(crate) fn index(&self, position: Position) -> Option<u64> {
        self.history
            .events()
            .get(position as usize)
            .map(|event| event.index)
    }

    /// The time of a position in nanoseconds; that of the last event for a position after the
    /// record.
    pub(crate) fn time(&self, position: Position) -> u64 {
        let events = self.history.events();
        events
            .get(position as usize)
            .or_else(|| events.last())
            .map_or(0, |event| event.time)
    }

    /// The history's indices of some positions, ascending.
    pub(crate) fn indices(&self, positions: impl IntoIterator<Item = Position>) -> Vec<u64> {
        let mut indices: Vec<u64> = positions
            .into_iter()
            .filter_map(|position| self.index(position))
            .collect();
        indices.sort_unstable();
        indices.dedup();
        indices
    }

    /// The history's indices of some positions, in their sequence.
    pub(crate) fn witness(&self, positions: impl IntoIterator<Item = Position>) -> Vec<u64> {
        positions
            .into_iter()
            .filter_map(|position| self.index(position))
            .collect()
    }

    /// How many nanoseconds lie between two positions.
    pub(crate) fn span_ns(&self, begin: Position, end: Position) -> u64 {
        self.time(end).saturating_sub(self.time(begin))
    }

    /// How many nanoseconds lie between an event and a later moment.
    pub(crate) fn until_ns(&self, begin: Position, end: Moment) -> u64 {
        end.time_ns.saturating_sub(self.time(begin))
    }

    /// The clock by which leases run; nothing if the record has none.
    pub(crate) fn clock(&self) -> Option<Clock<'a>> {
        self.history.has_clock().then(|| Clock::of(self.history))
    }

    /// The first event by which a service has let go of what a client may have held up to a
    /// position and did not give back: if there are leases, it may have renewed one until then.
    pub(crate) fn let_go_by(&self, until: Position) -> Position {
        match self.leases {
            Leases::None => until,
            Leases::Same(_) | Leases::Differ if until == NEVER => NEVER,
            Leases::Same(lease_ns) => Clock::of(self.history).after(until, lease_ns).position,
            Leases::Differ => NEVER,
        }
    }

    pub(crate) fn has_leases(&self) -> bool {
        self.leases != Leases::None
    }

    /// Why nothing is known of leases, if that is so.
    pub(crate) fn doubt_of_leases(&self) -> Option<String> {
        let why = "the record has leases and no clock: not every event says when it happened";
        (self.has_leases() && !self.history.has_clock()).then(|| why.to_owned())
    }

    /// The position after the last event.
    pub(crate) fn end(&self) -> Position {
        position_of_end(self.history)
    }
}

fn position_of_end(history: &History) -> Position {
    Position::try_from(history.events().len()).unwrap_or(NEVER)
}
/// The index of the first invocation of several permits at once.
fn first_of_several(history: &History) -> Option<u64> {
    let mut operations = history.operations();
    let first = operations.find(|operation| operation.permits() > 1)?;
    Some(first.invoke.index)
}
