//! `exclusion` and `overlap<=D`: who believes, at every moment.

use std::collections::BTreeSet;

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
        for set in in_each_others_way(&record.holds_on(&key), slots) {
            for now in record.moments() {
                let ends = set.iter().map(|holds| unbroken(record, holds, now));
                let Some(ends) = ends.collect::<Option<Vec<_>>>() else {
                    continue;
                };
                let end_ns = ends.iter().map(|end| end.time(record)).min().unwrap_or(0);
                is_too_long |= end_ns - record.time(now) > bound_ns;
                goes_on |= ends.iter().all(|end| *end == Reach::Open);
            }
        }
    }
    let is_known = !goes_on && !record.lacks_clock();
    verdict(is_too_long, is_known, is_judged(record, slots))
}

/// Sets of believers that are too many: of each the holds that it believes in. Where there is one
/// slot, they are what one client has exclusively and all that another has.
fn in_each_others_way<'a>(holds: &[&'a Hold], slots: u32) -> Vec<Vec<Vec<&'a Hold>>> {
    if slots > 1 {
        let sets = subsets(holds).into_iter();
        let sets = sets.filter(|set| is_too_much(set, slots));
        return sets
            .map(|set| set.into_iter().map(|hold| vec![hold]).collect())
            .collect();
    }
    let clients: BTreeSet<u32> = holds.iter().map(|hold| hold.op.process).collect();
    let of = |client: u32| {
        let holds = holds.iter().copied();
        holds.filter(move |hold| hold.op.process == client)
    };
    let pairs = clients
        .iter()
        .flat_map(|one| clients.iter().map(move |other| (*one, *other)));
    pairs
        .filter(|(one, other)| one != other)
        .map(|(one, other)| {
            let exclusive = of(one).filter(|hold| !hold.shared()).collect();
            vec![exclusive, of(other).collect()]
        })
        .collect()
}

/// Until when some of these is believed without a break, if one is right after an event. What
/// begins at the time at which a lease is over goes on with it.
fn unbroken(record: &Record, holds: &[&Hold], now: usize) -> Option<Reach> {
    let believed = |next: usize| holds.iter().filter(move |hold| hold.is_believed(next));
    let mut reached: Vec<Reach> = believed(now).map(|hold| hold.reach(now)).collect();
    for next in record.moments().filter(|next| *next > now) {
        let goes_on = reached.iter().any(|end| match end {
            Reach::Event(end) => next < *end,
            Reach::Lapse(end_ns) => record.time(next) <= *end_ns,
            Reach::Open => true,
        });
        if goes_on {
            reached.extend(believed(next).map(|hold| hold.reach(next)));
        }
    }
    let is_open = reached.contains(&Reach::Open);
    let last = reached.into_iter().max_by_key(|end| end.time(record));
    last.map(|last| if is_open { Reach::Open } else { last })
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
