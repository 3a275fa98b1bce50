//! The oracle of the tests: tries everything, remembers nothing.

use history::{Kind, Operation};

use crate::model::Reference;

/// Whether some order of all operations that must have happened, and of any that may have, respects
/// time and the object.
pub(super) fn linearizable<R: Reference>(object: &R, operations: &[Operation<'_>]) -> bool {
    let open: Vec<_> = operations
        .iter()
        .filter(|operation| matters(operation))
        .collect();
    some_order(object, &object.initial(), &open)
}

fn matters(operation: &Operation<'_>) -> bool {
    operation.outcome() != Kind::Fail || operation.end.is_some_and(|end| end.observed)
}

fn some_order<R: Reference>(object: &R, state: &R::State, open: &[&Operation<'_>]) -> bool {
    if open
        .iter()
        .all(|operation| operation.outcome() == Kind::Info)
    {
        return true;
    }
    let first = open
        .iter()
        .filter(|operation| may_be_first(operation, open));
    let taken = first.map(|operation| {
        let call = object.call(operation).expect("it fits");
        let next = call.map_or_else(|| Some(state.clone()), |call| object.step(state, &call));
        next.is_some_and(|next| some_order(object, &next, &without(open, operation)))
    });
    let revoked = object
        .revocations(state)
        .into_iter()
        .map(|(_, next)| some_order(object, &next, open));
    taken.chain(revoked).any(|found| found)
}

fn may_be_first(operation: &Operation<'_>, open: &[&Operation<'_>]) -> bool {
    let must_be_later = |other: &&&Operation<'_>| {
        other.outcome() != Kind::Info
            && other
                .end
                .is_some_and(|end| end.index < operation.invoke.index)
    };
    !open.iter().any(|other| must_be_later(&other))
}

fn without<'a, 'b>(
    open: &[&'a Operation<'b>],
    operation: &Operation<'_>,
) -> Vec<&'a Operation<'b>> {
    open.iter()
        .filter(|other| other.invoke.index != operation.invoke.index)
        .copied()
        .collect()
}
