//! Guarantees that are their own definition: the re-check is to compute it again.

use std::collections::{BTreeMap, BTreeSet};

use history::History;

use super::error::{Flaw, ensure};
use super::file::Figures;
use super::record::{Act, Hold, NEVER, Operation, Record};
use super::spell::{Ending, is_timed};
use super::stretch::Stretch;

/// A belief that began although it did not fit together with the others of that moment.
pub(super) struct Overlap<'a> {
    hold: &'a Hold,
    /// The position with which it began.
    from: usize,
    /// Until when the others keep it from fitting.
    until: Ending,
}

/// All overlaps of these, in the order in which they began.
pub(super) fn overlaps<'a>(stretches: &[Stretch<'a>], slots: u64) -> Vec<Overlap<'a>> {
    let mut believed: BTreeMap<usize, Believed> = BTreeMap::new();
    let mut overlaps = Vec::new();
    for (index, stretch) in stretches.iter().enumerate() {
        let others = believed.entry(stretch.hold.key).or_default();
        others.forget(stretch.from);
        let obstacle = match slots {
            1 => others.client_in_the_way(stretch),
            _ => others.grants_in_the_way(stretch, slots),
        };
        if let Some(until) = obstacle {
            overlaps.push(Overlap {
                hold: stretch.hold,
                from: stretch.from,
                until: until.min(stretch.until),
            });
        }
        others.add(index, stretch, slots == 1);
    }
    overlaps
}

/// The holds of one key that are believed at one moment, by the end of their belief.
#[derive(Default)]
struct Believed {
    exclusive: Ends,
    shared: Ends,
}

/// Ends of belief, each with the process and the number of the spell.
type Ends = BTreeSet<(Ending, u32, usize)>;

impl Believed {
    fn of(&mut self, shared: bool) -> &mut Ends {
        if shared {
            &mut self.shared
        } else {
            &mut self.exclusive
        }
    }

    fn forget(&mut self, now: usize) {
        for ends in [&mut self.exclusive, &mut self.shared] {
            while ends.first().is_some_and(|(until, ..)| until.0 <= now) {
                ends.pop_first();
            }
        }
    }

    /// Where clients count, what ends before another hold of the same client is in nobody's way any
    /// longer than that, so only the last to end is kept.
    fn add(&mut self, index: usize, stretch: &Stretch<'_>, by_client: bool) {
        let (process, until) = (stretch.hold.process, stretch.until);
        let ends = self.of(stretch.shared);
        if by_client {
            let last = ends.iter().rev().take(2).copied();
            let own: Vec<_> = last.filter(|(_, other, _)| *other == process).collect();
            for other in own {
                if other.0 > until {
                    return;
                }
                ends.remove(&other);
            }
        }
        ends.insert((until, process, index));
    }

    /// Until when another client keeps the client of a new hold from having it; none if none does.
    fn client_in_the_way(&self, new: &Stretch<'_>) -> Option<Ending> {
        let other = |ends: &Ends| {
            let mut others = ends.iter().rev();
            let other = others.find(|(_, process, _)| *process != new.hold.process);
            other.map(|(until, ..)| *until)
        };
        let readers = other(&self.shared).filter(|_| !new.shared);
        other(&self.exclusive).max(readers)
    }

    /// Until when these keep a new hold from fitting; none if it fits.
    fn grants_in_the_way(&self, new: &Stretch<'_>, slots: u64) -> Option<Ending> {
        let latest = |ends: &Ends, count: u64| {
            let others = usize::try_from(count)
                .ok()
                .filter(|count| ends.len() >= *count)?;
            ends.iter()
                .nth(ends.len() - others)
                .map(|(until, ..)| *until)
        };
        if new.shared {
            return latest(&self.exclusive, 1);
        }
        latest(&self.shared, 1).max(latest(&self.exclusive, slots))
    }
}

/// Counts again, and compares.
pub(super) fn check_figures(
    record: &Record,
    overlaps: &[Overlap<'_>],
    stated: Figures,
) -> Result<(), Flaw> {
    let refusals = record
        .operations
        .iter()
        .filter(|operation| operation.act == Act::Refusal);
    let counted = Figures {
        holds: record.holds.len() as u64,
        revoked: record.holds.iter().filter(|hold| hold.revoked).count() as u64,
        overlaps: overlaps.len() as u64,
        refusals: refusals.count() as u64,
    };
    ensure(counted == stated, || {
        Flaw::new(format!("the figures are {counted:?}, not {stated:?}"))
    })
}

pub(super) fn exclusion(
    history: &History,
    record: &Record,
    overlaps: &[Overlap<'_>],
) -> Result<(), Flaw> {
    overlaps.first().map_or(Ok(()), |overlap| {
        Err(flaw(
            history,
            record,
            overlap.hold.key,
            overlap.from,
            "the belief overlaps with others",
        ))
    })
}

pub(super) fn overlap(
    history: &History,
    record: &Record,
    overlaps: &[Overlap<'_>],
    bound_ns: u128,
) -> Result<(), Flaw> {
    for Overlap { hold, from, until } in overlaps {
        let long = until.0 == NEVER || exposure_ns(history, *from, until.1) > bound_ns;
        ensure(!long, || {
            flaw(
                history,
                record,
                hold.key,
                *from,
                "the belief overlaps with others for longer",
            )
        })?;
    }
    Ok(())
}

/// From a position to a time.
pub(super) fn exposure_ns(history: &History, from: usize, until_ns: u64) -> u128 {
    until_ns.saturating_sub(history.events()[from].time).into()
}

/// Fails where the history has leases and nobody can know when they were over.
pub(super) fn ensure_clock(history: &History) -> Result<(), Flaw> {
    let mut events = history.events().iter();
    let leased = events.find(|event| event.value.lease().is_some());
    match leased.filter(|_| !is_timed(history)) {
        Some(event) => Err(Flaw::new("there are leases, and no time passes").at(event.index)),
        None => Ok(()),
    }
}

pub(super) fn ownership(history: &History, record: &Record) -> Result<(), Flaw> {
    let affirms = |operation: &Operation| {
        matches!(operation.act, Act::Confirm | Act::Release) && !operation.is_unknown()
    };
    ensure(record.operations.iter().any(affirms), || {
        Flaw::new("no hold was confirmed or released")
    })?;
    if let Some(Operation { key, ended, .. }) = record
        .operations
        .iter()
        .find(|operation| operation.is_unowned())
    {
        return Err(flaw(
            history,
            record,
            *key,
            *ended,
            "the process has no hold",
        ));
    }
    let revived = record.holds.iter().find(|hold| hold.is_revived());
    revived.map_or(Ok(()), |hold| {
        Err(flaw(
            history,
            record,
            hold.key,
            hold.granted,
            "the hold was confirmed after it was lost",
        ))
    })
}

pub(super) fn flaw(
    history: &History,
    record: &Record,
    key: usize,
    position: usize,
    why: &str,
) -> Flaw {
    Flaw::new(why)
        .on(record.key_name(key))
        .at(history.events()[position].index)
}
