//! Locks whose service may take a hold back without a word: session loss.

use history::{Function, Operation};

use super::{Reference, Revocation, Unsuitable};

/// A model whose states contain holds.
pub trait Lock: Reference {
    /// Every state that lacks one of the holds of this one.
    fn without_one_hold(&self, state: &Self::State) -> Vec<(Revocation, Self::State)>;
}

/// A lock that may end each hold silently at any moment from its grant on, so for the observer from
/// the acquire's invocation on.
#[derive(Clone, Copy, Debug)]
pub struct Revocable<L>(pub L);

impl<L: Lock> Reference for Revocable<L> {
    type State = L::State;
    type Call = L::Call;

    fn knows(&self, function: &Function) -> bool {
        self.0.knows(function)
    }

    fn call(&self, operation: &Operation<'_>) -> Result<Option<Self::Call>, Unsuitable> {
        self.0.call(operation)
    }

    fn initial(&self) -> Self::State {
        self.0.initial()
    }

    fn observes(&self, call: &Self::Call) -> bool {
        self.0.observes(call)
    }

    fn step(&self, state: &Self::State, call: &Self::Call) -> Option<Self::State> {
        self.0.step(state, call)
    }

    fn revocations(&self, state: &Self::State) -> Vec<(Revocation, Self::State)> {
        self.0.without_one_hold(state)
    }

    fn state_bytes(&self, state: &Self::State) -> usize {
        self.0.state_bytes(state)
    }
}

#[cfg(test)]
mod tests {
    use crate::model::testing::{accepts, rejects};

    const REVOKED: &str =
        "0 acquire; 0 ok; 1 acquire; 1 ok; 0 verify; 0 ok \"lost\"; 1 verify; 1 ok \"held\"";

    #[test]
    fn models() {
        rejects("owner-mutex", REVOKED);
        accepts("revocable-owner-mutex", REVOKED);
    }

    #[test]
    fn accepts_a_hold_lost_in_the_middle_of_a_grant() {
        accepts(
            "revocable-owner-mutex",
            "0 acquire; 1 acquire; 1 ok; 0 ok; 1 verify; 1 ok \"held\"",
        );
        accepts(
            "revocable-rwlock",
            "0 acquire \"read\"; 0 ok; 1 acquire \"write\"; 1 ok; 1 release; 1 ok",
        );
        accepts(
            "revocable-reentrant:2",
            "0 acquire; 0 ok; 0 acquire; 0 ok; 1 acquire; 1 ok",
        );
        accepts(
            "revocable-fenced",
            "0 acquire; 0 ok {\"token\":1}; 1 acquire; 1 ok {\"token\":2}",
        );
        accepts("revocable-semaphore:1", "0 acquire; 0 ok; 1 acquire; 1 ok");
    }

    #[test]
    fn rejects_an_answer_after_somebody_else_was_granted() {
        rejects(
            "revocable-owner-mutex",
            "0 acquire; 0 ok; 1 acquire; 1 ok; 0 verify; 0 ok \"held\"",
        );
        rejects(
            "revocable-owner-mutex",
            "0 acquire; 0 ok; 1 acquire; 1 ok; 0 release; 0 ok",
        );
        rejects(
            "revocable-fenced",
            "0 acquire; 0 ok {\"token\":2}; 1 acquire; 1 ok {\"token\":1}",
        );
    }
}
