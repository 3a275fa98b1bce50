//! A mutex that only its holder can release.

use history::{Function, Operation};

use super::named_model::{NamedModel, plain};
use super::{Act, Lock, LockCall, Owner, Reference, Revocable, Revocation, Unsuitable, lock};

/// Free, or held by one owner.
#[derive(Clone, Copy, Debug)]
pub struct OwnerMutex;

pub(super) const MODEL: NamedModel = NamedModel {
    pattern: "owner-mutex",
    meaning: "a mutex that only its holder can release",
    make: |argument| plain(argument, OwnerMutex),
    make_revocable: Some(|argument| plain(argument, Revocable(OwnerMutex))),
};

impl Reference for OwnerMutex {
    type State = Option<Owner>;
    type Call = LockCall;

    fn knows(&self, function: &Function) -> bool {
        lock::knows(function)
    }

    fn call(&self, operation: &Operation<'_>) -> Result<Option<LockCall>, Unsuitable> {
        lock::call(operation)
    }

    fn initial(&self) -> Option<Owner> {
        None
    }

    fn observes(&self, call: &Self::Call) -> bool {
        call.act.observes()
    }

    fn step(&self, holder: &Option<Owner>, call: &LockCall) -> Option<Option<Owner>> {
        let own = *holder == Some(call.owner);
        match call.act {
            Act::Acquire { .. } => holder.is_none().then_some(Some(call.owner)),
            Act::Release => own.then_some(None),
            Act::Busy { .. } => holder.is_some().then_some(*holder),
            Act::Held => own.then_some(*holder),
            Act::Lost | Act::NotReleased => (!own).then_some(*holder),
        }
    }
}

impl Lock for OwnerMutex {
    fn without_one_hold(&self, holder: &Option<Owner>) -> Vec<(Revocation, Option<Owner>)> {
        holder
            .map(|owner| {
                (
                    Revocation {
                        process: owner.process(),
                    },
                    None,
                )
            })
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
        let states = steps(
            &OwnerMutex,
            "0 acquire; 0 ok; 1 acquire; 1 refused; 1 release; 1 refused; 0 release; 0 ok",
        );
        let held = Some(Some(Owner::Process(0)));
        assert_eq!(states, [held, held, held, Some(None)]);
        assert_eq!(
            steps(&OwnerMutex, "0 acquire; 0 ok; 1 release; 1 ok"),
            [held, None]
        );
    }

    #[test]
    fn accepts_turns() {
        accepts(
            "owner-mutex",
            "0 acquire; 0 ok; 1 acquire; 0 release; 1 ok; 0 ok; 1 verify; 1 ok \"held\"",
        );
        accepts(
            "owner-mutex",
            "0 acquire; 0 ok; 0 release; 0 info; 1 acquire; 1 ok",
        );
        accepts(
            "owner-mutex",
            "0 acquire; 0 info; 1 acquire; 1 ok; 1 release; 1 ok; 2 acquire; 2 refused",
        );
        accepts("owner-mutex", "0 acquire; 0 fail; 1 verify; 1 ok \"lost\"");
    }

    #[test]
    fn rejects_unowned_releases_and_second_holders() {
        rejects("owner-mutex", "0 acquire; 0 ok; 1 acquire; 1 ok");
        rejects("owner-mutex", "0 acquire; 0 ok; 0 acquire; 0 ok");
        rejects("owner-mutex", "0 acquire; 0 ok; 1 release; 1 ok");
        rejects("owner-mutex", "0 acquire; 0 ok; 0 lost; 0 ok");
        rejects(
            "owner-mutex",
            "0 acquire; 0 info; 1 acquire; 1 refused; 1 acquire; 1 ok",
        );
    }
}
