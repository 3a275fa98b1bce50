//! The faults, one a file.

mod broker_pause;
mod crash;
mod cut;
mod freeze;
mod partition;
mod partition_downstream;
mod partition_upstream;
mod pause;
mod restart;

pub(crate) use broker_pause::BrokerPause;
pub(crate) use crash::Crash;
pub(crate) use cut::Cut;
pub(crate) use freeze::Freeze;
pub(crate) use partition::Partition;
pub(crate) use partition_downstream::PartitionDownstream;
pub(crate) use partition_upstream::PartitionUpstream;
pub(crate) use pause::Pause;
pub(crate) use restart::Restart;
