//! The testbed `docker`: services, if wanted a Toxiproxy beside them, and the network they share.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::future::try_join_all;

use crate::cluster::Cluster;
use crate::daemon;
use crate::error::TestbedError;
use crate::image::{Image, obtain};
use crate::label::{Run, RunId};
use crate::node::Node;
use crate::partition_handling::PartitionHandling;
use crate::progress::Progress;
use crate::provision::DaemonStore;
use crate::scope::Scope;
use crate::service::{Membership, Service, Setting};
use crate::services::RabbitMq;
use crate::toxiproxy::{ToxiproxyPlan, ToxiproxyState};

/// What to start.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Whose it is.
    pub run: Run,
    /// The services: what sort, its name in the run, its image.
    pub services: Vec<(&'static dyn Service, String, Image)>,
    /// The heartbeat of their clients.
    pub heartbeat: Duration,
    /// Whether the clocks of its brokers are to be made to jump.
    pub clock: bool,
    /// Whether the queues of its cluster are to have copies on all nodes.
    pub mirrored: bool,
    /// Whether they are the nodes of one cluster, and what those do when they lose sight of each
    /// other.
    pub cluster: Option<PartitionHandling>,
    /// A Toxiproxy in front of them, if wanted.
    pub toxiproxy: Option<ToxiproxyPlan>,
    /// Where logs go in the end, as `rabbitmq.log` and `toxiproxy.log`; the folder exists.
    pub logs: Option<PathBuf>,
}

impl Plan {
    /// One RabbitMQ for a new run of this process, nothing else; its image is named as
    /// `--rabbitmq` does.
    #[must_use]
    pub fn rabbitmq(asked: Option<&str>) -> Self {
        Self::of(&RabbitMq, asked)
    }

    /// One service for a new run of this process, nothing else.
    #[must_use]
    pub fn of(service: &'static dyn Service, asked: Option<&str>) -> Self {
        Self {
            run: Run::fresh(),
            services: vec![(service, service.name().to_owned(), service.image(asked))],
            heartbeat: Duration::from_secs(2),
            clock: false,
            mirrored: false,
            cluster: None,
            toxiproxy: None,
            logs: None,
        }
    }
}

/// A running testbed.
///
/// End it with [`Docker::stop`] or [`Docker::keep`]. Dropping it removes everything too, but blocks
/// while doing so and fetches no logs.
pub struct Docker {
    scope: Scope,
    nodes: Vec<Node>,
    cluster: Option<Cluster>,
    toxiproxy: ToxiproxyState,
    logs: Option<PathBuf>,
}

impl Docker {
    /// Gets the images, starts the containers and waits until they answer.
    ///
    /// A start that fails or is dropped half-way removes what it created. What a killed process
    /// leaves is found by [`crate::clean`]; so is the rare container that the daemon still creates
    /// after a dropped start has looked for the last time.
    ///
    /// # Errors
    /// Every variant of [`TestbedError`]; when a container was started, its log is in the logs'
    /// folder all the same.
    pub async fn start(plan: Plan, progress: &dyn Progress) -> Result<Self, TestbedError> {
        let daemon = daemon::connect().await?;
        let store = DaemonStore::new(&daemon, progress);
        // Several of a sort have one image.
        let mut images = BTreeMap::new();
        for (_, _, image) in &plan.services {
            if !images.contains_key(&image.asked) {
                let reference = obtain(image, &store, progress).await?;
                images.insert(image.asked.clone(), reference);
            }
        }
        let scope = Scope::open(&daemon, plan.run).await?;
        let run = &scope.run;
        let hosts = plan
            .services
            .iter()
            .map(|(_, name, _)| run.id.container(name));
        let hosts: Vec<String> = hosts.collect();
        let membership = plan.cluster.map(|handling| Membership { hosts, handling });
        let starts = plan.services.iter().map(|(service, name, image)| {
            let what = (*service, name.as_str(), images[&image.asked].as_str());
            let setting = Setting {
                run: &run.id,
                heartbeat: plan.heartbeat,
                clock: plan.clock,
                cluster: membership.as_ref(),
            };
            Node::start(&daemon, run, what, setting, progress)
        });
        let started = async {
            let nodes = try_join_all(starts).await?;
            let cluster = match plan.cluster {
                Some(handling) => Some(Cluster::form(&scope, &nodes, handling, progress).await?),
                None => None,
            };
            if let Some(node) = nodes.first().filter(|_| plan.mirrored) {
                node.mirror_queues().await?;
            }
            Ok((nodes, cluster))
        };
        let (nodes, cluster) = match started.await {
            Ok(started) => started,
            Err(error) => {
                if let Err(second) = scope.close(plan.logs.as_deref()).await {
                    tracing::warn!("after a failed start: failed to {second}");
                }
                return Err(error);
            }
        };
        let wanted = plan.toxiproxy.as_ref();
        let toxiproxy = ToxiproxyState::start(&daemon, run, wanted, progress).await;
        Ok(Self {
            scope,
            nodes,
            cluster,
            toxiproxy,
            logs: plan.logs,
        })
    }

    /// The services, in the order of the plan.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The cluster that they are, if they are one.
    #[must_use]
    pub fn cluster(&self) -> Option<&Cluster> {
        self.cluster.as_ref()
    }

    /// The Toxiproxy, or why there is none.
    #[must_use]
    pub fn toxiproxy(&self) -> &ToxiproxyState {
        &self.toxiproxy
    }

    /// The run's name, as in the label `prover.run`.
    #[must_use]
    pub fn run(&self) -> &RunId {
        &self.scope.run.id
    }

    /// Fetches the logs and removes everything, also when a log could not be written.
    ///
    /// # Errors
    /// When the daemon does not do it, or a log cannot be written.
    pub async fn stop(self) -> Result<(), TestbedError> {
        self.scope.close(self.logs.as_deref()).await
    }

    /// Leaves everything running and tells how to reach and remove it. It goes with the first
    /// `prover clean` after this process, or, where the run was told to keep it, with
    /// `prover clean --all`.
    #[must_use]
    pub fn keep(self) -> Kept {
        let kept = Kept {
            run: self.run().clone(),
            nodes: self.nodes.clone(),
        };
        self.scope.leave();
        kept
    }
}

/// A testbed that was left running.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The run it belonged to.
    pub run: RunId,
    /// Its services.
    pub nodes: Vec<Node>,
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for node in &self.nodes {
            let (container, service) = (node.container_name(), node.service());
            // Whoever reaches 127.0.0.1 may know the account of what was started there.
            let url = service.url(&node.place());
            writeln!(f, "{} in {container} at {url}", service.product())?;
            for door in node.doors() {
                let (name, address, account) = (door.name, door.address, door.account);
                writeln!(f, "its {name} at http://{address} ({account})")?;
            }
            writeln!(f, "its log: `docker logs {container}`")?;
        }
        f.write_str("remove it: `prover clean --all`")
    }
}
