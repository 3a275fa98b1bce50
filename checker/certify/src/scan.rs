//! Guarantees that are their own definition: the re-check is to compute it again.

use std::collections::{BTreeMap, BTreeSet};

use history::History;

use super::error::{Flaw, ensure};
use super::file::Figures;
use super::record::{Act, Hold, NEVER, Operation, Record};

/// A grant that did not fit together with the holds believed at that moment.
pub(super) struct Overlap<'a> {
    hold: &'a Hold,
    /// The last position at which the others still keep it from fitting.
    until: usize,
}

/// All overlaps, in the order of the grants.
pub(super) fn overlaps(record: &Record, slots: u64) -> Vec<Overlap<'_>> {
    let mut believed: BTreeMap<usize, Believed> = BTreeMap::new();
    let mut overlaps = Vec::new();
    for (index, hold) in record.holds.iter().enumerate() {
        let others = believed.entry(hold.key).or_default();
        others.forget(hold.granted);
        if let Some(until) = others.obstacle(hold, slots) {
            overlaps.push(Overlap {
                hold,
                until: until.min(hold.believed_until),
            });
        }
        others.of(hold.shared).insert((hold.believed_until, index));
    }
    overlaps
}

/// The holds of one key that are believed at one moment, by the end of their belief.
#[derive(Default)]
struct Believed {
    exclusive: BTreeSet<(usize, usize)>,
    shared: BTreeSet<(usize, usize)>,
}

impl Believed {
    fn of(&mut self, shared: bool) -> &mut BTreeSet<(usize, usize)> {
        if shared {
            &mut self.shared
        } else {
            &mut self.exclusive
        }
    }

    fn forget(&mut self, now: usize) {
        for set in [&mut self.exclusive, &mut self.shared] {
            while set.first().is_some_and(|(until, _)| *until < now) {
                set.pop_first();
            }
        }
    }

    /// Until when these keep a new hold from fitting; none if it fits.
    fn obstacle(&self, hold: &Hold, slots: u64) -> Option<usize> {
        let latest = |set: &BTreeSet<(usize, usize)>, count: u64| {
            let others = usize::try_from(count)
                .ok()
                .filter(|count| set.len() >= *count)?;
            set.iter().nth(set.len() - others).map(|(until, _)| *until)
        };
        if hold.shared {
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
            overlap.hold.granted,
            "the grant overlaps with others",
        ))
    })
}

pub(super) fn overlap(
    history: &History,
    record: &Record,
    overlaps: &[Overlap<'_>],
    bound_ns: u128,
) -> Result<(), Flaw> {
    for Overlap { hold, until } in overlaps {
        let long = *until == NEVER || exposure_ns(history, hold.granted, *until) > bound_ns;
        ensure(!long, || {
            flaw(
                history,
                record,
                hold.key,
                hold.granted,
                "the grant overlaps with others for longer",
            )
        })?;
    }
    Ok(())
}

/// From a position to another; what never comes counts as the last event.
pub(super) fn exposure_ns(history: &History, from: usize, until: usize) -> u128 {
    let events = history.events();
    let time = |position: usize| events[position.min(events.len() - 1)].time;
    time(until).saturating_sub(time(from)).into()
}

pub(super) fn ownership(history: &History, record: &Record) -> Result<(), Flaw> {
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

pub(super) fn fencing(history: &History, record: &Record) -> Result<(), Flaw> {
    let mut grants: BTreeMap<usize, Vec<&Hold>> = BTreeMap::new();
    for hold in record.holds.iter().filter(|hold| hold.token != 0) {
        grants.entry(hold.key).or_default().push(hold);
    }
    ensure(!grants.is_empty(), || Flaw::new("no grant has a token"))?;
    grants
        .values()
        .try_for_each(|grants| fencing_of_key(history, record, grants))
}

/// Takes the grants of one key in their order.
fn fencing_of_key(history: &History, record: &Record, grants: &[&Hold]) -> Result<(), Flaw> {
    let mut asked = grants.to_vec();
    asked.sort_unstable_by_key(|hold| hold.asked);
    let mut earlier = grants.iter().peekable();
    let (mut token_max, mut known) = (0, BTreeSet::new());
    for hold in asked {
        while let Some(before) = earlier.next_if(|before| before.granted < hold.asked) {
            token_max = token_max.max(before.token);
        }
        let fine = hold.token > token_max && known.insert(hold.token);
        ensure(fine, || {
            flaw(
                history,
                record,
                hold.key,
                hold.granted,
                "the token is not new, or less than an earlier one",
            )
        })?;
    }
    Ok(())
}

fn flaw(history: &History, record: &Record, key: usize, position: usize, why: &str) -> Flaw {
    Flaw::new(why)
        .on(record.key_name(key))
        .at(history.events()[position].index)
}
