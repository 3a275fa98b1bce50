//! Faults on the nodes of a cluster, and what shows from outside that they were there: what the
//! nodes say, the packets that were dropped, the state of the container.

use nemesis::{Evidence, NodeHarm};
use serde_json::json;

use crate::cluster::Cluster;
use crate::error::TestbedError;

impl Cluster {
    /// Does something to its nodes.
    ///
    /// # Errors
    /// The daemon or a node does not do it.
    pub(crate) async fn harm(&self, harm: &NodeHarm) -> Result<Evidence, TestbedError> {
        match harm {
            NodeHarm::Split(links) => {
                self.split(links).await?;
                return Ok(Evidence::from([("cut".to_owned(), json!(links))]));
            }
            NodeHarm::Kill(node) => self.kill(*node).await?,
            NodeHarm::Pause(node) => self.pause(*node).await?,
            NodeHarm::Leave(node) => self.leave(*node).await?,
        }
        Ok(self.seen().await)
    }

    /// Takes it off again, and has the nodes be one cluster. Tells what they saw of each other
    /// until then, and which of them an operator had to restart.
    ///
    /// # Errors
    /// The daemon or a node does not do it.
    pub(crate) async fn undo(&self, harm: &NodeHarm) -> Result<Evidence, TestbedError> {
        let mut evidence = self.seen().await;
        match harm {
            NodeHarm::Split(_) => {
                let dropped = self.mend().await?;
                evidence.insert("dropped".to_owned(), json!(dropped));
            }
            NodeHarm::Kill(node) => self.start(*node).await?,
            NodeHarm::Pause(node) => self.resume(*node).await?,
            NodeHarm::Leave(node) => self.join(*node).await?,
        }
        evidence.extend(self.recovered().await?);
        Ok(evidence)
    }

    /// After all nodes were down, or stood still.
    ///
    /// # Errors
    /// They do not become one cluster again.
    pub(crate) async fn come_back(&self) -> Result<Evidence, TestbedError> {
        self.follow().await?;
        self.recovered().await
    }

    async fn recovered(&self) -> Result<Evidence, TestbedError> {
        let restarted = self.recover().await?;
        let key = "restarted by an operator".to_owned();
        Ok(match restarted[..] {
            [] => Evidence::new(),
            _ => Evidence::from([(key, json!(restarted))]),
        })
    }

    /// What each node sees, and how its container is.
    async fn seen(&self) -> Evidence {
        let sights = self.sights().await.into_iter().enumerate();
        let of_node = |(node, sight)| (format!("node-{node}"), format!("{sight}").into());
        sights.map(of_node).collect()
    }
}
