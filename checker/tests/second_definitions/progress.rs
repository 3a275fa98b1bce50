//! `progress<=D`: every moment after the last fault, and everybody who waits.

use std::collections::BTreeSet;

use history::{Function, Kind};

use super::record::{Hold, NEVER, Op, Reach, Record};
use super::{Verdict, WORKERS, verdict};

pub(crate) fn progress(record: &Record, slots: u32, bound_ns: u64) -> Verdict {
    let keys = record.keys();
    let asked = keys.iter().filter(|key| !record.asks_on(key).is_empty());
    let Some(healed) = record.healed else {
        return Verdict::Unknown;
    };
    let says_there_is_one = |op: &Op| {
        op.is_ok(&Function::Acquire)
            || op.is(&Function::Acquire)
                && op.kind == Kind::Fail
                && ["", "busy", "no-slot"].contains(&op.error.as_str())
    };
    if !record.ops.iter().any(says_there_is_one) {
        return Verdict::Unknown;
    }
    let of_key = |key| {
        Lock::new(record, key, slots, healed)
            .map_or(Verdict::Unknown, |lock| lock.verdict(bound_ns))
    };
    asked.map(of_key).max().unwrap_or(Verdict::Unknown)
}

struct Lock<'a> {
    record: &'a Record,
    holds: Vec<&'a Hold>,
    asks: Vec<&'a Op>,
    number: usize,
    /// The slots that must be granted, if they have names.
    names: Option<BTreeSet<u32>>,
    /// Since when nothing is broken and the slots are the same.
    since: usize,
    may_change: bool,
}

impl<'a> Lock<'a> {
    /// Nothing where the slots are not known.
    fn new(record: &'a Record, key: &Option<String>, slots: u32, healed: usize) -> Option<Self> {
        let ops = record.ops_on(key);
        let holds = record.holds_on(key);
        let changes: Vec<&&Op> = ops.iter().filter(|op| op.is_change()).collect();
        let counts = ops.iter().filter(|op| op.is_finding());
        let mut lock = Self {
            record,
            asks: record.asks_on(key),
            number: slots as usize,
            names: None,
            since: healed,
            may_change: changes.iter().any(|op| op.is_unknown()),
            holds,
        };
        let Some(count) = counts.max_by_key(|op| op.invoke) else {
            return changes.is_empty().then_some(lock);
        };
        let found: BTreeSet<u32> = count.slots()?.iter().copied().collect();
        if found.is_empty() || changes.iter().any(|op| op.end > count.invoke) {
            return None;
        }
        lock.number = found.len();
        lock.since = changes.iter().map(|op| op.end).chain([healed]).max()?;
        if lock.holds.iter().any(|hold| hold.slot().is_some()) {
            lock.names = Some(found);
        }
        Some(lock)
    }

    fn verdict(&self, bound_ns: u64) -> Verdict {
        let first = self.first(bound_ns);
        let free = self.surely_free();
        let is_stuck =
            first == Verdict::Violated || self.starves(free, bound_ns) == Verdict::Violated;
        if is_stuck {
            return if self.may_change {
                Verdict::Unknown
            } else {
                Verdict::Violated
            };
        }
        let nobody_waits = [free, self.believed_free()]
            .iter()
            .all(|free| self.starves(*free, bound_ns) == Verdict::Valid);
        verdict(false, first == Verdict::Valid && nobody_waits, true)
    }

    fn time(&self, place: usize) -> u64 {
        self.record.time(place)
    }

