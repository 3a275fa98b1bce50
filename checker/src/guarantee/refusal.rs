//! `justified-refusal`: the service says that the lock is busy only when somebody could hold it.
//!
//! Somebody could hold it: there is a legal order, with holds revoked at any moment, in which the
//! lock is held (all slots of it) at an instant of every refusal. One client at a time is decided
//! by a sweep, several by a search. Where slots are made and removed, as many must be held as may
//! have been there at the least.

use std::collections::BTreeMap;

use history::{Event, History, HistoryBuilder, Operation, Process};
use rayon::prelude::*;

use super::conclusion::conclude;
use super::{Guarantee, confirmed, exclusion};
use crate::Case;
use crate::beginning;
use crate::finding::{Counts, Finding, Reach, Rule, Violation, anomaly, counted};
use crate::heights::Heights;
use crate::hold::Hold;
use crate::holds::{Lock, Said, Span};
use crate::model;
use crate::order::{Instant, Order, OrderEntry, Side, in_sequence};
use crate::overlap::Capacity;
use crate::peaks::Peaks;
use crate::position::{NEVER, Position, position};
use crate::search::{Decision, Reason, search};
use crate::standing::{Standing, is_administered};
use crate::sweep::lazy::{Revocation, justify};
use crate::sweep::revocable::after;

/// Every refusal falls on a moment when somebody could hold the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JustifiedRefusal;

impl Guarantee for JustifiedRefusal {
    fn name(&self) -> String {
        "justified-refusal".to_owned()
    }

    fn find(&self, case: &Case<'_>) -> Result<Finding, Reason> {
        let answers: Vec<Answer> = case
            .locks
            .par_iter()
            .map(|lock| answer_in_time(case, lock))
            .collect();
        let judged = case.locks.par_iter();
        let judged = judged.map(|lock| Refusals::new(case, lock).judged()).sum();
        let counts = Counts {
            judged,
            ..exclusion::counts(case, 0)
        };
        let mut violations = Vec::new();
        let mut doubt = None;
        for answer in answers {
            match answer {
                Answer::Justified(_) => {}
                Answer::Unjustified(found) => violations.extend(found),
                Answer::Unknown(why) => doubt = Some(why),
            }
        }
        let none = || "the service refused nothing while the lock had slots".to_owned();
        let doubt = doubt.or_else(|| (judged == 0).then(none));
        Ok(conclude(
            self,
            counts.clone(),
            evidence(&counts, violations.len()),
            doubt,
            violations,
        ))
    }

    fn orders(&self, case: &Case<'_>) -> Option<Vec<Order>> {
        let order = |lock: &Lock| match answer(case, lock) {
            Answer::Justified(order) => order,
            _ => None,
        };
        Some(case.locks.par_iter().filter_map(order).collect())
    }
}

/// `31 refusals, 28 of them while the lock surely had a slot`.
fn evidence(counts: &Counts, unjustified: usize) -> String {
    let refusals = counted(counts.refusals, "refusal");
    match unjustified {
        0 if counts.judged == counts.refusals => refusals,
        0 => format!(
            "{refusals}, {} of them while the lock surely had a slot",
            counts.judged
        ),
        count => format!("{count} of {refusals} while nobody could hold the lock"),
    }
}

/// What is known of the refusals by one lock.
struct Refusals<'a> {
    lock: &'a Lock,
    /// How many slots the lock had, where that changes.
    standing: Option<Standing>,
    /// How many it had otherwise.
    slots: usize,
}

impl<'a> Refusals<'a> {
    fn new(case: &Case<'_>, lock: &'a Lock) -> Self {
        let ops = case.administration.of(&lock.key);
        Self {
            lock,
            standing: is_administered(ops).then(|| Standing::new(ops)),
            slots: case.scope.slots(),
        }
    }

    /// How many need somebody who could hold the lock: not those of a time when it may have had no
    /// slots at all, nor those of which that is not known.
    fn judged(&self) -> u64 {
        let refusals = self.lock.refusals.iter();
        let needy = refusals.filter(|refusal| self.needed(refusal).is_some_and(|slots| slots > 0));
        needy.count() as u64
    }

    /// How many slots must have been held for one to be justified: all of them, and where they
    /// change, the smallest number that may have been there. Nothing if that is not known.
    fn needed(&self, refusal: &Span) -> Option<usize> {
        match &self.standing {
            Some(standing) => standing.least(refusal.invoke, refusal.end),
            None => Some(self.slots),
        }
    }
}

enum Answer {
    /// With the order, if there is anything to justify.
    Justified(Option<Order>),
    Unjustified(Vec<Violation>),
    Unknown(String),
}

