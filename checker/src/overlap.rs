//! Intervals of which at most so many may exist at one time.

use std::collections::{BTreeMap, BTreeSet};

use crate::belief::Moment;
use crate::position::Position;

/// How many may hold at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Capacity {
    /// One client, however often it is granted what it holds already.
    OneClient,
    /// So many grants, whosever they are.
    Grants(usize),
}

impl Capacity {
    /// How many clients fit.
    pub(crate) fn number(self) -> usize {
        match self {
            Self::OneClient => 1,
            Self::Grants(number) => number,
        }
    }
}

/// Where an interval ends: with an event, or at a moment before one.
pub(crate) trait End: Copy + Ord {
    /// That event.
    fn position(self) -> Position;
}

impl End for Position {
    fn position(self) -> Position {
        self
    }
}

impl End for Moment {
    fn position(self) -> Position {
        self.position
    }
}

/// From the event `begin` to `end`; nothing if `begin` is not before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval<E = Position> {
    pub(crate) process: u32,
    pub(crate) begin: Position,
    pub(crate) end: E,
    /// Several readers may hold at one time, but not beside anybody else.
    pub(crate) shared: bool,
}

impl<E: End> Interval<E> {
    pub(crate) fn is_empty(&self) -> bool {
        self.begin >= self.end.position()
    }
}

/// The end of an interval, and its place.
type Ending<E> = (E, usize);

/// The intervals of one mode that are going on, by their ends.
struct Going<E> {
    /// As many as fit of those that end last.
    last: BTreeSet<Ending<E>>,
    /// All others.
    rest: BTreeSet<Ending<E>>,
    capacity: Capacity,
    /// Where only clients count: the one of each that ends last. The others are left out.
    longest: BTreeMap<u32, Ending<E>>,
}

impl<E: End> Going<E> {
    fn new(capacity: Capacity) -> Self {
        Self {
            last: BTreeSet::new(),
            rest: BTreeSet::new(),
            capacity,
            longest: BTreeMap::new(),
        }
    }

    fn enter(&mut self, process: u32, entry: Ending<E>) {
        if self.capacity == Capacity::OneClient {
            let longest = self.longest.entry(process).or_insert(entry);
            if *longest > entry {
                return;
            }
            let before = std::mem::replace(longest, entry);
            if self.last.remove(&before) {
                self.last.extend(self.rest.pop_last());
            } else {
                self.rest.remove(&before);
            }
        }
        self.last.insert(entry);
        if self.last.len() > self.capacity.number() {
            self.rest.extend(self.last.pop_first());
        }
    }

    /// All of them, the last to end first.
    fn by_end(&self) -> impl Iterator<Item = Ending<E>> {
        let by_end = self.last.iter().rev().chain(self.rest.iter().rev());
        by_end.copied()
    }

    /// Of as many as fit, if there are so many, the one that ends first.
    fn full(&self) -> Option<Ending<E>> {
        let is_full = self.last.len() == self.capacity.number();
        self.last.first().copied().filter(|_| is_full)
    }

    fn expire(&mut self, now: Position) {
        for endings in [&mut self.rest, &mut self.last] {
            while endings
                .first()
                .is_some_and(|(end, _)| end.position() <= now)
            {
                endings.pop_first();
            }
        }
    }
}

/// What leaves no room for another interval.
#[derive(Clone, Copy)]
enum Obstacle<E> {
    /// One of the other mode, or of another client.
    One(Ending<E>),
    /// As many as fit that are alone; the first of them to end.
    Full(Ending<E>),
}

impl<E: End> Obstacle<E> {
    fn first_to_end(self) -> Ending<E> {
        match self {
            Self::One(ending) | Self::Full(ending) => ending,
        }
    }
}

/// The intervals that are going on.
struct Active<'a, E> {
    intervals: &'a [Interval<E>],
    capacity: Capacity,
    alone: Going<E>,
    shared: Going<E>,
}

impl<E: End> Active<'_, E> {
    /// The last to end among those that leave no room for another interval: as many as fit, or one
    /// of the other mode.
    fn in_the_way(&self, new: Interval<E>) -> Option<Obstacle<E>> {
        let one = |going: &Going<E>| going.by_end().next().map(Obstacle::One);
        let (alone, shared) = match self.capacity {
            Capacity::OneClient => (self.other(&self.alone, new), self.other(&self.shared, new)),
            Capacity::Grants(_) if new.shared => (one(&self.alone), None),
            Capacity::Grants(_) => (self.alone.full().map(Obstacle::Full), one(&self.shared)),
        };
        if new.shared {
            alone
        } else {
            last_to_end(alone, shared)
        }
    }

    /// The last to end of those that another client has.
    fn other(&self, going: &Going<E>, new: Interval<E>) -> Option<Obstacle<E>> {
        let is_other = |(_, place): &Ending<E>| self.intervals[*place].process != new.process;
        going.by_end().find(is_other).map(Obstacle::One)
    }

    /// The places of what is in the way, the last to end first.
    fn members(&self, obstacle: Obstacle<E>) -> Vec<usize> {
        match obstacle {
            Obstacle::One((_, place)) => vec![place],
            Obstacle::Full(_) => self
                .alone
                .last
                .iter()
                .rev()
                .map(|(_, place)| *place)
                .collect(),
        }
    }

    fn enter(&mut self, place: usize) {
        let interval = self.intervals[place];
        let going = if interval.shared {
            &mut self.shared
        } else {
            &mut self.alone
        };
        going.enter(interval.process, (interval.end, place));
    }
}

