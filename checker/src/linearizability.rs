//! `--model`: whether a history is linearizable under a model taken literally.
//!
//! Lock models are decided by sweeps wherever those are exact; the rest is searched, within limits.
//! Keys are judged by themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use history::{History, Operation};
use rayon::prelude::*;

use crate::administration::Administration;
use crate::asks::Asks;
use crate::beginning;
use crate::belief::Leases;
use crate::finding::{Finding, Reach, Rule, VIOLATIONS_MAX, Violation, counted};
use crate::holds::{self, Lock};
use crate::model::{self, Model, NameError};
use crate::order::Order;
use crate::position::{NEVER, Position, position};
use crate::search::{Budget, Decision, Limits};
use crate::sweep::literal::{self, Contradiction, LockModel, Swept};
use crate::{Case, Scope, Verdict};

/// What was found out about one model.
#[derive(Clone, Debug)]
pub struct Linearized {
    /// The verdict with its evidence; its guarantee is called `model owner-mutex` and the like.
    pub finding: Finding,
    /// A legal order for each key, if the verdict is valid.
    pub orders: Vec<Order>,
}

/// Whether a history is linearizable under the model with a name such as `owner-mutex` or
/// `semaphore:2`.
///
/// Keys on which only operations were done that the model does not have (a resource beside its
/// lock) are left out.
///
/// # Errors
/// There is no model with this name.
pub fn linearize(
    history: &History,
    name: &str,
    limits: Limits<'_>,
) -> Result<Linearized, NameError> {
    let model = model::named(name)?;
    let scope = Scope::default();
    let case = Case {
        history,
        scope: &scope,
        limits,
        locks: locks_for(history, name),
        administration: Administration::default(),
        asks: Asks::default(),
        several: None,
        leases: Leases::None,
        settle: NEVER,
    };
    let judge = Judge {
        case: &case,
        model: &*model,
        swept: LockModel::named(name),
        budget: Budget::new(limits),
    };
    let answers = judge.answers();
    Ok(summary(name, history, answers))
}

/// Only lock models need to know the holds.
fn locks_for(history: &History, name: &str) -> Vec<Lock> {
    LockModel::named(name).map_or_else(Vec::new, |_| holds::locks(history))
}

/// What is known about one key.
enum Answer {
    Legal(Order),
    Illegal(Violation),
    Unknown(String),
}

fn summary(name: &str, history: &History, answers: Vec<Answer>) -> Linearized {
    let (mut orders, mut violations, mut reasons) = (Vec::new(), Vec::new(), Vec::new());
    for answer in answers {
        match answer {
            Answer::Legal(order) => orders.push(order),
            Answer::Illegal(violation) => violations.push(violation),
            Answer::Unknown(reason) => reasons.push(reason),
        }
    }
    let operations = history.operations().count() as u64;
    if orders.is_empty() && violations.is_empty() && reasons.is_empty() && operations > 0 {
        reasons.push(format!(
            "nothing in the history is an operation of the model {name}"
        ));
    }
    let (verdict, evidence) = match (violations.len() as u64, reasons.is_empty()) {
        (0, true) => (
            Verdict::Valid,
            format!("{} in a legal order", counted(operations, "operation")),
        ),
        (0, false) => (
            Verdict::Unknown,
            format!("{} undecided", counted(reasons.len() as u64, "key")),
        ),
        (count, _) => (
            Verdict::Violated,
            format!("{} without a legal order", counted(count, "key")),
        ),
    };
    let reason = reasons
        .into_iter()
        .next()
        .filter(|_| verdict == Verdict::Unknown);
    violations.truncate(VIOLATIONS_MAX);
    let guarantee = format!("model {name}");
    Linearized {
        finding: Finding {
            guarantee,
            verdict,
            evidence,
            reason,
            violations,
            ..Finding::default()
        },
        orders,
    }
}

struct Judge<'a> {
    case: &'a Case<'a>,
    model: &'a dyn Model,
    swept: Option<LockModel>,
    budget: Budget<'a>,
}

type Key = Option<Arc<str>>;

