//! `slot-existence`: a slot that was made is there until it is removed, and one that was removed is
//! not there until it is made again.
//!
//! Every operation of known outcome says of a slot what was there before it or after it: a `create`
//! or `grow` that lists it made it, a `shrink`, `destroy` or `overshoot` that lists it removed it,
//! a `count` found it or not, and a grant found it. A lock that could be created had no slots
//! before, and one that was destroyed has none after. Two operations of which one ended before the
//! other began contradict each other if the first left the slot otherwise than the second found it,
//! unless something may have changed it meanwhile: an operation of unknown outcome may have made or
//! removed any slot at any time since its invocation. Of two operations that went on together, the
//! same holds if they contradict each other in either order: two that both made the slot, for
//! example.

use std::collections::BTreeMap;

use super::Guarantee;
use super::conclusion::conclude;
use super::exclusion::counts;
use super::observation::Observation;
use super::slot_account::{Account, Ground, missing, observed};
use crate::Case;
use crate::finding::{Counts, Finding, Rule, Violation, counted};
use crate::holds::Lock;
use crate::search::Reason;
use crate::steps::Steps;

/// What was made is there, and what was removed is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotExistence;

impl Guarantee for SlotExistence {
    fn name(&self) -> String {
        "slot-existence".to_owned()
    }

    fn is_about_holds(&self) -> bool {
        false
    }

    fn find(&self, case: &Case<'_>) -> Result<Finding, Reason> {
        let (mut tested, mut changed) = (0, 0);
        let mut violations = Vec::new();
        let mut steps = case.steps();
        let locks = case.locks.iter().map(|lock| (&lock.key, lock));
        let locks: BTreeMap<_, &Lock> = locks.collect();
        for (key, ops) in case.administration.iter() {
            steps.take(1 + ops.len())?;
            let ground = Ground::new(ops);
            let mut accounts = Vec::new();
            for (slot, observations) in observed(ops, locks.get(key).copied()) {
                steps.take(1 + observations.len())?;
                let account = Account::new(&ground, slot, observations);
                changed += account.changed();
                tested += account.tested();
                accounts.push(account);
            }
            for (earlier, later) in contradictions(&accounts, &mut steps)? {
                let witness = case.witness([earlier.end, later.end]);
                violations.push(Violation::new(rule(&later), key.clone(), witness));
            }
        }
        violations.sort_by(|one, other| one.witness.iter().rev().cmp(other.witness.iter().rev()));
        let evidence = format!(
            "{tested} of {} of a slot put to the test by what came next",
            counted(changed as u64, "change")
        );
        let doubt = (tested == 0)
            .then(|| "nobody looked for a slot after it was made or removed, before it may have changed again".to_owned());
        let counts = Counts {
            judged: tested as u64,
            ..counts(case, 0)
        };
        case.limits.go_on()?;
        Ok(conclude(self, counts, evidence, doubt, violations))
    }
}

fn rule(later: &Observation) -> Rule {
    match later.before {
        Some(true) => Rule::PhantomSlot,
        _ => Rule::SlotVanished,
    }
}

