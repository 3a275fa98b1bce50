//! The registry of workloads.

use crate::Workload;
use crate::guarded::Guarded;
use crate::mutex::Mutex;
use crate::resize::Resize;
use crate::semaphore::Semaphore;

/// Every workload.
pub const ALL: &[&dyn Workload] = &[
    &Mutex,
    &Semaphore,
    &Resize,
    &Guarded::Unfenced,
    &Guarded::Fenced,
];

/// The workload with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static dyn Workload> {
    ALL.iter().copied().find(|workload| workload.name() == name)
}
