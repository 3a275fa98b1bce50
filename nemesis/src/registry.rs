//! The registry of faults.

use crate::Fault;
use crate::faults::{
    BrokerPause, ClockJump, CloseConnections, Crash, Cut, CutAfter, DeleteQueue, DiskAlarm,
    ExpirePolicy, Flap, Freeze, HoldAfter, Kill, Limit, MemoryAlarm, Partition,
    PartitionDownstream, PartitionUpstream, Pause, PurgeQueue, Restart, Silence, Slow, Trickle,
    Wedge,
};

/// Every fault.
pub const ALL: &[&dyn Fault] = &[
    &Partition,
    &PartitionUpstream,
    &PartitionDownstream,
    &Cut,
    &Flap,
    &Slow,
    &Trickle,
    &Limit,
    &CutAfter,
    &HoldAfter,
    &Silence,
    &Pause,
    &Wedge,
    &Freeze,
    &Crash,
    &Kill,
    &Restart,
    &BrokerPause,
    &CloseConnections,
    &MemoryAlarm,
    &DiskAlarm,
    &DeleteQueue,
    &PurgeQueue,
    &ExpirePolicy,
    &ClockJump,
];

/// The fault with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Fault> {
    ALL.iter().copied().find(|fault| fault.name() == name)
}
