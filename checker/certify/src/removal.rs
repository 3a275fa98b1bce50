//! `slot-removal`: who uses a slot after it was removed.

use std::collections::BTreeMap;

use history::{Function, History, Kind};

use super::administration::{AdminOp, administered, ops};
use super::changes::Changes;
use super::error::{Flaw, ensure};
use super::record::{Act, Hold, KeyName, Operation, Record};
use super::spell::Spell;

/// The time after a removal in which the slot does not exist for certain.
struct Absence<'a> {
    slot: u32,
    removing: &'a AdminOp,
    /// What may make the slot again begins here.
    until: usize,
}

pub(super) fn check(history: &History, record: &Record) -> Result<(), Flaw> {
    let mut slots = Slots::of(history, record);
    let mut meets = false;
    for (name, ops) in &administered(history) {
        let key = record.keys.get(name);
        let mut waits = waits(ops);
        for (slot, absences) in absences(ops) {
            let Some(uses) = key.and_then(|key| slots.0.remove(&(*key, slot))) else {
                continue;
            };
            meets |= uses.meet(&absences);
            let waits = waits.remove(&slot).unwrap_or_default();
            let times = Times::of(&absences);
            let mut used = uses.operations.iter();
            let used = used.find(|operation| times.is_use(&waits, operation));
            used.map_or(Ok(()), |found| {
                let flaw = Flaw::new("a slot is used after it was removed").on(name);
                Err(flaw.at(history.events()[found.ended].index))
            })?;
        }
    }
    ensure(meets, || Flaw::new("no slot was held when it was removed"))
}

/// Whether these events show a use: the ends of the removal and of the grant, then nothing, or the
/// end of a confirmation, or those of a wait and a release.
pub(super) fn is_shown(
    history: &History,
    record: &Record,
    name: &KeyName,
    events: &[usize],
) -> Option<bool> {
    let ops = ops(history, name);
    let ended_at = |end: usize| {
        let operation = record.operation(history.partner(end)?)?;
        (operation.ended == end && *record.key_name(operation.key) == *name).then_some(operation)
    };
    let (removed, grant, told) = match events {
        [removed, grant] => (removed, grant, grant),
        [removed, grant, told] | [removed, grant, _, told] => (removed, grant, told),
        _ => return None,
    };
    let (grant, told) = (ended_at(*grant)?, ended_at(*told)?);
    let is_grant = grant.act == Act::Acquire && told.hold == grant.hold;
    let slot = record.holds[grant.hold.filter(|_| is_grant)?].slot?;
    let mut removing = ops.iter().filter(|op| op.ended == *removed);
    let makers = Changes::making(&ops);
    let absence = removing.find_map(|removing| Absence::after(&makers, removing, slot))?;
    let spans = absence.spans(told.invoked, within(told));
    Some(match (events, told.act) {
        ([_, _], Act::Acquire) | ([_, _, _], Act::Confirm) => spans,
        ([_, _, gone, _], Act::Release) => {
            let mut waits = ops.iter().filter(|op| op.ended == *gone);
            spans && waits.any(|wait| absence.is_gone_before(wait, told))
        }
        _ => return None,
    })
}

/// Up to where an operation must lie in an absence to be a use: a release needs to begin in it
/// only.
fn within(operation: &Operation) -> usize {
    match operation.act {
        Act::Release => operation.invoked,
        _ => operation.ended,
    }
}

/// The absences of each slot.
fn absences(ops: &[AdminOp]) -> BTreeMap<u32, Vec<Absence<'_>>> {
    let makers = Changes::making(ops);
    let mut absences: BTreeMap<u32, Vec<Absence<'_>>> = BTreeMap::new();
    for removing in ops {
        for slot in removing.slots.iter().flatten() {
            let absence = Absence::after(&makers, removing, *slot);
            absences.entry(*slot).or_default().extend(absence);
        }
    }
    absences
}

impl<'a> Absence<'a> {
    /// The one after an operation, if that removed the slot and nothing may have made it again at
    /// once.
    fn after(makers: &Changes, removing: &'a AdminOp, slot: u32) -> Option<Self> {
        let removes = [Function::Shrink, Function::Destroy, Function::Overshoot];
        let until = makers.next(slot, removing.invoked);
        let is_removed = removes.contains(&removing.function) && removing.names(slot);
        (is_removed && removing.ended < until).then_some(Self {
            slot,
            removing,
            until,
        })
    }

    fn spans(&self, invoked: usize, ended: usize) -> bool {
        self.removing.ended < invoked && ended < self.until
    }

    /// Whether a wait said that the holder is gone before an operation began.
    fn is_gone_before(&self, wait: &AdminOp, operation: &Operation) -> bool {
        wait.function == Function::Wait
            && wait.names(self.slot)
            && self.spans(wait.invoked, wait.ended)
            && wait.ended < operation.invoked
    }
}

/// What belongs to the holds of each slot, by key and slot.
struct Slots<'a>(BTreeMap<(usize, u32), Uses<'a>>);

