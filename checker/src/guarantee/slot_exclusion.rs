//! `slot-exclusion`: each slot of a lock is a mutex of its own.
//!
//! Slots come and go while clients hold them, so how many clients may hold the lock at one time
//! says little. That nobody shares a slot is certain at any time: a slot that was removed and made
//! again is not granted to a second holder while the first still has it. The holds of a lock are
//! split by the slots that their grants name, and each slot is judged as `confirmed-exclusion`
//! judges a mutex. A lock none of whose grants names a slot is left out, and so are grants that
//! others may share. Where only some name theirs, the others may hold the same: then nothing is
//! known.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{Guarantee, confirmed};
use crate::Case;
use crate::crowd::Crowds;
use crate::finding::{Finding, Violation, counted};
use crate::hold::Hold;
use crate::holds::{Lock, Statement};
use crate::order::{Order, in_sequence};
use crate::overlap::Capacity;
use crate::position::position;
use crate::search::Reason;
use crate::sweep::revocable::revocable_instants;

/// A client that has a slot twice counts on two of them: it is grants that count here.
const ONE_GRANT: Capacity = Capacity::Grants(1);

/// No slot is held by two clients for certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotExclusion;

impl Guarantee for SlotExclusion {
    fn name(&self) -> String {
        "slot-exclusion".to_owned()
    }

    fn find(&self, case: &Case<'_>) -> Result<Finding, Reason> {
        let slots = case.of_locks(|lock| Ok(by_slot(lock)))?;
        let slots: Vec<Lock> = slots.into_iter().flat_map(BTreeMap::into_values).collect();
        let of_slot = |slot| {
            case.limits.go_on()?;
            confirmed::violations(case, slot, ONE_GRANT)
        };
        let violations = slots.par_iter().map(of_slot);
        let violations: Vec<Vec<Violation>> = violations.collect::<Result<_, Reason>>()?;
        let violations: Vec<Violation> = violations.into_iter().flatten().collect();
        let doubt = if slots.is_empty() {
            Some("no grant named a slot")
        } else if case.locks.iter().any(is_named_in_part) {
            Some(
                "grants of one lock named slots and others none: which slots those hold is not known",
            )
        } else {
            None
        };
        let doubt = doubt.map(str::to_owned);
        let judged = case.of_locks(|lock| Ok(contended(case, lock)))?;
        let judged = judged.into_iter().sum();
        let finding = confirmed::finding(self, case, violations, (judged, doubt));
        let of_slots = counted(slots.len() as u64, "slot");
        Ok(Finding {
            evidence: format!("{of_slots}: {}", finding.evidence),
            ..finding
        })
    }

    fn orders(&self, case: &Case<'_>) -> Option<Vec<Order>> {
        Some(case.locks.par_iter().map(order).collect())
    }
}

/// How many holds of slots were certain for a while in which another client wanted the lock: it
/// might have been given the same slot.
fn contended(case: &Case<'_>, lock: &Lock) -> u64 {
    let crowds = Crowds::new(lock, case.asks.of(&lock.key), Capacity::OneClient);
    let holds = lock.holds.iter().filter(|hold| hold.slot.is_some());
    let end = |hold: &Hold| hold.core_end().min(case.settle);
    let contended = holds.filter(|hold| crowds.meet(hold.granted, end(hold)));
    contended.count() as u64
}

/// Whether some grants of a lock name their slots and others could have done so.
fn is_named_in_part(lock: &Lock) -> bool {
    let mut exclusive = lock.holds.iter().filter(|hold| !hold.shared);
    let is_named = exclusive.next().map(|first| first.slot.is_some());
    is_named.is_some_and(|is_named| exclusive.any(|hold| hold.slot.is_some() != is_named))
}

