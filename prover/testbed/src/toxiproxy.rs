//! A real Toxiproxy beside the services, where its image can be had. Its absence is no error: the
//! embedded proxy stands in.

use std::net::SocketAddr;
use std::time::Duration;

use proxy::toxiproxy::ApiClient;
use testcontainers::bollard::Docker as Daemon;

use crate::container::{self, Container};
use crate::error::TestbedError;
use crate::image_store::ImageStore;
use crate::label::Run;
use crate::progress::Progress;
use crate::provision::{DaemonStore, with_tag};

/// The environment variable that names the image; else one is looked for among those that are
/// present.
pub const IMAGE_VARIABLE: &str = "PROVER_TOXIPROXY_IMAGE";
/// What the image is called, whatever registry it came from, and what is pulled where none is
/// present.
pub const REPOSITORY: &str = "shopify/toxiproxy";
/// `cut` needs the toxic `reset_peer`, which came with this version (Toxiproxy's changelog).
const VERSION_MIN: (u32, u32) = (2, 2);
/// The port of the HTTP API, inside the run's network.
const API_PORT: u16 = 8474;
/// The first of the links' ports, inside the run's network.
const FIRST_LINK_PORT: u16 = 20_000;
/// A Go program of a few megabytes: it is there at once or not at all.
const API_WAIT: Duration = Duration::from_secs(20);

/// What a run wants of Toxiproxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToxiproxyPlan {
    /// The image; without one, what is present of [`REPOSITORY`], or what can be pulled of it.
    pub image: Option<String>,
    /// How many links there will be, one a worker and service. Each needs a port published from the
    /// start.
    pub links: u16,
}

impl ToxiproxyPlan {
    /// Whether there are ports for so many links.
    pub(crate) fn fits(links: u16) -> bool {
        FIRST_LINK_PORT.checked_add(links).is_some()
    }

    /// The image that the environment names, if it names one, with so many links.
    #[must_use]
    pub fn with_links(links: u16) -> Self {
        Self {
            image: std::env::var(IMAGE_VARIABLE).ok(),
            links,
        }
    }
}

/// What came of it.
#[derive(Debug, Clone)]
pub enum ToxiproxyState {
    /// Nobody asked for it.
    NotAsked,
    /// It answers.
    Running(Toxiproxy),
    /// It cannot be had here, because; the caller uses the embedded proxy.
    Unavailable {
        /// Why, as a fragment: "pull …: connection refused".
        because: String,
    },
}

/// A Toxiproxy whose API answers. It has no proxies yet: those are made through the API, one for
/// each link.
#[derive(Debug, Clone)]
pub struct Toxiproxy {
    /// The HTTP API, from this host.
    pub api: SocketAddr,
    /// The places for proxies.
    pub links: Vec<Link>,
    /// The image it runs.
    pub image: String,
}

/// A place for one proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The proxy's `listen`, inside the container.
    pub listen: String,
    /// Where a client on this host connects to come out there.
    pub published: SocketAddr,
}

impl ToxiproxyState {
    /// Starts a Toxiproxy in the run's network, or says why there is none.
    pub(crate) async fn start(
        daemon: &Daemon,
        run: &Run,
        plan: Option<&ToxiproxyPlan>,
        progress: &dyn Progress,
    ) -> Self {
        let Some(plan) = plan else {
            return Self::NotAsked;
        };
        let running = async {
            let image = image(daemon, plan).await;
            obtain(daemon, &image, progress).await?;
            start(daemon, run, &image, plan.links, progress).await
        };
        match running.await {
            Ok(toxiproxy) => Self::Running(toxiproxy),
            Err(error) => Self::Unavailable {
                because: error.to_string(),
            },
        }
    }
}

async fn image(daemon: &Daemon, plan: &ToxiproxyPlan) -> String {
    match &plan.image {
        Some(image) => image.clone(),
        None => present(daemon)
            .await
            .unwrap_or_else(|| REPOSITORY.to_owned()),
    }
}

