//! The numbers that every workload takes.

use std::sync::Arc;
use std::time::Duration;

/// How many clients do how much, on how many locks.
#[derive(Clone, Debug, PartialEq)]
pub struct Params {
    /// Workers that run at the same time.
    pub concurrency: u32,
    /// Attempts to acquire a second, all workers together.
    pub rate_per_second: f64,
    /// Independent locks.
    pub keys: u32,
    /// For how long a lock is held, on average; each hold lasts between nothing and twice that.
    pub hold: Duration,
    /// How long a holder waits between two verifies.
    pub verify_every: Duration,
    /// How many clients may hold a lock: its slots. Administrators add one to them and remove some.
    pub slots: u32,
    /// Whether the lock's decrements are filed before they are carried out.
    pub files_decrements: bool,
    /// Whether the workers wait for each other and acquire at the same instant, instead of at a
    /// rate.
    pub burst: bool,
}

impl Params {
    /// The keys by name.
    #[must_use]
    pub fn key_names(&self) -> Vec<Arc<str>> {
        (0..self.keys)
            .map(|number| format!("lock-{number}").into())
            .collect()
    }

    /// What one worker waits between two attempts, on average.
    #[must_use]
    pub fn pause(&self) -> Duration {
        Duration::from_secs_f64(f64::from(self.concurrency) / self.rate_per_second)
    }
}
