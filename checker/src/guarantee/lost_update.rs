//! `no-lost-update`: a resource that is written under the lock keeps what was acknowledged.
//!
//! Two kinds of resource are understood. A set: `add` puts an element in, `read` brings all of them
//! as an array. A counter: `write` stores a number that the client made from the one it had read,
//! so that no number is written twice and none that is read is smaller than one acknowledged
//! before. What was acknowledged but never read afterwards leaves the verdict `unknown`; a read of
//! nil shows nothing, nor does a read of the other kind of resource.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use history::{Function, Kind, Operation};

use super::Guarantee;
use super::conclusion::conclude;
use crate::Case;
use crate::finding::{Counts, Finding, Rule, Violation, counted};
use crate::model::cas_register::json;
use crate::model::set::{Elements, element, elements};
use crate::search::Reason;

/// What was written under the lock and acknowledged is read afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoLostUpdate;

impl Guarantee for NoLostUpdate {
    fn name(&self) -> String {
        "no-lost-update".to_owned()
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
            case.limits.go_on()?;
            let lost = resource.lost();
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
    fn lost(&mut self) -> Vec<Vec<u64>> {
        self.updates.sort_by_key(Operation::returned);
        self.reads.sort_by_key(|read| read.invoke.index);
        let mut lost = self.missing();
        lost.extend(self.written_twice());
        lost.extend(self.gone_back());
        lost.sort();
        lost
    }

    /// Elements that a later read of the set does not bring.
    fn missing(&self) -> Vec<Vec<u64>> {
        let adds: Vec<_> = self
            .updates
            .iter()
            .filter(|update| is_add(update))
            .collect();
        let mut reported = BTreeSet::new();
        let mut lost = Vec::new();
        for read in &self.reads {
            let Some(present) = elements_read(read) else {
                continue;
            };
            for add in adds
                .iter()
                .take_while(|add| add.returned() < read.invoke.index)
            {
                let is_present = present.contains(&element(&json(&add.invoke.value)));
                if !is_present && reported.insert(add.invoke.index) {
                    lost.push(vec![add.returned(), read.returned()]);
                }
            }
        }
        lost
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
    let value = json(&update.invoke.value);
    value.as_i64().filter(|_| !is_add(update))
}

fn elements_read(read: &Operation<'_>) -> Option<Elements> {
    elements(&json(&read.end?.value))
}

fn number_read(read: &Operation<'_>) -> Option<i64> {
    json(&read.end?.value).as_i64()
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
    use history::{Draft, HistoryBuilder, Process, Value};
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::search::Limits;
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
