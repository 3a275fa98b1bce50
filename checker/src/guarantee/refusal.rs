//! `justified-refusal`: the service says that the lock is busy only when somebody could hold it.
//!
//! Somebody could hold it: there is a legal order, with holds revoked at any moment, in which the
//! lock is held (all slots of it) at an instant of every refusal. One client at a time is decided
//! by a sweep, several by a search.

use std::collections::BTreeMap;

use history::{Event, History, HistoryBuilder, Operation, Process};
use rayon::prelude::*;

use super::conclusion::conclude;
use super::{Guarantee, confirmed, exclusion};
use crate::Case;
use crate::beginning;
use crate::finding::{Finding, Reach, Rule, Violation, anomaly, counted};
use crate::hold::Hold;
use crate::holds::{Lock, Span};
use crate::model;
use crate::order::Order;
use crate::position::{Position, position};
use crate::search::{Decision, search};
use crate::sweep::lazy::{Revocation, justify};

/// Every refusal falls on a moment when somebody could hold the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JustifiedRefusal;

impl Guarantee for JustifiedRefusal {
    fn name(&self) -> String {
        "justified-refusal".to_owned()
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let answers: Vec<Answer> = case
            .locks
            .par_iter()
            .map(|lock| answer(case, lock))
            .collect();
        let counts = exclusion::counts(case, 0);
        let mut violations = Vec::new();
        let mut doubt = None;
        for answer in answers {
            match answer {
                Answer::Justified(_) => {}
                Answer::Unjustified(found) => violations.extend(found),
                Answer::Unknown(why) => doubt = Some(why),
            }
        }
        let evidence = match violations.len() as u64 {
            0 => counted(counts.refusals, "refusal"),
            count => format!(
                "{} of {} while nobody could hold the lock",
                count,
                counted(counts.refusals, "refusal")
            ),
        };
        conclude(self, counts, evidence, doubt, violations)
    }

    fn orders(&self, case: &Case<'_>) -> Option<Vec<Order>> {
        let order = |lock: &Lock| match answer(case, lock) {
            Answer::Justified(order) => order,
            _ => None,
        };
        Some(case.locks.par_iter().filter_map(order).collect())
    }
}

enum Answer {
    /// With the order, if there is anything to justify.
    Justified(Option<Order>),
    Unjustified(Vec<Violation>),
    Unknown(String),
}

fn answer(case: &Case<'_>, lock: &Lock) -> Answer {
    match decide(case, lock) {
        Answer::Unjustified(found) if found[0].rule == Rule::NoOrder => {
            let shortened = found.into_iter().map(|found| shortened(case, lock, found));
            Answer::Unjustified(shortened.collect())
        }
        answer => answer,
    }
}

/// The same about the shortest beginning of the history that has no legal order.
fn shortened(case: &Case<'_>, lock: &Lock, found: Violation) -> Violation {
    beginning::shortest(case.history, &lock.key, found, |history| {
        let case = Case::new(history, case.scope, case.limits);
        match decide(&case, case.locks.first()?) {
            Answer::Unjustified(found) => {
                found.into_iter().find(|found| found.rule == Rule::NoOrder)
            }
            _ => None,
        }
    })
}

fn decide(case: &Case<'_>, lock: &Lock) -> Answer {
    if lock.refusals.is_empty() {
        return Answer::Justified(None);
    }
    if has_modes(lock) {
        let why = "readers and writers share the lock, so it cannot be said who kept whom waiting";
        return Answer::Unknown(why.to_owned());
    }
    let free = while_free(case, lock);
    if !free.is_empty() {
        return Answer::Unjustified(free);
    }
    if !confirmed::violations(case, lock, case.scope.slots()).is_empty() {
        let why = "exclusion is broken, so it cannot be said who kept whom waiting".to_owned();
        return Answer::Unknown(why);
    }
    if case.scope.slots() > 1 {
        return by_search(case, lock);
    }
    match justify(lock, Revocation::Possible) {
        Ok(order) => Answer::Justified(Some(order)),
        Err(unjustified) if unjustified.doubtful => by_search(case, lock),
        Err(unjustified) => {
            let refusal = lock.refusals[unjustified.refusal];
            Answer::Unjustified(vec![violation(
                case,
                lock,
                refusal,
                Rule::NoOrder,
                lock.last_event(),
            )])
        }
    }
}

fn violation(
    case: &Case<'_>,
    lock: &Lock,
    refusal: Span,
    rule: Rule,
    witness: Position,
) -> Violation {
    Violation::new(rule, lock.key.clone(), case.witness([witness]))
        .called(anomaly::UNJUSTIFIED_REFUSAL)
        .showing(case.indices([refusal.invoke, refusal.end]))
}

