//! Who waited for a lock after the last fault, and whether that was for too long.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use history::Kind;

use super::slots::Slots;
use super::{Return, TOO_LITTLE, Vain};
use crate::Case;
use crate::asks::Ask;
use crate::hold::{End, Hold};
use crate::holds::Lock;
use crate::position::{NEVER, Position, position};

/// What is known of the waiting for one lock.
pub(super) struct Wait<'a> {
    case: &'a Case<'a>,
    lock: &'a Lock,
    asks: &'a [Ask],
    slots: &'a Slots,
    bound_ns: u64,
}

impl<'a> Wait<'a> {
    pub(super) fn new(
        case: &'a Case<'a>,
        lock: &'a Lock,
        slots: &'a Slots,
        bound: Duration,
    ) -> Self {
        Self {
            case,
            lock,
            asks: case.asks.of(&lock.key),
            slots,
            bound_ns: u64::try_from(bound.as_nanos()).unwrap_or(u64::MAX),
        }
    }

    /// The time until which the lock must have been granted to who waits from a position on.
    fn deadline_ns(&self, from: Position) -> u64 {
        self.case.time(from).saturating_add(self.bound_ns)
    }

    /// Whether all slots were granted again in time.
    pub(super) fn first(&self) -> Return {
        let Some(start) = self.slots.start(self.lock) else {
            return Return::Undecided(TOO_LITTLE);
        };
        let wanted = Wanted::new(self.case, self.lock, self.asks);
        let demand = wanted.first_by(self.slots.number, start);
        let full = self.slots.full_at(self.lock);
        let after_ns = full.map(|full| self.case.span_ns(demand.unwrap_or(start), full));
        if let Some(after_ns) = after_ns.filter(|after_ns| *after_ns <= self.bound_ns) {
            return Return::After(after_ns);
        }
        let until = full.unwrap_or(NEVER);
        let starved = demand.and_then(|demand| self.starved(&wanted, demand, until));
        match (starved, after_ns) {
            (Some(asked), Some(after_ns)) => Return::Late { asked, after_ns },
            (Some(asked), None) => Return::Never(asked),
            (None, _) => Return::Undecided(TOO_LITTLE),
        }
    }

    /// The first who asked between the first demand and the moment at which the lock worked again
    /// and was refused after the bound, or waited for longer, while a slot was free.
    fn starved(&self, wanted: &Wanted, demand: Position, until: Position) -> Option<Position> {
        let taken = Taken::new(self.case, self.lock, self.asks, self.slots);
        let number = self.slots.number;
        let is_starved = |ask: &&Ask| {
            let end = ask.end.min(until);
            let own = ask.invoke.max(demand);
            let since = match ask.kind {
                _ if end <= demand => return false,
                Some(Kind::Fail) if ask.end > until => return false,
                Some(Kind::Fail) => taken.last_by(0, end).max(demand),
                // Its own hold, known or not, is in nobody's way.
                _ => taken.last_by(taken.own(ask), end).max(own),
            };
            self.case.time(end) > self.deadline_ns(since) && wanted.at(own) >= number
        };
        self.asks.iter().find(is_starved).map(|ask| ask.invoke)
    }

    /// What the end of the record shows, when nobody was granted the lock any more.
    pub(super) fn tail(&self) -> Vain {
        match self.vain(self.surely_free()) {
            Vain::No => match self.vain(self.believed_free()) {
                Vain::No => Vain::No,
                Vain::Perhaps | Vain::Surely(_) => Vain::Perhaps,
            },
            found => found,
        }
    }

    /// Whether somebody starved for a lock that is free from `free` on. Only if somebody was refused
    /// later than the bound after both is that certain.
    fn vain(&self, free: Position) -> Vain {
        let deadline_ns = self.deadline_ns(free);
        let waited = |ask: &&Ask| ask.invoke > free || self.case.time(ask.end) > deadline_ns;
        let Some(first) = self.asks.iter().find(waited) else {
            return Vain::No;
        };
        let deadline_ns = self.deadline_ns(first.invoke.max(free));
        let is_late =
            |ask: &Ask| ask.kind == Some(Kind::Fail) && self.case.time(ask.end) > deadline_ns;
        if self.asks.iter().any(is_late) {
            Vain::Surely(first.invoke)
        } else {
            Vain::Perhaps
        }
    }

    /// From when on a slot is free for good by all that clients believe, after the last grant. A
    /// lease that is over between two events leaves it free from the first of them on.
    fn believed_free(&self) -> Position {
        let beliefs = self.lock.holds.iter().flat_map(Hold::beliefs);
        let course = course(beliefs.map(|belief| (belief.begin, belief.last())));
        let last = course.len().checked_sub(1);
        let full = last.and_then(|last| last_with(&course, self.slots.number)[last]);
        let left = full.map(|full| course.get(full + 1).map_or(NEVER, |(at, _)| *at));
        let granted = self.lock.holds.last().map(|hold| hold.granted);
        left.max(granted).unwrap_or(0).max(self.slots.since)
    }

    /// From when on nobody can hold it: neither a client that had it nor one that may have got it.
    fn surely_free(&self) -> Position {
        let holds = self.lock.holds.iter();
        let holds = holds.map(|hold| may_last_until(self.case, hold));
        let unknown = self.asks.iter().filter(|ask| ask.is_unknown());
        holds
            .chain(unknown.map(|ask| self.case.let_go_by(ask.end)))
            .max()
            .unwrap_or(0)
            .max(self.slots.since)
    }
}