/// The pairs of operations that contradict each other about the slots of one lock, by the end of
/// the later and that of the earlier one; each pair once, about the first slot of which it does.
fn contradictions(
    accounts: &[Account<'_>],
    steps: &mut Steps<'_>,
) -> Result<Vec<(Observation, Observation)>, Reason> {
    let mut found = missing(accounts, steps)?;
    for account in accounts {
        steps.step()?;
        let named = account.contradictions();
        found.extend(named.map(|(earlier, later)| (account.slot(), earlier, later)));
    }
    found.sort_unstable_by_key(|(slot, earlier, later)| (later.end, earlier.end, *slot));
    found.dedup_by_key(|(_, earlier, later)| (later.end, earlier.end));
    Ok(found
        .into_iter()
        .map(|(_, earlier, later)| (earlier, later))
        .collect())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::fmt::Write;

    use history::{Function, History, Kind, Operation, Value};

    use super::*;
    use crate::finding::VIOLATIONS_MAX;
    use crate::search::Limits;
    use crate::search::properties::{
        EXISTENCE, Operations, cases, for_histories, for_histories_up_to,
    };
    use crate::testing::history;
    use crate::{Scope, Verdict, judge};

    fn judged(history: &History) -> Finding {
        let guarantees: [Box<dyn Guarantee>; 1] = [Box::new(SlotExistence)];
        judge(history, &Scope::default(), Limits::none(), &guarantees).remove(0)
    }

    fn finding(text: &str) -> Finding {
        judged(&history(text))
    }

    fn verdict(text: &str) -> Verdict {
        finding(text).verdict
    }

    /// Each slot is told of by everything that says anything of any slot.
    mod by_pairs {
        use std::collections::BTreeSet;

        use super::*;
        use crate::administration::AdminOp;
        use crate::hold::Hold;
        use crate::position::{NEVER, Position};

        fn slots_named(ops: &[AdminOp], lock: Option<&Lock>) -> BTreeSet<u32> {
            let listed = ops.iter().flat_map(|op| op.slots.iter().flatten());
            let granted = lock.into_iter().flat_map(|lock| &lock.holds);
            let granted = granted.filter_map(|hold| hold.slot);
            listed.copied().chain(granted).collect()
        }

        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        struct Observation {
            invoke: Position,
            end: Position,
            before: Option<bool>,
            after: bool,
        }

        impl Observation {
            fn of_op(op: &AdminOp, slot: u32) -> Option<Self> {
                let is_listed = op.slots.as_ref()?.contains(&slot);
                let (before, after) = match op.function {
                    Function::Create => (Some(false), is_listed),
                    Function::Grow if is_listed => (Some(false), true),
                    Function::Shrink | Function::Overshoot if is_listed => (Some(true), false),
                    Function::Destroy => (is_listed.then_some(true), false),
                    Function::Count => (Some(is_listed), is_listed),
                    _ => return None,
                };
                Some(Self {
                    invoke: op.invoke,
                    end: op.end,
                    before,
                    after,
                })
            }

            fn of_grant(hold: &Hold) -> Self {
                Self {
                    invoke: hold.asked,
                    end: hold.granted,
                    before: Some(true),
                    after: true,
                }
            }

            fn is_change(&self) -> bool {
                self.before.is_some_and(|before| before != self.after)
            }
        }

        struct Account {
            observations: Vec<Observation>,
            latest: [Vec<Option<usize>>; 2],
            changers: [Changers; 2],
        }

        impl Account {
            fn new(ops: &[AdminOp], lock: Option<&Lock>, slot: u32) -> Self {
                let of_ops = ops.iter().filter_map(|op| Observation::of_op(op, slot));
                let holds = lock.into_iter().flat_map(|lock| &lock.holds);
                let granted = holds.filter(|hold| hold.slot == Some(slot));
                let mut observations: Vec<Observation> =
                    of_ops.chain(granted.map(Observation::of_grant)).collect();
                observations.sort_by_key(|observation| observation.end);
                Self {
                    latest: [false, true].map(|left| latest(&observations, left)),
                    changers: [
                        Changers::new(ops, |op| op.may_remove(slot)),
                        Changers::new(ops, |op| op.may_make(slot)),
                    ],
                    observations,
                }
            }

            fn changes(&self) -> impl Iterator<Item = &Observation> {
                self.observations
                    .iter()
                    .filter(|observation| observation.is_change())
            }

            fn contradictions(&self) -> impl Iterator<Item = (&Observation, &Observation)> {
                let against = |(place, later)| {
                    let earlier = self.otherwise(later).or_else(|| self.beside(place, later));
                    Some((earlier?, later))
                };
                self.observations.iter().enumerate().filter_map(against)
            }

            fn beside(&self, place: usize, later: &Observation) -> Option<&Observation> {
                let through = self
                    .observations
                    .partition_point(|observation| observation.end < later.invoke);
                let mut others = self.observations[through..place].iter();
                others.find(|other| {
                    self.cannot_follow(later, other) && self.cannot_follow(other, later)
                })
            }

            fn cannot_follow(&self, later: &Observation, earlier: &Observation) -> bool {
                later.before == Some(!earlier.after) && later.end < self.lasts(earlier)
            }

            fn otherwise(&self, later: &Observation) -> Option<&Observation> {
                let left = !later.before?;
                let through = self
                    .observations
                    .partition_point(|observation| observation.end < later.invoke);
                let place = self.latest[usize::from(left)][..through].last()?;
                let earlier = &self.observations[(*place)?];
                (later.end < self.lasts(earlier)).then_some(earlier)
            }

            fn tested(&self) -> usize {
                let is_tested = |change: &&Observation| {
                    let next = self
                        .observations
                        .partition_point(|observation| observation.end <= change.end);
                    let until = self.lasts(change);
                    let mut looks = self.observations[next..]
                        .iter()
                        .take_while(|look| look.end < until);
                    looks.any(|look| change.end < look.invoke && look.before == Some(change.after))
                };
                self.changes().filter(is_tested).count()
            }

            fn lasts(&self, observation: &Observation) -> Position {
                self.changers[usize::from(!observation.after)].first_unsettled(observation.invoke)
            }
        }

        fn latest(observations: &[Observation], left: bool) -> Vec<Option<usize>> {
            let later = |latest: &mut Option<usize>,
                         (place, observation): (usize, &Observation)| {
                let is_later = latest
                    .is_none_or(|latest: usize| observations[latest].invoke < observation.invoke);
                if observation.after == left && is_later {
                    *latest = Some(place);
                }
                Some(*latest)
            };
            observations.iter().enumerate().scan(None, later).collect()
        }

        struct Changers {
            invokes: Vec<Position>,
            settled: Vec<Position>,
        }

        impl Changers {
            fn new(ops: &[AdminOp], may_change: impl Fn(&AdminOp) -> bool) -> Self {
                let ops = || ops.iter().filter(|op| may_change(op));
                let later = |latest: &mut Position, op: &AdminOp| {
                    *latest = op.settled().max(*latest);
                    Some(*latest)
                };
                Self {
                    invokes: ops().map(|op| op.invoke).collect(),
                    settled: ops().scan(0, later).collect(),
                }
            }

            fn first_unsettled(&self, by: Position) -> Position {
                let first = self.settled.partition_point(|settled| *settled < by);
                self.invokes.get(first).copied().unwrap_or(NEVER)
            }
        }

        /// How many changes were tested, how many there were, and what contradicts what.
        pub(super) fn found(case: &Case<'_>) -> (usize, usize, Vec<Violation>) {
            let (mut tested, mut changed) = (0, 0);
            let mut violations = Vec::new();
            for (key, ops) in case.administration.iter() {
                let lock = case.locks.iter().find(|lock| lock.key == *key);
                for slot in slots_named(ops, lock) {
                    let account = Account::new(ops, lock, slot);
                    changed += account.changes().count();
                    tested += account.tested();
                    let contradictions = account.contradictions();
                    violations.extend(contradictions.map(|(earlier, later)| {
                        let witness = case.witness([earlier.end, later.end]);
                        let rule = match later.before {
                            Some(true) => Rule::PhantomSlot,
                            _ => Rule::SlotVanished,
                        };
                        Violation::new(rule, key.clone(), witness)
                    }));
                }
            }
            violations
                .sort_by(|one, other| one.witness.iter().rev().cmp(other.witness.iter().rev()));
            violations.dedup_by(|one, other| one.witness == other.witness);
            (tested, changed, violations)
        }
    }

    /// Slots change seldom, and are looked for often.
    const LOOKED_FOR: Operations = &[
        ("count", &["[]", "[1]", "[1,2]", "[2,3]"]),
        ("count", &["[1,2]", "[1,2,3]"]),
        ("count", &["[1,2]"]),
        ("acquire", &["{\"slot\":1}", "{\"slot\":2}"]),
        ("acquire", &["{\"slot\":1}", ""]),
        ("grow", &["[1]", "[3]", ""]),
        ("shrink", &["[2]", "[3]"]),
        ("create", &["[1,2]", "[3]"]),
        ("destroy", &["[1]"]),
    ];

    #[test]
    fn what_is_found_is_what_every_pair_shows() {
        let shown = Cell::new([0; 3]);
        for (operations, events) in [(EXISTENCE, 16), (EXISTENCE, 50), (LOOKED_FOR, 50)] {
            for_histories_up_to(events, operations, |history| {
                let scope = Scope::default();
                let case = Case::new(history, &scope, Limits::none());
                let found = SlotExistence.judge(&case);
                let (tested, changed, violations) = by_pairs::found(&case);
                let told = format!("{tested} of {}", counted(changed as u64, "change"));
                assert!(
                    found.evidence.starts_with(&told),
                    "{} {told}",
                    found.evidence
                );
                assert_eq!(found.violations, violations);
                let is_phantom = |one: &&Violation| one.rule == Rule::PhantomSlot;
                let phantoms = violations.iter().filter(is_phantom).count();
                let more = [tested, phantoms, violations.len() - phantoms];
                shown.set(std::array::from_fn(|at| shown.get()[at] + more[at]));
            });
        }
        let enough = shown
            .get()
            .iter()
            .all(|number| *number > cases() as usize / 10);
        assert!(enough, "{shown:?}");
    }

    #[test]
    fn of_many_contradictions_the_first_are_told() {
        let mut text = String::new();
        for slot in 1..=60 {
            write!(text, "0:grow 0:grow![{slot}] ").expect("a string takes all");
        }
        text.push_str("1:count ");
        for _ in 0..30 {
            text.push_str("0:count 0:count![7] 2:count 0:count 0:count![] 2:count![2] ");
        }
        let history = history(&format!("{text} 1:count![60]"));
        let scope = Scope::default();
        let case = Case::new(&history, &scope, Limits::none());
        let (.., mut expected) = by_pairs::found(&case);
        assert!(expected.len() > 2 * VIOLATIONS_MAX);
        expected.truncate(VIOLATIONS_MAX);
        assert_eq!(SlotExistence.judge(&case).violations, expected);
    }

    const MADE: &str = "0:create 0:create![1,2]";

    #[test]
    fn what_was_made_is_found() {
        let found = finding(&format!("{MADE} 0:count 0:count![1,2]"));
        assert_eq!(found.verdict, Verdict::Valid);
        assert_eq!(
            found.evidence,
            "2 of 2 changes of a slot put to the test by what came next"
        );
        let found = finding(&format!("{MADE} 1:acquire 1:acquire!s2"));
        assert_eq!(found.verdict, Verdict::Valid);
        assert_eq!(
            found.evidence,
            "1 of 2 changes of a slot put to the test by what came next"
        );
    }

    #[test]
    fn a_slot_does_not_vanish() {
        let found = finding(&format!("{MADE} 0:count 0:count![1]"));
        assert_eq!(found.verdict, Verdict::Violated);
        assert_eq!(&*found.violations[0].anomaly, "slot vanished");
        assert_eq!(found.violations[0].witness, [1, 3]);
        for later in [
            "0:grow 0:grow![2]",
            "0:create 0:create![3]",
            "0:count 0:count![]",
        ] {
            for earlier in [
                MADE,
                "0:grow 0:grow![2]",
                "0:count 0:count![1,2]",
                "1:acquire 1:acquire!s2",
            ] {
                let text = format!("{earlier} {later}");
                assert_eq!(verdict(&text), Verdict::Violated, "{text}");
            }
        }
    }

    #[test]
    fn a_slot_does_not_come_out_of_nothing() {
        let found = finding("0:shrink 0:shrink![2] 1:acquire 1:acquire!s2");
        assert_eq!(found.verdict, Verdict::Violated);
        assert_eq!(&*found.violations[0].anomaly, "phantom slot");
        assert_eq!(found.violations[0].witness, [1, 3]);
        for later in [
            "0:shrink 0:shrink![2]",
            "0:overshoot 0:overshoot![2]",
            "0:destroy 0:destroy![1,2]",
            "0:count 0:count![1,2]",
            "1:acquire 1:acquire!s2",
        ] {
            for earlier in [
                "0:shrink 0:shrink![2]",
                "0:overshoot 0:overshoot![2]",
                "0:destroy 0:destroy![2]",
                "0:destroy 0:destroy![1]",
                "0:create 0:create![1]",
                "0:count 0:count![1]",
            ] {
                let text = format!("{earlier} {later}");
                assert_eq!(verdict(&text), Verdict::Violated, "{text}");
            }
        }
    }

    #[test]
    fn what_may_have_changed_meanwhile_excuses() {
        let gone = "0:count 0:count![1]";
        for removal in [
            "1:shrink 1:shrink![2]",
            "1:shrink 1:shrink!",
            "1:overshoot 1:overshoot?",
            "1:destroy",
        ] {
            let text = format!("{MADE} {removal} {gone}");
            assert_ne!(verdict(&text), Verdict::Violated, "{text}");
            let before = format!("{removal} {MADE} {gone}");
            let lasts = matches!(removal, "1:overshoot 1:overshoot?" | "1:destroy");
            assert_eq!(verdict(&before) != Verdict::Violated, lasts, "{before}");
        }
        for other in [
            "1:shrink 1:shrinkx",
            "1:shrink 1:shrink![3]",
            "1:grow 1:grow?",
            "1:wait 1:wait![2]",
        ] {
            let text = format!("{MADE} {other} {gone}");
            assert_eq!(verdict(&text), Verdict::Violated, "{text}");
        }
        let destroyed = format!("{MADE} 1:destroy 1:destroy![1] {gone}");
        let found = finding(&destroyed);
        assert_eq!(
            found.violations[0].witness,
            [3, 5],
            "who destroys removes all"
        );
    }

    #[test]
    fn what_goes_on_at_the_same_time_proves_nothing() {
        for text in [
            "0:create 1:count 0:create![1,2] 1:count![1]",
            "0:create 0:create![1,2] 1:count 0:shrink 1:count![1] 0:shrink![2]",
            "1:shrink 0:create 0:create![1,2] 1:shrink![2] 0:count 0:count![1]",
            "0:grow 1:grow 2:shrink 2:shrink![2] 0:grow![2] 1:grow![2]",
            "0:grow 1:grow 0:grow![2] 1:grow![3]",
            "0:grow 1:shrink 0:grow![2] 1:shrink![2]",
            "0:shrink 1:acquire 0:shrink![2] 1:acquire!s2",
        ] {
            assert_ne!(verdict(text), Verdict::Violated, "{text}");
        }
    }

    #[test]
    fn who_contradicts_in_either_order_need_not_come_later() {
        for (text, anomaly) in [
            ("0:grow 1:grow 0:grow![2] 1:grow![2]", "slot vanished"),
            ("0:grow 1:grow 1:grow![2] 0:grow![2]", "slot vanished"),
            (
                "0:shrink 1:shrink 0:shrink![2] 1:shrink![2]",
                "phantom slot",
            ),
            ("0:count 1:count 0:count![2] 1:count![]", "slot vanished"),
            ("0:count 1:acquire 0:count![] 1:acquire!s2", "phantom slot"),
        ] {
            let found = finding(text);
            assert_eq!(found.verdict, Verdict::Violated, "{text}");
            assert_eq!(&*found.violations[0].anomaly, anomaly, "{text}");
            assert_eq!(found.violations[0].witness, [2, 3], "{text}");
        }
        let text = "0:count 1:grow 1:grow? 2:count 0:count![2] 2:count![]";
        assert_ne!(
            verdict(text),
            Verdict::Violated,
            "the second may have come first"
        );
    }

    #[test]
    fn what_nobody_looks_for_is_not_known() {
        for text in [
            "",
            "1:acquire 1:acquire!s1",
            MADE,
            "0:grow 0:grow! 0:count 0:count![1]",
            "0:grow 0:grow? 1:count 1:count![1]",
            "0:count 0:count![1] 0:count 0:count![1]",
            "0:create 0:create![1] 1:destroy 1:destroy? 0:count 0:count![]",
        ] {
            assert_eq!(verdict(text), Verdict::Unknown, "{text}");
        }
    }

    #[test]
    fn each_lock_has_slots_of_its_own() {
        let text = "a/0:create a/0:create![1] b/0:count b/0:count![]";
        assert_eq!(verdict(text), Verdict::Unknown);
        let text =
            format!("{text} b/1:grow b/1:grow![1] b/1:count b/1:count![] a/0:count a/0:count![1]");
        let found = finding(&text);
        assert_eq!(found.violations.len(), 1);
        assert_eq!(found.violations[0].key.as_deref(), Some("b"));
    }

    #[test]
    fn a_contradiction_of_several_slots_is_told_once_and_in_the_order_of_the_record() {
        let found = finding("0:grow 0:grow![9] 0:create 0:create![1,2] 0:count 0:count![]");
        let witnesses: Vec<_> = found
            .violations
            .iter()
            .map(|found| &found.witness)
            .collect();
        assert_eq!(witnesses, [&[1, 3], &[1, 5], &[3, 5]]);
    }

    /// Whether there is an order of what is known and of what may have happened in which a slot is
    /// there or not as everybody says.
    fn has_order(operations: &[Operation<'_>], slot: u32, is_there: bool) -> bool {
        let is_done = |operation: &Operation<'_>| operation.outcome() == Kind::Info;
        if operations.iter().all(is_done) {
            return true;
        }
        let first = (0..operations.len()).filter(|place| {
            let began = operations[*place].invoke.index;
            operations
                .iter()
                .filter(|other| !is_done(other))
                .all(|other| other.end.is_none_or(|end| end.index > began))
        });
        first.into_iter().any(|place| {
            let mut rest = operations.to_vec();
            let operation = rest.remove(place);
            let next = next(&operation, slot, is_there);
            next.is_some_and(|is_there| has_order(&rest, slot, is_there))
        })
    }

    fn next(operation: &Operation<'_>, slot: u32, is_there: bool) -> Option<bool> {
        use Function::{Acquire, Count, Create, Destroy, Grow, Overshoot, Shrink};
        let function = &operation.invoke.function;
        if operation.outcome() == Kind::Info {
            return match function {
                Create | Grow => Some(true),
                Shrink | Destroy | Overshoot => Some(false),
                _ => Some(is_there),
            };
        }
        let names = match operation.end.map(|end| &end.value) {
            Some(Value::Slots(slots)) => slots.contains(&slot),
            Some(Value::Grant(grant)) => grant.slot == Some(slot),
            _ => false,
        };
        match (function, names) {
            (Create, made) => (!is_there).then_some(made),
            (Grow, true) => (!is_there).then_some(true),
            (Shrink | Overshoot | Destroy, true) => is_there.then_some(false),
            (Destroy, false) => Some(false),
            (Count, found) => (found == is_there).then_some(found),
            (Acquire, true) => is_there.then_some(true),
            _ => Some(is_there),
        }
    }

    #[test]
    fn what_is_violated_has_no_order() {
        let tally = Cell::new((0, 0, 0));
        for_histories(EXISTENCE, |history| {
            let operations: Vec<_> = history.operations().collect();
            let operations: Vec<_> = operations
                .into_iter()
                .filter(|operation| operation.outcome() != Kind::Fail)
                .collect();
            let can_be = [1, 2].iter().all(|slot| {
                [false, true]
                    .iter()
                    .any(|first| has_order(&operations, *slot, *first))
            });
            let found = judged(history).verdict;
            let (kept, violated, missed) = tally.get();
            tally.set(match (found, can_be) {
                (Verdict::Violated, true) => panic!("a false violation"),
                (Verdict::Violated, false) => (kept, violated + 1, missed),
                (_, true) => (kept + 1, violated, missed),
                (_, false) => (kept, violated, missed + 1),
            });
        });
        let (kept, violated, missed) = tally.get();
        let sizeable = cases() / 10;
        assert!(kept > sizeable && violated > sizeable, "{kept} {violated}");
        assert!(missed < violated / 20, "{missed} of {violated}");
    }
}
