//! What a client knows of the run that it is part of.

use std::path::PathBuf;
use std::time::Duration;

/// What a client knows of the run that it is part of. The locks of this crate do without; a lock
/// that is a program of its own is told all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunContext {
    /// The worker whose client this is, counted from 0.
    pub worker: u32,
    /// How many workers there are.
    pub workers: u32,
    /// The locks that the run is about.
    pub keys: Vec<String>,
    /// How many slots each has.
    pub slots: u32,
    /// How long an operation may take before nobody knows what became of it.
    pub operation_timeout: Duration,
    /// The run's folder, where it has one: for what a program writes beside its answers.
    pub folder: Option<PathBuf>,
}

impl Default for RunContext {
    /// One client that is alone.
    fn default() -> Self {
        Self {
            worker: 0,
            workers: 1,
            keys: Vec::new(),
            slots: 1,
            operation_timeout: Duration::from_secs(5),
            folder: None,
        }
    }
}
