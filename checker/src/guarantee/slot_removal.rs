//! `slot-removal`: a slot that was removed is gone.
//!
//! From the return of the operation that removed a slot until another that may make it again
//! begins, the slot does not exist. Whoever is granted it meanwhile, or is told that it is held,
//! uses what is gone; so does who releases it after a `wait` said that its holder is gone. What
//! begins or ends outside of that time proves nothing, and where something that may make the slot
//! was under way with the removal, or is of unknown outcome, there is no such time at all. A
//! removal puts something to the test only if somebody held the slot.

use std::collections::BTreeMap;

use history::Function;

use super::Guarantee;
use super::absences::Absences;
use super::changers::Changers;
use super::conclusion::conclude;
use super::exclusion::counts;
use super::slot_exclusion::by_slot;
use crate::Case;
use crate::administration::AdminOp;
use crate::belief::Belief;
use crate::finding::{Counts, Finding, Rule, Violation, counted};
use crate::hold::{End, Hold};
use crate::holds::Lock;
use crate::position::Position;
use crate::search::Reason;

/// What was removed is neither granted nor held any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotRemoval;

impl Guarantee for SlotRemoval {
    fn name(&self) -> String {
        "slot-removal".to_owned()
    }

    fn find(&self, case: &Case<'_>) -> Result<Finding, Reason> {
        let (mut removed, mut met) = (0, 0);
        let mut uses = BTreeMap::new();
        let mut steps = case.steps();
        for lock in &case.locks {
            steps.step()?;
            let ops = case.administration.of(&lock.key);
            let removals = removals(ops);
            if removals.is_empty() {
                continue;
            }
            let waits = waits(ops);
            let slots = by_slot(lock);
            for (slot, removals) in &removals {
                steps.take(1 + removals.len())?;
                removed += removals.len() as u64;
                let Some(held) = slots.get(slot) else {
                    continue;
                };
                met += met_by(held, removals);
                let waits = waits.get(slot).map_or(&[][..], Vec::as_slice);
                for found in Absences::new(removals, waits).uses(held, &mut steps)? {
                    let last = *found.last().expect("a use has events");
                    uses.insert(last, violation(case, lock, &found));
                }
            }
        }
        let doubt = match (removed, met) {
            (0, _) => Some("no slot was removed, or each may have been made again at once"),
            (_, 0) => Some("no slot was held when it was removed"),
            _ => None,
        };
        let of_holds = format!("{met} of {} met a holder", counted(removed, "removed slot"));
        let evidence = match uses.len() as u64 {
            0 => of_holds,
            found => format!("{} of a removed slot; {of_holds}", counted(found, "use")),
        };
        let violations = uses.into_values().collect();
        let doubt = doubt.map(str::to_owned);
        let counts = Counts {
            judged: met,
            ..counts(case, 0)
        };
        case.limits.go_on()?;
        Ok(conclude(self, counts, evidence, doubt, violations))
    }
}

fn violation(case: &Case<'_>, lock: &Lock, events: &[Position]) -> Violation {
    let witness = case.witness(events.iter().copied());
    Violation::new(Rule::RemovedSlotUsed, lock.key.clone(), witness)
}

/// A time in which a slot does not exist.
#[derive(Clone, Copy, Debug)]
pub(super) struct Removal {
    /// The invocation of what removed it.
    pub(super) invoke: Position,
    /// From here the slot does not exist: the return of what removed it.
    pub(super) begin: Position,
    /// From here something may have made it again: the first that was not through before the
    /// removal began.
    pub(super) end: Position,
}

/// Every removal of each slot after which there is a time without it, in the order of the
/// invocations. Neither are their ends out of order: what may have made the slot again after one
/// removal was not through before an earlier one.
fn removals(ops: &[AdminOp]) -> BTreeMap<u32, Vec<Removal>> {
    let makers = Changers::making(ops);
    let mut removals: BTreeMap<u32, Vec<Removal>> = BTreeMap::new();
    for op in ops {
        for slot in op.removed() {
            let removal = Removal {
                invoke: op.invoke,
                begin: op.end,
                end: makers.first_unsettled(slot, op.invoke),
            };
            if removal.begin < removal.end {
                removals.entry(slot).or_default().push(removal);
            }
        }
    }
    removals
}