    /// Whether the lock worked again in time.
    fn first(&self, bound_ns: u64) -> Verdict {
        let Some(start) = self.start() else {
            return Verdict::Unknown;
        };
        let mut moments = start..self.record.times.len();
        let wanted = moments.find(|now| self.workers(*now) >= self.number);
        let works = self.record.moments().find(|now| self.works(*now));
        let from = self.time(wanted.unwrap_or(start));
        if works.is_some_and(|works| self.time(works) <= from + bound_ns) {
            return Verdict::Valid;
        }
        let Some(wanted) = wanted else {
            return Verdict::Unknown;
        };
        let works = works.unwrap_or(NEVER);
        let starved = |ask: &&&Op| {
            let end = ask.end.min(works);
            let refused = ask.kind == Kind::Fail;
            let asked = ask.invoke.max(wanted);
            if end <= wanted || (refused && ask.end > works) || self.workers(asked) < self.number {
                return false;
            }
            // Since when, at every moment, a slot was free for everybody else.
            let from = if refused { wanted } else { asked };
            let mut moments = from..end.min(self.record.times.len());
            let taken = moments.rfind(|now| self.taken(*now, ask) >= self.number);
            let free = taken.map_or(from, |taken| taken + 1).min(end);
            self.time(end) > self.time(free) + bound_ns
        };
        match self.asks.iter().find(starved) {
            Some(_) => Verdict::Violated,
            None => Verdict::Unknown,
        }
    }

    fn is_theirs(&self, hold: &Hold) -> bool {
        let named = self.names.as_ref();
        named.is_none_or(|names| hold.slot().is_some_and(|slot| names.contains(&slot)))
    }

    /// When those who held before are done, if they keep others waiting.
    fn start(&self) -> Option<usize> {
        if self.number > 1 && self.names.is_none() {
            return Some(self.since).filter(|since| *since != NEVER);
        }
        let theirs = self.holds.iter().filter(|hold| self.is_theirs(hold));
        let before = theirs.filter(|hold| hold.op.end < self.since);
        let ends = before
            .filter_map(|hold| self.done(hold))
            .filter(|end| self.since < *end);
        Some(ends.max().unwrap_or(self.since)).filter(|start| *start != NEVER)
    }

    /// When its client believes in it no more for good, if it ever did.
    fn done(&self, hold: &Hold) -> Option<usize> {
        let last = self.record.moments().rfind(|now| hold.is_believed(*now))?;
        Some(match hold.reach(last) {
            Reach::Open => NEVER,
            Reach::Event(_) | Reach::Lapse(_) if last + 1 < self.record.times.len() => last + 1,
            Reach::Event(_) | Reach::Lapse(_) => NEVER,
        })
    }

    /// Whether all slots are granted again with the grant at this place.
    fn works(&self, now: usize) -> bool {
        if now <= self.since {
            return false;
        }
        if let Some(names) = &self.names {
            if !self.holds.iter().any(|hold| hold.op.end == now) {
                return false;
            }
            return names.iter().all(|slot| {
                let mut holds = self.holds.iter();
                holds.any(|hold| {
                    hold.slot() == Some(*slot) && self.since < hold.op.end && hold.op.end <= now
                })
            });
        }
        let mut again = self.holds.iter().filter(|hold| hold.op.end > self.since);
        let begins = again.any(|hold| hold.begins(now));
        let holds = self.holds.iter().filter(|hold| hold.is_believed(now));
        begins && holds.count() >= self.number
    }

    /// When the service has surely let go of what a client may have had until an event.
    fn let_go(&self, place: usize) -> usize {
        if !self.record.has_leases() || place == NEVER {
            return place;
        }
        let Some(lease_ns) = self.record.any_lease_ns() else {
            return NEVER;
        };
        let over = self.time(place) + lease_ns;
        let mut moments = self.record.moments();
        moments.find(|now| self.time(*now) >= over).unwrap_or(NEVER)
    }

    /// A hold lasts until its release is through, for ever if that failed; else as long as nobody
    /// gave it up, and then a lease longer.
    fn may_last_until(&self, hold: &Hold) -> usize {
        if let Some(release) = &hold.release {
            return match release.kind {
                Kind::Ok => release.end,
                _ => self.let_go(release.end),
            };
        }
        let tells = |op: &&Op| op.kind == Kind::Fail || op.tells_loss();
        let told = hold.endings.iter().filter(tells).map(|op| op.end).min();
        match told {
            None if hold.was_let_go => NEVER,
            told => self.let_go(hold.believed_until.max(told.unwrap_or(0))),
        }
    }

