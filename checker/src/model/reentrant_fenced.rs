//! A mutex that its holder may take again under the same token.

use history::{Function, Operation};

use super::fenced::raised;
use super::named_model::{NamedModel, counted};
use super::reentrant::{Count, once_less};
use super::{Act, Lock, LockCall, Reentrant, Reference, Revocable, Revocation, Unsuitable, lock};

/// A [`Reentrant`] mutex whose known tokens grow from hold to hold, and stay the same within one.
#[derive(Clone, Copy, Debug)]
pub struct ReentrantFenced {
    /// At least one.
    pub limit: u32,
}

pub(super) const MODEL: NamedModel = NamedModel {
    pattern: "reentrant-fenced:N",
    meaning: "a reentrant mutex whose known fencing tokens grow from hold to hold and stay the same within one",
    make: |argument| counted(argument, |limit| ReentrantFenced { limit }),
    make_revocable: Some(|argument| {
        counted(argument, |limit| Revocable(ReentrantFenced { limit }))
    }),
};

/// Who holds the lock how often, under which token (0 = not known yet), and the highest token that
/// was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fence {
    held: Option<Count>,
    current: u64,
    highest: u64,
}

impl Fence {
    fn holding(self, held: Option<Count>) -> Self {
        let current = if held.is_some() { self.current } else { 0 };
        Self {
            held,
            current,
            ..self
        }
    }

    /// A token that is known for the hold already may only come again; otherwise it must be new.
    fn with_token(self, token: u64) -> Option<Self> {
        if token == 0 || token == self.current {
            return Some(self);
        }
        let highest = raised(self.highest, token)?;
        (self.current == 0).then_some(Self {
            current: token,
            highest,
            ..self
        })
    }
}

impl Reference for ReentrantFenced {
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
            held: None,
            current: 0,
            highest: 0,
        }
    }

    fn observes(&self, call: &Self::Call) -> bool {
        call.act.observes()
    }

    fn step(&self, fence: &Fence, call: &LockCall) -> Option<Fence> {
        let held = Reentrant { limit: self.limit }.step(&fence.held, call)?;
        let fence = fence.holding(held);
        match call.act {
            Act::Acquire { token, .. } => fence.with_token(token),
            _ => Some(fence),
        }
    }
}

impl Lock for ReentrantFenced {
    fn without_one_hold(&self, fence: &Fence) -> Vec<(Revocation, Fence)> {
        let revoke = |count: Count| {
            (
                Revocation {
                    process: count.0.process(),
                },
                fence.holding(once_less(count)),
            )
        };
        fence.held.map(revoke).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::model::Owner;
    use crate::model::testing::{accepts, rejects, steps};

    use super::*;

    #[test]
    fn models() {
        let twice = ReentrantFenced { limit: 2 };
        let states = steps(
            &twice,
            "0 acquire; 0 ok; 0 acquire; 0 ok {\"token\":5}; 0 release; 0 ok; 0 release; 0 ok",
        );
        let held = |count, token| {
            Some(Fence {
                held: Some((Owner::Process(0), count)),
                current: token,
                highest: token,
            })
        };
        assert_eq!(
            states,
            [
                held(1, 0),
                held(2, 5),
                held(1, 5),
                Some(Fence {
                    held: None,
                    current: 0,
                    highest: 5
                })
            ]
        );
        assert_eq!(
            steps(
                &twice,
                "0 acquire; 0 ok {\"token\":5}; 0 acquire; 0 ok {\"token\":6}"
            ),
            [held(1, 5), None]
        );
    }

    #[test]
    fn accepts_the_same_token_again() {
        let twice = "0 acquire; 0 ok {\"token\":5}; 0 acquire; 0 ok {\"token\":5}; 0 release; 0 ok; 0 release; 0 ok";
        accepts(
            "reentrant-fenced:2",
            &format!("{twice}; 1 acquire; 1 ok {{\"token\":6}}"),
        );
        accepts(
            "reentrant-fenced:2",
            &format!("{twice}; 1 acquire; 1 ok; 1 acquire; 1 ok {{\"token\":9}}"),
        );
    }

    #[test]
    fn rejects_a_second_token_within_a_hold_and_an_old_one_after() {
        rejects(
            "reentrant-fenced:2",
            "0 acquire; 0 ok {\"token\":5}; 0 acquire; 0 ok {\"token\":6}",
        );
        rejects(
            "reentrant-fenced:2",
            "0 acquire; 0 ok {\"token\":5}; 0 release; 0 ok; 1 acquire; 1 ok {\"token\":5}",
        );
        rejects(
            "reentrant-fenced:2",
            "0 acquire; 0 ok {\"token\":5}; 1 acquire; 1 ok {\"token\":6}",
        );
    }
}