/// What belongs to the holds of one slot.
#[derive(Default)]
struct Uses<'a> {
    operations: Vec<&'a Operation>,
    /// When the holds were believed, and whether their holders were told that they are lost.
    spells: Vec<(Spell, bool)>,
    /// Where each spell began, with where it and those before it ended at the latest, and the same
    /// of those that ended with a loss report.
    held: Vec<(usize, [usize; 2])>,
}

impl<'a> Slots<'a> {
    fn of(history: &History, record: &'a Record) -> Self {
        let mut slots: BTreeMap<_, Uses<'_>> = BTreeMap::new();
        for hold in &record.holds {
            if let Some(slot) = hold.slot {
                let uses = slots.entry((hold.key, slot)).or_default();
                let told = is_told(history, hold);
                uses.spells
                    .extend(hold.spells.iter().map(|spell| (*spell, told)));
            }
        }
        for uses in slots.values_mut() {
            uses.enter();
        }
        for operation in &record.operations {
            let hold = operation.hold.map(|hold| &record.holds[hold]);
            let slot = hold.and_then(|hold| Some((hold.key, hold.slot?)));
            if let Some(uses) = slot.and_then(|slot| slots.get_mut(&slot)) {
                uses.operations.push(operation);
            }
        }
        Self(slots)
    }
}

/// Whether the holder was told that the hold is lost.
fn is_told(history: &History, hold: &Hold) -> bool {
    hold.revoked && history.events()[hold.believed_until].kind != Kind::Info
}

impl Uses<'_> {
    /// Enters the spells in their order.
    fn enter(&mut self) {
        self.spells.sort_by_key(|(spell, _)| spell.from);
        let (mut believed, mut told) = (0, 0);
        for (spell, is_told) in &self.spells {
            let until = spell.until.0;
            believed = until.max(believed);
            if *is_told && !spell.lapses {
                told = until.max(told);
            }
            self.held.push((spell.from, [believed, told]));
        }
    }

    /// Whether the slot was held when it was removed once: from before the removal until after it,
    /// or until a loss report meanwhile.
    fn meet(&self, absences: &[Absence<'_>]) -> bool {
        let mut removing = absences.iter().map(|absence| absence.removing);
        removing.any(|removing| {
            let before = self
                .held
                .partition_point(|(granted, _)| *granted < removing.invoked);
            let last = before.checked_sub(1).map(|last| self.held[last].1);
            last.is_some_and(|[believed, told]| {
                believed > removing.ended || told > removing.invoked
            })
        })
    }
}

/// When absences of one slot begin, each with when the last of those up to it ends.
struct Times(Vec<(usize, usize)>);

impl Times {
    fn of(absences: &[Absence<'_>]) -> Self {
        let times = absences.iter();
        let times = times.map(|absence| (absence.removing.ended, absence.until));
        Self(latest(times.collect()))
    }

    /// Whether what belongs to a hold of the slot shows that the slot is used: it lies in an
    /// absence, or is a release that begins in one, after a wait that lies in it.
    fn is_use(&self, waits: &Waits, operation: &Operation) -> bool {
        let begun = match operation.act {
            // Whether it succeeded is not known.
            _ if operation.is_unknown() => return false,
            Act::Acquire | Act::Confirm => operation.invoked,
            Act::Release => waits.last_before(operation.invoked),
            _ => return false,
        };
        let before = self.0.partition_point(|(ended, _)| *ended < begun);
        let last = before.checked_sub(1).map(|last| self.0[last].1);
        last.is_some_and(|until| within(operation) < until)
    }
}

/// When waits for the holder of one slot ended, each with the invocation of the last of those up to
/// it that began.
#[derive(Default)]
struct Waits(Vec<(usize, usize)>);

/// The waits for the holder of each slot.
fn waits(ops: &[AdminOp]) -> BTreeMap<u32, Waits> {
    let mut waits: BTreeMap<u32, Vec<_>> = BTreeMap::new();
    for wait in ops.iter().filter(|op| op.function == Function::Wait) {
        for slot in wait.slots.iter().flatten() {
            let ends = (wait.ended, wait.invoked);
            waits.entry(*slot).or_default().push(ends);
        }
    }
    let waits = waits.into_iter();
    waits
        .map(|(slot, waits)| (slot, Waits(latest(waits))))
        .collect()
}

impl Waits {
    /// The invocation of the last that ended before a position; 0 if none did.
    fn last_before(&self, position: usize) -> usize {
        let before = self.0.partition_point(|(ended, _)| *ended < position);
        before.checked_sub(1).map_or(0, |last| self.0[last].1)
    }
}

/// By their first numbers, each with the greatest second one of those up to it.
fn latest(mut pairs: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    pairs.sort_unstable();
    let mut greatest = 0;
    for (_, number) in &mut pairs {
        greatest = greatest.max(*number);
        *number = greatest;
    }
    pairs
}
