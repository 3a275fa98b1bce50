//! What the nemesis can break of a real testbed: the links, and the services that were started for the
//! run.

use async_trait::async_trait;
use futures_util::future::try_join_all;
use nemesis::{BrokerHarm, Done, Evidence, LinkHarm, System, SystemError, Way, Worker};

use crate::error::TestbedError;
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
        F: Future<Output = Result<(), TestbedError>>,
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
    async fn harm_link(&self, worker: Worker, harm: &LinkHarm) -> Result<(), SystemError> {
        let harmed = match harm {
            LinkHarm::Hold(Way::Upstream) => self.links.partition_upstream(worker).await,
            LinkHarm::Hold(Way::Downstream) => self.links.partition_downstream(worker).await,
            LinkHarm::Cut => self.links.cut(worker).await,
            _ => return Err(SystemError::unable("do that to a link")),
        };
        harmed.map_err(failed)
    }

    async fn heal(&self, worker: Worker) -> Done {
        self.links.heal(worker).await.map_err(failed)?;
        Ok(Evidence::new())
    }

    async fn harm_broker(&self, harm: &BrokerHarm) -> Done {
        match harm {
            BrokerHarm::Kill => self.all("kill", Node::kill).await?,
            BrokerHarm::Pause => self.all("pause", Node::pause).await?,
            _ => return Err(SystemError::unable("do that to the broker")),
        }
        Ok(Evidence::new())
    }

    async fn mend_broker(&self, harm: &BrokerHarm) -> Done {
        match harm {
            BrokerHarm::Kill | BrokerHarm::Stop => self.all("start", Node::start_again).await?,
            BrokerHarm::Pause => self.all("resume", Node::resume).await?,
            _ => {}
        }
        Ok(Evidence::new())
    }
}

fn failed(error: links::Error) -> SystemError {
    SystemError(Box::new(error))
}
