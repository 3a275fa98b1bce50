//! `no-lost-update`: a resource that is written under the lock keeps what was acknowledged.
//!
//! Two kinds of resource are understood. A set: `add` puts an element in, `read` brings all of them
//! as an array. A counter: `write` stores a number that the client made from the one it had read,
//! so that no number is written twice and none that is read is smaller than one acknowledged
//! before. What was acknowledged but never read afterwards leaves the verdict `unknown`; a read of
//! nil shows nothing, nor does a read of the other kind of resource.

use std::collections::BTreeMap;
use std::sync::Arc;

use history::{Function, Kind, Operation, Value};
use rustc_hash::FxHashMap;
use serde_json::Value as Json;

use super::Guarantee;
use super::conclusion::conclude;
use crate::Case;
use crate::finding::{Counts, Finding, Rule, Violation, counted};
use crate::model::set::listed;
use crate::search::Reason;
use crate::steps::Steps;

/// What was written under the lock and acknowledged is read afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoLostUpdate;

impl Guarantee for NoLostUpdate {
    fn name(&self) -> String {
        "no-lost-update".to_owned()
    }

    fn is_about_holds(&self) -> bool {
        false
    }

    fn find(&self, case: &Case<'_>) -> Result<Finding, Reason> {
        let mut steps = case.steps();
        let mut resources: BTreeMap<Option<Arc<str>>, Resource<'_>> = BTreeMap::new();
        for operation in case
            .history
            .operations()
            .filter(|operation| operation.outcome() == Kind::Ok)
        {
            steps.step()?;
            resources
                .entry(operation.invoke.key.clone())
                .or_default()
                .enter(operation);
        }
        let mut violations: Vec<Violation> = Vec::new();
        for (key, resource) in &mut resources {
            let lost = resource.lost(&mut steps)?;
            violations.extend(
                lost.into_iter()
                    .map(|events| Violation::new(Rule::LostUpdate, key.clone(), events)),
            );
        }
        let updates: u64 = resources
            .values()
            .map(|resource| resource.updates.len() as u64)
            .sum();
        let unread: u64 = resources.values().map(Resource::unread).sum();
        let doubt = match (updates, unread) {
            (0, _) => Some("nothing was written under the lock".to_owned()),
            (_, 0) => None,
            (_, unread) => Some(format!(
                "{} never read afterwards",
                counted(unread, "acknowledged update")
            )),
        };
        let evidence = match violations.len() as u64 {
            0 => counted(updates, "acknowledged update"),
            count => format!(
                "{count} of {} lost",
                counted(updates, "acknowledged update")
            ),
        };
        case.limits.go_on()?;
        Ok(conclude(
            self,
            Counts::default(),
            evidence,
            doubt,
            violations,
        ))
    }
}

/// The operations on one key that were acknowledged.
#[derive(Default)]
struct Resource<'a> {
    updates: Vec<Operation<'a>>,
    reads: Vec<Operation<'a>>,
}

impl<'a> Resource<'a> {
    fn enter(&mut self, operation: Operation<'a>) {
        match operation.invoke.function {
            Function::Add | Function::Write => self.updates.push(operation),
            Function::Read => self.reads.push(operation),
            _ => {}
        }
    }

    /// The events of each update that is gone: the update, and the read that should have seen it or
    /// the update that overwrote it.
    fn lost(&mut self, steps: &mut Steps<'_>) -> Result<Vec<Vec<u64>>, Reason> {
        self.updates.sort_by_key(Operation::returned);
        self.reads.sort_by_key(|read| read.invoke.index);
        let mut lost = self.missing(steps)?;
        lost.extend(self.written_twice());
        lost.extend(self.gone_back());
        lost.sort();
        Ok(lost)
    }

    /// Elements that a later read of the set does not bring, each with the first such read.
    fn missing(&self, steps: &mut Steps<'_>) -> Result<Vec<Vec<u64>>, Reason> {
        let adds = self.updates.iter().filter(|update| is_add(update));
        let mut adds = adds.peekable();
        let mut expected = Expected::default();
        let mut lost = Vec::new();
        for (number, read) in self.reads.iter().enumerate() {
            let Some(present) = elements_read(read) else {
                continue;
            };
            while let Some(add) = adds.next_if(|add| add.returned() < read.invoke.index) {
                steps.step()?;
                expected.enter(add);
            }
            steps.take(1 + present.len())?;
            let missed = expected.missed_by(number, present);
            lost.extend(missed.into_iter().map(|add| vec![add, read.returned()]));
        }
        Ok(lost)
    }

