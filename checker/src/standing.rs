//! How many slots an administered lock had while something was asked of it.

use history::{Function, Kind};

use crate::administration::AdminOp;
use crate::position::Position;

/// Whether what is known of a lock's slots comes from its administration.
pub(crate) fn is_administered(ops: &[AdminOp]) -> bool {
    ops.iter()
        .any(|op| op.may_change() || op.counted().is_some())
}

/// The smallest number of slots that may have been there at a moment between two positions; nothing
/// if that is not known.
///
/// It goes from the last count that ended before (or, of a lock that was created first of all, from
/// none): what was surely made since is there, and what may have been removed since is not.
pub(crate) fn least_slots(ops: &[AdminOp], begin: Position, end: Position) -> Option<usize> {
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

/// The last state that is known before a position: what a count found, or that there were no slots
/// before the lock was created by the first that was done to it.
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
