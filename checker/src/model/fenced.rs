//! A mutex whose grants carry growing tokens.

use history::{Function, Operation};

use super::named_model::{NamedModel, plain};
use super::{
    Act, Lock, LockCall, Owner, OwnerMutex, Reference, Revocable, Revocation, Unsuitable, lock,
};

/// An [`OwnerMutex`] whose known tokens grow from grant to grant.
#[derive(Clone, Copy, Debug)]
pub struct Fenced;

pub(super) const MODEL: NamedModel = NamedModel {
    pattern: "fenced",
    meaning: "an owner mutex whose known fencing tokens grow from grant to grant",
    make: |argument| plain(argument, Fenced),
    make_revocable: Some(|argument| plain(argument, Revocable(Fenced))),
};

/// Who holds the lock, and the highest token that was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fence {
    holder: Option<Owner>,
    highest: u64,
}

impl Reference for Fenced {
    type State = Fence;
    type Call = LockCall;

    fn knows(&self, function: &Function) -> bool {
        lock::knows(function)
    }

    fn call(&self, operation: &Operation<'_>) -> Result<Option<LockCall>, Unsuitable> {
        lock::call(operation)
    }

    fn initial(&self) -> Fence {
        Fence {
            holder: None,
            highest: 0,
        }
    }

    fn observes(&self, call: &Self::Call) -> bool {
        call.act.observes()
    }

    fn step(&self, fence: &Fence, call: &LockCall) -> Option<Fence> {
        let holder = OwnerMutex.step(&fence.holder, call)?;
        match call.act {
            Act::Acquire { token, .. } => Some(Fence {
                holder,
                highest: raised(fence.highest, token)?,
            }),
            _ => Some(Fence { holder, ..*fence }),
        }
    }
}

/// The highest token after a grant with this one; nothing if it regressed.
pub(super) fn raised(highest: u64, token: u64) -> Option<u64> {
    if token == 0 {
        Some(highest)
    } else {
        (token > highest).then_some(token)
    }
}

impl Lock for Fenced {
    fn without_one_hold(&self, fence: &Fence) -> Vec<(Revocation, Fence)> {
        let revoke = |owner: Owner| {
            (
                Revocation {
                    process: owner.process(),
                },
                Fence {
                    holder: None,
                    ..*fence
                },
            )
        };
        fence.holder.map(revoke).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::model::testing::{accepts, rejects, steps};

    use super::*;

    #[test]
    fn models() {
        let states = steps(
            &Fenced,
            "0 acquire; 0 ok {\"token\":3}; 0 release; 0 ok; 1 acquire; 1 ok; 1 release; 1 ok",
        );
        let fence = |process: Option<u32>| {
            Some(Fence {
                holder: process.map(Owner::Process),
                highest: 3,
            })
        };
        assert_eq!(
            states,
            [fence(Some(0)), fence(None), fence(Some(1)), fence(None)]
        );
        assert_eq!(
            steps(
                &Fenced,
                "0 acquire; 0 ok {\"token\":3}; 1 acquire; 1 ok {\"token\":4}"
            ),
            [fence(Some(0)), None]
        );
    }

    #[test]
    fn accepts_growing_tokens() {
        accepts(
            "fenced",
            "0 acquire; 0 ok {\"token\":3}; 0 release; 0 ok; 1 acquire; 1 ok {\"token\":7}",
        );
        accepts(
            "fenced",
            "0 acquire; 0 ok {\"token\":3}; 0 release; 0 ok; 1 acquire; 1 ok {\"token\":0}",
        );
    }

    #[test]
    fn rejects_a_fence_that_goes_back() {
        rejects(
            "fenced",
            "0 acquire; 0 ok {\"token\":3}; 0 release; 0 ok; 1 acquire; 1 ok {\"token\":2}",
        );
        rejects(
            "fenced",
            "0 acquire; 0 ok {\"token\":3}; 0 release; 0 ok; 1 acquire; 1 ok {\"token\":3}",
        );
        rejects(
            "fenced",
            "0 acquire; 0 ok {\"token\":3}; 1 acquire; 1 ok {\"token\":4}",
        );
    }
}
