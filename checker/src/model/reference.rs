//! The interface of a model.

use std::fmt::Debug;
use std::hash::Hash;

use history::{Function, Operation};

use crate::search::{Budget, Decision, explore};

/// A reference object: what one thing under test, used by one operation after the other, would do.
pub trait Reference: Send + Sync {
    /// What the object remembers.
    type State: Clone + Eq + Hash + Debug;
    /// What one operation asks and what was answered. Two operations with equal calls are
    /// interchangeable to the object.
    type Call: Clone + Eq + Hash + Debug;

    /// Whether the object has this operation.
    fn knows(&self, function: &Function) -> bool;

    /// What an operation means to the object; nothing if it constrains nothing and changes nothing.
    ///
    /// It is asked only for operations that the object [knows](Self::knows) and that took effect,
    /// may have, or were refused by the server. An operation that may have taken effect has no
    /// answer to hold the object to.
    ///
    /// # Errors
    /// What is wrong with the operation's value.
    fn call(&self, operation: &Operation<'_>) -> Result<Option<Self::Call>, Unsuitable>;

    /// The state in the beginning.
    fn initial(&self) -> Self::State;

    /// The state after the call, if the call can be answered like that in this state.
    fn step(&self, state: &Self::State, call: &Self::Call) -> Option<Self::State>;

    /// Whether the call leaves every state as it is. It is safe to say no; saying yes makes the
    /// search faster.
    fn observes(&self, call: &Self::Call) -> bool {
        let _ = call;
        false
    }

    /// The states that the object may fall into by itself. From no state may this lead back to the
    /// same state.
    fn revocations(&self, state: &Self::State) -> Vec<(Revocation, Self::State)> {
        let _ = state;
        Vec::new()
    }

    /// About how many bytes a state takes, for the search's bound.
    fn state_bytes(&self, state: &Self::State) -> usize {
        size_of_val(state)
    }
}

/// The silent end of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Revocation {
    /// Whose hold; nobody's in particular where the model has no owners or the holder's acquire
    /// ended in `info`.
    pub process: Option<u32>,
}

/// An operation that a model cannot make sense of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {function} invoked at index {index} does not fit the model: {problem}")]
pub struct Unsuitable {
    /// Of the invocation.
    pub index: u64,
    /// What was done.
    pub function: Function,
    /// Why it does not fit, with the remedy.
    pub problem: &'static str,
}

impl Unsuitable {
    /// The operation does not fit because of `problem`.
    #[must_use]
    pub fn new(operation: &Operation<'_>, problem: &'static str) -> Self {
        let invoke = operation.invoke;
        Self {
            index: invoke.index,
            function: invoke.function.clone(),
            problem,
        }
    }
}

/// Any [`Reference`], its types forgotten: what can be chosen by name.
pub trait Model: Send + Sync {
    /// Whether the object has this operation.
    fn knows(&self, function: &Function) -> bool;

    /// Searches for an order of the operations of one key that the object could have gone through.
    fn explore(&self, operations: &[Operation<'_>], budget: &Budget<'_>) -> Decision;
}

impl<R: Reference> Model for R {
    fn knows(&self, function: &Function) -> bool {
        Reference::knows(self, function)
    }

    fn explore(&self, operations: &[Operation<'_>], budget: &Budget<'_>) -> Decision {
        explore(self, operations, budget)
    }
}
