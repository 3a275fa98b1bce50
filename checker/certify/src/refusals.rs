//! `justified-refusal`: how many must have held a lock when it was refused.

use std::collections::BTreeMap;

use history::{Function, History, Kind};

use super::administration::{AdminOp, administered};
use super::error::{Flaw, ensure};
use super::law::Call;
use super::object::Place;
use super::record::{Act, KeyName, NEVER, Operation, Record};
use super::sums::Sums;

/// How many slots the locks of a history had.
pub(super) struct SlotsThere {
    /// Of the keys whose slots were made, removed or counted.
    administered: BTreeMap<KeyName, There>,
    /// Of all others.
    slots: u64,
}

impl SlotsThere {
    pub(super) fn new(history: &History, slots: u64) -> Self {
        let mut administered = administered(history);
        administered.retain(|_, ops| ops.iter().any(|op| op.is_change() || op.found().is_some()));
        let there = administered.into_iter();
        Self {
            administered: there.map(|(name, ops)| (name, There::new(&ops))).collect(),
            slots,
        }
    }

    /// Whether the slots of a key were made, removed or counted.
    pub(super) fn is_of(&self, name: &KeyName) -> bool {
        self.administered.contains_key(name)
    }

    /// The least number of slots that the key of a refusal may have had while it was under way;
    /// none if that is not known.
    pub(super) fn least(&self, name: &KeyName, refusal: (usize, usize)) -> Option<u64> {
        let there = self.administered.get(name);
        there.map_or(Some(self.slots), |there| there.least(refusal))
    }

    /// Says in every operation on a key that was administered how many slots there were. Fails
    /// where no refusal is to be justified, or where that is not known of one.
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

/// How many slots a key had at least, at any time.
struct There {
    /// From each position on, what is known if nothing was removed.
    known: Vec<(usize, Known)>,
    /// What is known of the beginning.
    first: Option<Known>,
    /// How many may be gone, by where that begins, and by where it is settled. Of a lock that was
    /// destroyed nobody knows.
    begun: Sums,
    settled: Sums,
}

/// The latest state that is known, and what was surely made since.
#[derive(Clone, Copy)]
struct Known {
    /// The invocation and the end of the count that found it; none for the beginning.
    count: Option<(usize, usize)>,
    there: u64,
}

impl There {
    fn new(ops: &[AdminOp]) -> Self {
        let gone = || ops.iter().filter(|op| op.is_change() && !is_making(op));
        let number = |op: &AdminOp| {
            let slots = op.slots.as_ref().map(std::collections::BTreeSet::len);
            slots.filter(|_| op.function != Function::Destroy)
        };
        let first = first(ops);
        Self {
            known: known(ops, first),
            first,
            begun: Sums::new(gone().map(|op| (op.invoked, number(op)))),
            settled: Sums::new(gone().map(|op| (op.settled(), number(op)))),
        }
    }

    fn least(&self, (invoked, ended): (usize, usize)) -> Option<u64> {
        let before = self.known.partition_point(|(from, _)| *from < invoked);
        let last = before.checked_sub(1).map(|last| self.known[last].1);
        let Known { count, there } = last.or(self.first)?;
        let (begun, unknown) = self.begun.before(ended);
        // What was settled when the count began is not missing since.
        let (settled, unknown_settled) =
            count.map_or((0, 0), |(invoked, _)| self.settled.before(invoked));
        let left = i128::from(there) - (begun - settled);
        (unknown == unknown_settled).then(|| u64::try_from(left).unwrap_or(0))
    }
}

fn is_making(op: &AdminOp) -> bool {
    op.is(&Function::Create) || op.is(&Function::Grow)
}

/// That there was nothing in the beginning, of a key that was made first of all.
fn first(ops: &[AdminOp]) -> Option<Known> {
    let mut all = ops.iter().filter(|op| op.outcome != Kind::Fail);
    let first = all.next()?;
    let is_made = first.is(&Function::Create) && first.outcome == Kind::Ok;
    let is_first = all.all(|other| first.ended < other.invoked);
    (is_made && is_first).then_some(Known {
        count: None,
        there: 0,
    })
}

/// What is known after each count, and after each operation that surely made slots: of counts the
/// one that was invoked last is the latest, and before it everything began that is through by its
/// end.
fn known(ops: &[AdminOp], first: Option<Known>) -> Vec<(usize, Known)> {
    let mut telling: Vec<&AdminOp> = ops
        .iter()
        .filter(|op| op.found().is_some() || is_making(op))
        .collect();
    telling.sort_unstable_by_key(|op| op.settled());
    let mut known = first;
    let mut course = Vec::new();
    for op in telling {
        let number = op.slots.as_ref().map_or(0, |slots| slots.len() as u64);
        let count = known.and_then(|known| known.count);
        if op.found().is_some() {
            if count.is_none_or(|(invoked, _)| invoked < op.invoked) {
                known = Some(Known {
                    count: Some((op.invoked, op.ended)),
                    there: number,
                });
            }
        } else if let Some(known) = &mut known
            && count.is_none_or(|(_, ended)| ended < op.invoked)
        {
            known.there += number;
        }
        course.extend(known.map(|known| (op.settled(), known)));
    }
    course
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
