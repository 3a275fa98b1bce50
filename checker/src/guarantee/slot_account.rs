//! Everything that is known of the slots of one lock.

use std::collections::{BTreeMap, BTreeSet};

use super::changers::Changers;
use super::observation::{Observation, Rest, Row};
use crate::administration::AdminOp;
use crate::finding::VIOLATIONS_MAX;
use crate::holds::Lock;
use crate::position::Position;
use crate::search::Reason;
use crate::steps::Steps;

/// What operations say of slots that they do not list, and what may have changed which slot.
pub(super) struct Ground {
    /// What looked and did not find a slot, nor leave it: of every slot but those that it lists.
    missed: Row,
    /// The places of those that list a slot.
    listing: BTreeMap<u32, Vec<usize>>,
    /// What left no slot at all.
    destroyed: Row,
    makers: Changers,
    removers: Changers,
}

impl Ground {
    pub(super) fn new(ops: &[AdminOp]) -> Self {
        let told = ops
            .iter()
            .filter_map(|op| Some((op, Observation::of_unlisted(op)?)));
        let (mut missing, destroyed): (Vec<_>, Vec<_>) =
            told.partition(|(_, observation)| observation.before.is_some());
        missing.sort_unstable_by_key(|(op, _)| op.end);
        let mut listing: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
        for (place, (op, _)) in missing.iter().enumerate() {
            for slot in op.slots.iter().flatten() {
                listing.entry(*slot).or_default().push(place);
            }
        }
        let row = |told: Vec<(&AdminOp, Observation)>| {
            Row::new(
                told.into_iter()
                    .map(|(_, observation)| observation)
                    .collect(),
            )
        };
        Self {
            missed: row(missing),
            listing,
            destroyed: row(destroyed),
            makers: Changers::making(ops),
            removers: Changers::removing(ops),
        }
    }
}

/// What is said of each slot that an operation on the lock lists or a grant names.
pub(super) fn observed(ops: &[AdminOp], lock: Option<&Lock>) -> BTreeMap<u32, Vec<Observation>> {
    let mut slots: BTreeMap<u32, Vec<Observation>> = BTreeMap::new();
    for op in ops {
        for slot in op.slots.iter().flatten() {
            let observation = Observation::of_listed(op);
            slots.entry(*slot).or_default().extend(observation);
        }
    }
    for hold in lock.into_iter().flat_map(|lock| &lock.holds) {
        if let Some(slot) = hold.slot {
            let observation = Observation::of_grant(hold);
            slots.entry(slot).or_default().push(observation);
        }
    }
    slots
}

/// Everything that is known of one slot. What made it found it missing; what removed it, and what
/// found it there, found it there.
pub(super) struct Account<'a> {
    slot: u32,
    ground: &'a Ground,
    made: Row,
    removed: Row,
    found: Row,
    missed: Rest<'a>,
}

impl<'a> Account<'a> {
    pub(super) fn new(ground: &'a Ground, slot: u32, observations: Vec<Observation>) -> Self {
        let row = |before, after| {
            let is_such = |one: &&Observation| one.before == Some(before) && one.after == after;
            Row::new(observations.iter().filter(is_such).copied().collect())
        };
        let listing = ground.listing.get(&slot).map_or(&[][..], Vec::as_slice);
        Self {
            slot,
            ground,
            made: row(false, true),
            removed: row(true, false),
            found: row(true, true),
            missed: Rest::new(&ground.missed, listing),
        }
    }

    pub(super) fn slot(&self) -> u32 {
        self.slot
    }

    fn changes(&self) -> impl Iterator<Item = &Observation> {
        self.made.all().iter().chain(self.removed.all())
    }

    /// How often the slot was made or removed.
    pub(super) fn changed(&self) -> usize {
        self.made.all().len() + self.removed.all().len()
    }

    /// What may change the slot from what an observation left.
    fn changers(&self, after: bool) -> &Changers {
        if after {
            &self.ground.removers
        } else {
            &self.ground.makers
        }
    }

    /// Until when the slot stays as an observation left it: the invocation of what may change it
    /// next.
    fn lasts(&self, observation: &Observation) -> Position {
        let changers = self.changers(observation.after);
        changers.first_unsettled(self.slot, observation.invoke)
    }

    /// When at the earliest whatever left the slot there (or not) must have begun, so that nothing
    /// may have changed that by a position.
    fn unchanged_since(&self, after: bool, by: Position) -> Option<Position> {
        match self.changers(after).settled_by(self.slot, by) {
            Some(settled) => settled.checked_add(1),
            None => Some(0),
        }
    }

    /// How many changes were followed by a look at the slot before anything may have changed it
    /// again.
    pub(super) fn tested(&self) -> usize {
        let is_tested = |change: &&Observation| {
            let until = self.lasts(change);
            let is_found = || {
                let found = &self.found;
                let next = found.next(found.through(change.end), change.end + 1);
                next.is_some_and(|place| found.all()[place].end < until)
            };
            let is_missed = || {
                let missed = &self.missed;
                let next = missed.next(missed.through(change.end), change.end + 1);
                next.is_some_and(|place| missed.at(place).end < until)
            };
            match change.after {
                true => is_found(),
                false => is_missed(),
            }
        };
        self.changes().filter(is_tested).count()
    }

