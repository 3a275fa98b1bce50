//! A way to use locks, and what it needs of them.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;

use crate::{Client, Params};

/// A way to use locks, and the guarantees that it puts in question.
pub trait Workload: Send + Sync {
    /// The name on the command line.
    fn name(&self) -> &'static str;

    /// What its clients do, in one line.
    fn summary(&self) -> &'static str;

    /// The lock that is taken if none is named.
    fn default_lock(&self) -> &'static str;

    /// The guarantees that a report on such a run shows, by name; what a lock promises is judged,
    /// the rest is shown.
    fn questions(&self) -> &'static [&'static str];

    /// The promises that a run can put to the test, by the names of their guarantees without
    /// bounds; a lock's other promises are left out of the verdict.
    fn judges(&self) -> &'static [&'static str];

    /// What a lock must offer.
    fn needs(&self) -> Needs {
        Needs::Nothing
    }

    /// How many workers there are if nobody says.
    fn concurrency(&self) -> u32 {
        5
    }

    /// How many slots a lock has if nobody says.
    fn slots(&self) -> u32 {
        1
    }

    /// How many slots a lock that begins with so many ever has.
    fn most_slots(&self, slots: u32) -> u32 {
        slots
    }

    /// The longest that a holder says nothing to its lock: until it verifies, or gives it back.
    fn longest_silence(&self, params: &Params) -> Duration {
        params.verify_every.min(2 * params.hold)
    }

    /// The clients that the workers drive, one for each of the streams `randoms`.
    fn crew(&self, params: &Params, randoms: Vec<ChaCha8Rng>) -> Vec<Box<dyn Client>>;
}

/// What a workload needs of a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// That it can be acquired, verified and released.
    Nothing,
    /// Slots.
    Slots,
    /// Slots that administrators add and remove; the workload creates the lock itself.
    Administration,
    /// Fencing tokens, which the guarded resource asks for.
    Tokens,
}
