//! `exclusion` and `overlap<=D`: who believes, at every moment.

use super::record::{Hold, Reach, Record, is_too_much};
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
        !record.lacks_clock(),
        is_judged(record, slots),
    )
}

pub(crate) fn overlap(record: &Record, slots: u32, bound_ns: u64) -> Verdict {
    let (mut is_too_long, mut goes_on) = (false, false);
    for key in record.keys() {
        let holds = record.holds_on(&key);
        for set in subsets(&holds) {
            if !is_too_much(&set, slots) {
                continue;
            }
            let all_believe = |now: &usize| set.iter().all(|hold| hold.is_believed(*now));
            for now in record.moments().filter(all_believe) {
                let ends = || set.iter().map(|hold| hold.reach(now));
                let end_ns = ends().map(|end| end.time(record)).min().unwrap_or(0);
                is_too_long |= end_ns - record.time(now) > bound_ns;
                goes_on |= ends().all(|end| end == Reach::Open);
            }
        }
    }
    let is_known = !goes_on && !record.lacks_clock();
    verdict(is_too_long, is_known, is_judged(record, slots))
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