/// What is known of a lock that was searched in vain takes nothing from what is known of others.
fn answer_in_time(case: &Case<'_>, lock: &Lock) -> Answer {
    match case.limits.go_on() {
        Ok(()) => answer(case, lock),
        Err(reason) => Answer::Unknown(reason.to_string()),
    }
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
    let lock = &as_the_service_may_know(lock);
    if has_modes(lock) {
        let why = "readers and writers share the lock, so it cannot be said who kept whom waiting";
        return Answer::Unknown(why.to_owned());
    }
    let peaks = possible(lock);
    let refusals = Refusals::new(case, lock);
    let free = while_free(case, &refusals, &peaks);
    if !free.is_empty() {
        return Answer::Unjustified(free);
    }
    if refusals.standing.is_some() {
        return by_administration(case, &refusals, &peaks);
    }
    match confirmed::violations(case, lock, case.scope.capacity()) {
        Ok(broken) if broken.is_empty() => {}
        Ok(_) => {
            let why = "exclusion is broken, so it cannot be said who kept whom waiting";
            return Answer::Unknown(why.to_owned());
        }
        Err(reason) => return Answer::Unknown(reason.to_string()),
    }
    match case.scope.capacity() {
        Capacity::Grants(_) => by_search(case, lock),
        Capacity::OneClient if !may_hold_twice(lock) => by_sweep(case, lock),
        // One grant after the other explains it too; if that does not, both at once may.
        Capacity::OneClient => match by_sweep_if_apart(case, lock) {
            Some(Answer::Justified(order)) => Answer::Justified(order),
            _ => Answer::Unknown(AGAIN.to_owned()),
        },
    }
}

const AGAIN: &str = "a client was granted the lock that it may have held already, so it cannot be said for which of its holds others had to wait";

