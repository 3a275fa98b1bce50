//! What operations show of one slot, in the order in which they ended.

use history::{Function, Kind};

use crate::administration::AdminOp;
use crate::heights::Heights;
use crate::hold::Hold;
use crate::position::Position;

/// What an operation of known outcome says of one slot: whether it was there when the operation
/// began to work on it, and when that was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Observation {
    pub(super) invoke: Position,
    pub(super) end: Position,
    pub(super) before: Option<bool>,
    pub(super) after: bool,
}

impl Observation {
    /// Of a slot that the operation lists.
    pub(super) fn of_listed(op: &AdminOp) -> Option<Self> {
        let (before, after) = match op.function {
            Function::Create | Function::Grow => (false, true),
            Function::Shrink | Function::Overshoot | Function::Destroy => (true, false),
            Function::Count => (true, true),
            _ => return None,
        };
        Some(Self::new(op, Some(before), after))
    }

    /// Of every slot that the operation does not list, if it says something of those: a destroy
    /// leaves none, whether it lists them or not.
    pub(super) fn of_unlisted(op: &AdminOp) -> Option<Self> {
        match (&op.function, &op.slots) {
            (Function::Create | Function::Count, Some(_)) => {
                Some(Self::new(op, Some(false), false))
            }
            (Function::Destroy, _) if op.kind == Kind::Ok => Some(Self::new(op, None, false)),
            _ => None,
        }
    }

    pub(super) fn of_grant(hold: &Hold) -> Self {
        Self {
            invoke: hold.asked,
            end: hold.granted,
            before: Some(true),
            after: true,
        }
    }

    fn new(op: &AdminOp, before: Option<bool>, after: bool) -> Self {
        Self {
            invoke: op.invoke,
            end: op.end,
            before,
            after,
        }
    }
}

/// Observations in the order of their ends.
pub(super) struct Row {
    observations: Vec<Observation>,
    /// One more than the invocation of each.
    begun: Heights<Position>,
    /// The invocations, ascending, and whose they are.
    invokes: Vec<(Position, usize)>,
}

impl Row {
    pub(super) fn new(mut observations: Vec<Observation>) -> Self {
        observations.sort_unstable_by_key(|observation| observation.end);
        let begun = observations
            .iter()
            .map(|observation| observation.invoke + 1);
        let begun: Vec<Position> = begun.collect();
        let invokes = observations.iter().zip(0..);
        let invokes = invokes.map(|(observation, place)| (observation.invoke, place));
        let mut invokes: Vec<_> = invokes.collect();
        invokes.sort_unstable();
        Self {
            begun: Heights::new(&begun),
            observations,
            invokes,
        }
    }

    pub(super) fn all(&self) -> &[Observation] {
        &self.observations
    }

    /// How many had ended before a position.
    pub(super) fn through(&self, position: Position) -> usize {
        self.observations
            .partition_point(|observation| observation.end < position)
    }

    /// Of the observations from one place to another the one that began last.
    pub(super) fn latest(&self, from: usize, until: usize) -> Option<&Observation> {
        let invoke = self.begun.most(from, until).checked_sub(1)?;
        let place = self.invokes.binary_search_by_key(&invoke, |(at, _)| *at);
        place
            .ok()
            .map(|found| &self.observations[self.invokes[found].1])
    }

    /// The place of the first from one on that began at a position or later.
    pub(super) fn next(&self, from: usize, begun: Position) -> Option<usize> {
        self.begun.first_with(begun.checked_add(1)?, from)
    }
}

/// The observations of a row but for a few.
pub(super) struct Rest<'a> {
    row: &'a Row,
    /// The places of those that are left out, ascending.
    left_out: &'a [usize],
    /// Between each two of these (before the first, after the last), one more than the last
    /// invocation; 0 if there is none.
    gaps: Heights<Position>,
}

impl<'a> Rest<'a> {
    pub(super) fn new(row: &'a Row, left_out: &'a [usize]) -> Self {
        let gap = |gap| {
            let (from, until) = bounds(row, left_out, gap);
            row.begun.most(from, until)
        };
        let gaps: Vec<Position> = (0..=left_out.len()).map(gap).collect();
        Self {
            row,
            left_out,
            gaps: Heights::new(&gaps),
        }
    }

    pub(super) fn at(&self, place: usize) -> &'a Observation {
        &self.row.observations[place]
    }

    pub(super) fn through(&self, position: Position) -> usize {
        self.row.through(position)
    }

    /// Of the first so many of the row the one that began last.
    pub(super) fn latest(&self, until: usize) -> Option<&'a Observation> {
        let gap = self.left_out.partition_point(|place| *place < until);
        let (from, _) = bounds(self.row, self.left_out, gap);
        let begun = self.gaps.most(0, gap).max(self.row.begun.most(from, until));
        let invoke = begun.checked_sub(1)?;
        let found = self
            .row
            .invokes
            .binary_search_by_key(&invoke, |(at, _)| *at);
        found.ok().map(|found| self.at(self.row.invokes[found].1))
    }

    /// The place of the first from one on that began at a position or later.
    pub(super) fn next(&self, from: usize, begun: Position) -> Option<usize> {
        let gap = self.left_out.partition_point(|place| *place < from);
        let (_, until) = bounds(self.row, self.left_out, gap);
        let here = self.row.next(from, begun).filter(|place| *place < until);
        here.or_else(|| {
            let gap = self.gaps.first_with(begun.checked_add(1)?, gap + 1)?;
            let (from, _) = bounds(self.row, self.left_out, gap);
            self.row.next(from, begun)
        })
    }
}

/// Where a gap between those that are left out begins and ends.
fn bounds(row: &Row, left_out: &[usize], gap: usize) -> (usize, usize) {
    let before = gap.checked_sub(1).map_or(0, |before| left_out[before] + 1);
    let after = left_out.get(gap).copied();
    (before, after.unwrap_or(row.observations.len()))
}
