//! The registry of faults.

use async_trait::async_trait;

use crate::faults::{
    Crash, Cut, Freeze, Partition, PartitionDownstream, PartitionUpstream, Pause, Restart,
};
use crate::{System, SystemError, Worker};

/// One way to break the system for a while.
#[async_trait]
pub trait Fault: Send + Sync {
    /// The name on the command line and in histories.
    fn name(&self) -> &'static str;

    /// What it does to its targets, in one line.
    fn summary(&self) -> &'static str;

    /// Whether only a simulation can do it.
    fn is_simulated_only(&self) -> bool {
        false
    }

    /// Whether it strikes all workers, whomever it was aimed at.
    fn strikes_all(&self) -> bool {
        false
    }

    /// Breaks the system for these workers; the fault is in force when this returns.
    async fn inject(&self, system: &dyn System, targets: &[Worker]) -> Result<(), SystemError>;

    /// Takes the fault off again.
    async fn heal(&self, system: &dyn System, targets: &[Worker]) -> Result<(), SystemError> {
        for target in targets {
            system.heal(*target).await?;
        }
        Ok(())
    }
}

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
];

/// The fault with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Fault> {
    ALL.iter().copied().find(|fault| fault.name() == name)
}
