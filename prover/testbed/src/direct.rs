//! A broker that is reached directly, with no proxy between.

use std::path::Path;

use locks::broker::ConnectOptions;
use tokio::net::lookup_host;

use crate::amqp::greet;
use crate::choice::RealSite;
use crate::described::Described;
use crate::docker::{Docker, Plan};
use crate::progress::Progress;
use crate::running::{StartError, answers, connect_to, described};

/// What stands between clients and broker.
const NO_PROXY: &str = "no proxy";

/// A broker: in a container of its own, or somebody's.
pub struct Direct {
    docker: Option<Docker>,
    connect: ConnectOptions,
    described: Described,
}

impl Direct {
    /// Starts the broker unless it is somebody's own, and makes sure that it answers. `logs` is the
    /// folder for its log, which exists.
    ///
    /// # Errors
    /// It did not start, or does not answer.
    pub async fn start(
        site: &RealSite,
        logs: &Path,
        progress: &dyn Progress,
    ) -> Result<Self, StartError> {
        let (docker, connect, described) = match site {
            RealSite::Docker { rabbitmq, .. } => {
                let plan = Plan {
                    logs: Some(logs.to_owned()),
                    ..Plan::broker(rabbitmq.clone())
                };
                let docker = Docker::start(plan, progress).await?;
                let (connect, described) = (connect_to(&docker), described(&docker));
                (Some(docker), connect, described)
            }
            RealSite::Amqp(connect) => {
                answers(connect).await?;
                let described = Described {
                    kind: "amqp".to_owned(),
                    broker: named(&connect.address).await,
                    image_digest: None,
                    proxy: String::new(),
                };
                (None, connect.as_ref().clone(), described)
            }
        };
        Ok(Self {
            docker,
            connect,
            described: Described {
                proxy: NO_PROXY.to_owned(),
                ..described
            },
        })
    }

    /// How to connect to it.
    #[must_use]
    pub fn connect(&self) -> &ConnectOptions {
        &self.connect
    }

    /// What it is.
    #[must_use]
    pub fn described(&self) -> &Described {
        &self.described
    }

    /// Fetches its log and takes it down, if it was started.
    ///
    /// # Errors
    /// It could not be removed: `prover clean` does it later.
    pub async fn stop(self) -> Result<(), StartError> {
        match self.docker {
            Some(docker) => Ok(docker.stop().await?),
            None => Ok(()),
        }
    }
}

/// A broker by its address and, where it tells that, its version.
async fn named(address: &str) -> String {
    let resolved = lookup_host(address).await.ok();
    let greeting = match resolved.and_then(|mut addresses| addresses.next()) {
        Some(address) => greet(address).await.ok(),
        None => None,
    };
    match greeting.and_then(|greeting| greeting.version) {
        Some(version) => format!("the broker of version {version} at {address}"),
        None => format!("the broker at {address}"),
    }
}
