//! The search over the keys of a history.

use std::collections::BTreeMap;
use std::sync::Arc;

use history::{History, Operation};
use rayon::prelude::*;

use super::{Budget, Decision, Limits, Reason};
use crate::model::Model;

/// The answer for one key.
#[derive(Clone, Debug)]
pub struct KeyDecision {
    /// The lock or resource.
    pub key: Option<Arc<str>>,
    /// What the search found.
    pub decision: Decision,
}

/// Whether the operations of one key, in the order of their invocations, are linearizable under the
/// model.
#[must_use]
pub fn search(model: &dyn Model, operations: &[Operation<'_>], limits: &Limits<'_>) -> Decision {
    judge(model, operations, &Budget::new(*limits))
}

/// Whether a history is linearizable under the model, key by key: each key is an object of its own.
///
/// Keys on which only operations were done that the model does not have (a resource beside its
/// lock) are left out. If that leaves nothing of a history with operations, there is one answer,
/// unknown.
#[must_use]
pub fn linearizable(model: &dyn Model, history: &History, limits: &Limits<'_>) -> Vec<KeyDecision> {
    let keys = by_key(history);
    let budget = Budget::new(*limits);
    let decisions: Vec<_> = keys
        .par_iter()
        .filter(|(_, operations)| {
            operations
                .iter()
                .any(|operation| model.knows(&operation.invoke.function))
        })
        .map(|(key, operations)| KeyDecision {
            key: key.clone(),
            decision: judge(model, operations, &budget),
        })
        .collect();
    match history.operations().next() {
        Some(operation) if decisions.is_empty() => vec![foreign(&operation)],
        _ => decisions,
    }
}

fn by_key(history: &History) -> BTreeMap<Option<Arc<str>>, Vec<Operation<'_>>> {
    let mut keys: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for operation in history.operations() {
        keys.entry(operation.invoke.key.clone())
            .or_default()
            .push(operation);
    }
    keys
}

fn judge(model: &dyn Model, operations: &[Operation<'_>], budget: &Budget<'_>) -> Decision {
    match operations
        .iter()
        .find(|operation| !model.knows(&operation.invoke.function))
    {
        Some(operation) => foreign(operation).decision,
        None => model.explore(operations, budget),
    }
}

fn foreign(operation: &Operation<'_>) -> KeyDecision {
    let function = operation.invoke.function.clone();
    KeyDecision {
        key: operation.invoke.key.clone(),
        decision: Decision::Unknown(Reason::UnknownOperation { function }),
    }
}
