//! Intervals of which at most so many may exist at one time.

use std::collections::{BTreeMap, BTreeSet};

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

/// From `begin` to `end`, both of them positions; nothing if `begin` is not before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) process: u32,
    pub(crate) begin: Position,
    pub(crate) end: Position,
    /// Several readers may hold at one time, but not beside anybody else.
    pub(crate) shared: bool,
}

impl Interval {
    pub(crate) fn is_empty(&self) -> bool {
        self.begin >= self.end
    }
}

/// More intervals at one time than there may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Overlap {
    /// Places in the list of intervals: the one that came last, then those it found there, the
    /// longest first.
    pub(crate) members: Vec<usize>,
    pub(crate) begin: Position,
    pub(crate) end: Position,
}

/// The intervals of one mode that are going on, by their ends.
#[derive(Default)]
struct Going {
    ends: BTreeSet<(Position, usize)>,
    /// Where only clients count: the one of each that ends last. The others are left out.
    longest: BTreeMap<u32, (Position, usize)>,
}

impl Going {
    fn enter(&mut self, capacity: Capacity, process: u32, entry: (Position, usize)) {
        if capacity == Capacity::OneClient {
            let longest = self.longest.entry(process).or_insert(entry);
            if *longest > entry {
                return;
            }
            self.ends.remove(&std::mem::replace(longest, entry));
        }
        self.ends.insert(entry);
    }

    /// So many that end last, if there are so many.
    fn last(&self, count: usize) -> Option<Vec<(Position, usize)>> {
        let last: Vec<_> = self.ends.iter().rev().take(count).copied().collect();
        Some(last).filter(|last| last.len() == count)
    }

    fn expire(&mut self, now: Position) {
        while self.ends.first().is_some_and(|(end, _)| *end <= now) {
            self.ends.pop_first();
        }
    }
}

/// The intervals that are going on.
struct Active<'a> {
    intervals: &'a [Interval],
    capacity: Capacity,
    alone: Going,
    shared: Going,
}

impl Active<'_> {
    /// The last to end among those that leave no room for another interval: as many as fit, or one
    /// of the other mode.
    fn in_the_way(&self, new: Interval) -> Option<Vec<(Position, usize)>> {
        let (alone, shared) = match self.capacity {
            Capacity::OneClient => (self.other(&self.alone, new), self.other(&self.shared, new)),
            Capacity::Grants(_) if new.shared => (self.alone.last(1), None),
            Capacity::Grants(number) => (self.alone.last(number), self.shared.last(1)),
        };
        if new.shared {
            alone
        } else {
            alone.max_by_end(shared)
        }
    }

    /// The last to end of those that another client has.
    fn other(&self, going: &Going, new: Interval) -> Option<Vec<(Position, usize)>> {
        let mut last = going.ends.iter().rev();
        let other = last.find(|(_, place)| self.intervals[*place].process != new.process);
        other.map(|other| vec![*other])
    }

    fn enter(&mut self, place: usize) {
        let interval = self.intervals[place];
        let going = if interval.shared {
            &mut self.shared
        } else {
            &mut self.alone
        };
        going.enter(self.capacity, interval.process, (interval.end, place));
    }
}

trait MaxByEnd {
    fn max_by_end(self, other: Self) -> Self;
}

impl MaxByEnd for Option<Vec<(Position, usize)>> {
    /// The set whose least end comes later: together with it the overlap lasts longer.
    fn max_by_end(self, other: Self) -> Self {
        let least_end = |set: &Self| set.as_ref().and_then(|set| set.last().copied());
        if least_end(&self) >= least_end(&other) {
            self
        } else {
            other
        }
    }
}

/// One overlap for each interval that began while there was no room for it: with those that leave
/// it the longest exposure. `intervals` are in the order of their beginnings. O(n (log n + slots)).
pub(crate) fn overlaps(intervals: &[Interval], capacity: Capacity) -> Vec<Overlap> {
    debug_assert!(
        intervals.is_sorted_by_key(|interval| interval.begin),
        "intervals come in order"
    );
    let mut active = Active {
        intervals,
        capacity,
        alone: Going::default(),
        shared: Going::default(),
    };
    let mut found = Vec::new();
    for (place, interval) in intervals
        .iter()
        .enumerate()
        .filter(|(_, interval)| !interval.is_empty())
    {
        active.alone.expire(interval.begin);
        active.shared.expire(interval.begin);
        if let Some(others) = active.in_the_way(*interval) {
            let end = others
                .last()
                .map_or(interval.end, |(end, _)| interval.end.min(*end));
            let members = std::iter::once(place)
                .chain(others.into_iter().map(|(_, other)| other))
                .collect();
            found.push(Overlap {
                members,
                begin: interval.begin,
                end,
            });
        }
        active.enter(place);
    }
    found
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
            let members = set.iter().copied().filter(|place| {
                intervals[*place].begin < window.begin && is_other(intervals[*place].process)
            });
            Some(members.take(count).collect::<Vec<_>>()).filter(|found| found.len() == count)
        };
        let number = self.capacity.number();
        let alone = spanning(&self.alone, if window.shared { 1 } else { number });
        let reader = || spanning(&self.shared, 1).filter(|_| !window.shared);
        alone.or_else(reader).unwrap_or_default()
    }
}