/// The obstacle that is there for longer: together with it the overlap lasts longer.
fn last_to_end<E: End>(
    one: Option<Obstacle<E>>,
    other: Option<Obstacle<E>>,
) -> Option<Obstacle<E>> {
    let until = |obstacle: &Option<Obstacle<E>>| obstacle.map(Obstacle::first_to_end);
    if until(&one) >= until(&other) {
        one
    } else {
        other
    }
}

/// More intervals at one time than there may be: one overlap for each interval that began while
/// there was no room for it, with those that leave it the longest exposure. `intervals` are in the
/// order of their beginnings. Of each it tells the beginning and the end, and to who asks for them
/// the members, by their places: the one that came last, then those it found there, the longest
/// first. Without these it is O(n log n); there are as many of them as fit, and one more.
///
/// # Errors
/// That of the first that was not taken.
pub(crate) fn for_overlaps<E: End, X>(
    intervals: &[Interval<E>],
    capacity: Capacity,
    mut take: impl FnMut(Position, E, &dyn Fn() -> Vec<usize>) -> Result<(), X>,
) -> Result<(), X> {
    debug_assert!(
        intervals.is_sorted_by_key(|interval| interval.begin),
        "intervals come in order"
    );
    let mut active = Active {
        intervals,
        capacity,
        alone: Going::new(capacity),
        shared: Going::new(capacity),
    };
    for (place, interval) in intervals
        .iter()
        .enumerate()
        .filter(|(_, interval)| !interval.is_empty())
    {
        active.alone.expire(interval.begin);
        active.shared.expire(interval.begin);
        if let Some(obstacle) = active.in_the_way(*interval) {
            let (end, _) = obstacle.first_to_end();
            let members = || {
                let others = active.members(obstacle);
                std::iter::once(place).chain(others).collect()
            };
            take(interval.begin, interval.end.min(end), &members)?;
        }
        active.enter(place);
    }
    Ok(())
}

/// Where something that needs an instant of room finds one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// At the end of its window.
    AtEnd,
    /// Just before the interval that begins at this position.
    Before(Position),
    /// Nowhere: these intervals span the whole window. There are none of them if it takes a chain
    /// to fill it.
    Nowhere(Vec<usize>),
}

/// For each window the room that the intervals leave in it. `intervals` do not overlap (see
/// [`overlaps`]). O(n (log n + slots)).
pub(crate) fn rooms(intervals: &[Interval], windows: &[Interval], capacity: Capacity) -> Vec<Room> {
    debug_assert!(
        intervals.is_sorted_by_key(|interval| interval.begin),
        "intervals come in order"
    );
    let mut steps: Vec<(Position, Step)> = Vec::with_capacity(2 * intervals.len() + windows.len());
    for (place, interval) in intervals
        .iter()
        .enumerate()
        .filter(|(_, interval)| !interval.is_empty())
    {
        steps.push((interval.begin, Step::Begin(place)));
        steps.push((interval.end, Step::End(place)));
    }
    steps.extend(
        windows
            .iter()
            .enumerate()
            .map(|(place, window)| (window.end, Step::Look(place))),
    );
    steps.sort_unstable();
    let mut filled = Filled::new(capacity);
    let mut rooms = vec![Room::AtEnd; windows.len()];
    for (now, step) in steps {
        match step {
            Step::Begin(place) => filled.begin(now, place, intervals[place]),
            Step::End(place) => filled.end(now, place, intervals[place]),
            Step::Look(place) => rooms[place] = filled.room(intervals, windows[place]),
        }
    }
    rooms
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    End(usize),
    Look(usize),
    Begin(usize),
}

/// The intervals that are going on, and since when they have left no room.
struct Filled {
    capacity: Capacity,
    alone: BTreeSet<usize>,
    shared: BTreeSet<usize>,
    /// How many each client has.
    clients: BTreeMap<u32, usize>,
    no_room_alone: Option<Position>,
    no_room_shared: Option<Position>,
    /// Since when at least two clients have some.
    several: Option<Position>,
}

impl Filled {
    fn new(capacity: Capacity) -> Self {
        Self {
            capacity,
            alone: BTreeSet::new(),
            shared: BTreeSet::new(),
            clients: BTreeMap::new(),
            no_room_alone: None,
            no_room_shared: None,
            several: None,
        }
    }

    fn set(&mut self, shared: bool) -> &mut BTreeSet<usize> {
        if shared {
            &mut self.shared
        } else {
            &mut self.alone
        }
    }

    fn begin(&mut self, now: Position, place: usize, interval: Interval) {
        self.set(interval.shared).insert(place);
        *self.clients.entry(interval.process).or_default() += 1;
        self.changed(now);
    }

