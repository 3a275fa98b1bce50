//! What the nemesis can break of a real testbed: the links, and the services that were started for the
//! run.

use async_trait::async_trait;
use futures_util::future::try_join_all;
use nemesis::{System, SystemError, Worker};

use crate::error::TestbedError;
use crate::evidence::Evidence;
use crate::links::{self, Links};
use crate::node::Node;

/// A real testbed as the nemesis sees it.
pub struct RealSystem<'a> {
    links: &'a Links,
    /// None where the services are somebody's own: nothing is done to those.
    nodes: &'a [Node],
}

impl<'a> RealSystem<'a> {
    pub(crate) fn of(links: &'a Links, nodes: &'a [Node]) -> Self {
        Self { links, nodes }
    }

    /// Links alone.
    #[must_use]
    pub fn of_links(links: &'a Links) -> Self {
        Self { links, nodes: &[] }
    }

    /// Does the same to every node.
    async fn all<F>(&self, what: &str, act: impl Fn(&'a Node) -> F) -> Result<(), SystemError>
    where
        F: Future<Output = Result<Evidence, TestbedError>>,
    {
        if self.nodes.is_empty() {
            let text = format!("no service was started for this run that it could {what}");
            return Err(SystemError(text.into()));
        }
        let done = try_join_all(self.nodes.iter().map(act)).await;
        done.map(drop).map_err(|error| SystemError(Box::new(error)))
    }
}

#[async_trait]
impl System for RealSystem<'_> {
    async fn partition(&self, worker: Worker) -> Result<(), SystemError> {
        self.links.partition(worker).await.map_err(failed)
    }

    async fn partition_upstream(&self, worker: Worker) -> Result<(), SystemError> {
        self.links.partition_upstream(worker).await.map_err(failed)
    }

    async fn partition_downstream(&self, worker: Worker) -> Result<(), SystemError> {
        self.links
            .partition_downstream(worker)
            .await
            .map_err(failed)
    }

    async fn cut(&self, worker: Worker) -> Result<(), SystemError> {
        self.links.cut(worker).await.map_err(failed)
    }

    async fn heal(&self, worker: Worker) -> Result<(), SystemError> {
        self.links.heal(worker).await.map_err(failed)
    }

    async fn kill_broker(&self) -> Result<(), SystemError> {
        self.all("kill", Node::kill).await
    }

    async fn start_broker(&self) -> Result<(), SystemError> {
        self.all("start", Node::start_again).await
    }

    async fn pause_broker(&self) -> Result<(), SystemError> {
        self.all("pause", Node::pause).await
    }

    async fn resume_broker(&self) -> Result<(), SystemError> {
        self.all("resume", Node::resume).await
    }
}

fn failed(error: links::Error) -> SystemError {
    SystemError(Box::new(error))
}
