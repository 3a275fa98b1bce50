//! What a run is made of.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use history::Outline;
use locks::Chosen;
use nemesis::{Schedule, System};
use workloads::{Params, Workload};

use crate::clock::Clock;
use crate::goal::Goal;
use crate::seed::Seed;

/// What is decided of a run before it begins.
pub struct Setup<'a> {
    /// What the clients do.
    pub workload: &'static dyn Workload,
    /// The lock they do it to.
    pub lock: Chosen,
    /// In which numbers.
    pub params: &'a Params,
    /// What breaks.
    pub schedule: &'a Schedule,
    /// Decides all chance.
    pub seed: Seed,
    /// How long the workload runs, at the longest.
    pub time_limit: Duration,
    /// What ends that earlier.
    pub goal: Option<Arc<dyn Goal>>,
    /// How long the last phase, in which every lock is granted once more, may take after that.
    pub finish_within: Duration,
    /// How long an operation may take before nobody knows what became of it.
    pub operation_timeout: Duration,
    /// What the record says of the run.
    pub outline: Outline,
}

/// What a testbed offers to a run.
pub struct Stage<'a> {
    /// How each worker reaches the broker: one entry a worker.
    pub clients: Vec<locks::ClientConfig>,
    /// What the nemesis can break.
    pub system: &'a dyn System,
    /// Whose time it is.
    pub clock: Clock,
    /// The run's folder, where it has one.
    pub folder: Option<PathBuf>,
}