impl Judge<'_> {
    fn answers(&self) -> Vec<Answer> {
        let locks: BTreeMap<&Key, &Lock> = self
            .case
            .locks
            .iter()
            .map(|lock| (&lock.key, lock))
            .collect();
        let mut keys: BTreeMap<Key, Vec<Operation<'_>>> = BTreeMap::new();
        for operation in self.case.history.operations() {
            keys.entry(operation.invoke.key.clone())
                .or_default()
                .push(operation);
        }
        keys.retain(|_, operations| operations.iter().any(|operation| self.knows(operation)));
        let of_key = |(key, operations): (&Key, &Vec<Operation<'_>>)| {
            // The sweeps know holds of one permit.
            let is_of_one = operations.iter().all(|operation| operation.permits() == 1);
            let lock = locks.get(key).copied().filter(|_| is_of_one);
            self.answer(key, operations, lock)
        };
        keys.par_iter().map(of_key).collect()
    }

    fn knows(&self, operation: &Operation<'_>) -> bool {
        self.model.knows(&operation.invoke.function)
    }

    fn answer(&self, key: &Key, operations: &[Operation<'_>], lock: Option<&Lock>) -> Answer {
        if let Some(foreign) = operations.iter().find(|operation| !self.knows(operation)) {
            return Answer::Unknown(format!(
                "the model has no operation {}",
                foreign.invoke.function
            ));
        }
        match self.decide(key, operations, lock) {
            Answer::Illegal(found) if found.rule == Rule::NoOrder => {
                Answer::Illegal(self.shortened(key, found, lock.is_some()))
            }
            answer => answer,
        }
    }

    /// The same about the shortest beginning of the history that has no legal order.
    fn shortened(&self, key: &Key, found: Violation, is_swept: bool) -> Violation {
        beginning::shortest(self.case.history, key, found, |history| {
            let case = Case {
                history,
                administration: Administration::default(),
                asks: Asks::default(),
                several: None,
                leases: Leases::None,
                settle: NEVER,
                locks: if is_swept {
                    holds::locks(history)
                } else {
                    Vec::new()
                },
                ..*self.case
            };
            let judge = Judge {
                case: &case,
                budget: Budget::new(self.case.limits),
                ..*self
            };
            let operations: Vec<Operation<'_>> = history.operations().collect();
            match judge.decide(key, &operations, case.locks.first()) {
                Answer::Illegal(found) => Some(found),
                _ => None,
            }
        })
    }

    fn decide(&self, key: &Key, operations: &[Operation<'_>], lock: Option<&Lock>) -> Answer {
        let swept = self
            .swept
            .zip(lock)
            .map(|(model, lock)| literal::check(model, lock));
        match swept {
            Some(Swept::Legal(order)) => Answer::Legal(order),
            Some(Swept::Illegal(contradiction)) => {
                Answer::Illegal(self.violation(key, &contradiction))
            }
            Some(Swept::NotCovered) | None => self.search(key, operations),
        }
    }

    fn search(&self, key: &Key, operations: &[Operation<'_>]) -> Answer {
        match self.model.explore(operations, &self.budget) {
            Decision::Valid { order } => Answer::Legal(Order::of_plain_search(
                key.clone(),
                self.case.history,
                &order,
            )),
            Decision::Violated { prefix, stuck, .. } => {
                let last = operations
                    .iter()
                    .filter_map(|operation| Some(operation.end?.index))
                    .max();
                let violation =
                    Violation::new(Rule::NoOrder, key.clone(), last.into_iter().collect());
                Answer::Illegal(
                    violation
                        .showing(vec![stuck])
                        .reaching(Reach::new(&prefix, stuck)),
                )
            }
            Decision::Unknown(reason) => Answer::Unknown(reason.to_string()),
        }
    }

    fn violation(&self, key: &Key, contradiction: &Contradiction) -> Violation {
        let events = || contradiction.events.iter().copied();
        let shown = events().chain(contradiction.beside.iter().copied());
        Violation::new(contradiction.rule, key.clone(), self.case.witness(events())).showing(
            self.case
                .indices(shown.flat_map(|event| self.around(event))),
        )
    }

    /// The event with the other end of its operation.
    fn around(&self, event: Position) -> impl Iterator<Item = Position> {
        self.case
            .history
            .partner(event as usize)
            .map(position)
            .into_iter()
            .chain([event])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::history;

    fn finding(text: &str, model: &str) -> Finding {
        linearize(&history(text), model, Limits::none())
            .expect("it is in the list")
            .finding
    }

    #[test]
    fn every_key_is_an_object_of_its_own() {
        let text = "a/0:acquire a/0:acquire! b/1:acquire b/1:acquire!";
        assert_eq!(finding(text, "owner-mutex").verdict, Verdict::Valid);
        let text = format!("{text} b/2:acquire b/2:acquire!");
        let found = finding(&text, "owner-mutex");
        assert_eq!(
            (found.verdict, found.evidence.as_str()),
            (Verdict::Violated, "1 key without a legal order")
        );
        assert_eq!(found.violations[0].witness, [5, 3]);
    }

    #[test]
    fn what_no_sweep_covers_is_searched() {
        let refused = "0:acquire 0:acquire! 1:acquire 1:acquire! 2:acquire 2:acquireX";
        assert_eq!(
            finding(refused, "owner-semaphore:2").verdict,
            Verdict::Valid
        );
        assert_eq!(
            finding(refused, "owner-semaphore:3").verdict,
            Verdict::Violated
        );
    }

    /// The sweeps of models without owners say nothing of these.
    #[test]
    fn what_is_said_of_a_lock_without_owners_is_searched() {
        for model in ["mutex", "semaphore:1"] {
            let verdict = |text| finding(text, model).verdict;
            assert_eq!(verdict("0:acquire 0:acquireX"), Verdict::Violated);
            assert_eq!(verdict("0:verify 0:verify!held"), Verdict::Violated);
            let held = "0:acquire 0:acquire! 1:verify 1:verify!held";
            assert_eq!(verdict(held), Verdict::Valid);
            let refused = "0:acquire 0:acquire! 1:acquire 1:acquireX 0:release 0:releaseX";
            assert_eq!(verdict(refused), Verdict::Violated);
            let both = "0:acquire 0:acquire! 1:verify 1:verify!held 2:acquire 2:acquireX";
            assert_eq!(verdict(both), Verdict::Valid);
        }
    }

    #[test]
    fn whatever_contradicts_is_shown() {
        let one_after_the_other = "9:acquire 9:acquire! 9:release 9:release! 0:acquire 0:acquire!";
        let shown = |rest: &str, model: &str| {
            let text = format!("{one_after_the_other} {rest}");
            finding(&text, model).violations.remove(0).events
        };
        let granted = "1:acquire 1:acquire!";
        assert_eq!(shown(granted, "mutex"), [4, 5, 6, 7]);
        assert_eq!(shown(granted, "reentrant:2"), [4, 5, 6, 7]);
        let third = format!("{granted} 2:acquire 2:acquire!");
        assert_eq!(shown(&third, "semaphore:2"), [4, 5, 6, 7, 8, 9]);
        let twice = "1:release 1:release! 2:release 2:release!";
        assert_eq!(shown(twice, "mutex"), [6, 7, 8, 9]);
        let nested = "0:acquire 0:acquire! 0:acquire 0:acquire!";
        assert_eq!(shown(nested, "reentrant:2"), [4, 5, 6, 7, 8, 9]);
        let free = "0:release 0:release! 1:acquire 1:acquireX";
        assert_eq!(shown(free, "owner-mutex"), [4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn a_history_about_something_else_is_unknown() {
        assert_eq!(finding("0:add 0:add!", "mutex").verdict, Verdict::Unknown);
        assert_eq!(
            finding("0:acquire 0:acquire! 0:read 0:read!", "mutex").verdict,
            Verdict::Unknown
        );
        assert_eq!(finding("", "mutex").verdict, Verdict::Valid);
    }

    #[test]
    fn no_model_has_the_operations_of_another_thing() {
        let patterns = model::ALL.iter().map(|entry| entry.pattern);
        let plain = patterns.map(|pattern| pattern.replace(":N", ":2").replace(":V", ":0"));
        let names = plain.flat_map(|name| [format!("revocable-{name}"), name]);
        let mut tried = 0;
        for name in names.filter(|name| model::named(name).is_ok()) {
            let is_data =
                ["register", "cas-register", "set", "queue"].map(|data| name.starts_with(data));
            let (text, foreign) = if is_data.contains(&true) {
                (
                    "0:acquire 0:acquire! 1:read 1:read! 1:enqueue 1:enqueue!",
                    "acquire",
                )
            } else {
                ("1:read 1:read! 0:acquire 0:acquire!", "read")
            };
            let found = finding(text, &name);
            assert_eq!(found.guarantee, format!("model {name}"));
            assert_eq!(found.verdict, Verdict::Unknown, "{name}");
            let why = found.reason.expect("it says why");
            assert!(
                why.contains(&format!("has no operation {foreign}")),
                "{name}: {why}"
            );
            tried += 1;
        }
        assert!(tried > model::ALL.len() + 5, "revocable ones too");
    }
}
