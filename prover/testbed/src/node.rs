//! One service in a container.

use std::net::SocketAddr;
use std::time::Duration;

use nemesis::Evidence;
use testcontainers::bollard::Docker as Daemon;
use testcontainers::{ContainerRequest, CopyTargetOptions, GenericImage, ImageExt};

use crate::container::{self, Container};
use crate::error::TestbedError;
use crate::label::Run;
use crate::place::Place;
use crate::progress::Progress;
use crate::service::{Door, Outfit, Service, Setting};

/// RabbitMQ takes 9 to 15 s on two cores, the others less; a loaded machine may need several times
/// as much.
const ANSWER_WAIT: Duration = Duration::from_secs(120);

/// A service in a container that answers.
#[derive(Debug, Clone)]
pub struct Node {
    service: &'static dyn Service,
    name: String,
    container: Container,
    port: u16,
    address: SocketAddr,
    doors: Vec<Door>,
    image: ImageFacts,
}

/// Which image a service runs, as exactly as it can be told.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ImageFacts {
    /// The reference it was started by.
    pub reference: String,
    /// The image's id: a digest of its configuration.
    pub id: String,
    /// The registry's digest, for an image that came from one.
    pub digest: Option<String>,
    /// The service's version as it tells it itself.
    pub version: Option<String>,
}

impl Node {
    /// Starts a service under its name in the run and waits until it answers.
    pub(crate) async fn start(
        daemon: &Daemon,
        run: &Run,
        (service, name, image): (&'static dyn Service, &str, &str),
        setting: Setting<'_>,
        progress: &dyn Progress,
    ) -> Result<Self, TestbedError> {
        let outfit = service.outfit(&setting);
        let port = outfit.ports[0];
        progress.step(&format!("start {name} from {image}"));
        let request = request(run, name, image, outfit);
        let container = container::start(daemon, run, name, request).await?;
        let address = container.published(port).await?;
        progress.step(&format!("wait for {name} to answer on {address}"));
        let place = service.own(address);
        let version = container
            .wait_until(service.product(), ANSWER_WAIT, || service.greet(&place))
            .await?;
        service.settled(&container).await?;
        let node = Self {
            doors: service.doors(&container).await?,
            image: facts_of(daemon, image, version).await?,
            service,
            name: name.to_owned(),
            container,
            port,
            address,
        };
        if setting.clock && service.name() == "rabbitmq" {
            node.has_movable_clock().await?;
        }
        Ok(node)
    }

    /// Kills it; gives what the daemon says of its container.
    ///
    /// # Errors
    /// The daemon does not do it.
    pub async fn kill(&self) -> Result<Evidence, TestbedError> {
        self.container.kill().await
    }

    /// Stops it in order: it is told to, and tells its clients. Gives what the daemon says of its
    /// container.
    ///
    /// # Errors
    /// The daemon does not do it.
    pub async fn stop(&self) -> Result<Evidence, TestbedError> {
        self.container.stop().await
    }

    /// Starts it again after it was killed or stopped, and waits until it answers and its start is
    /// over.
    ///
    /// # Errors
    /// The daemon does not do it, or it does not come back.
    pub async fn start_again(&self) -> Result<Evidence, TestbedError> {
        let mut told = self.container.start_again().await?;
        let version = self.answer().await?;
        self.service.settled(&self.container).await?;
        told.insert("version".to_owned(), version.into());
        Ok(told)
    }

    /// Stops it where it is.
    ///
    /// # Errors
    /// The daemon does not do it.
    pub async fn pause(&self) -> Result<Evidence, TestbedError> {
        self.container.pause().await
    }

    /// Has it go on, and waits until it answers.
    ///
    /// # Errors
    /// The daemon does not do it, or it does not answer any more.
    pub async fn resume(&self) -> Result<Evidence, TestbedError> {
        let mut told = self.container.resume().await?;
        told.insert("version".to_owned(), self.answer().await?.into());
        Ok(told)
    }

    pub(crate) async fn answer(&self) -> Result<Option<String>, TestbedError> {
        let place = self.place();
        let greet = || self.service.greet(&place);
        let (product, bound) = (self.service.product(), ANSWER_WAIT);
        self.container.wait_until(product, bound, greet).await
    }

    /// The container it runs in.
    pub(crate) fn container(&self) -> &Container {
        &self.container
    }

    /// The sort of service.
    #[must_use]
    pub fn service(&self) -> &'static dyn Service {
        self.service
    }

    /// Its name in the run.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where clients on this host connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same with its account.
    #[must_use]
    pub fn place(&self) -> Place {
        self.service.own(self.address)
    }

    /// What else it offers.
    #[must_use]
    pub fn doors(&self) -> &[Door] {
        &self.doors
    }

    /// `host:port` from within the run's network: what a proxy in it connects to.
    #[must_use]
    pub fn inner_address(&self) -> String {
        self.container.inner_address(self.port)
    }

    /// The container's name.
    #[must_use]
    pub fn container_name(&self) -> &str {
        &self.container.name
    }

    /// The image it runs.
    #[must_use]
    pub fn image(&self) -> &ImageFacts {
        &self.image
    }
}

fn request(run: &Run, role: &str, image: &str, outfit: Outfit) -> ContainerRequest<GenericImage> {
    let plain = container::request(run, role, image, &outfit.ports);
    let variables = outfit.environment.into_iter();
    let with_variables = variables.fold(plain, |request, (name, value)| {
        request.with_env_var(name, value)
    });
    let with_files = outfit
        .files
        .into_iter()
        .fold(with_variables, |request, file| {
            let target = CopyTargetOptions::new(file.path).with_mode(file.mode);
            request.with_copy_to(target, file.content)
        });
    if outfit.command.is_empty() {
        return with_files;
    }
    with_files.with_cmd(outfit.command)
}

async fn facts_of(
    daemon: &Daemon,
    reference: &str,
    version: Option<String>,
) -> Result<ImageFacts, TestbedError> {
    let image = daemon
        .inspect_image(reference)
        .await
        .map_err(|error| TestbedError::docker(format!("inspect the image {reference}"), &error))?;
    Ok(ImageFacts {
        reference: reference.to_owned(),
        id: image.id.unwrap_or_default(),
        digest: image
            .repo_digests
            .and_then(|digests| digests.into_iter().next()),
        version,
    })
}
