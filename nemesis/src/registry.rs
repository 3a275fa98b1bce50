//! The registry of faults.

use crate::Fault;
use crate::faults::{
    BrokerPause, ClockJump, CloseConnections, Crash, Cut, CutAfter, DeleteQueue, DiskAlarm,
    ExpirePolicy, Flap, Freeze, Grow, HoldAfter, Kill, KillNode, LeaveJoin, Limit, MemoryAlarm,
    Partition, PartitionDownstream, PartitionUpstream, Pause, PauseNode, PurgeQueue, Restart,
    Shrink, Silence, Slow, Split, Trickle, Wedge,
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
    &Split,
    &KillNode,
    &PauseNode,
    &LeaveJoin,
    &Grow,
    &Shrink,
];

/// The fault with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Fault> {
    ALL.iter().copied().find(|fault| fault.name() == name)
}