    /// How many workers have or want it: they hold it, wait for an answer, or failed and ask again.
    fn workers(&self, now: usize) -> usize {
        let holding = self.holds.iter().filter(|hold| hold.is_believed(now));
        let asking = self.asks.iter().filter(|ask| {
            let mut later = self
                .asks
                .iter()
                .filter(|other| other.process == ask.process);
            let asks_again = later.any(|other| other.invoke > now);
            let mut between = self
                .asks
                .iter()
                .filter(|other| other.process == ask.process);
            let is_last = !between.any(|other| ask.invoke < other.invoke && other.invoke <= now);
            let waits = now < ask.end || (ask.kind == Kind::Fail && asks_again && is_last);
            ask.invoke <= now && waits
        });
        let workers = holding
            .map(|hold| hold.op.process)
            .chain(asking.map(|ask| ask.process));
        workers
            .map(|process| process % WORKERS)
            .collect::<BTreeSet<_>>()
            .len()
    }

    /// How many slots may be taken at a moment by others than an acquire.
    fn taken(&self, now: usize, ask: &Op) -> usize {
        let holds = self.holds.iter().filter(|hold| {
            let is_other = hold.op.invoke != ask.invoke;
            let is_in_the_way = hold.slot().is_none() || self.is_theirs(hold);
            is_other && is_in_the_way && hold.op.invoke <= now && now < self.may_last_until(hold)
        });
        let unknown = self.asks.iter().filter(|other| {
            let is_other = other.invoke != ask.invoke && other.is_unknown();
            is_other && other.invoke <= now && now < self.let_go(other.end)
        });
        holds.count() + unknown.count()
    }

    fn surely_free(&self) -> usize {
        let holds = self.holds.iter().map(|hold| self.may_last_until(hold));
        let unknown = self.asks.iter().filter(|ask| ask.is_unknown());
        let unknown = unknown.map(|ask| self.let_go(ask.end));
        let all = holds.chain(unknown).chain([self.since]);
        all.max().unwrap_or(0)
    }

    /// The first moment from which on, for good, fewer believe than there are slots and nobody is
    /// granted it any more.
    fn believed_free(&self) -> usize {
        let last = self.holds.iter().map(|hold| hold.op.end).max().unwrap_or(0);
        let first = last.max(self.since);
        let moments = first..self.record.times.len();
        // How many believe from an event to the next, without a lease that is over meanwhile.
        let is_full = |now: &usize| {
            let through = |hold: &&&Hold| {
                hold.is_believed(*now)
                    && match hold.reach(*now) {
                        Reach::Lapse(over) => self.time(now + 1) < over,
                        Reach::Event(_) | Reach::Open => true,
                    }
            };
            self.holds.iter().filter(through).count() >= self.number
        };
        match moments.rev().find(is_full) {
            Some(last) if last + 1 == self.record.times.len() => NEVER,
            Some(last) => last + 1,
            None => first,
        }
    }

    /// Whether somebody starves for what is free from a place on: valid if not, unknown if perhaps.
    fn starves(&self, free: usize, bound_ns: u64) -> Verdict {
        let waits =
            |ask: &&&Op| ask.invoke > free || self.time(ask.end) > self.time(free) + bound_ns;
        let Some(first) = self.asks.iter().find(waits) else {
            return Verdict::Valid;
        };
        let from = self.time(first.invoke.max(free));
        let is_refused = |ask: &&Op| ask.kind == Kind::Fail && self.time(ask.end) > from + bound_ns;
        verdict(self.asks.iter().any(is_refused), false, true)
    }
}
