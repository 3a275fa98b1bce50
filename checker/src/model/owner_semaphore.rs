//! A counting semaphore that counts for each holder.

use std::collections::BTreeMap;

use history::{Function, Operation};

use super::named_model::{NamedModel, counted};
use super::{
    Act, Lock, LockCall, Owner, PermitCall, Reference, Revocable, Revocation, Unsuitable, lock,
};

/// At most `permits` are granted at a time; only a holder can give some back.
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
    type Call = PermitCall<LockCall>;

    fn knows(&self, function: &Function) -> bool {
        lock::knows(function)
    }

    fn call(&self, operation: &Operation<'_>) -> Result<Option<Self::Call>, Unsuitable> {
        Ok(lock::permit_call(operation))
    }

    fn initial(&self) -> Holders {
        Holders::new()
    }

    fn observes(&self, call: &Self::Call) -> bool {
        call.call.act.observes()
    }

    fn step(&self, holders: &Holders, call: &Self::Call) -> Option<Holders> {
        let PermitCall {
            call: LockCall { owner, act },
            permits,
        } = *call;
        let free = self.permits - holders.values().sum::<u32>();
        let own = holders.get(&owner).copied().unwrap_or(0);
        match act {
            Act::Acquire { .. } => (permits <= free).then(|| with_more(holders, owner, permits)),
            Act::Release => (permits <= own).then(|| with_fewer(holders, owner, permits)),
            Act::Busy { .. } => (permits > free).then(|| holders.clone()),
            Act::NotReleased => (permits > own).then(|| holders.clone()),
            Act::Held => (own > 0).then(|| holders.clone()),
            Act::Lost => (own == 0).then(|| holders.clone()),
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

/// The holders, and so many more permits to the owner.
pub(super) fn with_more(holders: &Holders, owner: Owner, permits: u32) -> Holders {
    let mut more = holders.clone();
    *more.entry(owner).or_default() += permits;
    more
}

/// The holders, and so many permits less to the owner, who has as many.
pub(super) fn with_fewer(holders: &Holders, owner: Owner, permits: u32) -> Holders {
    let mut fewer = holders.clone();
    fewer.entry(owner).and_modify(|count| *count -= permits);
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
            with_fewer(holders, *owner, 1),
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
    fn counts_the_permits_of_each_operation() {
        accepts(
            "owner-semaphore:3",
            "0 acquire 2; 0 ok; 1 acquire 2; 1 refused; 0 release 1; 0 ok; 1 acquire 2; 1 ok; 1 release 3; 1 refused",
        );
        rejects("owner-semaphore:3", "0 acquire 2; 0 ok; 1 acquire 2; 1 ok");
        rejects(
            "owner-semaphore:3",
            "0 acquire 2; 0 ok; 1 acquire; 1 ok; 0 release 3; 0 ok",
        );
        rejects(
            "owner-semaphore:3",
            "0 acquire 2; 0 ok; 0 release 2; 0 refused",
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
