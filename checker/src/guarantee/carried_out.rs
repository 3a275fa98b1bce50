//! How many decrements were carried out between one known state of a lock's slots and another: at
//! least and at most.
//!
//! What was there or was made, was not removed by an `overshoot` and is not found again went as a
//! decrement. An operation that was under way with either state, or is of unknown outcome, may have
//! come before it or after it.

use std::fmt;
use std::ops::AddAssign;

use history::Function;

use super::decrement::of_kind;
use crate::administration::AdminOp;
use crate::position::Position;
use crate::sums::Sums;

/// Between two numbers; without an upper one anything may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) least: u64,
    pub(super) most: Option<u64>,
}

impl Bounds {
    pub(super) const NONE: Self = Self {
        least: 0,
        most: Some(0),
    };
    pub(super) const ANY: Self = Self {
        least: 0,
        most: None,
    };

    /// This number less another; never less than nothing.
    fn less(self, other: Self) -> Self {
        let least = other.most.map_or(0, |most| self.least.saturating_sub(most));
        let most = self.most.map(|most| most.saturating_sub(other.least));
        Self { least, most }
    }
}

impl AddAssign for Bounds {
    fn add_assign(&mut self, other: Self) {
        self.least += other.least;
        self.most = self.most.zip(other.most).map(|(one, two)| one + two);
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.most {
            Some(most) if most == self.least => write!(out, "{most}"),
            Some(most) => write!(out, "{} to {most}", self.least),
            None => write!(out, "at least {}", self.least),
        }
    }
}

/// A number at least, and one at most unless some operation does not say.
fn bounds(least: (u64, u64), most: (u64, u64)) -> Bounds {
    Bounds {
        least: least.0,
        most: Some(most.0).filter(|_| most.1 == 0),
    }
}

/// A change of the slots other than a decrement.
struct Change {
    invoke: Position,
    settled: Position,
    listed: Option<u64>,
    /// Whether what it lists is its own work for certain: of a slot that two remove at one time
    /// both may say that they did.
    is_own: bool,
}

impl Change {
    fn of(op: &AdminOp, is_own: bool) -> Self {
        Self {
            invoke: op.invoke,
            settled: op.settled(),
            listed: op.slots.as_ref().map(|slots| slots.len() as u64),
            is_own,
        }
    }

    fn surely(&self) -> Option<u64> {
        Some(self.listed.filter(|_| self.is_own).unwrap_or(0))
    }
}

/// What made and removed slots of one lock, decrements left out.
struct Changes {
    made: Vec<Change>,
    gone: Vec<Change>,
}

impl Changes {
    fn new(ops: &[AdminOp], shrinks: &[&AdminOp]) -> Self {
        let mut begins: Vec<Position> = shrinks.iter().map(|op| op.invoke).collect();
        let mut ends: Vec<Position> = shrinks.iter().map(|op| op.settled()).collect();
        begins.sort_unstable();
        ends.sort_unstable();
        let meets_none = |op: &AdminOp| {
            let begun = begins.partition_point(|begin| *begin < op.settled());
            begun == ends.partition_point(|end| *end <= op.invoke)
        };
        let [create, grow, overshoot] =
            [Function::Create, Function::Grow, Function::Overshoot].map(|kind| of_kind(ops, &kind));
        let made = create.into_iter().chain(grow);
        let gone = overshoot.into_iter();
        Self {
            made: made.map(|op| Change::of(op, true)).collect(),
            gone: gone.map(|op| Change::of(op, meets_none(op))).collect(),
        }
    }
}

/// What was carried out since one state, until any count.
pub(super) struct Since {
    before: u64,
    made_least: Sums,
    made_most: Sums,
    gone_least: Sums,
    gone_most: Sums,
}

impl Since {
    /// Since a count, or without one since the beginning, when so many slots were there.
    pub(super) fn new(
        ops: &[AdminOp],
        shrinks: &[&AdminOp],
        (base, before): (Option<&AdminOp>, u64),
    ) -> Self {
        let Changes { made, gone } = Changes::new(ops, shrinks);
        let is_after = |change: &&Change| base.is_none_or(|base| base.end < change.invoke);
        let may_be_after = |change: &&Change| base.is_none_or(|base| change.settled > base.invoke);
        let least = |changes: &[Change]| {
            let surely = changes.iter().filter(is_after);
            Sums::new(surely.map(|change| (change.settled, change.surely())))
        };
        let most = |changes: &[Change]| {
            let perhaps = changes.iter().filter(may_be_after);
            Sums::new(perhaps.map(|change| (change.invoke, change.listed)))
        };
        Self {
            before,
            made_least: least(&made),
            made_most: most(&made),
            gone_least: least(&gone),
            gone_most: most(&gone),
        }
    }

    /// Until a count that found so many.
    pub(super) fn until(&self, count: &AdminOp, found: u64) -> Bounds {
        let (invoke, end) = (count.invoke, count.end);
        let mut there = bounds(self.made_least.before(invoke), self.made_most.before(end));
        there += Bounds {
            least: self.before,
            most: Some(self.before),
        };
        let mut not = bounds(self.gone_least.before(invoke), self.gone_most.before(end));
        not += Bounds {
            least: found,
            most: Some(found),
        };
        there.less(not)
    }
}

/// What was carried out until one count, since any other.
pub(super) struct Until {
    found: u64,
    made: Sums,
    gone: Sums,
}

impl Until {
    /// Until a count that found so many.
    pub(super) fn new(
        ops: &[AdminOp],
        shrinks: &[&AdminOp],
        (count, found): (&AdminOp, u64),
    ) -> Self {
        let Changes { made, gone } = Changes::new(ops, shrinks);
        let made = made.iter().filter(|change| change.settled < count.invoke);
        let gone = gone.iter().filter(|change| change.invoke < count.end);
        Self {
            found,
            made: Sums::new(made.map(|change| (change.invoke, change.surely()))),
            gone: Sums::new(gone.map(|change| (change.settled, change.listed))),
        }
    }

    /// How many at least since a count that found so many.
    pub(super) fn least_since(&self, count: &AdminOp, found: u64) -> u64 {
        let (made, _) = self.made.after(count.end);
        match self.gone.after(count.invoke) {
            (gone, 0) => (found + made).saturating_sub(gone + self.found),
            _ => 0,
        }
    }
}
