//! Events that contradict each other: each rule says how to see it.

use history::{History, Kind, Process};

use super::error::Flaw;
use super::file::Contradiction;
use super::law::{Law, Owner};
use super::record::{Act, Hold, Operation, Record};
use super::scan::exposure_ns;
use super::search::{BoundHit, Budget, has_order};
use super::subject::Subject;

/// Checks a contradiction; false if the bound on searches was hit before there was an answer.
pub(super) fn check(
    history: &History,
    record: &Record,
    subject: &Subject,
    slots: u64,
    contradiction: &Contradiction,
    budget: &mut Budget,
) -> Result<bool, Flaw> {
    let law = match subject {
        Subject::Lock(law) => law.clone(),
        _ => Law::revocable(slots, true),
    };
    let name = contradiction.key.as_deref().map(Into::into);
    let key = *record
        .keys
        .get(&name)
        .ok_or_else(|| Flaw::new("no client did anything to this key").on(&name))?;
    let events = &contradiction.events;
    let positions = events.iter().map(|index| {
        position(history, *index)
            .ok_or_else(|| Flaw::new("there is no such event").on(&name).at(*index))
    });
    let evidence = Evidence {
        history,
        record,
        law: &law,
        key,
        positions: positions.collect::<Result<_, _>>()?,
    };
    let answer = evidence.answer(subject, &contradiction.rule, budget);
    answer.map_err(|why| {
        let flaw = Flaw::new(format!("{}: {why}", contradiction.rule)).on(&name);
        events
            .first()
            .map_or(flaw.clone(), |index| flaw.clone().at(*index))
    })
}

fn position(history: &History, index: u64) -> Option<usize> {
    history
        .events()
        .binary_search_by_key(&index, |event| event.index)
        .ok()
}

struct Evidence<'a> {
    history: &'a History,
    record: &'a Record,
    law: &'a Law,
    key: usize,
    positions: Vec<usize>,
}

type Answer = Result<bool, &'static str>;

