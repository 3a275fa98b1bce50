//! What the nemesis can break: the links between workers and the broker.

use async_trait::async_trait;

/// A worker, counted from 0; each has a link of its own.
pub type Worker = usize;

/// The system could not be broken or mended. That is trouble of the harness, never a finding about the lock.
#[derive(Debug, thiserror::Error)]
#[error("the nemesis lost its grip on the system: {0}")]
pub struct SystemError(#[from] pub Box<dyn std::error::Error + Send + Sync>);

/// A running system under test, as far as faults go. The proxies in front of a real broker are one; a simulation is another.
///
/// Each call returns when the change is in force.
#[async_trait]
pub trait System: Send + Sync {
    /// Nothing passes between the worker and the broker any more, in either direction: bytes, closes and resets are held back.
    async fn partition(&self, worker: Worker) -> Result<(), SystemError>;

    /// The worker's connections are reset, and so is every new one.
    async fn cut(&self, worker: Worker) -> Result<(), SystemError>;

    /// The worker's link is as it was; what a partition held back is delivered.
    async fn heal(&self, worker: Worker) -> Result<(), SystemError>;
}
