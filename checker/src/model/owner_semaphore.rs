//! A counting semaphore that counts for each holder.

use std::collections::BTreeMap;

use history::{Function, Operation};

use super::named_model::{NamedModel, counted};
use super::{Act, Lock, LockCall, Owner, Reference, Revocable, Revocation, Unsuitable, lock};

/// At most `permits` grants at a time; only a holder can give one back.
#[derive(Clone, Copy, Debug)]
pub struct OwnerSemaphore {
    /// At least one.
    pub permits: u32,
}

/// How many permits each owner has; an owner without any is not there.
pub(super) type Holders = BTreeMap<Owner, u32>;

pub(super) const MODEL: NamedModel = NamedModel {
    pattern: "owner-semaphore:N",
    meaning: "a semaphore of N permits that counts for each holder",
    make: |argument| counted(argument, |permits| OwnerSemaphore { permits }),
    make_revocable: Some(|argument| {
        counted(argument, |permits| Revocable(OwnerSemaphore { permits }))
    }),
};

impl Reference for OwnerSemaphore {
    type State = Holders;
    type Call = LockCall;

    fn knows(&self, function: &Function) -> bool {
        lock::knows(function)
    }

    fn call(&self, operation: &Operation<'_>) -> Result<Option<LockCall>, Unsuitable> {
        Ok(lock::call(operation))
    }

    fn initial(&self) -> Holders {
        Holders::new()
    }

    fn observes(&self, call: &Self::Call) -> bool {
        call.act.observes()
    }

    fn step(&self, holders: &Holders, call: &LockCall) -> Option<Holders> {
        let free = self.permits - holders.values().sum::<u32>();
        let own = holders.contains_key(&call.owner);
        match call.act {
            Act::Acquire { .. } => (free > 0).then(|| with_one(holders, call.owner)),
            Act::Release => own.then(|| without_one(holders, call.owner)),
            Act::Busy { .. } => (free == 0).then(|| holders.clone()),
            Act::Held => own.then(|| holders.clone()),
            Act::Lost | Act::NotReleased => (!own).then(|| holders.clone()),
        }
    }

    fn state_bytes(&self, holders: &Holders) -> usize {
        holders_bytes(holders)
    }
}

impl Lock for OwnerSemaphore {
    fn without_one_hold(&self, holders: &Holders) -> Vec<(Revocation, Holders)> {
        fewer_holders(holders)
    }
}

/// The holders, and one more permit to the owner.
pub(super) fn with_one(holders: &Holders, owner: Owner) -> Holders {
    let mut more = holders.clone();
    *more.entry(owner).or_default() += 1;
    more
}

/// The holders, and one permit less to the owner, who has one.
pub(super) fn without_one(holders: &Holders, owner: Owner) -> Holders {
    let mut fewer = holders.clone();
    fewer.entry(owner).and_modify(|count| *count -= 1);
    fewer.retain(|_, count| *count > 0);
    fewer
}

/// The holders with one permit revoked, in every way.
pub(super) fn fewer_holders(holders: &Holders) -> Vec<(Revocation, Holders)> {
    let revoke = |owner: &Owner| {
        (
            Revocation {
                process: owner.process(),
            },
            without_one(holders, *owner),
        )
    };
    holders.keys().map(revoke).collect()
}

/// About how much memory the holders take: a tree node has room for eleven.
pub(super) fn holders_bytes(holders: &Holders) -> usize {
    size_of_val(holders) + holders.len().div_ceil(6) * 11 * size_of::<(Owner, u32)>()
}

#[cfg(test)]
mod tests {
    use crate::model::testing::{accepts, rejects, steps};

    use super::*;

    #[test]
    fn models() {
        let two = OwnerSemaphore { permits: 2 };
        let states = steps(
            &two,
            "0 acquire; 0 ok; 0 acquire; 0 ok; 1 acquire; 1 refused; 0 release; 0 ok",
        );
        let holding = |count| Some(Holders::from([(Owner::Process(0), count)]));
        assert_eq!(states, [holding(1), holding(2), holding(2), holding(1)]);
        assert_eq!(
            steps(&two, "0 acquire; 0 ok; 1 release; 1 ok"),
            [holding(1), None]
        );
    }

    #[test]
    fn accepts_as_many_as_there_are_permits() {
        accepts(
            "owner-semaphore:2",
            "0 acquire; 0 ok; 0 acquire; 0 ok; 0 release; 0 ok; 1 acquire; 1 ok",
        );
        accepts(
            "owner-semaphore:2",
            "0 acquire; 0 info; 1 acquire; 1 info; 2 acquire; 2 refused",
        );
    }

    #[test]
    fn rejects_one_too_many_and_unowned_releases() {
        rejects(
            "owner-semaphore:2",
            "0 acquire; 0 ok; 1 acquire; 1 ok; 2 acquire; 2 ok",
        );
        rejects("owner-semaphore:2", "0 acquire; 0 ok; 1 release; 1 ok");
        rejects(
            "owner-semaphore:2",
            "0 acquire; 0 ok; 0 verify; 0 ok \"lost\"",
        );
        rejects(
            "owner-semaphore:3",
            "0 acquire; 0 info; 1 acquire; 1 info; 2 acquire; 2 refused",
        );
    }
}