/// Where a hold may end at the latest: not before its release is through, and never if the release
/// failed. If there are leases, the service keeps it for so long with a client that gave it up
/// without a release.
fn may_last_until(case: &Case<'_>, hold: &Hold) -> Position {
    let retired = |release: Position| {
        case.history
            .partner(release as usize)
            .map_or(NEVER, position)
    };
    let until = match hold.released {
        Some((invoke, NEVER)) => retired(invoke),
        Some((_, end)) => return end,
        None if hold.end == End::Release && hold.lost.is_none() => NEVER,
        // Its client may have given it up before; what refused the release says no earlier.
        None => hold.believed_until.max(hold.lost.unwrap_or(0)),
    };
    case.let_go_by(until)
}

/// A number that changes along the record.
struct Course(Vec<(Position, usize)>);

impl Course {
    /// The number after all changes up to a position.
    fn at(&self, now: Position) -> usize {
        let changes = self.0.partition_point(|(at, _)| *at <= now);
        changes.checked_sub(1).map_or(0, |last| self.0[last].1)
    }
}

/// How many workers have or want a lock.
struct Wanted(Course);

impl Wanted {
    /// Who holds, who waits for an answer, and who failed to get it and asks again.
    fn new(case: &Case<'_>, lock: &Lock, asks: &[Ask]) -> Self {
        let mut steps = Vec::new();
        let mut step = |from: Position, until: Position, process: u32| {
            let worker = case.scope.worker(process);
            steps.extend([(from, worker, 1_i64), (until, worker, -1)]);
        };
        for hold in &lock.holds {
            for belief in hold.beliefs() {
                step(belief.begin, belief.end.position, hold.process);
            }
        }
        let mut next = BTreeMap::new();
        for ask in asks.iter().rev() {
            let again = next.insert(ask.process, ask.invoke);
            let again = again.filter(|_| ask.kind == Some(Kind::Fail));
            step(ask.invoke, again.unwrap_or(ask.end), ask.process);
        }
        steps.sort_unstable_by_key(|(at, ..)| *at);
        let mut workers: BTreeMap<u32, i64> = BTreeMap::new();
        let mut course: Vec<(Position, usize)> = Vec::new();
        for (at, worker, change) in steps {
            let count = workers.entry(worker).or_default();
            *count += change;
            if *count == 0 {
                workers.remove(&worker);
            }
            course.pop_if(|(last, _)| *last == at);
            course.push((at, workers.len()));
        }
        Self(Course(course))
    }

    fn at(&self, now: Position) -> usize {
        self.0.at(now)
    }

    /// The first moment from a position on at which so many want it.
    fn first_by(&self, number: usize, from: Position) -> Option<Position> {
        if self.at(from) >= number {
            return Some(from);
        }
        let mut later = self.0.0.iter().filter(|(at, _)| *at > from && *at != NEVER);
        later.find_map(|(at, workers)| (*workers >= number).then_some(*at))
    }
}

/// How many slots may be taken: by holds, as long as they may last, and by acquires of which nobody
/// knows, until their processes are retired.
struct Taken {
    changes: Vec<(Position, usize)>,
    /// Up to each change: the last after which so many were taken as there are slots, or one more.
    last: [Vec<Option<usize>>; 2],
    /// The invocations of the acquires that may have taken one.
    takers: BTreeSet<Position>,
}

impl Taken {
    fn new(case: &Case<'_>, lock: &Lock, asks: &[Ask], slots: &Slots) -> Self {
        let holds = lock.holds.iter().filter(|hold| slots.has(hold));
        let holds = holds.map(|hold| (hold.asked, may_last_until(case, hold)));
        let unknown = asks.iter().filter(|ask| ask.is_unknown());
        let unknown = unknown.map(|ask| (ask.invoke, case.let_go_by(ask.end)));
        let spans: Vec<(Position, Position)> = holds.chain(unknown).collect();
        let takers = spans.iter().map(|(from, _)| *from).collect();
        let course = course(spans.into_iter());
        let last = [0, 1].map(|more| last_with(&course, slots.number + more));
        Self {
            changes: course,
            last,
            takers,
        }
    }

    /// How many slots an acquire may itself have taken.
    fn own(&self, ask: &Ask) -> usize {
        usize::from(self.takers.contains(&ask.invoke))
    }

    /// The last moment before `end` at which all slots were taken, and so many more; 0 if there was
    /// none.
    fn last_by(&self, more: usize, end: Position) -> Position {
        let before = self.changes.partition_point(|(at, _)| *at < end);
        let last = before.checked_sub(1).and_then(|last| self.last[more][last]);
        let until = |last: usize| {
            self.changes
                .get(last + 1)
                .map_or(end, |(at, _)| end.min(*at))
        };
        last.map_or(0, until)
    }
}

/// How many of some spans go on from each position on at which that changes.
fn course(spans: impl Iterator<Item = (Position, Position)>) -> Vec<(Position, usize)> {
    let ends = |(from, until): (Position, Position)| [(from, 1), (until, -1)];
    let mut steps: Vec<(Position, i64)> = spans.flat_map(ends).collect();
    steps.sort_unstable();
    let mut number = 0;
    let mut course: Vec<(Position, usize)> = Vec::new();
    for (at, change) in steps {
        number += change;
        course.pop_if(|(last, _)| *last == at);
        course.push((at, usize::try_from(number).unwrap_or(0)));
    }
    course
}

/// For each change the last up to it after which so many were taken.
fn last_with(changes: &[(Position, usize)], number: usize) -> Vec<Option<usize>> {
    let with = |last: &mut Option<usize>, (place, (_, taken)): (usize, &(Position, usize))| {
        *last = Some(place).filter(|_| *taken >= number).or(*last);
        Some(*last)
    };
    changes.iter().enumerate().scan(None, with).collect()
}
