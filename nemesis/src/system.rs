//! What the nemesis can break: the links between workers and the broker.

use async_trait::async_trait;

use crate::Clients;

/// A worker, counted from 0; each has a link of its own.
pub type Worker = usize;

/// The system could not be broken or mended: a harness error, never a finding about the lock.
#[derive(Debug, thiserror::Error)]
#[error("fault injection failed: {0}")]
pub struct SystemError(#[from] pub Box<dyn std::error::Error + Send + Sync>);

/// A running system under test, as far as faults go. The proxies in front of a real broker are one;
/// a simulation is another. What a system cannot do it refuses: no fault is ever taken for one that
/// was not there.
///
/// Each call returns when the change is in force.
#[async_trait]
pub trait System: Send + Sync {
    /// What the workers' clients are.
    fn clients(&self) -> Clients {
        Clients::Tasks
    }

    /// Nothing passes between the worker and the broker any more, in either direction: bytes,
    /// closes and resets are held back.
    async fn partition(&self, worker: Worker) -> Result<(), SystemError> {
        self.partition_upstream(worker).await?;
        self.partition_downstream(worker).await
    }

    /// Nothing passes from the worker to the broker; the worker still hears the broker.
    async fn partition_upstream(&self, worker: Worker) -> Result<(), SystemError>;

    /// Nothing passes from the broker to the worker; the broker still hears the worker.
    async fn partition_downstream(&self, worker: Worker) -> Result<(), SystemError>;

    /// The worker's connections are reset, and so is every new one.
    async fn cut(&self, worker: Worker) -> Result<(), SystemError>;

    /// The worker's link is as it was; what a partition held back is delivered.
    async fn heal(&self, worker: Worker) -> Result<(), SystemError>;

    /// The worker's connections stop where they are, as those of a process that was stopped do:
    /// they read, write and count nothing.
    async fn freeze(&self, _: Worker) -> Result<(), SystemError> {
        Err(unable("freeze the connections of a client"))
    }

    /// What was frozen goes on.
    async fn thaw(&self, _: Worker) -> Result<(), SystemError> {
        Err(unable("thaw the connections of a client"))
    }

    /// The worker itself stops acting; its connections go on.
    async fn pause(&self, _: Worker) -> Result<(), SystemError> {
        Err(unable("pause a client"))
    }

    /// The worker acts again.
    async fn resume(&self, _: Worker) -> Result<(), SystemError> {
        Err(unable("resume a client"))
    }

    /// The worker's process dies with everything it had, and stays down until it is started.
    async fn crash(&self, _: Worker) -> Result<(), SystemError> {
        Err(unable("crash a client"))
    }

    /// The worker that crashed begins anew, and knows nothing of before.
    async fn restart(&self, _: Worker) -> Result<(), SystemError> {
        Err(unable("start a client"))
    }

    /// The broker dies at once and stays down until it is started.
    async fn kill_broker(&self) -> Result<(), SystemError> {
        Err(unable("kill the broker"))
    }

    /// The broker stands still, with all it has.
    async fn pause_broker(&self) -> Result<(), SystemError> {
        Err(unable("pause the broker"))
    }

    /// The broker goes on.
    async fn resume_broker(&self) -> Result<(), SystemError> {
        Err(unable("resume the broker"))
    }

    /// The broker starts again, with what it keeps on disk; it answers when this returns.
    async fn start_broker(&self) -> Result<(), SystemError> {
        Err(unable("start the broker"))
    }
}

fn unable(what: &str) -> SystemError {
    SystemError(format!("this testbed cannot {what}").into())
}
