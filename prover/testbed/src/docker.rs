//! The testbed `docker`: a broker, if wanted a Toxiproxy beside it, and the network they share.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::broker::{Broker, ImageFacts, USER};
use crate::daemon;
use crate::error::TestbedError;
use crate::image::{RabbitImage, obtain};
use crate::label::{Run, RunId};
use crate::progress::Progress;
use crate::provision::DaemonStore;
use crate::scope::Scope;
use crate::toxiproxy::{ToxiproxyPlan, ToxiproxyState};

/// What to start.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Whose it is.
    pub run: Run,
    /// Which RabbitMQ.
    pub rabbitmq: RabbitImage,
    /// A Toxiproxy in front of it, if wanted.
    pub toxiproxy: Option<ToxiproxyPlan>,
    /// Where logs go in the end, as `broker-0.log` and `toxiproxy.log`; the folder exists.
    pub logs: Option<PathBuf>,
}

impl Plan {
    /// One broker for a new run of this process, nothing else.
    #[must_use]
    pub fn broker(rabbitmq: RabbitImage) -> Self {
        Self {
            run: Run::fresh(),
            rabbitmq,
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
    broker: Broker,
    toxiproxy: ToxiproxyState,
    logs: Option<PathBuf>,
}

impl Docker {
    /// Gets the image, starts the containers and waits until they answer.
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
        let image = obtain(&plan.rabbitmq, &store, progress).await?;
        let scope = Scope::open(&daemon, plan.run).await?;
        let run = &scope.run;
        let broker = match Broker::start(&daemon, run, 0, &image, progress).await {
            Ok(broker) => broker,
            Err(error) => {
                if let Err(second) = scope.close(plan.logs.as_deref()).await {
                    tracing::warn!("after a failed start: failed to {second}");
                }
                return Err(error);
            }
        };
        let upstream = broker.inner_amqp();
        let wanted = plan.toxiproxy.as_ref();
        let toxiproxy = ToxiproxyState::start(&daemon, run, wanted, upstream, progress).await;
        Ok(Self {
            scope,
            broker,
            toxiproxy,
            logs: plan.logs,
        })
    }

    /// Where AMQP clients connect when no proxy is wanted between.
    #[must_use]
    pub fn amqp(&self) -> SocketAddr {
        self.broker.amqp()
    }

    /// Where the management API answers; `None` if the image has none.
    #[must_use]
    pub fn management(&self) -> Option<SocketAddr> {
        self.broker.management()
    }

    /// The image the broker runs.
    #[must_use]
    pub fn image(&self) -> &ImageFacts {
        self.broker.image()
    }

    /// The broker's node.
    #[must_use]
    pub fn broker(&self) -> &Broker {
        &self.broker
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
            amqp: self.amqp(),
            management: self.management(),
            container: self.broker.container_name().to_owned(),
        };
        self.scope.leave();
        kept
    }
}

/// A testbed that was left running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The run it belonged to.
    pub run: RunId,
    /// Where AMQP clients connect.
    pub amqp: SocketAddr,
    /// Where the management API answers.
    pub management: Option<SocketAddr>,
    /// The broker's container.
    pub container: String,
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            amqp, container, ..
        } = self;
        writeln!(f, "broker {container} at amqp://{USER}:{USER}@{amqp}")?;
        if let Some(management) = self.management {
            writeln!(f, "management at http://{management} ({USER} / {USER})")?;
        }
        write!(
            f,
            "its log: `docker logs {container}`; remove it: `prover clean --all`"
        )
    }
}
