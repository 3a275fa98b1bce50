//! Intervals of which at most so many may exist at one time.

use std::collections::BTreeSet;

use crate::position::Position;

/// From `begin` to `end`, both of them positions; nothing if `begin` is not before `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
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

/// The intervals that are going on.
#[derive(Default)]
struct Active {
    alone: BTreeSet<(Position, usize)>,
    shared: BTreeSet<(Position, usize)>,
}

impl Active {
    fn set(&mut self, shared: bool) -> &mut BTreeSet<(Position, usize)> {
        if shared {
            &mut self.shared
        } else {
            &mut self.alone
        }
    }

    /// The last to end among those that leave no room for another interval: `slots` of them, or one
    /// of the other mode.
    fn in_the_way(&self, shared: bool, slots: usize) -> Option<Vec<(Position, usize)>> {
        let longest =
            |set: &BTreeSet<_>, count| set.iter().rev().take(count).copied().collect::<Vec<_>>();
        if shared {
            return Some(longest(&self.alone, 1)).filter(|found| !found.is_empty());
        }
        let full = Some(longest(&self.alone, slots)).filter(|found| found.len() == slots);
        let readers = Some(longest(&self.shared, 1)).filter(|found| !found.is_empty());
        full.max_by_end(readers)
    }

    fn expire(&mut self, now: Position) {
        for set in [&mut self.alone, &mut self.shared] {
            while set.first().is_some_and(|(end, _)| *end <= now) {
                set.pop_first();
            }
        }
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
pub(crate) fn overlaps(intervals: &[Interval], slots: usize) -> Vec<Overlap> {
    debug_assert!(
        intervals.is_sorted_by_key(|interval| interval.begin),
        "intervals come in order"
    );
    let mut active = Active::default();
    let mut found = Vec::new();
    for (place, interval) in intervals
        .iter()
        .enumerate()
        .filter(|(_, interval)| !interval.is_empty())
    {
        active.expire(interval.begin);
        if let Some(others) = active.in_the_way(interval.shared, slots) {
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
        active.set(interval.shared).insert((interval.end, place));
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
pub(crate) fn rooms(intervals: &[Interval], windows: &[Interval], slots: usize) -> Vec<Room> {
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
    let mut filled = Filled {
        slots,
        ..Filled::default()
    };
    let mut rooms = vec![Room::AtEnd; windows.len()];
    for (now, step) in steps {
        match step {
            Step::Begin(place) => filled.change(now, |filled| {
                filled.set(intervals[place].shared).insert(place)
            }),
            Step::End(place) => filled.change(now, |filled| {
                filled.set(intervals[place].shared).remove(&place)
            }),
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
#[derive(Default)]
struct Filled {
    slots: usize,
    alone: BTreeSet<usize>,
    shared: BTreeSet<usize>,
    no_room_alone: Option<Position>,
    no_room_shared: Option<Position>,
}

impl Filled {
    fn set(&mut self, shared: bool) -> &mut BTreeSet<usize> {
        if shared {
            &mut self.shared
        } else {
            &mut self.alone
        }
    }

    fn change(&mut self, now: Position, change: impl FnOnce(&mut Self) -> bool) {
        change(self);
        let since = |full: bool, since: Option<Position>| full.then(|| since.unwrap_or(now));
        self.no_room_alone = since(
            self.alone.len() >= self.slots || !self.shared.is_empty(),
            self.no_room_alone,
        );
        self.no_room_shared = since(!self.alone.is_empty(), self.no_room_shared);
    }

    fn room(&self, intervals: &[Interval], window: Interval) -> Room {
        match if window.shared {
            self.no_room_shared
        } else {
            self.no_room_alone
        } {
            None => Room::AtEnd,
            Some(since) if since > window.begin => Room::Before(since),
            Some(_) => Room::Nowhere(self.spanning(intervals, window)),
        }
    }

    fn spanning(&self, intervals: &[Interval], window: Interval) -> Vec<usize> {
        let spanning = |set: &BTreeSet<usize>, count: usize| {
            let members = set
                .iter()
                .copied()
                .filter(|place| intervals[*place].begin < window.begin);
            Some(members.take(count).collect::<Vec<_>>()).filter(|found| found.len() == count)
        };
        let alone = spanning(&self.alone, if window.shared { 1 } else { self.slots });
        let reader = || spanning(&self.shared, 1).filter(|_| !window.shared);
        alone.or_else(reader).unwrap_or_default()
    }
}
