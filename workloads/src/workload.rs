//! The registry of workloads.

use rand_chacha::ChaCha8Rng;

use crate::mutex::Mutex;
use crate::{Client, Params};

/// A way to use locks, and the guarantees that it puts in question.
pub trait Workload: Send + Sync {
    /// The name on the command line.
    fn name(&self) -> &'static str;

    /// What its clients do, in one line.
    fn summary(&self) -> &'static str;

    /// The lock that is taken if none is named.
    fn default_lock(&self) -> &'static str;

    /// The guarantees that a report on such a run shows, by name; what a lock promises is judged, the rest is shown.
    fn questions(&self) -> &'static [&'static str];

    /// The client that one worker drives; `random` is that worker's own stream.
    fn client(&self, params: &Params, random: ChaCha8Rng) -> Box<dyn Client>;
}

/// Every workload.
pub const ALL: &[&dyn Workload] = &[&Mutex];

/// The workload with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Workload> {
    ALL.iter().copied().find(|workload| workload.name() == name)
}
