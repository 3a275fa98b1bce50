//! Events that contradict each other: each rule says how to see it.

use history::{Function, History, Kind, Process};

use super::data::{self, Data};
use super::error::Flaw;
use super::file::{Contradiction, Scope};
use super::law::{Law, Owner, SEVERAL_PERMITS};
use super::object::{Object, Place};
use super::progress::{Again, Progress};
use super::record::{Act, Hold, KeyName, Operation, Record};
use super::refusals::SlotsThere;
use super::scan::exposure_ns;
use super::search::{BoundHit, Budget, has_order};
use super::slots::Slots;
use super::stretch::{self, Stretch};
use super::subject::Subject;
use super::updates::Access;
use super::{decrements, existence, refusals, removal, sequence, tokens};

/// A rule's events, read from the record of the key.
pub(super) struct Evidence<'a> {
    history: &'a History,
    record: &'a Record,
    scope: &'a Scope,
    subject: &'a Subject,
    name: KeyName,
    key: usize,
    positions: Vec<usize>,
}

fn position(history: &History, index: u64) -> Option<usize> {
    history
        .events()
        .binary_search_by_key(&index, |event| event.index)
        .ok()
}

type Answer = Result<bool, &'static str>;

impl<'a> Evidence<'a> {
    pub(super) fn new(
        history: &'a History,
        record: &'a Record,
        scope: &'a Scope,
        subject: &'a Subject,
        contradiction: &Contradiction,
    ) -> Result<Self, Flaw> {
        let name: KeyName = contradiction.key.as_deref().map(Into::into);
        let key = *record
            .keys
            .get(&name)
            .ok_or_else(|| Flaw::new("no client did anything to this key").on(&name))?;
        let positions = contradiction.events.iter().map(|index| {
            position(history, *index)
                .ok_or_else(|| Flaw::new("there is no such event").on(&name).at(*index))
        });
        Ok(Self {
            positions: positions.collect::<Result<_, _>>()?,
            history,
            record,
            scope,
            subject,
            name,
            key,
        })
    }

    /// Whether the events contradict each other; false if the bound on searches was hit before
    /// there was an answer.
    pub(super) fn check(&self, rule: &str, budget: &mut Budget) -> Result<bool, Flaw> {
        let answer = match self.subject {
            Subject::Lock(law) => self
                .keeps_to(Law::has)
                .and_then(|()| self.counts_permits(law, rule)),
            Subject::Data(data) => self.keeps_to(|function| data.has(function)),
            _ => Ok(()),
        };
        let answer = answer.and_then(|()| match rule {
            "no-order" => self.no_order(budget),
            _ => self
                .breaks(rule)?
                .then_some(true)
                .ok_or("the events do not contradict each other"),
        });
        answer.map_err(|why| {
            let flaw = Flaw::new(format!("{rule}: {why}")).on(&self.name);
            let first = self.positions.first();
            first.map_or(flaw.clone(), |first| {
                flaw.clone().at(self.history.events()[*first].index)
            })
        })
    }

