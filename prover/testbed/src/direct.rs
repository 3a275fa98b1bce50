//! A RabbitMQ that is reached directly, with no proxy between.

use std::path::Path;

use locks::broker::ConnectOptions;

use crate::choice::RealSite;
use crate::described::Described;
use crate::docker::Docker;
use crate::place::Place;
use crate::progress::Progress;
use crate::running::StartError;
use crate::served::AllServed;
use crate::services;

/// What stands between clients and broker.
const NO_PROXY: &str = "no proxy";

/// A broker: in a container of its own, or somebody's.
pub struct Direct {
    docker: Option<Docker>,
    place: Place,
    connect: ConnectOptions,
    described: Described,
}

impl Direct {
    /// Starts the one RabbitMQ of a site unless it is somebody's own, and makes sure that it
    /// answers. `logs` is the folder for its log, which exists.
    ///
    /// # Errors
    /// It did not start, or does not answer.
    ///
    /// # Panics
    /// The site has no service.
    pub async fn start(
        site: &RealSite,
        logs: &Path,
        progress: &dyn Progress,
    ) -> Result<Self, StartError> {
        let heartbeat = ConnectOptions::default().heartbeat;
        let all = AllServed::start(site, heartbeat, None, logs, progress).await?;
        let place = all.services[0].place.clone();
        Ok(Self {
            docker: all.docker,
            connect: services::connect(&place),
            place,
            described: Described {
                kind: all.kind.to_owned(),
                services: all.services.into_iter().map(|one| one.facts).collect(),
                cluster: None,
                proxy: NO_PROXY.to_owned(),
            },
        })
    }

    /// How to connect to it.
    #[must_use]
    pub fn connect(&self) -> &ConnectOptions {
        &self.connect
    }

    /// Where it is, for runs that have their own links to it.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
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