fn has_modes(lock: &Lock) -> bool {
    let mut spans = lock.unknown.iter().chain(&lock.refusals);
    spans.any(|span| span.shared) || lock.holds.iter().any(|hold| hold.shared)
}

/// Refusals during which fewer clients can have held the lock than it has slots, however the rest
/// went.
fn while_free(case: &Case<'_>, lock: &Lock) -> Vec<Violation> {
    let mut begins: Vec<Position> = lock.holds.iter().map(|hold| hold.asked).collect();
    begins.extend(lock.unknown.iter().map(|span| span.invoke));
    let mut ends: Vec<Position> = lock.holds.iter().map(Hold::over_by).collect();
    begins.sort_unstable();
    ends.sort_unstable();
    let needed = case.scope.slots();
    let possible = |refusal: &Span| {
        let begun = begins.partition_point(|begin| *begin < refusal.end);
        begun - ends.partition_point(|end| *end <= refusal.invoke)
    };
    let free = lock
        .refusals
        .iter()
        .filter(|refusal| possible(refusal) < needed);
    free.map(|refusal| violation(case, lock, *refusal, Rule::RefusedWhileFree, refusal.end))
        .collect()
}

fn by_search(case: &Case<'_>, lock: &Lock) -> Answer {
    let name = format!("revocable-owner-semaphore:{}", case.scope.slots());
    let Ok(model) = model::named(&name) else {
        return Answer::Unknown(format!("there is no model {name}"));
    };
    let renamed = by_acquisition(case.history, lock);
    let operations: Vec<Operation<'_>> = renamed.operations().collect();
    match search(&*model, &operations, &case.limits) {
        Decision::Valid { order } => {
            Answer::Justified(Some(Order::of_search(lock, case.history, &order)))
        }
        Decision::Violated { prefix, stuck, .. } => {
            let violation = Violation::new(
                Rule::NoOrder,
                lock.key.clone(),
                case.witness([lock.last_event()]),
            );
            let violation = violation
                .called(anomaly::UNJUSTIFIED_REFUSAL)
                .showing(vec![stuck]);
            Answer::Unjustified(vec![violation.reaching(Reach::new(&prefix, stuck))])
        }
        Decision::Unknown(reason) => Answer::Unknown(reason.to_string()),
    }
}

/// The history of a lock with every acquisition as a process of its own, named by the number of its
/// hold: what the service says of a hold says nothing about another that its process has. Releases
/// of unknown outcome are left out: they end a hold no otherwise than a revocation may.
fn by_acquisition(history: &History, lock: &Lock) -> History {
    let holds = (0..)
        .zip(&lock.holds)
        .map(|(number, hold)| (hold.asked, number));
    let stated = lock
        .statements
        .iter()
        .filter_map(|statement| Some((statement.span.invoke, statement.hold?)));
    let nameless = lock
        .unknown
        .iter()
        .chain(&lock.refusals)
        .map(|span| span.invoke);
    let nameless = nameless.zip(position(lock.holds.len())..);
    let processes: BTreeMap<Position, u32> = holds.chain(stated).chain(nameless).collect();
    let mut builder = HistoryBuilder::default();
    for (place, event) in history.events().iter().enumerate() {
        let first = history
            .partner(place)
            .map_or(place, |other| place.min(other));
        if let Some(process) = processes.get(&position(first)) {
            let process = Process::Client(*process);
            let event = Event {
                process,
                ..event.clone()
            };
            builder
                .push_event(event)
                .expect("each acquisition goes its way alone");
        }
    }
    builder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Limits;
    use crate::testing::history;
    use crate::{Scope, Verdict, judge};

    #[test]
    fn what_has_no_justification_is_shown_as_it_is() {
        let judged = |slots: u32, text: &str| {
            let scope = Scope {
                slots: slots.try_into().expect("not 0"),
                ..Scope::default()
            };
            let guarantees: [Box<dyn Guarantee>; 1] = [Box::new(JustifiedRefusal)];
            judge(&history(text), &scope, Limits::none(), &guarantees).remove(0)
        };
        let free = judged(1, "0:acquire 0:acquireX");
        assert_eq!(free.violations[0].rule, Rule::RefusedWhileFree);
        // One of two was given back before the third asked, so that one can have been held at most.
        let one_left =
            "0:acquire 0:acquire! 1:acquire 1:acquire! 0:release 0:release! 2:acquire 2:acquireX";
        assert_eq!(judged(2, one_left).verdict, Verdict::Violated);
        let full =
            "0:acquire 0:acquire! 1:acquire 1:acquire! 2:acquire 2:acquireX 0:verify 0:verify!held";
        assert_eq!(judged(2, full).verdict, Verdict::Valid);
        let elsewhere = "0:acquire 0:acquireX b/0:acquire b/0:acquire!";
        assert_eq!(judged(1, elsewhere).verdict, Verdict::Violated);
    }
}
