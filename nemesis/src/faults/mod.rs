//! The faults, one a file.

mod cut;
mod partition;

pub(crate) use cut::Cut;
pub(crate) use partition::Partition;
