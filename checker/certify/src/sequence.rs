//! `slot-sequence`: gaps in the slots that nobody repairs.

use history::{Function, History, Kind};

use super::administration::{AdminOp, administered, last_count, ops};
use super::error::{Flaw, ensure};
use super::record::KeyName;

pub(super) fn check(history: &History) -> Result<(), Flaw> {
    let mut is_changed = false;
    for (name, ops) in &administered(history) {
        let Some(last) = last_count(ops) else {
            ensure(changes(ops).next().is_none(), || {
                Flaw::new("the slots were never counted").on(name)
            })?;
            continue;
        };
        is_changed |= changes(ops).any(|change| change.outcome == Kind::Ok);
        let is_after = changes(ops).all(|change| change.ended < last.invoked);
        ensure(is_after, || {
            Flaw::new("the slots were not counted after the last change").on(name)
        })?;
        let counts = ops.iter().filter(|op| op.found().is_some());
        for count in counts {
            let is_last = count.invoked == last.invoked;
            let is_left =
                is_last || is_after_all(ops, count) || overshoot_before(ops, count).is_some();
            let is_left = is_left && is_gapped(count);
            ensure(!is_left, || {
                let flaw = Flaw::new("a gap in the slots is not repaired").on(name);
                flaw.at(history.events()[count.ended].index)
            })?;
        }
    }
    ensure(is_changed, || {
        Flaw::new("nobody changed slots that were counted afterwards")
    })
}

/// Whether a count that ends at a position finds a gap right after an overshoot that ends at
/// another.
pub(super) fn is_left(history: &History, name: &KeyName, overshot: usize, counted: usize) -> bool {
    let ops = ops(history, name);
    let mut counts = ops.iter().filter(|op| op.ended == counted);
    counts.any(|count| {
        let overshoot = overshoot_before(&ops, count);
        is_gapped(count) && overshoot.is_some_and(|overshoot| overshoot.ended == overshot)
    })
}

/// Whether a count ends at a position and finds a gap that nothing can repair any more.
pub(super) fn is_in_the_end(history: &History, name: &KeyName, counted: usize) -> bool {
    let ops = ops(history, name);
    let mut counts = ops.iter().filter(|op| op.ended == counted);
    counts.any(|count| is_gapped(count) && is_after_all(&ops, count))
}

/// Whether all changes were settled before a count began.
fn is_after_all(ops: &[AdminOp], count: &AdminOp) -> bool {
    changes(ops).all(|change| change.settled() < count.invoked)
}

fn changes(ops: &[AdminOp]) -> impl Iterator<Item = &AdminOp> {
    ops.iter().filter(|op| op.is_change())
}

/// Whether a count finds a slot, but not all of those with lower numbers from 1 on.
fn is_gapped(count: &AdminOp) -> bool {
    count.found().is_some_and(|slots| {
        let highest = slots.last().copied().unwrap_or(0);
        slots.contains(&0) || slots.len() as u64 != u64::from(highest)
    })
}

/// The successful overshoot before a count, if no other change began or was under way since its
/// invocation.
fn overshoot_before<'a>(ops: &'a [AdminOp], count: &AdminOp) -> Option<&'a AdminOp> {
    let before = || changes(ops).filter(|change| change.invoked < count.ended);
    let last = before().last()?;
    let mut others = before().filter(|change| change.invoked != last.invoked);
    let is_overshoot = last.function == Function::Overshoot && last.outcome == Kind::Ok;
    let is_alone = last.ended < count.invoked && others.all(|other| other.settled() < last.invoked);
    (is_overshoot && is_alone).then_some(last)
}
