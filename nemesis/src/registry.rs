//! The registry of faults.

use crate::Fault;
use crate::faults::{
    BrokerPause, Crash, Cut, Freeze, Partition, PartitionDownstream, PartitionUpstream, Pause,
    Restart,
};

/// Every fault.
pub const ALL: &[&dyn Fault] = &[
    &Partition,
    &PartitionUpstream,
    &PartitionDownstream,
    &Cut,
    &Pause,
    &Freeze,
    &Crash,
    &Restart,
    &BrokerPause,
];

/// The fault with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Fault> {
    ALL.iter().copied().find(|fault| fault.name() == name)
}