    /// Numbers that two updates have written: the later knew nothing of the earlier.
    fn written_twice(&self) -> Vec<Vec<u64>> {
        let mut written: BTreeMap<i64, u64> = BTreeMap::new();
        let mut lost = Vec::new();
        for (number, update) in self.numbers() {
            if let Some(before) = written.insert(number, update.returned()) {
                lost.push(vec![before, update.returned()]);
            }
        }
        lost
    }

    /// Reads that bring less than was acknowledged before.
    fn gone_back(&self) -> Vec<Vec<u64>> {
        let mut updates = self.numbers().peekable();
        let mut greatest: Option<(i64, u64)> = None;
        let mut lost = Vec::new();
        for read in &self.reads {
            while let Some((number, update)) =
                updates.next_if(|(_, update)| update.returned() < read.invoke.index)
            {
                greatest = greatest.max(Some((number, update.returned())));
            }
            if let (Some(seen), Some((number, update))) = (number_read(read), greatest)
                && seen < number
            {
                lost.push(vec![update, read.returned()]);
            }
        }
        lost
    }

    fn numbers(&self) -> impl Iterator<Item = (i64, &Operation<'a>)> {
        let updates = self.updates.iter();
        updates.filter_map(|update| Some((number_written(update)?, update)))
    }

    /// How many updates no read came after that could have shown them.
    fn unread(&self) -> u64 {
        let last = |shows: fn(&Operation<'_>) -> bool| {
            let reads = self.reads.iter().filter(|read| shows(read));
            reads.map(|read| read.invoke.index).max()
        };
        let (elements, number) = (
            last(|read| elements_read(read).is_some()),
            last(|read| number_read(read).is_some()),
        );
        let is_read = |update: &Operation<'_>| {
            let last = if is_add(update) {
                elements
            } else {
                number.filter(|_| number_written(update).is_some())
            };
            last.is_some_and(|last| update.returned() < last)
        };
        let unread = self.updates.iter().filter(|update| !is_read(update));
        unread.count() as u64
    }
}

fn is_add(update: &Operation<'_>) -> bool {
    update.invoke.function == Function::Add
}

fn number_written(update: &Operation<'_>) -> Option<i64> {
    let value = data(&update.invoke.value);
    value.as_i64().filter(|_| !is_add(update))
}

/// The elements that a read of a set brings.
fn elements_read<'a>(read: &Operation<'a>) -> Option<&'a [Json]> {
    listed(data(&read.end?.value))
}

fn number_read(read: &Operation<'_>) -> Option<i64> {
    data(&read.end?.value).as_i64()
}

fn data(value: &Value) -> &Json {
    match value {
        Value::Data(json) => json,
        _ => &Json::Null,
    }
}

/// An element of a set. Numbers are what most sets are made of, and are told apart without their
/// text.
#[derive(PartialEq, Eq, Hash)]
enum Element {
    Whole(i64),
    Text(String),
}

impl Element {
    fn of(json: &Json) -> Self {
        let whole = json.as_i64().map(Self::Whole);
        whole.unwrap_or_else(|| Self::Text(json.to_string()))
    }
}

/// The elements that every read must bring from now on, but for those that were missed already.
#[derive(Default)]
struct Expected(FxHashMap<Element, Added>);

/// Who added an element.
#[derive(Default)]
struct Added {
    /// The ends of the adds.
    returned: Vec<u64>,
    /// The number of the last read that brought it.
    brought_by: Option<usize>,
}

impl Expected {
    fn enter(&mut self, add: &Operation<'_>) {
        let added = self.0.entry(Element::of(data(&add.invoke.value)));
        added.or_default().returned.push(add.returned());
    }

    /// The ends of the adds of whatever a read does not bring, which is not expected any more. That
    /// takes no longer than what is brought and what is missed are long.
    fn missed_by(&mut self, read: usize, present: &[Json]) -> Vec<u64> {
        let mut brought = 0;
        for json in present {
            if let Some(added) = self.0.get_mut(&Element::of(json)) {
                brought += usize::from(added.brought_by != Some(read));
                added.brought_by = Some(read);
            }
        }
        if brought == self.0.len() {
            return Vec::new();
        }
        let missed = self.0.extract_if(|_, added| added.brought_by != Some(read));
        let missed = missed.flat_map(|(_, added)| added.returned).collect();
        // Who looks through a map looks at the room for what it held, too.
        self.0.shrink_to(2 * self.0.len());
        missed
    }
}

trait Returned {
    fn returned(&self) -> u64;
}

