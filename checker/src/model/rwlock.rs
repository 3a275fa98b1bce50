//! A read-write lock.

use history::{Function, Mode, Operation};

use super::named_model::{NamedModel, plain};
use super::owner_semaphore::{Holders, fewer_holders, holders_bytes, with_fewer, with_more};
use super::{Act, Lock, LockCall, Owner, Reference, Revocable, Revocation, Unsuitable, lock};

/// Held by one writer or by any number of readers; only a holder can release.
#[derive(Clone, Copy, Debug)]
pub struct RwLock;

pub(super) const MODEL: NamedModel = NamedModel {
    pattern: "rwlock",
    meaning: "a read-write lock: one writer or any number of readers",
    make: |argument| plain(argument, RwLock),
    make_revocable: Some(|argument| plain(argument, Revocable(RwLock))),
};

/// Who holds the lock, and how.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Held {
    /// By readers; by nobody if there are none.
    Read(Holders),
    /// By a writer.
    Write(Owner),
}

impl Held {
    fn by(&self, owner: Owner) -> bool {
        match self {
            Self::Read(readers) => readers.contains_key(&owner),
            Self::Write(writer) => *writer == owner,
        }
    }

    fn granted(&self, owner: Owner, mode: Mode) -> Option<Self> {
        match (self, mode) {
            (Self::Read(readers), Mode::Read) => Some(Self::Read(with_more(readers, owner, 1))),
            (Self::Read(readers), Mode::Write) if readers.is_empty() => Some(Self::Write(owner)),
            _ => None,
        }
    }

    fn released(&self, owner: Owner) -> Self {
        match self {
            Self::Read(readers) => Self::Read(with_fewer(readers, owner, 1)),
            Self::Write(_) => Self::Read(Holders::new()),
        }
    }
}

impl Reference for RwLock {
    type State = Held;
    type Call = LockCall;

    fn knows(&self, function: &Function) -> bool {
        lock::knows(function)
    }

    fn call(&self, operation: &Operation<'_>) -> Result<Option<LockCall>, Unsuitable> {
        lock::call(operation)
    }

    fn initial(&self) -> Held {
        Held::Read(Holders::new())
    }

    fn observes(&self, call: &Self::Call) -> bool {
        call.act.observes()
    }

    fn step(&self, held: &Held, call: &LockCall) -> Option<Held> {
        let own = held.by(call.owner);
        match call.act {
            Act::Acquire { mode, .. } => held.granted(call.owner, mode),
            Act::Release => own.then(|| held.released(call.owner)),
            Act::Busy { mode } => held
                .granted(call.owner, mode)
                .is_none()
                .then(|| held.clone()),
            Act::Held => own.then(|| held.clone()),
            Act::Lost | Act::NotReleased => (!own).then(|| held.clone()),
        }
    }

    fn state_bytes(&self, held: &Held) -> usize {
        match held {
            Held::Read(readers) => size_of::<Held>() + holders_bytes(readers),
            Held::Write(_) => size_of::<Held>(),
        }
    }
}

impl Lock for RwLock {
    fn without_one_hold(&self, held: &Held) -> Vec<(Revocation, Held)> {
        match held {
            Held::Read(readers) => fewer_holders(readers)
                .into_iter()
                .map(|(revocation, fewer)| (revocation, Held::Read(fewer)))
                .collect(),
            Held::Write(writer) => vec![(
                Revocation {
                    process: writer.process(),
                },
                held.released(*writer),
            )],
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::testing::{accepts, rejects, steps};

    use super::*;

    #[test]
    fn models() {
        let states = steps(
            &RwLock,
            "0 acquire \"read\"; 0 ok; 1 acquire \"write\"; 1 refused; 0 release; 0 ok",
        );
        let reading = Some(Held::Read(Holders::from([(Owner::Process(0), 1)])));
        assert_eq!(states, [reading.clone(), reading, Some(RwLock.initial())]);
        let states = steps(&RwLock, "0 acquire; 0 ok; 1 acquire \"read\"; 1 ok");
        assert_eq!(states, [Some(Held::Write(Owner::Process(0))), None]);
    }

    #[test]
    fn accepts_readers_together() {
        accepts(
            "rwlock",
            "0 acquire \"read\"; 0 ok; 1 acquire \"read\"; 1 ok; 2 acquire \"write\"; 2 refused",
        );
        accepts(
            "rwlock",
            "0 acquire \"write\"; 0 ok; 0 release; 1 acquire \"read\"; 1 ok; 0 ok",
        );
        accepts(
            "rwlock",
            "0 acquire \"write\"; 0 ok \"write\"; 1 acquire \"read\"; 1 refused",
        );
    }

    #[test]
    fn rejects_a_writer_beside_anybody() {
        rejects(
            "rwlock",
            "0 acquire \"read\"; 0 ok; 1 acquire \"write\"; 1 ok",
        );
        rejects(
            "rwlock",
            "0 acquire \"write\"; 0 ok; 1 acquire \"read\"; 1 ok",
        );
        rejects(
            "rwlock",
            "0 acquire \"read\"; 0 ok; 1 acquire \"read\"; 1 refused",
        );
        rejects("rwlock", "0 acquire \"read\"; 0 ok; 1 release; 1 ok");
    }
}
