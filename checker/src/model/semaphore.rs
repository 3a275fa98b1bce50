//! A counting semaphore without owners.

use history::{Function, Operation};

use super::named_model::{NamedModel, counted};
use super::{Act, Lock, PermitCall, Reference, Revocable, Revocation, Unsuitable, lock};

/// At most `permits` are granted at a time; whoever asks may give some back.
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
    type Call = PermitCall<Act>;

    fn knows(&self, function: &Function) -> bool {
        lock::knows(function)
    }

    fn call(&self, operation: &Operation<'_>) -> Result<Option<PermitCall<Act>>, Unsuitable> {
        Ok(lock::permit_act(operation))
    }

    fn initial(&self) -> u32 {
        0
    }

    fn observes(&self, call: &Self::Call) -> bool {
        call.call.observes()
    }

    fn step(&self, &held: &u32, &PermitCall { call, permits }: &Self::Call) -> Option<u32> {
        let free = self.permits - held;
        match call {
            Act::Acquire { .. } => (permits <= free).then(|| held + permits),
            Act::Release => held.checked_sub(permits),
            Act::Busy { .. } => (permits > free).then_some(held),
            Act::NotReleased => (permits > held).then_some(held),
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
    fn counts_the_permits_of_each_operation() {
        accepts(
            "semaphore:3",
            "0 acquire 2; 0 ok; 1 acquire 2; 1 refused; 1 acquire; 1 ok 1; 0 release 3; 0 ok",
        );
        accepts(
            "semaphore:2",
            "0 acquire; 0 ok; 1 acquire 2; 1 info; 0 release 2; 0 refused",
        );
        rejects("semaphore:3", "0 acquire 2; 0 ok; 1 acquire; 1 ok 2");
        rejects("semaphore:3", "0 acquire 4; 0 ok");
        rejects("semaphore:3", "0 acquire; 0 ok; 1 acquire 2; 1 refused 2");
        rejects("semaphore:3", "0 acquire 2; 0 ok; 0 release 2; 0 refused");
        rejects("semaphore:3", "0 acquire 2; 0 ok; 0 release 3; 0 ok");
    }

    #[test]
    fn a_service_takes_permits_back_one_by_one() {
        accepts(
            "revocable-semaphore:3",
            "0 acquire 3; 0 ok; 1 acquire 2; 1 ok; 0 release; 0 ok",
        );
        rejects(
            "revocable-semaphore:3",
            "0 acquire 3; 0 ok; 1 acquire 2; 1 ok; 0 release 2; 0 ok; 1 release 2; 1 ok",
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
