//! `progress<=D`: after the last fault every lock is granted again, and goes on being granted.

use std::collections::{BTreeMap, BTreeSet};

use history::{Function, History, Kind};

use super::administration::{AdminOp, administered, last_count};
use super::error::{Flaw, ensure};
use super::file::Scope;
use super::record::{Ask, Hold, KeyName, NEVER, Record};
use super::spell::{Leases, Spell, lapse};

pub(super) struct Progress<'a> {
    history: &'a History,
    record: &'a Record,
    scope: &'a Scope,
    bound_ns: u128,
    /// The position of the last healing; 0 without faults.
    healed: usize,
    /// Whether some acquire says that there is a lock to be had: it was granted, or refused as taken.
    shows_a_lock: bool,
    administered: BTreeMap<KeyName, Vec<AdminOp>>,
    leases: Leases,
}

/// What is known of one lock after the last healing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    InTime,
    /// Not in time, or not for good; the acquire invoked at `asked` is the first that starved.
    Never {
        asked: usize,
    },
    Unknown,
}

fn shows_a_lock(history: &History) -> bool {
    history.events().iter().any(|event| {
        let error = event.error.as_ref().map(|error| &*error.kind);
        let shows = matches!(
            (event.kind, error),
            (Kind::Ok, _) | (Kind::Fail, None | Some("busy" | "no-slot"))
        );
        event.function == Function::Acquire && shows
    })
}

impl<'a> Progress<'a> {
    pub(super) fn new(
        history: &'a History,
        record: &'a Record,
        scope: &'a Scope,
        bound_ns: u128,
    ) -> Self {
        let healed = last_healing(history);
        Self {
            history,
            record,
            scope,
            bound_ns,
            healed,
            shows_a_lock: shows_a_lock(history),
            administered: administered(history),
            leases: Leases::of(history),
        }
    }