impl Returned for Operation<'_> {
    /// The index of the end.
    fn returned(&self) -> u64 {
        self.end.map_or(self.invoke.index, |end| end.index)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use history::{Draft, History, HistoryBuilder, Process, Value};
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::search::Limits;
    use crate::search::properties::{SET, cases, for_histories};
    use crate::{Scope, Verdict, judge};

    fn verdict(steps: &[(Function, Json)]) -> Verdict {
        let mut builder = HistoryBuilder::default();
        for (function, value) in steps {
            let draft = |kind| {
                Draft::new(Process::Client(0), kind, function.clone())
                    .on("r")
                    .with(Value::data(value.clone()))
            };
            builder.push(0, draft(Kind::Invoke)).expect("well-formed");
            builder.push(0, draft(Kind::Ok)).expect("well-formed");
        }
        judge(
            &builder.finish(),
            &Scope::default(),
            Limits::none(),
            &[Box::new(NoLostUpdate)],
        )[0]
        .verdict
    }

    /// Every add against every read that began after it.
    fn missing_by_pairs(history: &History) -> Vec<Vec<u64>> {
        let done = |function: Function| {
            let done = history.operations();
            done.filter(move |one| one.outcome() == Kind::Ok && one.invoke.function == function)
        };
        let element = |json: &Json| json.to_string();
        let lost_by = |add: &Operation<'_>, read: &Operation<'_>| {
            let added = element(data(&add.invoke.value));
            let is_missed = |present: &[Json]| present.iter().all(|json| element(json) != added);
            add.returned() < read.invoke.index && elements_read(read).is_some_and(is_missed)
        };
        let first_lost = |add: Operation<'_>| {
            let reads = done(Function::Read);
            let missing = reads.filter(|read| lost_by(&add, read));
            let first = missing.min_by_key(|read| read.invoke.index)?;
            Some(vec![add.returned(), first.returned()])
        };
        let mut lost: Vec<_> = done(Function::Add).filter_map(first_lost).collect();
        lost.sort();
        lost
    }

    #[test]
    fn what_is_missed_is_what_every_pair_shows() {
        let lost = Cell::new(0);
        for_histories(SET, |history| {
            let guarantees: [Box<dyn Guarantee>; 1] = [Box::new(NoLostUpdate)];
            let found = judge(history, &Scope::default(), Limits::none(), &guarantees).remove(0);
            let found: Vec<_> = found
                .violations
                .into_iter()
                .map(|found| found.witness)
                .collect();
            assert_eq!(found, missing_by_pairs(history));
            lost.set(lost.get() + found.len());
        });
        assert!(lost.get() > cases() as usize / 100, "{lost:?}");
    }

    #[test]
    fn a_set_keeps_its_elements() {
        let (add, read) = (Function::Add, Function::Read);
        assert_eq!(
            verdict(&[
                (add.clone(), json!(1)),
                (add.clone(), json!(2)),
                (read.clone(), json!([2, 1]))
            ]),
            Verdict::Valid
        );
        assert_eq!(
            verdict(&[
                (add.clone(), json!(1)),
                (add.clone(), json!(2)),
                (read.clone(), json!([2]))
            ]),
            Verdict::Violated
        );
        assert_eq!(
            verdict(&[(add.clone(), json!(1)), (read, json!([1])), (add, json!(2))]),
            Verdict::Unknown
        );
    }

    #[test]
    fn a_counter_counts() {
        let (write, read) = (Function::Write, Function::Read);
        assert_eq!(
            verdict(&[
                (write.clone(), json!(1)),
                (write.clone(), json!(2)),
                (read.clone(), json!(2))
            ]),
            Verdict::Valid
        );
        assert_eq!(
            verdict(&[
                (write.clone(), json!(1)),
                (write.clone(), json!(1)),
                (read.clone(), json!(1))
            ]),
            Verdict::Violated
        );
        assert_eq!(
            verdict(&[(write.clone(), json!(2)), (read, json!(1))]),
            Verdict::Violated
        );
        assert_eq!(verdict(&[]), Verdict::Unknown);
    }

    #[test]
    fn what_shows_nothing_proves_nothing() {
        let (add, write, read) = (Function::Add, Function::Write, Function::Read);
        for (update, shown) in [
            ((add.clone(), json!(1)), Json::Null),
            ((add.clone(), json!(1)), json!(1)),
            ((write.clone(), json!(1)), Json::Null),
            ((write.clone(), json!(1)), json!([1])),
            ((write, json!("one")), json!(1)),
        ] {
            assert_eq!(verdict(&[update, (read.clone(), shown)]), Verdict::Unknown);
        }
        let tagged = json!(["~#set", [null, 1]]);
        let adds = [(add.clone(), Json::Null), (add, json!(1)), (read, tagged)];
        assert_eq!(verdict(&adds), Verdict::Valid);
    }
}