/// An image of Toxiproxy that the daemon has, from whatever registry; of several the last by name.
pub(crate) async fn present(daemon: &Daemon) -> Option<String> {
    let images = daemon
        .list_images(None::<testcontainers::bollard::query_parameters::ListImagesOptions>)
        .await
        .ok()?;
    let tags = images.into_iter().flat_map(|image| image.repo_tags);
    tags.filter(|tag| is_toxiproxy(tag)).max()
}

fn is_toxiproxy(tag: &str) -> bool {
    let repository = tag
        .rsplit_once(':')
        .map_or(tag, |(repository, _)| repository);
    repository == REPOSITORY || repository.ends_with(&format!("/{REPOSITORY}"))
}

async fn obtain(daemon: &Daemon, image: &str, progress: &dyn Progress) -> Result<(), TestbedError> {
    let store = DaemonStore::new(daemon, progress);
    if store.present(image).await? {
        return Ok(());
    }
    progress.step(&format!(
        "pull {image}, which is optional: the embedded proxy stands in for it"
    ));
    store.pull(&with_tag(image)).await
}

async fn start(
    daemon: &Daemon,
    run: &Run,
    image: &str,
    links: u16,
    progress: &dyn Progress,
) -> Result<Toxiproxy, TestbedError> {
    progress.step(&format!("start toxiproxy from {image}"));
    let link_ports: Vec<u16> = (0..links).map(|n| FIRST_LINK_PORT + n).collect();
    let ports = [&[API_PORT][..], &link_ports].concat();
    let request = container::request(run, "toxiproxy", image, &ports);
    let container = container::start(daemon, run, "toxiproxy", request).await?;
    let api = container.published(API_PORT).await?;
    container
        .wait_until("the HTTP API", API_WAIT, || usable_version(api))
        .await?;
    Ok(Toxiproxy {
        api,
        links: published(&container, &link_ports).await?,
        image: image.to_owned(),
    })
}

async fn published(container: &Container, ports: &[u16]) -> Result<Vec<Link>, TestbedError> {
    let mut links = Vec::with_capacity(ports.len());
    for port in ports {
        links.push(Link {
            listen: format!("0.0.0.0:{port}"),
            published: container.published(*port).await?,
        });
    }
    Ok(links)
}

async fn usable_version(api: SocketAddr) -> Result<(), String> {
    let client = ApiClient::new(&format!("http://{api}")).map_err(|error| error.to_string())?;
    let version = client.version().await.map_err(|error| error.to_string())?;
    if is_usable(&version) {
        return Ok(());
    }
    let (major, minor) = VERSION_MIN;
    Err(format!(
        "its version is {version}, and `cut` needs {major}.{minor}"
    ))
}

fn is_usable(version: &str) -> bool {
    let mut numbers = version
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|number| number.parse::<u32>().ok());
    let (major, minor) = (numbers.next(), numbers.next());
    major
        .zip(minor)
        .is_some_and(|version| version >= VERSION_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_known_by_its_repository_whatever_the_registry() {
        for tag in [
            "shopify/toxiproxy:2.1.4",
            "registry.example:5000/shopify/toxiproxy:2.12.0",
        ] {
            assert!(is_toxiproxy(tag), "{tag}");
        }
        for tag in [
            "shopify/toxiproxy-cli:1",
            "notshopify/toxiproxy:1",
            "rabbitmq:4.0",
        ] {
            assert!(!is_toxiproxy(tag), "{tag}");
        }
    }

    #[test]
    fn versions_without_reset_peer_are_not_used() {
        for version in ["2.2.0", "2.12.0", "3.0", "{\"version\": 2.6.0}"] {
            assert!(is_usable(version), "{version}");
        }
        for version in ["2.1.7", "git", ""] {
            assert!(!is_usable(version), "{version}");
        }
    }
}
