//! `exclusion` and `overlap<=D`: who believes, at every moment.

use super::record::{Hold, NEVER, Record, is_too_much};
use super::{Verdict, verdict};

/// Whether some believed hold was contended.
fn is_judged(record: &Record, slots: u32) -> bool {
    record.holds.iter().any(|hold| {
        let mut moments = record.moments();
        moments.any(|now| hold.is_believed(now) && record.is_crowded(&hold.op.key, now, slots))
    })
}

pub(crate) fn exclusion(record: &Record, slots: u32) -> Verdict {
    let is_broken = |now| {
        record.keys().iter().any(|key| {
            let mut holds = record.holds_on(key);
            holds.retain(|hold| hold.is_believed(now));
            is_too_much(&holds, slots)
        })
    };
    verdict(
        record.moments().any(is_broken),
        true,
        is_judged(record, slots),
    )
}

pub(crate) fn overlap(record: &Record, slots: u32, bound_ns: u64) -> Verdict {
    let (mut is_too_long, mut goes_on) = (false, false);
    for key in record.keys() {
        let holds = record.holds_on(&key);
        for set in subsets(&holds) {
            let begin = set.iter().map(|hold| hold.op.end).max().unwrap_or(0);
            let end = set
                .iter()
                .map(|hold| hold.believed_until)
                .min()
                .unwrap_or(0);
            if begin < end && is_too_much(&set, slots) {
                is_too_long |= record.time(end) - record.time(begin) > bound_ns;
                goes_on |= end == NEVER;
            }
        }
    }
    verdict(is_too_long, !goes_on, is_judged(record, slots))
}

fn subsets<'a>(holds: &[&'a Hold]) -> Vec<Vec<&'a Hold>> {
    let mut sets = vec![Vec::new()];
    for hold in holds {
        let more: Vec<_> = sets
            .iter()
            .map(|set| [&set[..], &[*hold]].concat())
            .collect();
        sets.extend(more);
    }
    sets
}
