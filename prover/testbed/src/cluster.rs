//! Nodes that are one cluster, what can be done to them one by one, and what they say of it.
//! Nodes are counted from 0.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use futures_util::future::{join_all, try_join_all};
use nemesis::Link;
use serde::Serialize;
use tokio::time::Instant;

use crate::error::TestbedError;
use crate::node::Node;
use crate::partition_handling::PartitionHandling;
use crate::progress::Progress;
use crate::scissors::Scissors;
use crate::scope::Scope;
use crate::services::node_name;
use crate::sight::Sight;

/// So many nodes has a cluster: the fewest of which some are a majority.
pub const NODES: u32 = 3;

/// Three nodes find each other within 20 s on two cores; a loaded machine may need several times as
/// much.
const WHOLE_WAIT: Duration = Duration::from_secs(120);
/// What heals itself has done so by then: autoheal restarts nodes, which takes 20 to 30 s.
const HEAL_WAIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(250);
/// What a node logs when it stops to serve because it sees no majority.
const STOPPED_TO_SERVE: &str = "awaiting recovery";

/// A running cluster.
#[derive(Debug)]
pub struct Cluster {
    members: Vec<Member>,
    hosts: Vec<String>,
    handling: PartitionHandling,
    cuts: Mutex<Vec<Cut>>,
    /// When something was done to it last.
    touched: Mutex<SystemTime>,
}

#[derive(Debug, Clone)]
struct Member {
    node: Node,
    management: SocketAddr,
    scissors: Scissors,
}

/// A link that is cut, by the address that its sender had at that moment.
#[derive(Debug, Clone, Copy)]
struct Cut {
    link: Link,
    source: std::net::IpAddr,
}

/// What a cut has kept from arriving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Dropped {
    /// The link.
    pub link: Link,
    /// The packets.
    pub packets: u64,
}

impl Cluster {
    /// Waits until nodes that were told of each other are one cluster, and prepares what can be
    /// done to them.
    pub(crate) async fn form(
        scope: &Scope,
        nodes: &[Node],
        handling: PartitionHandling,
        progress: &dyn Progress,
    ) -> Result<Self, TestbedError> {
        let members = nodes.iter().map(|node| Member::of(scope, node));
        let cluster = Self {
            members: try_join_all(members).await?,
            hosts: nodes.iter().map(host).collect(),
            handling,
            cuts: Mutex::default(),
            touched: Mutex::new(SystemTime::now()),
        };
        progress.step(&format!(
            "wait for {} nodes to be one cluster",
            cluster.members.len()
        ));
        cluster.be_whole().await?;
        Ok(cluster)
    }

    /// What the nodes do when they lose sight of each other.
    #[must_use]
    pub fn handling(&self) -> PartitionHandling {
        self.handling
    }

