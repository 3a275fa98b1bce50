//! A counting semaphore without owners.

use history::{Function, Operation};

use super::named_model::{NamedModel, counted};
use super::{Act, Lock, Reference, Revocable, Revocation, Unsuitable, lock};

/// At most `permits` grants at a time; whoever asks may give one back.
#[derive(Clone, Copy, Debug)]
pub struct Semaphore {
    /// At least one.
    pub permits: u32,
}

pub(super) const MODEL: NamedModel = NamedModel {
    pattern: "semaphore:N",
    meaning: "a semaphore of N permits without owners: any process may release one",
    make: |argument| counted(argument, |permits| Semaphore { permits }),
    make_revocable: Some(|argument| counted(argument, |permits| Revocable(Semaphore { permits }))),
};

impl Reference for Semaphore {
    type State = u32;
    type Call = Act;

    fn knows(&self, function: &Function) -> bool {
        lock::knows(function)
    }

    fn call(&self, operation: &Operation<'_>) -> Result<Option<Act>, Unsuitable> {
        Ok(lock::act(operation))
    }

    fn initial(&self) -> u32 {
        0
    }

    fn observes(&self, call: &Self::Call) -> bool {
        call.observes()
    }

    fn step(&self, &held: &u32, call: &Act) -> Option<u32> {
        match call {
            Act::Acquire { .. } => (held < self.permits).then_some(held + 1),
            Act::Release => held.checked_sub(1),
            Act::Busy { .. } => (held == self.permits).then_some(held),
            Act::NotReleased => (held == 0).then_some(held),
            Act::Held => (held > 0).then_some(held),
            // The permits that are out may be others'.
            Act::Lost => Some(held),
        }
    }
}

impl Lock for Semaphore {
    fn without_one_hold(&self, &held: &u32) -> Vec<(Revocation, u32)> {
        held.checked_sub(1)
            .map(|fewer| (Revocation { process: None }, fewer))
            .into_iter()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::model::testing::{accepts, rejects, steps};

    use super::*;

    #[test]
    fn models() {
        let two = Semaphore { permits: 2 };
        let states = steps(
            &two,
            "0 acquire; 0 ok; 1 acquire; 1 ok; 2 acquire; 2 refused; 2 release; 2 ok",
        );
        assert_eq!(states, [Some(1), Some(2), Some(2), Some(1)]);
        assert_eq!(steps(&two, "0 release; 0 ok"), [None]);
    }

    #[test]
    fn accepts_as_many_as_there_are_permits() {
        accepts(
            "semaphore:2",
            "0 acquire; 0 ok; 1 acquire; 1 ok; 2 acquire; 2 refused",
        );
        accepts(
            "semaphore:2",
            "0 acquire; 0 info; 1 acquire; 1 ok; 2 acquire; 2 refused",
        );
    }

    #[test]
    fn rejects_one_too_many() {
        rejects(
            "semaphore:2",
            "0 acquire; 0 ok; 1 acquire; 1 ok; 2 acquire; 2 ok",
        );
        rejects("semaphore:2", "0 acquire; 0 ok; 1 acquire; 1 refused");
    }
}
