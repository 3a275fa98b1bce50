//! What the nemesis can break of a real testbed: the links, and the services that were started for the
//! run.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::try_join_all;
use nemesis::{
    BrokerHarm, Done, Evidence, LinkHarm, NodeHarm, Notice, System, SystemError, Way, Worker,
};
use serde_json::Value;

use crate::cluster::Cluster;
use crate::error::TestbedError;
use crate::link_evidence;
use crate::links::{self, Links};
use crate::node::Node;

/// A real testbed as the nemesis sees it.
pub struct RealSystem<'a> {
    links: &'a Links,
    /// None where the services are somebody's own: nothing is done to those.
    nodes: &'a [Node],
    /// The cluster that they are, if they are one.
    cluster: Option<&'a Cluster>,
}

impl<'a> RealSystem<'a> {
    pub(crate) fn of(links: &'a Links, nodes: &'a [Node], cluster: Option<&'a Cluster>) -> Self {
        Self {
            links,
            nodes,
            cluster,
        }
    }

    /// Links alone.
    #[must_use]
    pub fn of_links(links: &'a Links) -> Self {
        Self {
            links,
            nodes: &[],
            cluster: None,
        }
    }

    fn cluster(&self) -> Result<&'a Cluster, SystemError> {
        let none = || SystemError::unable("break the nodes of a cluster: it has none");
        self.cluster.ok_or_else(none)
    }

    /// After all nodes were down, or stood still: with what a cluster has to add.
    async fn whole_again(&self, mut seen: Evidence) -> Done {
        if let Some(cluster) = self.cluster {
            seen.extend(cluster.come_back().await.map_err(of_testbed)?);
        }
        Ok(seen)
    }

    /// Does the same to every node: what was seen of one, or of each by its name.
    async fn all<F>(&self, what: &str, act: impl Fn(&'a Node) -> F) -> Done
    where
        F: Future<Output = Result<Evidence, TestbedError>>,
    {
        if self.nodes.is_empty() {
            let text = format!("no service was started for this run that it could {what}");
            return Err(SystemError(text.into()));
        }
        let done = try_join_all(self.nodes.iter().map(act)).await;
        let mut seen = done.map_err(|error| SystemError(Box::new(error)))?;
        if let [_] = self.nodes {
            return Ok(seen.swap_remove(0));
        }
        let names = self.nodes.iter().map(|node| node.name().to_owned());
        let objects = seen
            .into_iter()
            .map(|seen| Value::Object(seen.into_iter().collect()));
        Ok(names.zip(objects).collect())
    }
}

#[async_trait]
impl<'a> System for RealSystem<'a> {
    async fn harm_link(&self, worker: Worker, harm: &LinkHarm) -> Result<(), SystemError> {
        let links = self.links;
        let harmed = match harm {
            LinkHarm::Hold(Way::Upstream) => links.partition_upstream(worker).await,
            LinkHarm::Hold(Way::Downstream) => links.partition_downstream(worker).await,
            LinkHarm::Cut => links.cut(worker).await,
            LinkHarm::Slow { latency, jitter } => links.slow(worker, *latency, *jitter).await,
            LinkHarm::Trickle {
                bytes_per_s,
                slice_bytes,
            } => links.trickle(worker, *bytes_per_s, *slice_bytes).await,
            LinkHarm::Limit { bytes } => links.limit(worker, *bytes).await,
            LinkHarm::Silence => links.silence(worker).await,
            LinkHarm::Trap(trap) => {
                let then = "hold";
                links.trap(worker, &trap.method, trap.nth, then).await
            }
        };
        harmed.map_err(failed)
    }

    async fn sprung(&self, worker: Worker) -> Done {
        let sprung = self.links.sprung(worker).await.map_err(failed)?;
        Ok(Evidence::from([(
            "methods_seen".to_owned(),
            sprung.seen.into(),
        )]))
    }

    async fn heal(&self, worker: Worker) -> Done {
        // Asked before it heals: what it held back is then passed on.
        let seen = self.links.evidence(worker).await.map_err(failed)?;
        self.links.heal(worker).await.map_err(failed)?;
        Ok(link_evidence::of_proxies(seen))
    }

    async fn harm_broker(&self, harm: &BrokerHarm) -> Done {
        match harm {
            BrokerHarm::Kill => self.all("kill", Node::kill).await,
            BrokerHarm::Stop => self.all("stop", Node::stop).await,
            BrokerHarm::Pause => self.all("pause", Node::pause).await,
            BrokerHarm::Alarm(resource) => {
                let raise = |node: &'a Node| node.alarm(*resource, true);
                self.all("raise an alarm of", raise).await
            }
            BrokerHarm::CloseConnections(names) => {
                let close = |node: &'a Node| node.close_connections(names);
                self.all("close connections of", close).await
            }
            BrokerHarm::DeleteQueues(prefix) => {
                let delete = |node: &'a Node| node.delete_queues(prefix);
                self.all("delete queues of", delete).await
            }
            BrokerHarm::PurgeQueues(prefix) => {
                let purge = |node: &'a Node| node.purge_queues(prefix);
                self.all("empty queues of", purge).await
            }
            BrokerHarm::Policy { prefix, rule } => {
                let (expires, max_length) = rule.parts();
                let set = |node: &'a Node| node.set_policy(prefix, expires, max_length);
                self.all("set a policy of", set).await
            }
            BrokerHarm::ClockJump(by) => {
                let by_ms = millis(*by);
                let jump = |node: &'a Node| node.clock_jump(by_ms);
                self.all("set the clock of", jump).await
            }
        }
    }

    async fn noticed(&self) -> Result<Vec<Notice>, SystemError> {
        let brokers = self.nodes.iter().filter(|node| node.is_rabbitmq());
        let logs = try_join_all(brokers.map(Node::all_noticed)).await;
        let mut all: Vec<Notice> = logs.map_err(of_testbed)?.concat();
        all.sort_by_key(|notice| std::cmp::Reverse(notice.ago));
        Ok(all)
    }

    async fn mend_broker(&self, harm: &BrokerHarm) -> Done {
        match harm {
            BrokerHarm::Kill | BrokerHarm::Stop => {
                let seen = self.all("start", Node::start_again).await?;
                self.whole_again(seen).await
            }
            BrokerHarm::Pause => {
                let seen = self.all("resume", Node::resume).await?;
                self.whole_again(seen).await
            }
            BrokerHarm::Alarm(resource) => {
                let lower = |node: &'a Node| node.alarm(*resource, false);
                self.all("clear an alarm of", lower).await
            }
            BrokerHarm::Policy { .. } => self.all("clear a policy of", Node::clear_policy).await,
            BrokerHarm::CloseConnections(_)
            | BrokerHarm::DeleteQueues(_)
            | BrokerHarm::PurgeQueues(_) => Ok(Evidence::new()),
            BrokerHarm::ClockJump(by) => {
                let by_ms = millis(*by);
                let jump = |node: &'a Node| node.clock_jump(-by_ms);
                self.all("set the clock of", jump).await
            }
        }
    }

    async fn harm_nodes(&self, harm: &NodeHarm) -> Done {
        self.cluster()?.harm(harm).await.map_err(of_testbed)
    }

    async fn mend_nodes(&self, harm: &NodeHarm) -> Done {
        self.cluster()?.undo(harm).await.map_err(of_testbed)
    }
}

fn of_testbed(error: TestbedError) -> SystemError {
    SystemError(Box::new(error))
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn failed(error: links::Error) -> SystemError {
    SystemError(Box::new(error))
}