    /// How many nodes it has.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.members.len()
    }

    /// From now on nothing passes over these links.
    ///
    /// # Errors
    /// A rule could not be added; [`Self::mend`] deletes those that were.
    pub async fn split(&self, links: &[Link]) -> Result<(), TestbedError> {
        self.touch();
        let cuts = links.iter().map(|link| self.cut(*link));
        try_join_all(cuts).await.map(drop)
    }

    /// All links are as they were; gives what each cut has kept from arriving. The nodes may take a
    /// while to be one cluster again ([`Self::recover`]).
    ///
    /// # Errors
    /// A rule could not be deleted.
    pub async fn mend(&self) -> Result<Vec<Dropped>, TestbedError> {
        let cuts = std::mem::take(&mut *self.cuts.lock().expect("no panic holds it"));
        let mended = cuts.into_iter().map(async |Cut { link, source }| {
            let packets = self.member(link.to)?.scissors.let_in(source).await?;
            Ok(Dropped { link, packets })
        });
        try_join_all(mended).await
    }

    /// A node dies at once and stays down until it is started.
    ///
    /// # Errors
    /// The daemon does not do it.
    pub async fn kill(&self, node: u32) -> Result<(), TestbedError> {
        self.touch();
        self.member(node)?.node.kill().await.map(drop)
    }

    /// A node that was killed starts again, with what it keeps on disk; it answers when this
    /// returns.
    ///
    /// # Errors
    /// It does not come up.
    pub async fn start(&self, node: u32) -> Result<(), TestbedError> {
        let member = self.member(node)?;
        member.node.start_again().await?;
        member.scissors.follow().await
    }

    /// What cuts nodes apart goes with them into the networks that they have after all were started
    /// again.
    pub(crate) async fn follow(&self) -> Result<(), TestbedError> {
        let all = self.members.iter().map(|member| member.scissors.follow());
        try_join_all(all).await.map(drop)
    }

    /// A node stands still, with all it has.
    ///
    /// # Errors
    /// The daemon does not do it.
    pub async fn pause(&self, node: u32) -> Result<(), TestbedError> {
        self.touch();
        self.member(node)?.node.pause().await.map(drop)
    }

    /// A node goes on.
    ///
    /// # Errors
    /// The daemon does not do it.
    pub async fn resume(&self, node: u32) -> Result<(), TestbedError> {
        self.member(node)?.node.resume().await.map(drop)
    }

    /// A node leaves the cluster in an orderly way and forgets all it had: what a scale-down does.
    ///
    /// # Errors
    /// It cannot: it has to ask others.
    pub async fn leave(&self, node: u32) -> Result<(), TestbedError> {
        self.touch();
        let container = self.member(node)?.node.container();
        container.execute(&["rabbitmqctl", "stop_app"]).await?;
        container.execute(&["rabbitmqctl", "reset"]).await.map(drop)
    }

    /// A node that has left joins again, with nothing; it answers when this returns.
    ///
    /// # Errors
    /// It cannot: nobody is there to be joined.
    pub async fn join(&self, node: u32) -> Result<(), TestbedError> {
        let member = self.member(node)?;
        let container = member.node.container();
        let other = (node as usize + 1) % self.nodes();
        let other = node_name(&self.hosts[other]);
        container
            .execute(&["rabbitmqctl", "join_cluster", &other])
            .await?;
        container.execute(&["rabbitmqctl", "start_app"]).await?;
        member.node.answer().await.map(drop)
    }

    /// Has the nodes be one cluster again once nothing keeps them from it: waits until they have
    /// become one by themselves, and where they do not, does what an operator has to do. Gives the
    /// nodes that had to be restarted so.
    ///
    /// # Errors
    /// They are not one cluster even then.
    pub async fn recover(&self) -> Result<Vec<u32>, TestbedError> {
        let is_stuck = |sights: &[Sight]| {
            !self.handling.clears_partitions()
                && sights.iter().all(Sight::serves)
                && sights.iter().any(Sight::is_partitioned)
        };
        let is_over = |sights: &[Sight]| is_whole(sights) || is_stuck(sights);
        // Where it takes too long it is the operator's turn, too.
        let _ = self.until(HEAL_WAIT, is_over).await;
        let restarted = outside(&self.sights().await);
        self.restart(&restarted).await?;
        self.be_whole().await?;
        Ok(restarted)
    }

    /// A partition is forgotten only where all that are on its other side are down at one time.
    async fn restart(&self, nodes: &[u32]) -> Result<(), TestbedError> {
        for command in ["stop_app", "start_app"] {
            let told = nodes.iter().map(async |node| {
                let container = self.member(*node)?.node.container();
                container.execute(&["rabbitmqctl", command]).await
            });
            try_join_all(told).await?;
        }
        Ok(())
    }

    /// Waits until every node sees all others run, and none knows of a partition.
    ///
    /// # Errors
    /// It is not so within two minutes.
    pub async fn be_whole(&self) -> Result<(), TestbedError> {
        self.until(WHOLE_WAIT, is_whole).await.map(drop)
    }

    /// Waits until what the nodes see is so; gives what they see then.
    ///
    /// # Errors
    /// It is not so in time.
    pub async fn until(
        &self,
        bound: Duration,
        is_so: impl Fn(&[Sight]) -> bool,
    ) -> Result<Vec<Sight>, TestbedError> {
        let deadline = Instant::now() + bound;
        loop {
            let sights = self.sights().await;
            if is_so(&sights) {
                return Ok(sights);
            }
            if Instant::now() >= deadline {
                return Err(TestbedError::Service {
                    what: format!(
                        "see the cluster as it should be within {} s",
                        bound.as_secs()
                    ),
                    detail: described(&sights),
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// What each node sees of the others at this moment.
    pub async fn sights(&self) -> Vec<Sight> {
        let sights = (0..self.nodes()).map(|node| self.sight(node));
        join_all(sights).await
    }

    async fn sight(&self, node: usize) -> Sight {
        let member = &self.members[node];
        let container = member.node.container();
        match container.status().await {
            Ok(status) if status != "running" => {
                return Sight::Silent(format!("its container is {status}"));
            }
            Err(error) => return Sight::Silent(error.to_string()),
            Ok(_) => {}
        }
        match Sight::of(member.management, &self.hosts, node).await {
            Sight::Silent(why) => {
                let touched = *self.touched.lock().expect("no panic holds it");
                let log = container.log_since(touched).await;
                if log.contains(STOPPED_TO_SERVE) {
                    Sight::Waits
                } else {
                    Sight::Silent(why)
                }
            }
            seen => seen,
        }
    }

    async fn cut(&self, link: Link) -> Result<(), TestbedError> {
        let source = self.member(link.from)?.node.container().inner_ip().await?;
        self.member(link.to)?.scissors.drop_from(source).await?;
        let cut = Cut { link, source };
        self.cuts.lock().expect("no panic holds it").push(cut);
        Ok(())
    }

    fn member(&self, node: u32) -> Result<&Member, TestbedError> {
        let count = self.nodes();
        let member = self.members.get(node as usize);
        member.ok_or_else(|| TestbedError::Service {
            what: format!("find node {node} of the cluster"),
            detail: format!("it has nodes 0 to {}", count.saturating_sub(1)),
        })
    }

    fn touch(&self) {
        *self.touched.lock().expect("no panic holds it") = SystemTime::now();
    }
}

impl Member {
    async fn of(scope: &Scope, node: &Node) -> Result<Self, TestbedError> {
        let mut doors = node.doors().iter();
        let management = doors.find(|door| door.name == "management");
        let management = management.ok_or_else(|| TestbedError::Service {
            what: format!("ask {} what it sees of its cluster", node.container_name()),
            detail: "its image has no management plugin: choose one that has, like rabbitmq:4.0-management".to_owned(),
        })?;
        Ok(Self {
            management: management.address,
            scissors: Scissors::beside(&scope.daemon, &scope.run, node).await?,
            node: node.clone(),
        })
    }
}

fn is_whole(sights: &[Sight]) -> bool {
    let is_whole = |sight: &Sight| sight.sees(sights.len()) && !sight.is_partitioned();
    sights.iter().all(is_whole)
}

/// The nodes that are outside of the largest group of such as go on together, of several the first.
fn outside(sights: &[Sight]) -> Vec<u32> {
    let groups = sights.iter().map(Sight::group);
    let largest = groups.rev().max_by_key(Vec::len).unwrap_or_default();
    let outside = (0..sights.len()).filter(|node| !largest.contains(node));
    outside
        .filter_map(|node| u32::try_from(node).ok())
        .collect()
}

/// What several nodes see, in one line.
#[must_use]
pub(crate) fn described(sights: &[Sight]) -> String {
    let each = sights.iter().enumerate();
    let each = each.map(|(node, sight)| format!("node {node} {sight}"));
    each.collect::<Vec<_>>().join("; ")
}

fn host(node: &Node) -> String {
    node.container_name().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sees(running: &[usize], partitions: &[usize]) -> Sight {
        Sight::Sees {
            running: running.to_vec(),
            partitions: partitions.to_vec(),
        }
    }

    #[test]
    fn those_outside_of_the_largest_group_are_restarted() {
        let whole = [0, 1, 2].map(|_| sees(&[0, 1, 2], &[]));
        assert!(is_whole(&whole));
        assert!(outside(&whole).is_empty());
        let two_to_one = [
            sees(&[0], &[1, 2]),
            sees(&[1, 2], &[0]),
            sees(&[1, 2], &[0]),
        ];
        assert!(!is_whole(&two_to_one));
        assert_eq!(outside(&two_to_one), [0]);
        let seen_and_lost = [
            sees(&[0, 1, 2], &[2]),
            sees(&[0, 1, 2], &[2]),
            sees(&[0, 1, 2], &[0, 1]),
        ];
        assert_eq!(outside(&seen_and_lost), [2]);
        let apart = [sees(&[0], &[1]), sees(&[1], &[0]), Sight::Waits];
        assert_eq!(outside(&apart), [1, 2]);
    }
}