fn by_sweep(case: &Case<'_>, lock: &Lock) -> Answer {
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

/// The same where no two holds of one client are certain at one time.
fn by_sweep_if_apart(case: &Case<'_>, lock: &Lock) -> Option<Answer> {
    let together = confirmed::violations(case, lock, Capacity::Grants(1));
    let are_apart = together.is_ok_and(|together| together.is_empty());
    are_apart.then(|| by_sweep(case, lock))
}

/// Whether a client may have had two holds at one time.
fn may_hold_twice(lock: &Lock) -> bool {
    let mut over: BTreeMap<u32, Position> = BTreeMap::new();
    lock.holds.iter().any(|hold| {
        let over = over.entry(hold.process).or_default();
        let is_twice = *over > hold.asked;
        *over = hold.over_by().max(*over);
        is_twice
    })
}

/// Where slots come and go, nobody can say how many may be held, so each hold lasts as long as it
/// can: from its request until it is known to be over.
fn by_administration(case: &Case<'_>, refusals: &Refusals<'_>, peaks: &Peaks) -> Answer {
    let lock = refusals.lock;
    let needs = lock.refusals.iter().map(|refusal| refusals.needed(refusal));
    let Some(needs) = needs.collect::<Option<Vec<usize>>>() else {
        let why = "how many slots a lock had when it was refused is not known";
        return Answer::Unknown(why.to_owned());
    };
    if !confirmed::revived(case, lock).is_empty() {
        let why = "a hold was confirmed after it had been reported lost, so it cannot be said how long it lasted";
        return Answer::Unknown(why.to_owned());
    }
    let mut placed = as_long_as_possible(lock);
    for (refusal, need) in lock.refusals.iter().zip(needs) {
        let at = peaks.first_with(need, refusal.invoke, refusal.end);
        let instant = Instant::new(at.unwrap_or(refusal.invoke), Side::AfterLast);
        placed.push((instant, OrderEntry::operation(refusal.invoke)));
    }
    Answer::Justified(Some(in_sequence(lock.key.clone(), placed)))
}

/// Every hold begins when it is asked for, and ends when it must.
fn as_long_as_possible(lock: &Lock) -> Vec<(Instant, OrderEntry)> {
    let asked = lock.holds.iter().map(|hold| hold.asked);
    let unknown = lock.unknown.iter().map(|span| span.invoke);
    let mut placed: Vec<_> = asked.chain(unknown).map(after).collect();
    for hold in &lock.holds {
        if hold
            .released_ok()
            .is_none_or(|(_, end)| end > hold.over_by())
            && hold.over_by() != NEVER
        {
            let instant = Instant::new(hold.over_by(), Side::Before);
            placed.push((instant, OrderEntry::revocation(hold.asked)));
        }
    }
    for statement in lock
        .statements
        .iter()
        .filter(|statement| statement.hold.is_some())
    {
        placed.push(match statement.said {
            Said::Held => after(statement.span.invoke),
            Said::Released | Said::Lost | Said::NotReleased => (
                Instant::new(statement.span.end, Side::BeforeLast),
                OrderEntry::operation(statement.span.invoke),
            ),
        });
    }
    placed
}

/// A lock without the reports that a hold of it is lost, unless the service itself made them: a
/// client may conclude that by itself, long before the service takes the lock away, and until then
/// others are refused for good reasons. What was granted again by its name is over all the same.
fn as_the_service_may_know(lock: &Lock) -> Lock {
    let mut lock = lock.clone();
    lock.statements
        .retain(|statement| statement.said != Said::Lost || statement.observed);
    for hold in &mut lock.holds {
        hold.lost = None;
    }
    for statement in lock
        .statements
        .iter()
        .filter(|statement| statement.observed)
    {
        if let Some(hold) = statement.hold {
            let lost = &mut lock.holds[hold as usize].lost;
            *lost = lost.or(Some(statement.span.end));
        }
    }
    let again = granted_again(&lock.holds);
    for (hold, again) in lock.holds.iter_mut().zip(again) {
        hold.lost = hold.lost.into_iter().chain(again).min();
    }
    lock
}

/// For each hold where its slot was granted again for certain: to who asked for it when it had been
/// granted, and was given it when its client did not believe in it any more.
fn granted_again(holds: &[Hold]) -> Vec<Option<Position>> {
    let mut grants: BTreeMap<u32, (Vec<Position>, Vec<Position>)> = BTreeMap::new();
    for hold in holds {
        if let Some(slot) = hold.slot {
            let (granted, asked) = grants.entry(slot).or_default();
            granted.push(hold.granted);
            asked.push(hold.asked);
        }
    }
    let grants = grants.into_iter();
    let grants = grants.map(|(slot, (granted, asked))| (slot, (granted, Heights::new(&asked))));
    let grants: BTreeMap<u32, (Vec<Position>, Heights<Position>)> = grants.collect();
    let again = |hold: &Hold| {
        let (granted, asked) = grants.get(&hold.slot?)?;
        let later = granted.partition_point(|granted| *granted <= hold.believed_until);
        let again = asked.first_with(hold.granted, later)?;
        Some(granted[again])
    };
    holds.iter().map(again).collect()
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

/// How many clients can have held the lock at one moment, however the rest went.
fn possible(lock: &Lock) -> Peaks {
    let holds = lock.holds.iter();
    let holds = holds.map(|hold| (hold.asked, hold.over_by()));
    let unknown = lock.unknown.iter().map(|span| (span.invoke, NEVER));
    Peaks::new(holds.chain(unknown))
}

/// Refusals at no moment of which as many clients as the lock has slots can have held it.
fn while_free(case: &Case<'_>, refusals: &Refusals<'_>, peaks: &Peaks) -> Vec<Violation> {
    let lock = refusals.lock;
    let free = lock.refusals.iter().filter(|refusal| {
        let most = peaks.most(refusal.invoke, refusal.end);
        refusals.needed(refusal).is_some_and(|slots| most < slots)
    });
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
        // The service may take the lock away later than its client gives it up for lost.
        for lost in ["0:lost 0:lost!", "0:verify 0:verify!lost"] {
            let text = format!("0:acquire 0:acquire! {lost} 1:acquire 1:acquireX");
            assert_eq!(judged(1, &text).verdict, Verdict::Valid);
            let taken = format!(
                "0:acquire 0:acquire! {lost} 1:acquire 1:acquire! 1:release 1:release! 2:acquire 2:acquireX"
            );
            assert_eq!(judged(1, &taken).verdict, Verdict::Violated);
        }
        for refused in ["0:release 0:releaseX", "0:verify 0:verifyX"] {
            let text = format!("0:acquire 0:acquire! {refused} 1:acquire 1:acquireX");
            assert_eq!(judged(1, &text).verdict, Verdict::Violated);
        }
        // Whose slot somebody else was granted has nothing any more.
        let again = |slot: &str| {
            let text = format!(
                "0:acquire 0:acquire!s1 0:lost 0:lost! 1:acquire 1:acquire!{slot} 2:acquire 2:acquireX"
            );
            judged(2, &text).verdict
        };
        assert_eq!(again("s1"), Verdict::Violated);
        assert_eq!(again("s2"), Verdict::Valid);
        let elsewhere = "0:acquire 0:acquireX b/0:acquire b/0:acquire!";
        assert_eq!(judged(1, elsewhere).verdict, Verdict::Violated);
    }
}
