//! The bounds of a search, by the clock.

use std::time::{Duration, Instant};

use checker::search::Limits;

/// Does something that may search, within a time and an amount of memory.
pub fn within<T>(timeout: Duration, memory_bytes: u64, work: impl FnOnce(Limits<'_>) -> T) -> T {
    let began = Instant::now();
    let stop = || began.elapsed() >= timeout;
    let memory_bytes = usize::try_from(memory_bytes).unwrap_or(usize::MAX);
    work(Limits {
        stop: &stop,
        memory_bytes,
    })
}
