//! What the first event of a record says of its run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::fault::{Effect, Struck};

/// What a history alone does not show of the run that it records, and what judging it takes: so a
/// bare copy of the file can be judged like the run itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outline {
    /// What the clients did.
    pub workload: String,
    /// The lock, with its options.
    pub lock: String,
    /// How many workers there were; the worker of a process is `process % workers`.
    pub workers: u32,
    /// The greatest number of clients that may hold a lock at one time.
    pub slots: u32,
    /// The heartbeat of connections, in milliseconds.
    pub heartbeat_ms: u64,
    /// The faults that were selected, by name.
    pub faults: Vec<String>,
    /// The effects that were asked of faults in place of those that their classes are due, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub effects: BTreeMap<String, Effect>,
    /// How often faults were to strike whom at the least.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub struck: Struck,
    /// The guarantees that decide the verdict.
    pub guarantees: Vec<String>,
}
