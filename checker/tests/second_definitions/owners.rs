//! `ownership` and `fencing`: every answer and every two grants.

use history::Function;

use super::record::{Hold, Record};
use super::{Verdict, verdict};

pub(crate) fn ownership(record: &Record) -> Verdict {
    let mut ops = record.ops.iter();
    let is_judged = ops.any(|op| op.says_held() || op.is_ok(&Function::Release));
    let is_revived = record.holds.iter().any(Hold::is_revived);
    verdict(record.unowned > 0 || is_revived, true, is_judged)
}

/// Whether two grants of a lock are one hold of one client: it had neither given it up nor been told
/// that it is lost from the first grant to the second.
fn are_one(record: &Record, one: &Hold, other: &Hold, slots: u32) -> bool {
    let (first, second) = if one.op.end < other.op.end {
        (one, other)
    } else {
        (other, one)
    };
    let mut between = first.op.end..second.op.end;
    slots == 1
        && first.op.process == second.op.process
        && between.all(|now| {
            let mut holds = record.holds.iter();
            holds.any(|hold| {
                let is_its = hold.op.process == first.op.process && hold.op.key == first.op.key;
                is_its && hold.is_kept(now)
            })
        })
}

pub(crate) fn fencing(record: &Record, slots: u32) -> Verdict {
    let (mut is_judged, mut is_violated) = (false, false);
    for one in &record.holds {
        for other in &record.holds {
            let are_two = one.op.invoke != other.op.invoke && one.op.key == other.op.key;
            if !are_two || one.grant.token == 0 || other.grant.token == 0 {
                continue;
            }
            let is_one = are_one(record, one, other, slots);
            is_judged |= !is_one;
            is_violated |= !is_one && one.grant.token == other.grant.token;
            let are_certain = one.is_certain(one.op.end) && other.is_certain(other.op.end);
            let is_before = slots == 1
                && !(one.shared() && other.shared())
                && are_certain
                && one.confirmed_until() < other.op.end;
            if one.op.end < other.op.invoke || is_before {
                is_violated |= one.grant.token > other.grant.token;
            }
        }
    }
    verdict(is_violated, true, is_judged)
}