    /// Checks that every lock that was asked for is granted again in time.
    pub(super) fn check(&self) -> Result<(), Flaw> {
        let asks = self.record.asks.iter().filter(|ask| ask.was_sent);
        let keys: BTreeSet<usize> = asks.map(|ask| ask.key).collect();
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
        if self.healed == NEVER || !self.shows_a_lock {
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
            .filter(|ask| ask.key == key && ask.was_sent)
            .collect();
        let Some(slots) = self.slots(key, &holds) else {
            return Again::Unknown;
        };
        match self.known(&slots, &holds, &asks) {
            Again::Never { .. } if slots.may_change => Again::Unknown,
            known => known,
        }
    }

    /// What is known if the slots are those for good.
    fn known(&self, slots: &Slots, holds: &[&Hold], asks: &[&Ask]) -> Again {
        let first = self.first(slots, holds, asks);
        if let Again::Never { .. } = first {
            return first;
        }
        match self.starved(asks, self.surely_free(slots, holds, asks)) {
            Again::InTime if self.starved(asks, slots.believed_free(holds)) == Again::InTime => {
                first
            }
            Again::Never { asked } => Again::Never { asked },
            _ => Again::Unknown,
        }
    }

    /// The slots that have to be granted again, if they are known and there are any.
    fn slots(&self, key: usize, holds: &[&Hold]) -> Option<Slots> {
        let ops = self.administered.get(self.record.key_name(key));
        let ops = ops.map_or(&[][..], Vec::as_slice);
        let Some(count) = last_count(ops) else {
            if ops.iter().any(AdminOp::is_change) {
                return None;
            }
            return Some(Slots {
                number: usize::try_from(self.scope.slots.get()).unwrap_or(usize::MAX),
                named: None,
                since: self.healed,
                may_change: false,
            });
        };
        let found = count.found().filter(|found| !found.is_empty())?;
        let changes: Vec<_> = ops.iter().filter(|op| op.is_change()).collect();
        if changes.iter().any(|change| change.ended > count.invoked) {
            return None;
        }
        let last = changes.iter().map(|change| change.ended).max();
        let is_named = holds.iter().any(|hold| hold.slot.is_some());
        Some(Slots {
            number: found.len(),
            named: is_named.then(|| found.clone()),
            since: last.unwrap_or(0).max(self.healed),
            may_change: changes.iter().any(|change| change.settled() == NEVER),
        })
    }

    /// Whether all slots were granted again in time.
    fn first(&self, slots: &Slots, holds: &[&Hold], asks: &[&Ask]) -> Again {
        let Some(start) = slots.start(holds) else {
            return Again::Unknown;
        };
        let wanting = self.wanting(holds, asks);
        let demand = wanting
            .range(start..NEVER)
            .find(|(_, workers)| **workers >= slots.number)
            .map(|(position, _)| *position);
        let demand = if wanting_at(&wanting, start) >= slots.number {
            Some(start)
        } else {
            demand
        };
        let full = slots.full(holds);
        let deadline_ns = self.time(demand.unwrap_or(start)) + self.bound_ns;
        if full.is_some_and(|full| self.time(full) <= deadline_ns) {
            return Again::InTime;
        }
        let Some(demand) = demand else {
            return Again::Unknown;
        };
        let taken = self.taken(slots, holds, asks);
        let until = full.unwrap_or(NEVER);
        let mut starved = asks.iter().filter(|ask| {
            let asked = ask.invoked.max(demand);
            wanting_at(&wanting, asked) >= slots.number
                && self
                    .waits_from(ask, demand, until, slots, &taken)
                    .is_some_and(|from| {
                        self.time(ask.ended.min(until)) > self.time(from) + self.bound_ns
                    })
        });
        let asked = starved.next().map(|ask| ask.invoked);
        asked.map_or(Again::Unknown, |asked| Again::Never { asked })
    }

    /// From when on an acquire shows that the lock could not be had although a slot was free.
    fn waits_from(
        &self,
        ask: &Ask,
        demand: usize,
        until: usize,
        slots: &Slots,
        taken: &BTreeMap<usize, usize>,
    ) -> Option<usize> {
        let begun = self.record.operation(ask.invoked);
        let hold = begun.and_then(|operation| operation.hold);
        let is_taker = ask.outcome == Kind::Info
            || hold.is_some_and(|hold| slots.may_take(&self.record.holds[hold]));
        let (least, most, from) = match ask.outcome {
            Kind::Fail if ask.ended > until => return None,
            Kind::Fail => (slots.number, ask.ended, demand),
            _ => (
                slots.number + usize::from(is_taker),
                ask.ended.min(until),
                demand.max(ask.invoked),
            ),
        };
        if most <= demand {
            return None;
        }
        // The end of the last stretch before that in which so many were taken.
        let mut next = most;
        for (position, number) in taken.range(..most).rev() {
            if *number >= least {
                return Some(next.max(from));
            }
            next = *position;
        }
        Some(from)
    }

    /// How many slots may be taken, from each position at which that changes.
    fn taken(&self, slots: &Slots, holds: &[&Hold], asks: &[&Ask]) -> BTreeMap<usize, usize> {
        let of_slots = holds.iter().filter(|hold| slots.may_take(hold));
        let held = of_slots.map(|hold| (hold.asked, self.may_last_until(hold)));
        let unknown = asks.iter().filter(|ask| ask.outcome == Kind::Info);
        let unknown = unknown.map(|ask| (ask.invoked, self.let_go_by(ask.ended)));
        let mut changes: BTreeMap<usize, isize> = BTreeMap::new();
        for (from, until) in held.chain(unknown) {
            *changes.entry(from).or_default() += 1;
            *changes.entry(until).or_default() -= 1;
        }
        let mut number = 0;
        let numbers = changes.into_iter().map(|(position, change)| {
            number += change;
            (position, usize::try_from(number).unwrap_or(0))
        });
        numbers.collect()
    }

    /// How many workers have or want the lock, from each position at which that changes: they hold
    /// it, wait for an answer, or failed and ask again later.
    fn wanting(&self, holds: &[&Hold], asks: &[&Ask]) -> BTreeMap<usize, usize> {
        let mut changes: BTreeMap<usize, Vec<(u32, bool)>> = BTreeMap::new();
        let mut want = |from: usize, until: usize, process: u32| {
            let worker = self.scope.worker(process);
            changes.entry(from).or_default().push((worker, true));
            changes.entry(until).or_default().push((worker, false));
        };
        for hold in holds {
            for spell in &hold.spells {
                want(spell.from, spell.until.0, hold.process);
            }
        }
        let mut later: BTreeMap<u32, usize> = BTreeMap::new();
        for ask in asks.iter().rev() {
            let until = match later.insert(ask.process, ask.invoked) {
                Some(again) if ask.outcome == Kind::Fail => again,
                _ => ask.ended,
            };
            want(ask.invoked, until, ask.process);
        }
        let mut workers: BTreeMap<u32, usize> = BTreeMap::new();
        let mut numbers = BTreeMap::new();
        for (position, mut changes) in changes {
            changes.sort_by_key(|(_, begins)| !begins);
            for (worker, begins) in changes {
                let wants = workers.entry(worker).or_default();
                *wants = if begins { *wants + 1 } else { *wants - 1 };
                if *wants == 0 {
                    workers.remove(&worker);
                }
            }
            numbers.insert(position, workers.len());
        }
        numbers
    }

    /// Whether somebody starved for a lock that is free from a position on: not at all, surely, or
    /// perhaps.
    fn starved(&self, asks: &[&Ask], free: usize) -> Again {
        let deadline_ns = self.time(free) + self.bound_ns;
        let waited = |ask: &&&Ask| ask.invoked > free || self.time(ask.ended) > deadline_ns;
        let Some(first) = asks.iter().find(waited) else {
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
    fn surely_free(&self, slots: &Slots, holds: &[&Hold], asks: &[&Ask]) -> usize {
        let holds = holds.iter().map(|hold| self.may_last_until(hold));
        let unknown = asks.iter().filter(|ask| ask.outcome == Kind::Info);
        let unknown = unknown.map(|ask| self.let_go_by(ask.ended));
        let ends = holds.chain(unknown);
        ends.fold(slots.since, usize::max)
    }

    /// Not before its release is through, and never if that failed. Without a release that
    /// succeeded a service that gives leases may wait until one is over.
    fn may_last_until(&self, hold: &Hold) -> usize {
        let is_let_go = hold.believed_until != NEVER && !hold.revoked;
        if hold.literal_until != NEVER {
            let released = self.history.partner(hold.literal_until).unwrap_or(NEVER);
            let end = self.history.events().get(released);
            let is_ok = end.is_some_and(|end| end.kind == Kind::Ok);
            return if is_ok {
                released
            } else {
                self.let_go_by(released)
            };
        }
        if is_let_go && hold.over_by == NEVER {
            return NEVER;
        }
        let told = if is_let_go { hold.over_by } else { 0 };
        self.let_go_by(hold.believed_until.max(told))
    }

    /// A lease after a position, if there are leases; never if they differ.
    fn let_go_by(&self, place: usize) -> usize {
        match self.leases {
            Leases::None => place,
            Leases::Same(lease_ns) if place != NEVER => {
                lapse(self.history.events(), place, lease_ns).0
            }
            Leases::Same(_) | Leases::Differ => NEVER,
        }
    }

    /// What never comes counts as the last event.
    fn time(&self, position: usize) -> u128 {
        let events = self.history.events();
        events[position.min(events.len() - 1)].time.into()
    }
}

/// Where the last healing was over, 0 without faults. If no note says where one was, where the last
/// began. Faults that missed are none.
fn last_healing(history: &History) -> usize {
    let mut windows = history.windows();
    windows.retain(|window| !window.missed);
    let is_told = windows.iter().any(|window| window.healed.is_some());
    let ends = windows.iter().map(|window| {
        let end = if is_told { window.healed } else { window.heal };
        end.unwrap_or(NEVER)
    });
    ends.max().unwrap_or(0)
}

/// How many want the lock just after a position.
fn wanting_at(wanting: &BTreeMap<usize, usize>, now: usize) -> usize {
    wanting
        .range(..=now)
        .next_back()
        .map_or(0, |(_, workers)| *workers)
}

/// The slots of a lock that have to be granted again.
struct Slots {
    number: usize,
    /// Their numbers, if a count found them and grants name slots.
    named: Option<BTreeSet<u32>>,
    /// The last healing, or the last change of the slots if that is later.
    since: usize,
    /// Whether a change of unknown outcome may still come.
    may_change: bool,
}

impl Slots {
    /// Whether a hold is of one of the slots; if they have no names, of any.
    fn has(&self, hold: &Hold) -> bool {
        self.named
            .as_ref()
            .is_none_or(|named| hold.slot.is_some_and(|slot| named.contains(&slot)))
    }

    /// Whether a hold may have taken one of them: it is of one, or of nobody knows which.
    fn may_take(&self, hold: &Hold) -> bool {
        hold.slot.is_none() || self.has(hold)
    }

    /// From when on clients wait: holders from before may go on with a mutex, or with a slot that
    /// has a name.
    fn start(&self, holds: &[&Hold]) -> Option<usize> {
        let keeps = self.named.is_some() || self.number == 1;
        let before = holds
            .iter()
            .filter(|hold| keeps && hold.granted < self.since && self.has(hold));
        let done = before.filter_map(|hold| Some(hold.spells.last()?.until.0));
        let start = done.filter(|done| self.since < *done).max();
        let start = start.unwrap_or(self.since);
        (start != NEVER).then_some(start)
    }

    /// The grant with which all slots were granted again: with names each of them once, without all
    /// at one time.
    fn full(&self, holds: &[&Hold]) -> Option<usize> {
        let again = || holds.iter().filter(|hold| hold.granted > self.since);
        if let Some(named) = &self.named {
            let first = |slot: &u32| again().find(|hold| hold.slot == Some(*slot));
            let firsts = named
                .iter()
                .map(|slot| first(slot).map(|hold| hold.granted));
            return firsts.collect::<Option<Vec<usize>>>()?.into_iter().max();
        }
        let spells = holds.iter().flat_map(|hold| {
            let is_again = hold.granted > self.since;
            hold.spells.iter().map(move |spell| (spell, is_again))
        });
        let mut spells: Vec<(&Spell, bool)> = spells.collect();
        spells.sort_by_key(|(spell, _)| spell.from);
        let mut believed = BTreeSet::new();
        for (index, (spell, is_again)) in spells.into_iter().enumerate() {
            while believed
                .first()
                .is_some_and(|(until, _)| *until <= spell.from)
            {
                believed.pop_first();
            }
            believed.insert((spell.until.0, index));
            if is_again && spell.from > self.since && believed.len() >= self.number {
                return Some(spell.from);
            }
        }
        None
    }

    /// From when on a slot is free for good by all that clients believe, after the last grant. With
    /// a lease that is over between two positions it is from the first of them on.
    fn believed_free(&self, holds: &[&Hold]) -> usize {
        let mut changes: BTreeMap<usize, isize> = BTreeMap::new();
        for spell in holds.iter().flat_map(|hold| &hold.spells) {
            *changes.entry(spell.from).or_default() += 1;
            *changes.entry(spell.last()).or_default() -= 1;
        }
        let (mut number, mut free) = (0_isize, 0);
        let mut was_full = false;
        for (place, change) in changes {
            number += change;
            let is_full = usize::try_from(number).is_ok_and(|number| number >= self.number);
            if was_full && !is_full {
                free = place;
            }
            was_full = is_full;
        }
        let granted = holds.last().map_or(0, |hold| hold.granted);
        free.max(granted).max(self.since)
    }
}
