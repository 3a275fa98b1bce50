//! One RabbitMQ node in a container.

use std::net::SocketAddr;
use std::time::Duration;

use testcontainers::CopyTargetOptions;
use testcontainers::bollard::Docker as Daemon;
use testcontainers::{ContainerRequest, GenericImage, ImageExt};

use crate::amqp::{Greeting, greet};
use crate::container::{self, Container};
use crate::error::TestbedError;
use crate::label::Run;
use crate::progress::Progress;
use crate::recipe::{ENABLED_PLUGINS, RABBITMQ_CONF};

/// The port that AMQP clients connect to, inside the run's network.
pub const AMQP_PORT: u16 = 5672;
/// The port of the management API, inside the run's network.
pub const MANAGEMENT_PORT: u16 = 15672;
/// The name and the password of the broker's only user.
pub const USER: &str = "guest";

/// A node takes 9 to 15 s on two cores; a loaded machine may need several times as much.
const AMQP_WAIT: Duration = Duration::from_secs(120);
/// The management listener opens with the AMQP one. An image without the plugin never answers.
const MANAGEMENT_WAIT: Duration = Duration::from_secs(15);
/// What every release logs when its start is over, and how long after the listener that may be.
const STARTED_UP: &str = "startup complete";
const STARTED_UP_WAIT: Duration = Duration::from_secs(30);
/// Idle schedulers that spin take the cores from the clients beside them.
const ERL_ARGS: &str = "+sbwt none +sbwtdcpu none +sbwtdio none";

/// A node that speaks AMQP.
#[derive(Debug, Clone)]
pub struct Broker {
    pub(crate) container: Container,
    amqp: SocketAddr,
    management: Option<SocketAddr>,
    image: ImageFacts,
}

/// Which image a broker runs, as exactly as it can be told.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ImageFacts {
    /// The reference it was started by.
    pub reference: String,
    /// The image's id: a digest of its configuration.
    pub id: String,
    /// The registry's digest, for an image that came from one.
    pub digest: Option<String>,
    /// RabbitMQ's version as the broker itself tells it.
    pub version: Option<String>,
}

impl Broker {
    /// Starts node `index` of a run and waits until it answers.
    pub(crate) async fn start(
        daemon: &Daemon,
        run: &Run,
        index: usize,
        image: &str,
        progress: &dyn Progress,
    ) -> Result<Self, TestbedError> {
        let role = format!("broker-{index}");
        progress.step(&format!("start {role} from {image}"));
        let container = container::start(daemon, run, &role, request(run, &role, image)).await?;
        let amqp = container.published(AMQP_PORT).await?;
        progress.step(&format!("wait for {role} to speak AMQP on {amqp}"));
        let greeting = container
            .wait_until("AMQP", AMQP_WAIT, || async {
                greet(amqp).await.map_err(|error| error.to_string())
            })
            .await?;
        started_up(&container).await?;
        Ok(Self {
            management: management_of(&container).await?,
            image: facts_of(daemon, image, greeting).await?,
            container,
            amqp,
        })
    }

    /// Where AMQP clients on this host connect. Another restart of the container may change it.
    #[must_use]
    pub fn amqp(&self) -> SocketAddr {
        self.amqp
    }

    /// Where the management API answers (user and password `guest`); `None` if the image has none.
    #[must_use]
    pub fn management(&self) -> Option<SocketAddr> {
        self.management
    }

    /// `host:port` for AMQP from within the run's network: what a proxy in it connects to.
    #[must_use]
    pub fn inner_amqp(&self) -> String {
        self.container.inner_address(AMQP_PORT)
    }

    /// The container's id, for faults that act on it.
    #[must_use]
    pub fn container_id(&self) -> &str {
        &self.container.id
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

fn request(run: &Run, role: &str, image: &str) -> ContainerRequest<GenericImage> {
    let file = |path: &str, mode| CopyTargetOptions::new(path).with_mode(mode);
    // The cookie is a file because RabbitMQ deprecates the variable; nodes of one run share it.
    container::request(run, role, image, &[AMQP_PORT, MANAGEMENT_PORT])
        .with_env_var("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", ERL_ARGS)
        .with_copy_to(
            file("/etc/rabbitmq/conf.d/90-prover.conf", 0o644),
            RABBITMQ_CONF.as_bytes().to_vec(),
        )
        .with_copy_to(
            file("/etc/rabbitmq/enabled_plugins", 0o644),
            ENABLED_PLUGINS.as_bytes().to_vec(),
        )
        .with_copy_to(
            file("/var/lib/rabbitmq/.erlang.cookie", 0o400),
            format!("prover-{}", run.id).into_bytes(),
        )
}

/// RabbitMQ listens a moment before it is done: durable queues that are declared in between lose
/// what is in them (measured on 4.0.5). An image that does not say when it is done is taken as it
/// is.
async fn started_up(container: &Container) -> Result<(), TestbedError> {
    let said = || async {
        let is_done = container.log_tail().await.contains(STARTED_UP);
        is_done
            .then_some(())
            .ok_or_else(|| format!("its log does not say \"{STARTED_UP}\""))
    };
    match container
        .wait_until("the whole server", STARTED_UP_WAIT, said)
        .await
    {
        Ok(()) | Err(TestbedError::NeverReady { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Where the management API answers, if it does.
async fn management_of(container: &Container) -> Result<Option<SocketAddr>, TestbedError> {
    let addr = container.published(MANAGEMENT_PORT).await?;
    let answer = container
        .wait_until("the management API", MANAGEMENT_WAIT, || overview(addr))
        .await;
    match answer {
        Ok(()) => Ok(Some(addr)),
        Err(TestbedError::NeverReady { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn overview(addr: SocketAddr) -> Result<(), String> {
    let request = reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(2))
        .build()
        .map_err(|error| error.to_string())?
        .get(format!("http://{addr}/api/overview"))
        .basic_auth(USER, Some(USER));
    let answer = request.send().await.map_err(|error| error.to_string())?;
    answer
        .error_for_status()
        .map(drop)
        .map_err(|error| error.to_string())
}

async fn facts_of(
    daemon: &Daemon,
    reference: &str,
    greeting: Greeting,
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
        version: greeting.version,
    })
}
