//! One worker's side of a workload: a step at a time.

use std::sync::Arc;
use std::time::Duration;

use history::{Function, Value};

/// What a worker does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Let time pass; a loss notification cuts it short.
    Wait(Duration),
    /// Let time pass until so long after the run began; a loss notification cuts it
    /// short.
    Until(Duration),
    /// Let time pass in which the client does something else than listen: a loss
    /// notification is heard
    /// afterwards.
    Work(Duration),
    /// The same until so long after the run began.
    WorkUntil(Duration),
    /// Wait for the other workers, so that all go on at the same instant.
    Gather,
    /// Do an operation on a key.
    Invoke(Function, Arc<str>),
    /// Do an operation on a key, with what its invocation says: the slots to make, the number to
    /// write.
    InvokeWith(Function, Arc<str>, Value),
    /// Nothing is left to do.
    Done,
}

/// What became of a client's last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feedback {
    /// There was none before, or it was a wait that ended by itself.
    Ready,
    /// The operation took effect; a verify said that the lock is held.
    Ok,
    /// The operation did not take effect.
    Fail,
    /// The lock is lost: a verify or a loss notification said so, or the session is gone. The
    /// client holds nothing and goes on in a new session if need be.
    Lost,
}

/// Decides, step by step, what one worker does.
pub trait Client: Send {
    /// The next step, given what became of the last one.
    fn next(&mut self, last: Feedback) -> Step;

    /// What an operation that took effect brought, before [`next`](Self::next) is told that it did:
    /// a grant, slots, what was read.
    fn told(&mut self, value: &Value) {
        let _ = value;
    }

    /// The run's time is up: from now on the steps give back what is held, then have every key
    /// granted once more, then are [`Step::Done`].
    fn finish(&mut self);
}
