//! How many slots an administered lock had while something was asked of it.

use history::{Function, Kind};

use crate::administration::AdminOp;
use crate::position::Position;
use crate::sums::Sums;

/// Whether what is known of a lock's slots comes from its administration.
pub(crate) fn is_administered(ops: &[AdminOp]) -> bool {
    ops.iter()
        .any(|op| op.may_change() || op.counted().is_some())
}

/// How many slots of an administered lock were there at least, at any time.
///
/// It goes from the last count that ended before (or, of a lock that was created first of all, from
/// none): what was surely made since is there, and what may have been removed since is not.
pub(crate) struct Standing {
    /// What is known from each position on, if nothing was removed.
    known: Vec<(Position, Known)>,
    /// Of the lock as it was in the beginning.
    first: Option<Known>,
    /// What may have been removed, by when that was asked for. A lock that is destroyed loses
    /// nobody knows how many.
    begun: Sums,
    /// The same, by when it was settled.
    settled: Sums,
}

/// The last state that was known, and what was surely made since.
#[derive(Clone, Copy)]
struct Known {
    /// The invocation and the end of the count that showed it; none if it is the beginning.
    count: Option<(Position, Position)>,
    slots: usize,
}

impl Standing {
    pub(crate) fn new(ops: &[AdminOp]) -> Self {
        let removals = || ops.iter().filter(|op| op.may_change() && !op.is_making());
        let gone = |op: &AdminOp| {
            let listed = op.slots.as_ref().map(|slots| slots.len() as u64);
            listed.filter(|_| op.function != Function::Destroy)
        };
        let first = first(ops);
        Self {
            known: known(ops, first),
            first,
            begun: Sums::new(removals().map(|op| (op.invoke, gone(op)))),
            settled: Sums::new(removals().map(|op| (op.settled(), gone(op)))),
        }
    }

    /// The smallest number of slots that may have been there at a moment between two positions;
    /// nothing if that is not known.
    pub(crate) fn least(&self, begin: Position, end: Position) -> Option<usize> {
        let before = self.known.partition_point(|(from, _)| *from < begin);
        let last = before.checked_sub(1).map(|last| self.known[last].1);
        let Known { count, slots } = last.or(self.first)?;
        let (gone, unlisted) = self.begun.before(end);
        // What was settled before the count began had begun by then, too.
        let (over, unlisted_over) = count.map_or((0, 0), |(from, _)| self.settled.before(from));
        let gone = usize::try_from(gone - over).unwrap_or(usize::MAX);
        (unlisted == unlisted_over).then(|| slots.saturating_sub(gone))
    }
}

/// That there were no slots before the lock was created, if that was the first that was done to it.
fn first(ops: &[AdminOp]) -> Option<Known> {
    let mut all = ops.iter().filter(|op| op.may_count());
    let first = all.next()?;
    let is_made = first.function == Function::Create && first.kind == Kind::Ok;
    let is_alone = all.next().is_none_or(|next| first.end < next.invoke);
    (is_made && is_alone).then_some(Known {
        count: None,
        slots: 0,
    })
}

/// What is known after the end of each count, and of each operation that surely made slots.
fn known(ops: &[AdminOp], first: Option<Known>) -> Vec<(Position, Known)> {
    let telling = |op: &&AdminOp| op.counted().is_some() || (op.may_change() && op.is_making());
    let mut ended: Vec<&AdminOp> = ops.iter().filter(telling).collect();
    ended.sort_unstable_by_key(|op| op.settled());
    let mut known = first;
    let mut course = Vec::with_capacity(ended.len());
    for op in ended {
        let listed = op.slots.as_ref().map_or(0, std::collections::BTreeSet::len);
        known = match known {
            _ if op.counted().is_some() => counted(known, op, listed),
            Some(Known { count, slots }) if count.is_none_or(|(_, end)| end < op.invoke) => {
                Some(Known {
                    count,
                    slots: slots + listed,
                })
            }
            known => known,
        };
        course.extend(known.map(|known| (op.settled(), known)));
    }
    course
}

/// Of two counts the one that was invoked last is the later. Whatever was through by its end began
/// before that.
fn counted(known: Option<Known>, count: &AdminOp, slots: usize) -> Option<Known> {
    let before = known.and_then(|known| known.count);
    if before.is_some_and(|(invoke, _)| invoke > count.invoke) {
        return known;
    }
    Some(Known {
        count: Some((count.invoke, count.end)),
        slots,
    })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::administration::Administration;
    use crate::search::properties::{Operations, cases, for_histories_up_to};

    /// Every operation is looked at again for each question.
    fn least_slots(ops: &[AdminOp], begin: Position, end: Position) -> Option<usize> {
        let (from, mut least) = base(ops, begin)?;
        let is_since = |op: &&AdminOp| {
            op.may_change() && op.invoke < end && from.is_none_or(|from| op.settled() > from.invoke)
        };
        let mut gone = 0;
        for op in ops.iter().filter(is_since) {
            let listed = op.slots.as_ref().map(std::collections::BTreeSet::len);
            if op.function == Function::Destroy {
                return None;
            } else if !op.is_making() {
                gone += listed?;
            } else if op.settled() < begin && from.is_none_or(|from| from.end < op.invoke) {
                least += listed.unwrap_or(0);
            }
        }
        Some(least.saturating_sub(gone))
    }

    /// The last state that is known before a position: what a count found, or that there were no
    /// slots before the lock was created by the first that was done to it.
    fn base(ops: &[AdminOp], begin: Position) -> Option<(Option<&AdminOp>, usize)> {
        let before = ops.iter().rev().filter(|op| op.end < begin);
        let mut counts = before.filter_map(|op| Some((Some(op), op.counted()?.len())));
        counts.next().or_else(|| {
            let mut all = ops.iter().filter(|op| op.may_count());
            let first = all.next()?;
            let is_made = first.function == Function::Create && first.kind == Kind::Ok;
            let is_alone = all.next().is_none_or(|next| first.end < next.invoke);
            (is_made && is_alone).then_some((None, 0))
        })
    }

    const CHANGES: Operations = &[
        ("create", &["[1]", "[1,2]"]),
        ("grow", &["[1]", "[1,2,3]", ""]),
        ("grow", &["[1,2]"]),
        ("shrink", &["[1]", "[2]", ""]),
        ("overshoot", &["[1]", "[2]"]),
        ("count", &["[1]", "[1,2]", "[]"]),
        ("count", &["[1,2,3]", "[1,2,3,4]"]),
        ("count", &["[1,2,3,4]"]),
        ("destroy", &["[1]"]),
        ("request", &[""]),
    ];

    #[test]
    fn what_stands_is_what_a_look_at_every_operation_shows() {
        let known = Cell::new(0);
        for operations in [&CHANGES[..8], CHANGES] {
            for_histories_up_to(40, operations, |history| {
                let administration = Administration::new(history);
                let Some((_, ops)) = administration.iter().next() else {
                    return;
                };
                let standing = Standing::new(ops);
                let events = u32::try_from(history.events().len()).expect("few");
                for begin in 0..events {
                    for end in [begin + 1, begin + 2, begin + 9] {
                        let expected = least_slots(ops, begin, end);
                        assert_eq!(standing.least(begin, end), expected, "{begin} to {end}");
                        known.set(known.get() + usize::from(expected.is_some_and(|it| it > 0)));
                    }
                }
            });
        }
        assert!(known.get() > cases() as usize, "{known:?}");
    }
}