    /// Whether the key has only operations that the model has.
    fn keeps_to(&self, has: impl Fn(&Function) -> bool) -> Result<(), &'static str> {
        let mut clients = self
            .history
            .events()
            .iter()
            .filter(|event| event.process != Process::Nemesis);
        let is_own = clients.all(|event| event.key != self.name || has(&event.function));
        is_own
            .then_some(())
            .ok_or("the key has operations that the model does not have")
    }

    /// Whether the model counts the permits of the key, which holds cannot tell.
    fn counts_permits(&self, law: &Law, rule: &str) -> Result<(), &'static str> {
        let is_counted = law.permits && rule == "no-order";
        let mut operations = self.record.operations_on(self.key);
        (is_counted || !operations.any(Operation::is_of_several))
            .then_some(())
            .ok_or(SEVERAL_PERMITS)
    }

    fn breaks(&self, rule: &str) -> Answer {
        use Subject::{
            ConfirmedExclusion, Exclusion, Fencing, JustifiedRefusal, Lock, NoDoubledDecrement,
            NoLostDecrement, NoLostUpdate, Overlap, Ownership, Progress, SlotExclusion,
            SlotExistence, SlotRemoval, SlotSequence,
        };
        match (rule, self.subject) {
            ("too-many-believe", Exclusion) => self.too_many_believe(),
            ("too-many-believe", Overlap(bound_ns)) => self.too_many_believe_for(*bound_ns),
            ("too-many-confirmed", ConfirmedExclusion | SlotExclusion) => {
                self.too_many(|hold| hold.confirmed_until)
            }
            ("granted-inside", ConfirmedExclusion | SlotExclusion) => self.granted_inside(),
            ("revived", ConfirmedExclusion | Ownership) => self.revived(),
            ("revived", SlotExclusion) => Ok(self.revived()? && self.grants()?[0].slot.is_some()),
            ("unowned", Ownership) => self.unowned(),
            ("token-regressed", Fencing) => self.token_regressed(),
            ("refused-while-free", JustifiedRefusal) => self.refused_while_free(),
            ("lost-update", NoLostUpdate) => self.lost_update(),
            ("never-granted", Progress(bound_ns)) => self.never_granted(*bound_ns),
            ("removed-slot-used", SlotRemoval) => {
                removal::is_shown(self.history, self.record, &self.name, &self.positions)
                    .ok_or(WRONG_EVENTS)
            }
            ("slot-vanished", SlotExistence) => self.existence(true),
            ("phantom-slot", SlotExistence) => self.existence(false),
            ("gap-after-overshoot", SlotSequence) => self.by_two(sequence::is_left),
            ("gap-at-the-end", SlotSequence) => self.by_one(sequence::is_in_the_end),
            ("lost-decrement", NoLostDecrement) => self.by_two(decrements::is_lost),
            ("doubled-decrement", NoDoubledDecrement) => self.by_one(decrements::is_doubled),
            ("unowned", Lock(law)) if law.owner == Owner::Process => self.unowned(),
            ("told-lost", Lock(law)) if law.owner == Owner::Process => self.told_lost(),
            ("too-many-hold", Lock(law)) if law.owner == Owner::Process && law.depth.is_none() => {
                self.too_many(|hold| hold.literal_until)
            }
            ("order-of-tokens", Lock(law)) if law.fenced && law.depth.is_none() => {
                self.order_of_tokens()
            }
            _ => Err("there is no such rule for this claim"),
        }
    }

    /// Whether these holds can go on together.
    fn fit(&self, holds: &[&Hold]) -> bool {
        match self.subject {
            Subject::Lock(law) => law.fit(holds),
            Subject::SlotExclusion => Slots::fit(holds),
            _ => Law::revocable(self.slots()).fit(holds),
        }
    }

    fn slots(&self) -> u64 {
        self.scope.slots.get().into()
    }

    /// More holds than fit together are believed at one instant.
    fn too_many_believe(&self) -> Answer {
        let holds = self.grants()?;
        let is_shown = |from: usize| {
            // Positions that lie in a spell come after its first.
            holds.iter().all(|hold| {
                let mut spells = hold.spells.iter();
                spells.any(|spell| spell.from <= from && from < spell.until.0)
            })
        };
        let mut begins = holds.iter().flat_map(|hold| &hold.spells);
        Ok(!self.fit(&holds) && begins.any(|spell| is_shown(spell.from)))
    }

    /// More holds than fit together begin stretches that have an instant in common, and that for
    /// longer than the bound.
    fn too_many_believe_for(&self, bound_ns: u128) -> Answer {
        let holds = self.grants()?;
        let stretches = stretch::unbroken(self.history, self.record, self.slots());
        let own = |hold: &Hold, shared: bool| -> Vec<Stretch<'_>> {
            let is_own = |it: &&Stretch<'_>| it.hold.granted == hold.granted && it.shared == shared;
            stretches.iter().filter(is_own).copied().collect()
        };
        let end_ns = |stretches: &[Stretch<'_>], from: usize| {
            let on = stretches
                .iter()
                .find(|it| it.from <= from && from < it.until.0);
            on.map(|it| it.until.1)
        };
        // Of a client that reads, too, all that it believes may be in the way of another's
        // exclusive belief.
        let kinds: Vec<[Vec<Stretch<'_>>; 2]> = holds
            .iter()
            .map(|hold| [own(hold, false), own(hold, true)])
            .collect();
        let is_long = |ends: Option<Vec<u64>>, from| {
            let end_ns = ends.and_then(|ends| ends.into_iter().min());
            end_ns.is_some_and(|end_ns| exposure_ns(self.history, from, end_ns) > bound_ns)
        };
        let is_shown = |from: usize, alone: usize| {
            let ends = kinds.iter().enumerate().map(|(place, [exclusive, all])| {
                let exclusive = end_ns(exclusive, from);
                if place == alone {
                    exclusive
                } else {
                    exclusive.max(end_ns(all, from))
                }
            });
            is_long(ends.collect(), from)
        };
        let begins = kinds.iter().flatten().flatten().map(|it| it.from);
        let mut pairs = begins.flat_map(|from| (0..kinds.len()).map(move |alone| (from, alone)));
        Ok(!self.fit(&holds) && pairs.any(|(from, alone)| is_shown(from, alone)))
    }

    /// More holds than fit together have a common instant.
    fn too_many(&self, until: impl Fn(&Hold) -> usize) -> Answer {
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
        Ok(!self.fit(&holds) && begin < end)
    }

    /// A grant was asked for and returned while the others were held all the time.
    fn granted_inside(&self) -> Answer {
        let holds = self.grants()?;
        let (first, others) = holds.split_first().ok_or(WRONG_EVENTS)?;
        let inside = others
            .iter()
            .all(|hold| hold.granted < first.asked && hold.confirmed_until > first.granted);
        Ok(inside && !self.fit(&holds))
    }

    fn revived(&self) -> Answer {
        let [hold] = self.grants()?[..] else {
            return Err(WRONG_EVENTS);
        };
        Ok(hold.is_revived())
    }

    fn unowned(&self) -> Answer {
        let [end] = self.positions[..] else {
            return Err(WRONG_EVENTS);
        };
        Ok(self.operation(end)?.is_unowned())
    }

    fn token_regressed(&self) -> Answer {
        let [first, second] = self.grants()?[..] else {
            return Err(WRONG_EVENTS);
        };
        Ok(tokens::is_back(self.record, first, second, self.slots()))
    }

    /// A shared hold keeps out an exclusive one whatever the number of slots, so only a refusal
    /// among exclusive ones can have others beside it.
    fn refused_while_free(&self) -> Answer {
        let [end] = self.positions[..] else {
            return Err(WRONG_EVENTS);
        };
        let refusal = self.operation(end)?;
        if refusal.act != Act::Refusal {
            return Err(WRONG_EVENTS);
        }
        let there = SlotsThere::new(self.history, self.slots());
        let least = there.least(&self.name, (refusal.invoked, refusal.ended));
        let least = least.ok_or("how many slots there were is not known")?;
        Ok(refusals::is_free(self.record, refusal, least))
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

    fn lost_update(&self) -> Answer {
        let [update, witness] = self.positions[..] else {
            return Err(WRONG_EVENTS);
        };
        let is_here = |position: &&usize| self.history.events()[**position].key == self.name;
        let both = [update, witness].iter().filter(is_here).count() == 2;
        let pair =
            Access::ended_at(self.history, update).zip(Access::ended_at(self.history, witness));
        let (update, witness) = pair.filter(|_| both).ok_or(WRONG_EVENTS)?;
        Ok(update.is_lost_by(&witness))
    }

    fn never_granted(&self, bound_ns: u128) -> Answer {
        let [asked] = self.positions[..] else {
            return Err(WRONG_EVENTS);
        };
        let progress = Progress::new(self.history, self.record, self.scope, bound_ns);
        Ok(progress.of_key(self.key) == Again::Never { asked })
    }

    fn existence(&self, was_there: bool) -> Answer {
        self.by_two(|history, name, first, second| {
            existence::is_shown(history, self.record, name, [first, second], was_there)
        })
    }

    /// One event of the key that shows it, with the rest of the record.
    fn by_one(&self, shows: impl Fn(&History, &KeyName, usize) -> bool) -> Answer {
        let [event] = self.positions[..] else {
            return Err(WRONG_EVENTS);
        };
        Ok(shows(self.history, &self.name, event))
    }

    /// Two events of the key that show it, with the rest of the record.
    fn by_two(&self, show: impl Fn(&History, &KeyName, usize, usize) -> bool) -> Answer {
        let [first, second] = self.positions[..] else {
            return Err(WRONG_EVENTS);
        };
        Ok(show(self.history, &self.name, first, second))
    }

    /// What the events of the key up to this one say has no legal order.
    fn no_order(&self, budget: &mut Budget) -> Answer {
        let [last] = self.positions[..] else {
            return Err(WRONG_EVENTS);
        };
        let event = &self.history.events()[last];
        if event.process == Process::Nemesis || event.key != self.name {
            return Err(WRONG_EVENTS);
        }
        let prefix = || Record::of(self.history, last + 1);
        let legal = match self.subject {
            Subject::Lock(law) => self.is_legal(law, law.places(&prefix()), budget),
            Subject::Data(data) => self.is_legal(data, self.places(data, last + 1)?, budget),
            Subject::ConfirmedExclusion => {
                let law = Law::revocable(self.slots());
                self.is_legal(&law, law.places(&prefix()), budget)
            }
            Subject::JustifiedRefusal if SlotsThere::new(self.history, 1).is_of(&self.name) => {
                return Err("the slots of the key were administered");
            }
            Subject::JustifiedRefusal => self.are_justified(&prefix(), true, budget),
            _ => return Err("there is no such rule for this claim"),
        };
        match legal {
            Ok(true) => Err("there is a legal order"),
            Ok(false) if matches!(self.subject, Subject::JustifiedRefusal) => {
                // Refusals are to blame only if there is an order without them.
                match self.are_justified(&prefix(), false, budget) {
                    Ok(false) => Err("there is no order without the refusals either"),
                    legal => Ok(legal.is_ok()),
                }
            }
            legal => Ok(legal.is_ok()),
        }
    }

    /// What the events before `until` say, if all operations on the key fit the model.
    fn places(&self, data: &Data, until: usize) -> Result<Vec<Place<data::Call>>, &'static str> {
        let before = |until| {
            let places = data.places(self.history, self.record, until, |name| *name == self.name);
            places.map_err(|_| "an operation does not fit the model")
        };
        before(self.history.events().len())?;
        before(until)
    }

    fn are_justified(
        &self,
        prefix: &Record,
        refusals: bool,
        budget: &mut Budget,
    ) -> Result<bool, BoundHit> {
        let law = Law::refusing(self.slots(), refusals);
        self.is_legal(&law, law.places(prefix), budget)
    }

    fn is_legal<O: Object>(
        &self,
        object: &O,
        mut places: Vec<Place<O::Call>>,
        budget: &mut Budget,
    ) -> Result<bool, BoundHit> {
        places.retain(|place| place.key == self.key);
        has_order(object, &places, budget)
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
