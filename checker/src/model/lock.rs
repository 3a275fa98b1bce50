//! What the operations of a history mean to a lock, the same for every lock model.

use history::{Answer, Function, Kind, Mode, Operation, Process, Value};

use super::Unsuitable;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// A process that may act again.
    Process(u32),
    /// Any process whose acquire ended in `info`. It never acts again, so no later call can tell
    /// one such holder from another: making them equal makes crashed acquires interchangeable.
    Retired,
}

impl Owner {
    /// The process, where it matters which.
    #[must_use]
    pub fn process(self) -> Option<u32> {
        match self {
            Self::Process(number) => Some(number),
            Self::Retired => None,
        }
    }
}

/// What was asked of a lock and answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// The lock was granted, or may have been.
    Acquire {
        /// Shared or alone; locks that are not read-write locks do not look.
        mode: Mode,
        /// The fencing token, 0 if unknown.
        token: u64,
    },
    /// The server refused a grant.
    Busy {
        /// Shared or alone.
        mode: Mode,
    },
    /// The lock was given back, or may have been.
    Release,
    /// The server refused a release.
    NotReleased,
    /// The service said that the asker holds the lock.
    Held,
    /// The service said that the asker does not hold the lock.
    Lost,
}

impl Act {
    /// Whether the lock stays as it is.
    pub(super) fn observes(self) -> bool {
        !matches!(self, Self::Acquire { .. } | Self::Release)
    }
}

/// An act and who asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LockCall {
    /// Who asked.
    pub owner: Owner,
    /// What for, and what was answered.
    pub act: Act,
}

/// A call of a semaphore: several permits may be asked for, granted or given back at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PermitCall<C> {
    /// What was asked and answered.
    pub call: C,
    /// Of how many permits.
    pub permits: u32,
}

/// Whether locks have this operation.
pub(super) fn knows(function: &Function) -> bool {
    matches!(
        function,
        Function::Acquire | Function::Release | Function::Verify | Function::Lost
    )
}

/// What an operation means to a lock without owners.
pub(super) fn act(operation: &Operation<'_>) -> Result<Option<Act>, Unsuitable> {
    one_permit(operation).map(|()| meaning(operation))
}

/// What an operation means to a lock with owners.
pub(super) fn call(operation: &Operation<'_>) -> Result<Option<LockCall>, Unsuitable> {
    one_permit(operation).map(|()| owned(operation))
}

/// What an operation means to a semaphore without owners.
pub(super) fn permit_act(operation: &Operation<'_>) -> Option<PermitCall<Act>> {
    Some(of_permits(operation, meaning(operation)?))
}

/// What an operation means to a semaphore with owners.
pub(super) fn permit_call(operation: &Operation<'_>) -> Option<PermitCall<LockCall>> {
    Some(of_permits(operation, owned(operation)?))
}

fn of_permits<C>(operation: &Operation<'_>, call: C) -> PermitCall<C> {
    PermitCall {
        call,
        permits: operation.permits(),
    }
}

fn one_permit(operation: &Operation<'_>) -> Result<(), Unsuitable> {
    if operation.permits() == 1 {
        Ok(())
    } else {
        Err(Unsuitable::new(
            operation,
            "it is of several permits at once, which only semaphores have",
        ))
    }
}

fn meaning(operation: &Operation<'_>) -> Option<Act> {
    match (&operation.invoke.function, operation.outcome()) {
        (Function::Acquire, Kind::Fail) => Some(Act::Busy {
            mode: mode(operation),
        }),
        (Function::Acquire, _) => Some(Act::Acquire {
            mode: mode(operation),
            token: token(operation),
        }),
        (Function::Release, Kind::Fail) => Some(Act::NotReleased),
        (Function::Release, _) => Some(Act::Release),
        (Function::Verify, Kind::Fail) | (Function::Lost, Kind::Ok) => Some(Act::Lost),
        (Function::Verify, Kind::Ok) => answered(operation),
        _ => None,
    }
}

fn owned(operation: &Operation<'_>) -> Option<LockCall> {
    Some(LockCall {
        owner: owner(operation),
        act: meaning(operation)?,
    })
}

fn owner(operation: &Operation<'_>) -> Owner {
    match operation.process() {
        Process::Client(_)
            if operation.invoke.function == Function::Acquire
                && operation.outcome() == Kind::Info =>
        {
            Owner::Retired
        }
        Process::Client(number) => Owner::Process(number),
        Process::Nemesis | Process::Run => Owner::Retired,
    }
}

fn answered(operation: &Operation<'_>) -> Option<Act> {
    match operation.end?.value {
        Value::Answer(Answer::Held | Answer::Leased(_)) => Some(Act::Held),
        Value::Answer(Answer::Lost) => Some(Act::Lost),
        _ => None,
    }
}

fn token(operation: &Operation<'_>) -> u64 {
    match operation.end.map(|end| &end.value) {
        Some(Value::Grant(grant)) => grant.token,
        _ => 0,
    }
}

/// A lock is asked for alone unless the operation says otherwise.
fn mode(operation: &Operation<'_>) -> Mode {
    match (&operation.invoke.value, operation.end.map(|end| &end.value)) {
        (Value::Mode(mode), _) | (_, Some(Value::Mode(mode))) => *mode,
        _ => Mode::Write,
    }
}
