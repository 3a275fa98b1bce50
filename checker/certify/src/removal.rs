//! `slot-removal`: who uses a slot after it was removed.

use history::{Function, History, Kind};

use super::administration::{AdminOp, administered, ops};
use super::error::{Flaw, ensure};
use super::record::{Act, Hold, KeyName, NEVER, Operation, Record};

/// The time after a removal in which the slot does not exist for certain.
struct Absence<'a> {
    slot: u32,
    removing: &'a AdminOp,
    /// What may make the slot again begins here.
    until: usize,
}

pub(super) fn check(history: &History, record: &Record) -> Result<(), Flaw> {
    let mut meets = false;
    for (name, ops) in &administered(history) {
        let key = record.keys.get(name);
        let operations: Vec<&Operation> = key
            .into_iter()
            .flat_map(|key| record.operations_on(*key))
            .collect();
        let holds = || record.holds.iter().filter(|hold| Some(&hold.key) == key);
        for absence in absences(ops) {
            meets |= holds().any(|hold| absence.meets(history, hold));
            let mut uses = operations.iter().filter(|operation| {
                let hold = operation.hold.map(|hold| &record.holds[hold]);
                hold.is_some_and(|hold| hold.slot == Some(absence.slot))
                    && absence.is_use(ops, operation)
            });
            uses.next().map_or(Ok(()), |found| {
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
    let mut absences = absences(&ops).into_iter();
    let absence =
        absences.find(|absence| absence.slot == slot && absence.removing.ended == *removed)?;
    let spans = absence.spans(told.invoked, told.ended);
    Some(match (events, told.act) {
        ([_, _], Act::Acquire) | ([_, _, _], Act::Confirm) => spans,
        ([_, _, gone, _], Act::Release) => {
            let mut waits = ops.iter().filter(|op| op.ended == *gone);
            spans && waits.any(|wait| absence.is_gone_before(wait, told))
        }
        _ => return None,
    })
}

fn absences(ops: &[AdminOp]) -> Vec<Absence<'_>> {
    let mut absences = Vec::new();
    let removing = ops.iter().filter(|op| {
        [Function::Shrink, Function::Destroy, Function::Overshoot].contains(&op.function)
    });
    for removing in removing {
        for slot in removing.slots.iter().flatten().copied() {
            let makes = |op: &&AdminOp| {
                (op.is(&Function::Create) || op.is(&Function::Grow))
                    && (op.slots.is_none() || op.names(slot))
                    && op.settled() > removing.invoked
            };
            let makers = ops.iter().filter(makes);
            let until = makers.map(|op| op.invoked).min().unwrap_or(NEVER);
            if removing.ended < until {
                absences.push(Absence {
                    slot,
                    removing,
                    until,
                });
            }
        }
    }
    absences
}

impl Absence<'_> {
    fn spans(&self, invoked: usize, ended: usize) -> bool {
        self.removing.ended < invoked && ended < self.until
    }

    /// Whether a removed slot was held: from before the removal until after it, or until a loss
    /// report meanwhile.
    fn meets(&self, history: &History, hold: &Hold) -> bool {
        let is_held = hold.slot == Some(self.slot)
            && hold.granted < self.removing.invoked
            && hold.believed_until > self.removing.invoked;
        let is_lost = || hold.revoked && history.events()[hold.believed_until].kind != Kind::Info;
        is_held && (hold.believed_until > self.removing.ended || is_lost())
    }

    /// Whether what belongs to a hold of the slot shows that the slot is used.
    fn is_use(&self, ops: &[AdminOp], operation: &Operation) -> bool {
        let is_gone = || ops.iter().any(|wait| self.is_gone_before(wait, operation));
        self.spans(operation.invoked, operation.ended)
            && match operation.act {
                Act::Acquire | Act::Confirm => true,
                Act::Release => is_gone(),
                _ => false,
            }
    }

    /// Whether a wait said that the holder is gone before an operation began.
    fn is_gone_before(&self, wait: &AdminOp, operation: &Operation) -> bool {
        wait.function == Function::Wait
            && wait.names(self.slot)
            && self.spans(wait.invoked, wait.ended)
            && wait.ended < operation.invoked
    }
}