    /// What of the operations that name the slot contradicts an earlier one, each with that one.
    pub(super) fn contradictions(&self) -> impl Iterator<Item = (Observation, Observation)> {
        let later = self.changes().chain(self.found.all());
        later.filter_map(|later| Some((self.contradicted_by(later)?, *later)))
    }

    /// The earlier observation that one contradicts.
    fn contradicted_by(&self, later: &Observation) -> Option<Observation> {
        let earlier = self.otherwise(later).or_else(|| self.beside(later));
        earlier.copied()
    }

    /// An observation through before this one began that left the slot otherwise, if nothing can
    /// have changed that since. The one that began last will do: what is not known from there is
    /// not known from any before it.
    fn otherwise(&self, later: &Observation) -> Option<&Observation> {
        let latest = if later.before? {
            let missed = self.missed.latest(self.missed.through(later.invoke));
            let destroyed = through(&self.ground.destroyed, later);
            [missed, destroyed, through(&self.removed, later)]
        } else {
            [
                through(&self.made, later),
                through(&self.found, later),
                None,
            ]
        };
        let latest = latest.into_iter().flatten();
        let earlier = latest.max_by_key(|earlier| earlier.invoke)?;
        (later.end < self.lasts(earlier)).then_some(earlier)
    }

    /// An observation that went on when this one began, ended before it, and can have come neither
    /// before it nor after it: it found what this one did not leave, and left what this one did not
    /// find.
    fn beside(&self, later: &Observation) -> Option<&Observation> {
        let since = self.unchanged_since(!later.before?, later.end)?;
        let until = later.end.min(self.lasts(later));
        let in_row = |row: &'_ Row| row.next(row.through(later.invoke), since);
        let other = match (later.before?, later.after) {
            (false, true) => in_row(&self.made).map(|place| &self.made.all()[place]),
            (true, false) => in_row(&self.removed).map(|place| &self.removed.all()[place]),
            (false, false) => in_row(&self.found).map(|place| &self.found.all()[place]),
            (true, true) => {
                let missed = &self.missed;
                let next = missed.next(missed.through(later.invoke), since);
                next.map(|place| missed.at(place))
            }
        };
        other.filter(|other| other.end < until)
    }

    /// Where those begin that miss the slot although an observation left it: of those that ended
    /// after it, this or later. It need not be through before they began if it found the slot, too.
    fn missed_since(&self, left: &Observation) -> Position {
        let through = left.end + 1;
        let beside = match left.before {
            Some(true) => self.unchanged_since(false, left.end),
            _ => None,
        };
        beside.map_or(through, |beside| beside.min(through))
    }
}

fn through<'r>(row: &'r Row, later: &Observation) -> Option<&'r Observation> {
    row.latest(0, row.through(later.invoke))
}

/// Those who miss a slot that was left, the first after the other.
struct Missing<'a> {
    account: &'a Account<'a>,
    /// They begin here or later.
    since: Position,
    /// They end before this.
    until: Position,
}

impl<'a> Missing<'a> {
    fn of(account: &'a Account<'a>) -> impl Iterator<Item = (usize, Self)> {
        let left = account.made.all().iter().chain(account.found.all());
        left.filter_map(move |left| {
            let missing = Self {
                account,
                since: account.missed_since(left),
                until: account.lasts(left),
            };
            let first = missing.next(account.missed.through(left.end))?;
            Some((first, missing))
        })
    }

    /// The place of the next from one on.
    fn next(&self, from: usize) -> Option<usize> {
        let missed = &self.account.missed;
        let next = missed.next(from, self.since);
        next.filter(|place| missed.at(*place).end < self.until)
    }
}

/// What does not list a slot and so contradicts an earlier one, with that one and the slot: the
/// first ones by their ends, as many as are ever shown. Each slot is asked only for those who miss
/// it.
pub(super) fn missing(
    accounts: &[Account<'_>],
    steps: &mut Steps<'_>,
) -> Result<Vec<(u32, Observation, Observation)>, Reason> {
    let mut coming: BTreeMap<usize, Vec<Missing<'_>>> = BTreeMap::new();
    for account in accounts {
        steps.step()?;
        for (first, missing) in Missing::of(account) {
            steps.step()?;
            coming.entry(first).or_default().push(missing);
        }
    }
    let mut found = Vec::new();
    let mut shown = BTreeSet::new();
    while let Some((place, all)) = coming.pop_first() {
        let mut slots = BTreeSet::new();
        for missing in all {
            steps.step()?;
            let account = missing.account;
            let later = account.missed.at(place);
            if slots.insert(account.slot)
                && let Some(earlier) = account.contradicted_by(later)
            {
                shown.insert((later.end, earlier.end));
                found.push((account.slot, earlier, *later));
            }
            if let Some(next) = missing.next(place + 1) {
                coming.entry(next).or_default().push(missing);
            }
        }
        if shown.len() >= VIOLATIONS_MAX {
            break;
        }
    }
    Ok(found)
}
