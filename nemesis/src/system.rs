//! What the nemesis can break: links, workers, the broker and its nodes.

use async_trait::async_trait;
use history::fault::Evidence;

use crate::{BrokerHarm, Clients, LinkHarm, NodeHarm, Notice, SlotChange};

/// A worker, counted from 0; each has a link of its own.
pub type Worker = usize;

/// The system could not be broken or mended: a harness error, never a finding about the lock.
#[derive(Debug, thiserror::Error)]
#[error("fault injection failed: {0}")]
pub struct SystemError(#[from] pub Box<dyn std::error::Error + Send + Sync>);

/// What came of something that was done: the evidence of it from outside.
pub type Done = Result<Evidence, SystemError>;

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

    /// What the names of a worker's connections begin with, as the broker lists them.
    fn connection_name(&self, worker: Worker) -> String {
        format!("worker-{worker}")
    }

    /// What the names of the run's queues begin with.
    fn queue_prefix(&self) -> String {
        String::new()
    }

    /// Does something to the link of a worker.
    async fn harm_link(&self, worker: Worker, harm: &LinkHarm) -> Result<(), SystemError>;

    /// Returns as soon as the trap in a worker's link has sprung.
    async fn sprung(&self, _: Worker) -> Done {
        Err(unable("read the frames of a link"))
    }

    /// The worker's link is as it was; what was held back is delivered.
    async fn heal(&self, worker: Worker) -> Done;

    /// The worker's connections stop where they are, as those of a process that was stopped do:
    /// they read, write and count nothing.
    async fn freeze(&self, _: Worker) -> Result<(), SystemError> {
        Err(unable("freeze the connections of a client"))
    }

    /// What was frozen goes on.
    async fn thaw(&self, _: Worker) -> Result<(), SystemError> {
        Err(unable("thaw the connections of a client"))
    }

    /// The worker itself stops acting, its process with it where it has one of its own; the
    /// connections of a task go on.
    async fn pause(&self, _: Worker) -> Done {
        Err(unable("pause a client"))
    }

    /// The worker is given nothing to do; its process and its connections go on.
    async fn wedge(&self, _: Worker) -> Result<(), SystemError> {
        Err(unable("wedge a client"))
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

    /// The worker changes the slots of all locks and counts them: with how many there are of each
    /// lock that it changed, by `slots`.
    async fn change_slots(&self, _: Worker, _: SlotChange) -> Done {
        Err(unable("administer locks"))
    }

    /// Does something to the broker.
    async fn harm_broker(&self, _: &BrokerHarm) -> Done {
        Err(unable("break the broker"))
    }

    /// The broker is as it was before that was done to it, and answers.
    async fn mend_broker(&self, _: &BrokerHarm) -> Done {
        Err(unable("mend the broker"))
    }

    /// Whose connections the services took for lost so far, in the order in which they noticed;
    /// nothing where they do not say.
    ///
    /// # Errors
    /// They cannot be asked.
    async fn noticed(&self) -> Result<Vec<Notice>, SystemError> {
        Ok(Vec::new())
    }

    /// Does something to nodes of a cluster.
    async fn harm_nodes(&self, _: &NodeHarm) -> Done {
        Err(unable("break the nodes of a cluster"))
    }

    /// The cluster is as it was before that was done to it, and all its nodes are back.
    async fn mend_nodes(&self, _: &NodeHarm) -> Done {
        Err(unable("mend the nodes of a cluster"))
    }
}

impl SystemError {
    /// What a testbed cannot do at all.
    #[must_use]
    pub fn unable(what: &str) -> Self {
        Self(format!("this testbed cannot {what}").into())
    }
}

fn unable(what: &str) -> SystemError {
    SystemError::unable(what)
}