impl Evidence<'_> {
    fn answer(&self, subject: &Subject, rule: &str, budget: &mut Budget) -> Answer {
        use Subject::{
            ConfirmedExclusion, Exclusion, Fencing, JustifiedRefusal, Lock, Overlap, Ownership,
        };
        let sound = match (rule, subject) {
            ("too-many-believe", Exclusion) => self.too_many(|hold| hold.believed_until, None),
            ("too-many-believe", Overlap(bound_ns)) => {
                self.too_many(|hold| hold.believed_until, Some(*bound_ns))
            }
            ("too-many-confirmed", ConfirmedExclusion) => {
                self.too_many(|hold| hold.confirmed_until, None)
            }
            ("granted-inside", ConfirmedExclusion) => self.granted_inside(),
            ("revived", ConfirmedExclusion | Ownership) => self.revived(),
            ("stranger", Ownership) => self.stranger(),
            ("stranger", Lock(law)) if law.owner == Owner::Process => self.stranger(),
            ("fence-went-back", Fencing) => self.fence_went_back(),
            ("refused-while-free", JustifiedRefusal) => self.refused_while_free(),
            ("too-many-hold", Lock(law)) if law.owner == Owner::Process && law.depth.is_none() => {
                self.too_many(|hold| hold.literal_until, None)
            }
            ("told-lost", Lock(law)) if law.owner == Owner::Process => self.told_lost(),
            ("order-of-tokens", Lock(law)) if law.fenced && law.depth.is_none() => {
                self.order_of_tokens()
            }
            ("no-order", Lock(_) | JustifiedRefusal) => return self.no_order(budget),
            _ => Err("there is no such rule for this claim"),
        };
        sound?
            .then_some(true)
            .ok_or("the events do not contradict each other")
    }

    /// More holds than fit together have a common instant, and an exposure of more than the bound.
    fn too_many(&self, until: impl Fn(&Hold) -> usize, bound_ns: Option<u128>) -> Answer {
        let holds = self.grants()?;
        let begin = holds
            .iter()
            .map(|hold| hold.granted)
            .max()
            .unwrap_or_default();
        let end = holds
            .iter()
            .map(|hold| until(hold))
            .min()
            .unwrap_or_default();
        let long = bound_ns
            .is_none_or(|bound| begin < end && exposure_ns(self.history, begin, end) > bound);
        Ok(!self.law.fit(&holds) && begin < end && long)
    }

    /// A grant was asked for and returned while the others were held all the time.
    fn granted_inside(&self) -> Answer {
        let holds = self.grants()?;
        let (first, others) = holds.split_first().ok_or(WRONG_EVENTS)?;
        let inside = others
            .iter()
            .all(|hold| hold.granted < first.asked && hold.confirmed_until > first.granted);
        Ok(inside && !self.law.fit(&holds))
    }

    fn revived(&self) -> Answer {
        let [hold] = self.grants()?[..] else {
            return Err(WRONG_EVENTS);
        };
        Ok(hold.is_revived())
    }

    fn stranger(&self) -> Answer {
        let [end] = self.positions[..] else {
            return Err(WRONG_EVENTS);
        };
        Ok(self.operation(end)?.is_by_stranger())
    }

    fn fence_went_back(&self) -> Answer {
        let [first, second] = self.grants()?[..] else {
            return Err(WRONG_EVENTS);
        };
        let back = first.granted < second.asked && first.token > second.token;
        Ok(first.token != 0 && second.token != 0 && (first.token == second.token || back))
    }

    /// Everybody who could have held at some moment of the refusal fits together with it. A shared hold keeps out an exclusive one
    /// whatever the number of slots, so only a refusal among exclusive ones can have others beside it.
    fn refused_while_free(&self) -> Answer {
        let [end] = self.positions[..] else {
            return Err(WRONG_EVENTS);
        };
        let refusal = self.operation(end)?;
        if refusal.act != Act::Refusal {
            return Err(WRONG_EVENTS);
        }
        let held = self.record.holds.iter().filter(|hold| {
            hold.key == self.key && hold.asked < refusal.ended && hold.over_by > refusal.invoked
        });
        let unknown = self.record.operations_on(self.key).filter(|operation| {
            operation.act == Act::Acquire
                && operation.is_unknown()
                && operation.invoked < refusal.ended
        });
        let others: Vec<bool> = held
            .map(|hold| hold.shared)
            .chain(unknown.map(|operation| operation.shared))
            .collect();
        let room = !refusal.shared
            && (others.len() as u64) < self.law.slots
            && others.iter().all(|shared| !shared);
        Ok(others.is_empty() || room)
    }

    fn told_lost(&self) -> Answer {
        let [grant, report] = self.positions[..] else {
            return Err(WRONG_EVENTS);
        };
        let (granted, report) = (self.operation(grant)?, self.operation(report)?);
        let is_report = matches!(report.act, Act::LossReport | Act::RefusedRelease);
        let hold = self.hold(granted)?;
        Ok(is_report && report.hold == granted.hold && hold.literal_until >= report.ended)
    }

    fn order_of_tokens(&self) -> Answer {
        let [first, second] = self.grants()?[..] else {
            return Err(WRONG_EVENTS);
        };
        let apart = [first, second]
            .iter()
            .all(|hold| hold.granted < hold.literal_until && hold.token != 0);
        Ok(apart && first.granted < second.granted && second.token <= first.token)
    }

    /// What the events of the key up to this one say has no legal order.
    fn no_order(&self, budget: &mut Budget) -> Answer {
        let [last] = self.positions[..] else {
            return Err(WRONG_EVENTS);
        };
        let event = &self.history.events()[last];
        let key = self.record.keys.get(&event.key);
        if event.process == Process::Nemesis || key != Some(&self.key) {
            return Err(WRONG_EVENTS);
        }
        let prefix = Record::of(self.history, last + 1);
        let mut possible = |law: &Law| has_order(&prefix, law, self.key, budget);
        let outcome = match possible(self.law) {
            Ok(false) if self.law.revokes() => {
                // Refusals are to blame only if there is an order without them.
                let without = possible(&Law::revocable(self.law.slots, false));
                without.map(|possible| {
                    possible
                        .then_some(())
                        .ok_or("there is no order without the refusals either")
                })
            }
            Ok(possible) => Ok((!possible).then_some(()).ok_or("there is a legal order")),
            Err(BoundHit) => Err(BoundHit),
        };
        match outcome {
            Ok(contradiction) => contradiction.map(|()| true),
            Err(BoundHit) => Ok(false),
        }
    }

    /// The events as grants of different holds of the key.
    fn grants(&self) -> Result<Vec<&Hold>, &'static str> {
        let mut sorted = self.positions.clone();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.len() != self.positions.len() {
            return Err("an event is named twice");
        }
        self.positions
            .iter()
            .map(|end| self.hold(self.operation(*end)?))
            .collect()
    }

    fn hold(&self, operation: &Operation) -> Result<&Hold, &'static str> {
        let hold = operation
            .hold
            .filter(|_| operation.act == Act::Acquire)
            .ok_or(WRONG_EVENTS)?;
        Ok(&self.record.holds[hold])
    }

    /// The operation of the key that ends at this position with a known outcome.
    fn operation(&self, end: usize) -> Result<&Operation, &'static str> {
        let invoked = self
            .history
            .partner(end)
            .filter(|_| self.history.events()[end].kind != Kind::Invoke);
        let operation = invoked.and_then(|invoked| self.record.operation(invoked));
        operation
            .filter(|operation| operation.key == self.key && operation.ended == end)
            .ok_or(WRONG_EVENTS)
    }
}

const WRONG_EVENTS: &str = "these are not the events that the rule is about";
