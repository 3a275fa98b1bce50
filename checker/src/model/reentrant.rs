//! A mutex that its holder may take again.

use history::{Function, Operation};

use super::named_model::{NamedModel, counted};
use super::{Act, Lock, LockCall, Owner, Reference, Revocable, Revocation, Unsuitable, lock};

/// Free, or held up to `limit` times by one owner.
#[derive(Clone, Copy, Debug)]
pub struct Reentrant {
    /// At least one.
    pub limit: u32,
}

pub(super) const MODEL: NamedModel = NamedModel {
    pattern: "reentrant:N",
    meaning: "a mutex that its holder may take up to N times",
    make: |argument| counted(argument, |limit| Reentrant { limit }),
    make_revocable: Some(|argument| counted(argument, |limit| Revocable(Reentrant { limit }))),
};

/// The holder and how many times it holds.
pub(super) type Count = (Owner, u32);

impl Reference for Reentrant {
    type State = Option<Count>;
    type Call = LockCall;

    fn knows(&self, function: &Function) -> bool {
        lock::knows(function)
    }

    fn call(&self, operation: &Operation<'_>) -> Result<Option<LockCall>, Unsuitable> {
        lock::call(operation)
    }

    fn initial(&self) -> Option<Count> {
        None
    }

    fn observes(&self, call: &Self::Call) -> bool {
        call.act.observes()
    }

    fn step(&self, held: &Option<Count>, call: &LockCall) -> Option<Option<Count>> {
        let own = held.is_some_and(|(holder, _)| holder == call.owner);
        match call.act {
            Act::Acquire { .. } => self.granted(*held, call.owner).map(Some),
            Act::Release => own.then(|| held.and_then(once_less)),
            Act::Busy { .. } => self.granted(*held, call.owner).is_none().then_some(*held),
            Act::Held => own.then_some(*held),
            Act::Lost | Act::NotReleased => (!own).then_some(*held),
        }
    }
}

impl Reentrant {
    /// A retired process holds once at most: how often does not matter, for it never releases.
    pub(super) fn granted(self, held: Option<Count>, owner: Owner) -> Option<Count> {
        match held {
            None => Some((owner, 1)),
            Some((holder, count))
                if holder == owner && owner != Owner::Retired && count < self.limit =>
            {
                Some((owner, count + 1))
            }
            Some(_) => None,
        }
    }
}

/// What is left after one release.
pub(super) fn once_less((owner, count): Count) -> Option<Count> {
    (count > 1).then_some((owner, count - 1))
}

impl Lock for Reentrant {
    fn without_one_hold(&self, held: &Option<Count>) -> Vec<(Revocation, Option<Count>)> {
        let revoke = |count: Count| {
            (
                Revocation {
                    process: count.0.process(),
                },
                once_less(count),
            )
        };
        held.map(revoke).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::model::testing::{accepts, rejects, steps};

    use super::*;

    #[test]
    fn models() {
        let twice = Reentrant { limit: 2 };
        let states = steps(
            &twice,
            "0 acquire; 0 ok; 0 acquire; 0 ok; 0 acquire; 0 refused; 0 release; 0 ok",
        );
        let held = |count| Some(Some((Owner::Process(0), count)));
        assert_eq!(states, [held(1), held(2), held(2), held(1)]);
        assert_eq!(
            steps(&twice, "0 acquire; 0 ok; 1 acquire; 1 ok"),
            [held(1), None]
        );
    }

    #[test]
    fn accepts_the_holder_again() {
        accepts(
            "reentrant:2",
            "0 acquire; 0 ok; 0 acquire; 0 ok; 0 release; 0 ok; 0 release; 0 ok; 1 acquire; 1 ok",
        );
        accepts(
            "reentrant:2",
            "0 acquire; 0 ok; 0 acquire; 0 info; 1 acquire; 1 refused",
        );
        accepts(
            "reentrant:2",
            "0 acquire; 0 ok; 0 release; 0 info; 1 acquire; 1 ok",
        );
    }

    #[test]
    fn rejects_others_and_too_many() {
        rejects(
            "reentrant:2",
            "0 acquire; 0 ok; 0 acquire; 0 ok; 0 acquire; 0 ok",
        );
        rejects(
            "reentrant:2",
            "0 acquire; 0 ok; 0 acquire; 0 ok; 0 release; 0 ok; 1 acquire; 1 ok",
        );
        rejects("reentrant:2", "0 acquire; 0 ok; 0 acquire; 0 refused");
        rejects(
            "reentrant:2",
            "0 acquire; 0 ok; 0 acquire; 0 info; 1 acquire; 1 ok",
        );
    }
}