/// Every answer that the holder of a slot is gone, by slot: when it was asked for and when it came.
fn waits(ops: &[AdminOp]) -> BTreeMap<u32, Vec<(Position, Position)>> {
    let mut waits: BTreeMap<u32, Vec<_>> = BTreeMap::new();
    for op in ops.iter().filter(|op| op.function == Function::Wait) {
        for slot in op.slots.iter().flatten() {
            waits.entry(*slot).or_default().push((op.invoke, op.end));
        }
    }
    waits
}

/// How many removals met a hold: the slot was held by all that its holder knew, from before the
/// removal began until it was through or its loss was told.
fn met_by(slot: &Lock, removals: &[Removal]) -> u64 {
    let beliefs = slot.beliefs();
    let latest = |until: &dyn Fn(&Hold, &Belief) -> Position| -> Vec<Position> {
        let later = |latest: &mut Position, (hold, belief): &(usize, Belief)| {
            *latest = until(&slot.holds[*hold], belief).max(*latest);
            Some(*latest)
        };
        beliefs.iter().scan(0, later).collect()
    };
    let believed = latest(&|_, belief| belief.end.position);
    let told = latest(&|hold, belief| match hold.end {
        End::Loss if !belief.runs_out => belief.end.position,
        _ => 0,
    });
    let meets = |removal: &&Removal| {
        let before = beliefs.partition_point(|(_, belief)| belief.begin < removal.invoke);
        let last = before.checked_sub(1);
        last.is_some_and(|last| believed[last] > removal.begin || told[last] > removal.invoke)
    };
    removals.iter().filter(meets).count() as u64
}
#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::search::Limits;
    use crate::search::properties::{Operations, REMOVAL, cases, for_histories_up_to};
    use crate::testing::history;
    use crate::{Scope, Verdict, judge};

    fn finding(text: &str) -> Finding {
        judge(
            &history(text),
            &Scope::default(),
            Limits::none(),
            &[Box::new(SlotRemoval)],
        )
        .remove(0)
    }

    fn verdict(text: &str) -> Verdict {
        finding(text).verdict
    }

    /// Every removal against every hold, every answer and every wait.
    mod by_pairs {
        use std::collections::BTreeSet;

        use super::*;
        use crate::holds::Said;
        use crate::position::NEVER;

        struct Removal {
            slot: u32,
            invoke: Position,
            begin: Position,
            end: Position,
        }

        fn removals(ops: &[AdminOp]) -> Vec<Removal> {
            let removal = |op: &AdminOp, slot: u32| Removal {
                slot,
                invoke: op.invoke,
                begin: op.end,
                end: made_again(ops, op, slot),
            };
            let all = ops
                .iter()
                .flat_map(|op| op.removed().map(move |slot| removal(op, slot)));
            all.filter(|removal| removal.begin < removal.end).collect()
        }

        fn made_again(ops: &[AdminOp], removing: &AdminOp, slot: u32) -> Position {
            let makers = ops
                .iter()
                .filter(|op| op.may_make(slot) && op.settled() > removing.invoke);
            makers.map(|op| op.invoke).min().unwrap_or(NEVER)
        }

        impl Removal {
            fn meets(&self, hold: &Hold) -> bool {
                let lasted = hold.believed_until > self.begin;
                let was_lost = hold.end == End::Loss && hold.believed_until > self.invoke;
                hold.granted < self.invoke && (lasted || was_lost)
            }

            fn spans(&self, invoke: Position, end: Position) -> bool {
                self.begin < invoke && end < self.end
            }

            fn uses(&self, ops: &[AdminOp], slot: &Lock) -> BTreeSet<Vec<Position>> {
                let granted = slot
                    .holds
                    .iter()
                    .filter(|hold| self.spans(hold.asked, hold.granted))
                    .map(|hold| vec![self.begin, hold.granted]);
                let gone = self.gone(ops).map(|wait| wait.end);
                let told = slot.statements.iter().filter_map(|statement| {
                    let span = statement.span;
                    let hold = &slot.holds[statement.hold? as usize];
                    let grant = hold.granted;
                    let within = match statement.said {
                        Said::Released => span.invoke,
                        _ => span.end,
                    };
                    if !self.spans(span.invoke, within) || self.spans(hold.asked, grant) {
                        return None;
                    }
                    match (statement.said, gone) {
                        (Said::Held, _) => Some(vec![self.begin, grant, span.end]),
                        (Said::Released, Some(gone)) if gone < span.invoke => {
                            Some(vec![self.begin, grant, gone, span.end])
                        }
                        _ => None,
                    }
                });
                granted.chain(told).collect()
            }

            fn gone<'a>(&self, ops: &'a [AdminOp]) -> Option<&'a AdminOp> {
                let says_so = |op: &&AdminOp| {
                    let names = op
                        .slots
                        .as_ref()
                        .is_some_and(|slots| slots.contains(&self.slot));
                    op.function == Function::Wait && names && self.spans(op.invoke, op.end)
                };
                ops.iter().filter(says_so).min_by_key(|op| op.end)
            }
        }

        /// How many slots were removed, how many removals met a holder, and the events of each use.
        pub(super) fn found(case: &Case<'_>) -> (usize, usize, Vec<Vec<Position>>) {
            let (mut removed, mut met) = (0, 0);
            let mut uses = BTreeMap::new();
            for lock in &case.locks {
                let ops = case.administration.of(&lock.key);
                let slots = by_slot(lock);
                for removal in removals(ops) {
                    removed += 1;
                    let Some(slot) = slots.get(&removal.slot) else {
                        continue;
                    };
                    met += usize::from(slot.holds.iter().any(|hold| removal.meets(hold)));
                    for found in removal.uses(ops, slot) {
                        let last = *found.last().expect("a use has events");
                        uses.entry(last).or_insert(found);
                    }
                }
            }
            (removed, met, uses.into_values().collect())
        }
    }

    /// Slots are hardly ever made again.
    const MANY: Operations = &[
        ("acquire", &["{\"slot\":1}", "{\"slot\":2}"]),
        ("acquire", &["{\"slot\":1}"]),
        ("acquire", &["{\"slot\":1}"]),
        ("verify", &["\"held\"", "\"held\"", "\"lost\""]),
        ("verify", &["\"held\""]),
        ("release", &[""]),
        ("release", &[""]),
        ("release", &[""]),
        ("shrink", &["[1]", "[1,2]"]),
        ("shrink", &["[1]", ""]),
        ("destroy", &["[1]"]),
        ("wait", &["[1]", "[2]"]),
        ("wait", &["[1]"]),
        ("wait", &["[1]", "[1,2]"]),
        ("grow", &["[1]", "[2]", "[1]", ""]),
    ];

    #[test]
    fn what_is_found_is_what_every_pair_shows() {
        let shown = Cell::new([0; 3]);
        for operations in [REMOVAL, MANY] {
            for_histories_up_to(60, operations, |history| {
                let scope = Scope::default();
                let case = Case::new(history, &scope, Limits::none());
                let found = SlotRemoval.judge(&case);
                let (removed, met, uses) = by_pairs::found(&case);
                let told = format!("{met} of {}", counted(removed as u64, "removed slot"));
                assert!(found.evidence.contains(&told), "{} {told}", found.evidence);
                let witnesses: Vec<_> = found.violations.iter().map(|one| &one.witness).collect();
                let expected: Vec<_> = uses.iter().map(|use_| case.witness(use_.clone())).collect();
                assert_eq!(witnesses, expected.iter().collect::<Vec<_>>());
                let more = [
                    met,
                    uses.len(),
                    uses.iter().filter(|one| one.len() == 4).count(),
                ];
                shown.set(std::array::from_fn(|at| shown.get()[at] + more[at]));
            });
        }
        let enough = shown
            .get()
            .iter()
            .all(|number| *number > cases() as usize / 100);
        assert!(enough, "{shown:?}");
    }

    const HELD: &str = "9:create 9:create![1,2] 0:acquire 0:acquire!s2 9:shrink 9:shrink![2]";

    #[test]
    fn a_removed_slot_is_neither_granted_nor_held() {
        assert_eq!(verdict(HELD), Verdict::Valid);
        assert_eq!(finding(HELD).evidence, "1 of 1 removed slot met a holder");
        assert_eq!(
            verdict(&format!("{HELD} 0:verify 0:verify!lost")),
            Verdict::Valid
        );
        let held = finding(&format!("{HELD} 0:verify 0:verify!held"));
        assert_eq!(held.violations[0].witness, [5, 3, 7]);
        let granted = finding(&format!("{HELD} 1:acquire 1:acquire!s2"));
        assert_eq!(granted.violations[0].witness, [5, 7]);
        assert_eq!(
            granted.evidence,
            "1 use of a removed slot; 1 of 1 removed slot met a holder"
        );
        assert_eq!(
            verdict(&format!("{HELD} 1:acquire 1:acquire!s1")),
            Verdict::Valid
        );
    }

    #[test]
    fn only_what_lies_wholly_after_the_removal_counts() {
        for text in [
            "9:create 9:create![1] 0:acquire 0:acquire!s1 0:verify 9:shrink 9:shrink![1] 0:verify!held",
            "9:create 9:create![1] 0:acquire 0:acquire!s1 1:acquire 9:shrink 9:shrink![1] 1:acquire!s1",
        ] {
            assert_eq!(verdict(text), Verdict::Valid, "{text}");
        }
    }

    #[test]
    fn a_holder_may_release_until_it_is_said_to_be_gone() {
        let release = "0:release 0:release!";
        assert_eq!(verdict(&format!("{HELD} {release}")), Verdict::Valid);
        let late = finding(&format!("{HELD} 9:wait 9:wait![2] {release}"));
        assert_eq!(late.violations[0].witness, [5, 3, 7, 9]);
        for told in ["9:wait 9:wait![1]", "9:wait 9:wait?", "9:wait 9:waitx"] {
            assert_eq!(
                verdict(&format!("{HELD} {told} {release}")),
                Verdict::Valid,
                "{told}"
            );
        }
        let under_way = format!("{HELD} 9:wait 0:release 9:wait![2] 0:release!");
        assert_eq!(verdict(&under_way), Verdict::Valid);
        let made = format!("{HELD} 9:wait 9:wait![2] 0:release 8:grow 0:release! 8:grow![2]");
        assert_eq!(verdict(&made), Verdict::Violated);
        let refused = format!("{HELD} 9:wait 9:wait![2] 0:release 0:releaseX");
        assert_eq!(verdict(&refused), Verdict::Valid);
    }

    #[test]
    fn what_may_be_made_again_may_be_granted() {
        let granted = "1:acquire 1:acquire!s2";
        for made in [
            "8:grow 8:grow![2]",
            "8:grow 8:grow?",
            "8:create",
            "8:grow 8:grow!",
        ] {
            let text = format!("{HELD} {made} {granted}");
            assert_eq!(verdict(&text), Verdict::Valid, "{text}");
        }
        for not in ["8:grow 8:grow![3]", "8:grow 8:growx", "8:shrink 8:shrink?"] {
            let text = format!("{HELD} {not} {granted}");
            assert_eq!(verdict(&text), Verdict::Violated, "{text}");
        }
        let meanwhile = format!("{HELD} 1:acquire 8:grow 1:acquire!s2");
        assert_eq!(verdict(&meanwhile), Verdict::Valid);
    }

    #[test]
    fn what_may_be_made_at_the_same_time_puts_nothing_to_the_test() {
        for first in ["8:grow", "8:grow 8:grow?"] {
            let text = format!("{first} {HELD} 0:verify 0:verify!held");
            assert_eq!(verdict(&text), Verdict::Unknown, "{text}");
        }
        let text = "9:create 9:create![1] 0:acquire 0:acquire!s1 8:grow 9:shrink 8:grow![1] 9:shrink![1] 0:verify 0:verify!held";
        assert_eq!(verdict(text), Verdict::Unknown);
    }

    #[test]
    fn who_removes_what_nobody_holds_tests_nothing() {
        let text = "9:create 9:create![1] 9:destroy 9:destroy![1]";
        assert_eq!(verdict(text), Verdict::Unknown);
        assert_eq!(
            finding(text).reason.as_deref(),
            Some("no slot was held when it was removed")
        );
        for gone in [
            "0:release 0:release!",
            "0:lost 0:lost!",
            "0:verify 0:verify?",
        ] {
            let text = HELD.replace("9:shrink 9", &format!("{gone} 9:shrink 9"));
            assert_eq!(verdict(&text), Verdict::Unknown, "{text}");
        }
        let told = HELD.replace("9:shrink 9", "9:shrink 0:lost 0:lost! 9");
        assert_eq!(verdict(&told), Verdict::Valid);
        for unclear in ["0:release 0:release!", "0:verify 0:verify?"] {
            let text = HELD.replace("9:shrink 9", &format!("9:shrink {unclear} 9"));
            assert_eq!(verdict(&text), Verdict::Unknown, "{text}");
        }
        assert_eq!(
            verdict("0:shrink 0:shrink? 1:acquire 1:acquire!s1"),
            Verdict::Unknown
        );
    }
}
