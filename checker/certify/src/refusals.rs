//! `justified-refusal`: how many must have held a lock when it was refused.

use std::collections::BTreeMap;

use history::{Function, History, Kind};

use super::administration::{AdminOp, administered};
use super::error::{Flaw, ensure};
use super::law::Call;
use super::object::Place;
use super::record::{Act, KeyName, NEVER, Operation, Record};

/// How many slots the locks of a history had.
pub(super) struct SlotsThere {
    /// Of the keys whose slots were made, removed or counted.
    administered: BTreeMap<KeyName, Vec<AdminOp>>,
    /// Of all others.
    slots: u64,
}

impl SlotsThere {
    pub(super) fn new(history: &History, slots: u64) -> Self {
        let mut administered = administered(history);
        administered.retain(|_, ops| ops.iter().any(|op| op.is_change() || op.found().is_some()));
        Self {
            administered,
            slots,
        }
    }

    /// Whether the slots of a key were made, removed or counted.
    pub(super) fn is_of(&self, name: &KeyName) -> bool {
        self.administered.contains_key(name)
    }

    /// The least number of slots that the key of a refusal may have had while it was under way; none
    /// if that is not known.
    pub(super) fn least(&self, name: &KeyName, refusal: (usize, usize)) -> Option<u64> {
        let ops = self.administered.get(name);
        ops.map_or(Some(self.slots), |ops| least(ops, refusal))
    }

    /// Says in every operation on a key that was administered how many slots there were. Fails where
    /// no refusal is to be justified, or where that is not known of one.
    pub(super) fn apply(&self, record: &Record, places: &mut [Place<Call>]) -> Result<(), Flaw> {
        let mut is_any = false;
        for place in places {
            let name = record.key_name(place.key);
            let is_refusal = place.call.act == Act::Refusal;
            if is_refusal {
                let least = self.least(name, (place.invoked, place.ended));
                let unknown = || Flaw::new("how many slots there were is not known").on(name);
                let least = least.ok_or_else(unknown)?;
                is_any |= least > 0;
                place.call.slots_there = Some(least);
            }
            if !self.is_of(name) {
                place.call.slots_there = None;
            } else if !is_refusal {
                place.call.slots_there = Some(0);
            }
        }
        ensure(is_any, || Flaw::new("no refusal is to be justified"))
    }
}

fn least(ops: &[AdminOp], (invoked, ended): (usize, usize)) -> Option<u64> {
    let (from, until, mut there) = known_before(ops, invoked)?;
    let mut gone = 0;
    for op in ops.iter().filter(|op| op.is_change() && op.invoked < ended) {
        let number = op.slots.as_ref().map(|slots| slots.len() as u64);
        let may_be_since = from.is_none_or(|from| op.settled() > from);
        match op.function {
            _ if !may_be_since => {}
            Function::Destroy => return None,
            Function::Create | Function::Grow => {
                let is_surely =
                    op.settled() < invoked && until.is_none_or(|until| until < op.invoked);
                there += number.filter(|_| is_surely).unwrap_or(0);
            }
            _ => gone += number?,
        }
    }
    Some(there.saturating_sub(gone))
}

/// The invocation, the end and the number of the latest count before a position; of a key that was
/// made first of all, that there was nothing in the beginning.
fn known_before(ops: &[AdminOp], invoked: usize) -> Option<(Option<usize>, Option<usize>, u64)> {
    let counts = ops.iter().filter(|op| op.ended < invoked);
    let counts = counts.filter_map(|op| Some((op, op.found()?.len() as u64)));
    if let Some((count, number)) = counts.max_by_key(|(count, _)| count.invoked) {
        return Some((Some(count.invoked), Some(count.ended), number));
    }
    let mut all = ops.iter().filter(|op| op.outcome != Kind::Fail);
    let first = all.next()?;
    let is_made = first.is(&Function::Create) && first.outcome == Kind::Ok;
    let is_first = all.all(|other| first.ended < other.invoked);
    (is_made && is_first).then_some((None, None, 0))
}

/// Whether, at every moment of a refusal, fewer can have held the key than it had slots.
pub(super) fn is_free(record: &Record, refusal: &Operation, slots: u64) -> bool {
    let held = record.holds.iter().filter(|hold| hold.key == refusal.key);
    let held = held.map(|hold| (hold.asked, hold.let_go_by, hold.shared));
    let unknown = record
        .operations_on(refusal.key)
        .filter(|operation| operation.act == Act::Acquire && operation.is_unknown());
    let unknown = unknown.map(|operation| (operation.invoked, NEVER, operation.shared));
    let others: Vec<_> = held
        .chain(unknown)
        .filter(|(asked, over, _)| *asked < refusal.ended && *over > refusal.invoked)
        .collect();
    if others.is_empty() {
        return slots > 0;
    }
    let mut changes: BTreeMap<usize, i64> = BTreeMap::new();
    for (asked, over, _) in &others {
        *changes.entry(*asked.max(&refusal.invoked)).or_default() += 1;
        *changes.entry(*over).or_default() -= 1;
    }
    let before_end = changes.range(..refusal.ended);
    let held = before_end.scan(0, |held, (_, change)| {
        *held += change;
        Some(*held)
    });
    let most = held.max().and_then(|most| u64::try_from(most).ok());
    let is_exclusive = !refusal.shared && others.iter().all(|(_, _, shared)| !shared);
    is_exclusive && most.unwrap_or(0) < slots
}