    fn end(&mut self, now: Position, place: usize, interval: Interval) {
        self.set(interval.shared).remove(&place);
        let count = self.clients.entry(interval.process).or_default();
        *count -= 1;
        if *count == 0 {
            self.clients.remove(&interval.process);
        }
        self.changed(now);
    }

    fn changed(&mut self, now: Position) {
        let since = |full: bool, since: Option<Position>| full.then(|| since.unwrap_or(now));
        self.no_room_alone = since(
            self.alone.len() >= self.capacity.number() || !self.shared.is_empty(),
            self.no_room_alone,
        );
        self.no_room_shared = since(!self.alone.is_empty(), self.no_room_shared);
        self.several = since(self.clients.len() > 1, self.several);
    }

    /// A client does one thing at a time: an interval of its own that goes on at the end of its
    /// window spans the window.
    fn room(&self, intervals: &[Interval], window: Interval) -> Room {
        let is_own =
            self.capacity == Capacity::OneClient && self.clients.contains_key(&window.process);
        let since = match (is_own, window.shared) {
            (true, true) => None,
            (true, false) => self.several,
            (false, true) => self.no_room_shared,
            (false, false) => self.no_room_alone,
        };
        match since {
            None => Room::AtEnd,
            Some(since) if since > window.begin => Room::Before(since),
            Some(_) => Room::Nowhere(self.spanning(intervals, window)),
        }
    }

    fn spanning(&self, intervals: &[Interval], window: Interval) -> Vec<usize> {
        let is_other = |process| self.capacity != Capacity::OneClient || process != window.process;
        let spanning = |set: &BTreeSet<usize>, count: usize| {
            let members = set.iter().copied();
            let members = members.take_while(|place| intervals[*place].begin < window.begin);
            let members = members.filter(|place| is_other(intervals[*place].process));
            Some(members.take(count).collect::<Vec<_>>()).filter(|found| found.len() == count)
        };
        let number = self.capacity.number();
        let alone = spanning(&self.alone, if window.shared { 1 } else { number });
        let reader = || spanning(&self.shared, 1).filter(|_| !window.shared);
        alone.or_else(reader).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    type Overlap = (Position, Moment, Vec<usize>);

    fn overlaps(intervals: &[Interval<Moment>], capacity: Capacity) -> Vec<Overlap> {
        let mut found = Vec::new();
        let all = for_overlaps(intervals, capacity, |begin, end, members| {
            found.push((begin, end, members()));
            Ok::<(), Infallible>(())
        });
        assert!(all.is_ok());
        found
    }

    /// Every interval against every one before it.
    fn overlaps_by_pairs(intervals: &[Interval<Moment>], capacity: Capacity) -> Vec<Overlap> {
        let overlap = |(place, new): (usize, &Interval<Moment>)| {
            let fits = |other: &Interval<Moment>| match capacity {
                Capacity::OneClient => other.process != new.process,
                Capacity::Grants(_) => true,
            };
            let going = |shared: bool, count: usize| {
                let before = intervals[..place].iter().enumerate();
                let going = before.filter(|(_, other)| {
                    other.shared == shared && !other.is_empty() && other.end.position > new.begin
                });
                let going = going.filter(|(_, other)| fits(other));
                let mut going: Vec<_> = going.map(|(place, other)| (other.end, place)).collect();
                going.sort_unstable();
                going.reverse();
                going.truncate(count);
                Some(going).filter(|going| going.len() == count)
            };
            let alone = going(false, if new.shared { 1 } else { capacity.number() });
            let shared = going(true, 1).filter(|_| !new.shared);
            let least = |set: &Option<Vec<Ending<Moment>>>| {
                set.as_ref().and_then(|set| set.last().copied())
            };
            let others = if least(&alone) >= least(&shared) {
                alone
            } else {
                shared
            };
            let others = others.filter(|_| !new.is_empty())?;
            let end = others.last().map_or(new.end, |(end, _)| new.end.min(*end));
            let members = std::iter::once(place).chain(others.iter().map(|(_, other)| *other));
            Some((new.begin, end, members.collect()))
        };
        intervals.iter().enumerate().filter_map(overlap).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]
        #[test]
        fn overlaps_are_those_of_all_pairs(
            intervals in prop::collection::vec((0..20_u32, 0..12_u32, 0..3_u64, 0..4_u32, 0..4_u32), 0..14),
            slots in 0..5_usize,
        ) {
            // Some end earlier than others before the same event.
            let interval = |(begin, length, early, process, mode): &(u32, u32, u64, u32, u32)| Interval {
                process: *process,
                begin: *begin,
                end: Moment {
                    position: begin + length,
                    time_ns: 10 * u64::from(begin + length) + 2 - early,
                },
                shared: *mode == 0,
            };
            let mut intervals: Vec<Interval<Moment>> = intervals.iter().map(interval).collect();
            intervals.sort_by_key(|interval| interval.begin);
            let capacity = match slots {
                0 => Capacity::OneClient,
                slots => Capacity::Grants(slots),
            };
            prop_assert_eq!(
                overlaps(&intervals, capacity),
                overlaps_by_pairs(&intervals, capacity)
            );
        }
    }
}