/// What is known of each slot, as of a lock of its own: its holds, and what was said of them.
pub(super) fn by_slot(lock: &Lock) -> BTreeMap<u32, Lock> {
    let mut slots: BTreeMap<u32, Lock> = BTreeMap::new();
    let mut places = vec![None; lock.holds.len()];
    for (hold, place) in lock.holds.iter().zip(&mut places) {
        let Some(slot) = hold.slot else {
            continue;
        };
        let key = &lock.key;
        let of_slot = slots.entry(slot).or_insert_with(|| Lock {
            key: key.clone(),
            ..Lock::default()
        });
        *place = Some((slot, position(of_slot.holds.len())));
        of_slot.holds.push(hold.clone());
    }
    for statement in &lock.statements {
        if let Some((slot, hold)) = statement.hold.and_then(|hold| places[hold as usize]) {
            let hold = Some(hold);
            let of_slot = slots.entry(slot).or_default();
            of_slot.statements.push(Statement { hold, ..*statement });
        }
    }
    slots
}

/// The slots of a lock know nothing of each other, so their orders go together.
fn order(lock: &Lock) -> Order {
    let slots = by_slot(lock).into_values();
    let placed = slots.flat_map(|slot| revocable_instants(&slot, ONE_GRANT));
    in_sequence(lock.key.clone(), placed.collect())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::HashMap;

    use history::{Function, History, HistoryBuilder, Kind, Value};

    use super::*;
    use crate::search::Limits;
    use crate::search::properties::{SLOTS, cases, for_histories};
    use crate::testing::history;
    use crate::{Scope, Verdict, judge, parse};

    fn finding(history: &History, guarantee: &str, slots: u32) -> Finding {
        let scope = Scope {
            slots: slots.try_into().expect("not 0"),
            ..Scope::default()
        };
        let guarantees = [parse(guarantee).expect("known")];
        judge(history, &scope, Limits::none(), &guarantees).remove(0)
    }

    fn verdict(text: &str) -> Verdict {
        finding(&history(text), "slot-exclusion", 1).verdict
    }

    #[test]
    fn different_slots_are_held_together() {
        let text = "0:acquire 0:acquire!s1 1:acquire 1:acquire!s2 0:verify 0:verify!held 1:verify 1:verify!held";
        let found = finding(&history(text), "slot-exclusion", 1);
        assert_eq!(found.verdict, Verdict::Valid);
        assert_eq!(
            found.evidence,
            "2 slots: 2 holds, 0 of them revoked, 2 contended"
        );
    }

    #[test]
    fn one_slot_is_held_once_however_many_there_are() {
        let text = "0:acquire 0:acquire!s1 1:acquire 1:acquire!s1 0:verify 0:verify!held";
        for slots in [1, 2, 9] {
            let found = finding(&history(text), "slot-exclusion", slots);
            assert_eq!(found.verdict, Verdict::Violated);
            assert_eq!(found.violations[0].events, [1, 2, 3, 4]);
        }
        assert_eq!(
            verdict(&text.replace("held", "lost")),
            Verdict::Unknown,
            "nothing confirms the first hold"
        );
    }

    #[test]
    fn without_slots_nothing_is_known() {
        assert_eq!(verdict("0:acquire 0:acquire!"), Verdict::Unknown);
        assert_eq!(
            verdict("0:grow 0:grow![1] 0:acquire 0:acquire?"),
            Verdict::Unknown
        );
    }

    #[test]
    fn who_names_no_slot_may_hold_that_of_another() {
        let text = "0:acquire 0:acquire!s1 1:acquire 1:acquire!";
        let found = finding(&history(text), "slot-exclusion", 1);
        assert_eq!(found.verdict, Verdict::Unknown);
        assert_eq!(
            found.reason.as_deref(),
            Some(
                "grants of one lock named slots and others none: which slots those hold is not known"
            )
        );
        let doubled = format!("{text} 2:acquire 2:acquire!s1 0:verify 0:verify!held");
        assert_eq!(verdict(&doubled), Verdict::Violated);
        let apart = "0:acquire 0:acquire!s1 b/1:acquire b/1:acquire!";
        let tested = format!("{apart} 2:acquire 2:acquireX 0:release 0:release!");
        assert_eq!(verdict(&tested), Verdict::Valid);
    }

    #[test]
    fn an_answer_belongs_to_the_slot_that_was_granted_last() {
        let text = "0:acquire 0:acquire!s1 0:acquire 0:acquire!s2 1:acquire 1:acquire!s1 0:verify 0:verify!held";
        assert_eq!(verdict(text), Verdict::Valid);
        let text = text.replace(
            "0:verify 0:verify!held",
            "0:release 0:release! 0:verify 0:verify!held",
        );
        assert_eq!(verdict(&text), Verdict::Violated);
    }

    /// The same history with a lock for each slot: what is done to a lock goes to that of the slot
    /// that was granted last and is not released.
    fn one_key_a_slot(history: &History) -> History {
        let mut granted: HashMap<_, Vec<String>> = HashMap::new();
        let mut keys = HashMap::new();
        let mut builder = HistoryBuilder::default();
        for (place, event) in history.events().iter().enumerate() {
            let own = granted.entry(event.process).or_default();
            let end = history.partner(place).map(|end| &history.events()[end]);
            let key = match (event.kind, &event.function) {
                (Kind::Invoke, Function::Acquire) => end.and_then(|end| slot(&end.value)),
                (Kind::Invoke, _) => own.last().cloned(),
                _ => history
                    .partner(place)
                    .and_then(|invoke| keys.get(&invoke).cloned()),
            };
            let Some(key) = key else { continue };
            match (event.kind, &event.function) {
                (Kind::Ok, Function::Acquire) => own.push(key.clone()),
                (Kind::Ok, Function::Release) => drop(own.pop()),
                _ => {}
            }
            keys.insert(place, key.clone());
            let mut event = event.clone();
            event.key = Some(key.into());
            builder
                .push_event(event)
                .expect("whole operations keep to the rules");
        }
        builder.finish()
    }

    fn slot(value: &Value) -> Option<String> {
        match value {
            Value::Grant(grant) => grant.slot.map(|slot| format!("slot-{slot}")),
            _ => None,
        }
    }

    /// Whether a client was granted the same slot twice.
    fn is_held_twice(history: &History) -> bool {
        let mut granted = std::collections::BTreeSet::new();
        let mut grants = history.events().iter();
        grants.any(|event| {
            let slot = slot(&event.value);
            slot.is_some_and(|slot| !granted.insert((event.process, slot)))
        })
    }

    #[test]
    fn it_is_confirmed_exclusion_of_one_lock_a_slot() {
        let tally = Cell::new((0, 0));
        for_histories(SLOTS, |history| {
            let split = one_key_a_slot(history);
            let expected = finding(&split, "confirmed-exclusion", 1);
            let found = finding(history, "slot-exclusion", 2);
            if found.verdict == Verdict::Unknown {
                // Who asks for a lock of one slot asks for that slot; others have to see it asked.
                assert_ne!(expected.verdict, Verdict::Violated);
                return;
            }
            if is_held_twice(history) {
                // That is one client of a mutex, and two of a slot.
                let is_violated = |finding: &Finding| finding.verdict == Verdict::Violated;
                assert!(is_violated(&found) || !is_violated(&expected));
                return;
            }
            let is_violated = |finding: &Finding| finding.verdict == Verdict::Violated;
            assert_eq!(is_violated(&found), is_violated(&expected));
            let witnesses = |finding: &Finding| {
                let mut found: Vec<_> = finding
                    .violations
                    .iter()
                    .map(|violation| violation.witness.clone())
                    .collect();
                found.sort();
                found
            };
            assert_eq!(witnesses(&found), witnesses(&expected));
            let (valid, violated) = tally.get();
            tally.set(match found.verdict {
                Verdict::Violated => (valid, violated + 1),
                _ => (valid + 1, violated),
            });
        });
        let (valid, violated) = tally.get();
        assert!(
            valid > cases() / 100 && violated > cases() / 1_000,
            "{valid} {violated}"
        );
    }
}
