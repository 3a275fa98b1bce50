//! A mutex without owners: whoever asks may release it.

use history::{Function, Operation};

use super::named_model::{NamedModel, plain};
use super::{Act, Lock, Reference, Revocable, Revocation, Unsuitable, lock};

/// Held or free.
#[derive(Clone, Copy, Debug)]
pub struct Mutex;

pub(super) const MODEL: NamedModel = NamedModel {
    pattern: "mutex",
    meaning: "a mutex without owners: any process may release it (Knossos' mutex)",
    make: |argument| plain(argument, Mutex),
    make_revocable: Some(|argument| plain(argument, Revocable(Mutex))),
};

impl Reference for Mutex {
    type State = bool;
    type Call = Act;

    fn knows(&self, function: &Function) -> bool {
        lock::knows(function)
    }

    fn call(&self, operation: &Operation<'_>) -> Result<Option<Act>, Unsuitable> {
        lock::act(operation)
    }

    fn initial(&self) -> bool {
        false
    }

    fn observes(&self, call: &Self::Call) -> bool {
        call.observes()
    }

    fn step(&self, &held: &bool, call: &Act) -> Option<bool> {
        match call {
            Act::Acquire { .. } => (!held).then_some(true),
            Act::Release => held.then_some(false),
            Act::Busy { .. } | Act::Held => held.then_some(held),
            Act::NotReleased => (!held).then_some(held),
            // Somebody else may hold it.
            Act::Lost => Some(held),
        }
    }
}

impl Lock for Mutex {
    fn without_one_hold(&self, &held: &bool) -> Vec<(Revocation, bool)> {
        held.then_some((Revocation { process: None }, false))
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
        assert_eq!(
            steps(&Mutex, "0 acquire; 0 ok; 1 release; 1 ok"),
            [Some(true), Some(false)]
        );
        assert_eq!(steps(&Mutex, "1 release; 1 ok"), [None]);
    }

    #[test]
    fn accepts_a_release_by_anybody() {
        accepts(
            "mutex",
            "0 acquire; 0 ok; 1 release; 1 ok; 1 acquire; 1 ok; 0 acquire; 0 refused",
        );
        accepts(
            "mutex",
            "0 acquire; 0 info; 1 release; 1 ok; 1 acquire; 1 ok",
        );
    }

    #[test]
    fn rejects_a_second_grant() {
        rejects("mutex", "0 acquire; 0 ok; 1 acquire; 1 ok");
        rejects("mutex", "0 acquire; 0 refused");
        rejects(
            "mutex",
            "0 acquire; 0 ok; 0 release; 0 fail; 0 acquire; 0 ok",
        );
    }
}
