//! `progress<=D`: after the last fault every lock is granted again, and goes on being granted.

use std::collections::BTreeSet;

use history::{History, Kind};

use super::error::{Flaw, ensure};
use super::fault::windows;
use super::file::Scope;
use super::record::{Ask, Hold, NEVER, Record};

pub(super) struct Progress<'a> {
    history: &'a History,
    record: &'a Record,
    scope: &'a Scope,
    bound_ns: u128,
    /// The position of the last healing; 0 without faults.
    healed: usize,
}

/// What is known of one lock after the last healing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    InTime,
    /// Not in time, or not for good; the acquire invoked at `asked` is the first that waited in vain.
    Never {
        asked: usize,
    },
    Unknown,
}

impl<'a> Progress<'a> {
    pub(super) fn new(
        history: &'a History,
        record: &'a Record,
        scope: &'a Scope,
        bound_ns: u128,
    ) -> Self {
        let healed = windows(history).iter().map(|window| window.healed).max();
        let healed = healed.unwrap_or(0);
        Self {
            history,
            record,
            scope,
            bound_ns,
            healed,
        }
    }

    /// Checks that every lock that was asked for is granted again in time.
    pub(super) fn check(&self) -> Result<(), Flaw> {
        let keys: BTreeSet<usize> = self.record.asks.iter().map(|ask| ask.key).collect();
        ensure(!keys.is_empty(), || Flaw::new("nobody asked for a lock"))?;
        for key in keys {
            ensure(self.of_key(key) == Again::InTime, || {
                Flaw::new("it is not certain that the lock was granted again in time")
                    .on(self.record.key_name(key))
            })?;
        }
        Ok(())
    }

    pub(super) fn of_key(&self, key: usize) -> Again {
        if self.healed == NEVER {
            return Again::Unknown;
        }
        let holds: Vec<&Hold> = self
            .record
            .holds
            .iter()
            .filter(|hold| hold.key == key)
            .collect();
        let asks: Vec<&Ask> = self
            .record
            .asks
            .iter()
            .filter(|ask| ask.key == key)
            .collect();
        let first = self.first(&holds, &asks);
        if let Again::Never { .. } = first {
            return first;
        }
        match self.in_vain(&asks, self.surely_free(&holds, &asks)) {
            Again::InTime if self.in_vain(&asks, self.believed_free(&holds)) == Again::InTime => {
                first
            }
            Again::Never { asked } => Again::Never { asked },
            _ => Again::Unknown,
        }
    }

    /// Whether all slots were held again in time.
    fn first(&self, holds: &[&Hold], asks: &[&Ask]) -> Again {
        let Some(start) = self.start(holds) else {
            return Again::Unknown;
        };
        let deadline_ns = self.time(start) + self.bound_ns;
        if self
            .full(holds)
            .is_some_and(|full| self.time(full) <= deadline_ns)
        {
            return Again::InTime;
        }
        let asked = || {
            asks.iter()
                .filter(|ask| ask.invoked >= start && self.time(ask.invoked) <= deadline_ns)
        };
        let workers: BTreeSet<u32> = asked().map(|ask| self.scope.worker(ask.process)).collect();
        match asked().next() {
            Some(first)
                if self.time(NEVER) > deadline_ns && workers.len() as u64 >= self.slots() =>
            {
                Again::Never {
                    asked: first.invoked,
                }
            }
            _ => Again::Unknown,
        }
    }

    /// From when on clients wait: a holder from before the healing may go on with a mutex.
    fn start(&self, holds: &[&Hold]) -> Option<usize> {
        let spans = |hold: &&&Hold| hold.granted < self.healed && self.healed < hold.believed_until;
        let spanning = holds
            .iter()
            .filter(spans)
            .map(|hold| hold.believed_until)
            .max();
        let start = spanning
            .filter(|_| self.slots() == 1)
            .unwrap_or(self.healed);
        (start != NEVER).then_some(start)
    }

    /// The first grant after the healing with which all slots are held.
    fn full(&self, holds: &[&Hold]) -> Option<usize> {
        let mut believed = BTreeSet::new();
        for (index, hold) in holds.iter().enumerate() {
            while believed
                .first()
                .is_some_and(|(until, _)| *until < hold.granted)
            {
                believed.pop_first();
            }
            believed.insert((hold.believed_until, index));
            if hold.granted > self.healed && believed.len() as u64 >= self.slots() {
                return Some(hold.granted);
            }
        }
        None
    }

    /// Whether somebody asked in vain for a lock that is free from a position on: not at all, surely, or perhaps.
    fn in_vain(&self, asks: &[&Ask], free: usize) -> Again {
        let deadline_ns = self.time(free) + self.bound_ns;
        let waited = |ask: &&&Ask| ask.invoked > free || self.time(ask.ended) > deadline_ns;
        let first = asks
            .iter()
            .find(waited)
            .filter(|_| self.time(NEVER) > deadline_ns);
        let Some(first) = first else {
            return Again::InTime;
        };
        let deadline_ns = self.time(first.invoked.max(free)) + self.bound_ns;
        let refused = |ask: &&Ask| ask.outcome == Kind::Fail && self.time(ask.ended) > deadline_ns;
        if asks.iter().any(refused) {
            Again::Never {
                asked: first.invoked,
            }
        } else {
            Again::Unknown
        }
    }

    /// From when on nobody can hold it: neither who had it nor who may have got it.
    fn surely_free(&self, holds: &[&Hold], asks: &[&Ask]) -> usize {
        let holds = holds.iter().map(|hold| self.may_last_until(hold));
        let unknown = asks.iter().filter(|ask| ask.outcome == Kind::Info);
        let ends = holds.chain(unknown.map(|ask| ask.ended));
        ends.fold(self.healed, usize::max)
    }

    /// Not before its release is through, and never if that failed.
    fn may_last_until(&self, hold: &Hold) -> usize {
        let is_let_go = hold.believed_until != NEVER && !hold.cut;
        if hold.literal_until != NEVER {
            self.history.partner(hold.literal_until).unwrap_or(NEVER)
        } else if is_let_go && hold.over_by == NEVER {
            NEVER
        } else {
            hold.believed_until
        }
    }

    /// From when on a slot is free by all that clients believe, after the last grant.
    fn believed_free(&self, holds: &[&Hold]) -> usize {
        let mut ends: Vec<usize> = holds.iter().map(|hold| hold.believed_until).collect();
        ends.sort_unstable_by(|one, other| other.cmp(one));
        let slots = usize::try_from(self.slots()).unwrap_or(usize::MAX);
        let left = ends.get(slots - 1).copied();
        let granted = holds.last().map(|hold| hold.granted);
        left.max(granted).unwrap_or(0).max(self.healed)
    }

    fn slots(&self) -> u64 {
        self.scope.slots.get().into()
    }

    /// What never comes counts as the last event.
    fn time(&self, position: usize) -> u128 {
        let events = self.history.events();
        events[position.min(events.len() - 1)].time.into()
    }
}
