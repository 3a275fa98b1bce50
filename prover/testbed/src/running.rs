//! A testbed that is up: how each worker reaches the broker, and what the nemesis can break.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use locks::broker::{Broker, ConnectOptions, Connection, Publish, RabbitMq};
use proxy::Embedded;
use proxy::toxiproxy::ApiClient;
use tokio::time::timeout;

use crate::broker::USER;
use crate::choice::{ProxyChoice, RealSite, without_password};
use crate::clients::clients;
use crate::described::Described;
use crate::docker::{Docker, Kept, Plan as DockerPlan};
use crate::error::TestbedError;
use crate::label::Run;
use crate::links::{self, Endpoint, Links};
use crate::progress::Progress;
use crate::toxiproxy::{Toxiproxy, ToxiproxyPlan, ToxiproxyState};

/// A running testbed.
pub struct Testbed {
    docker: Option<(Docker, bool)>,
    links: Links,
    connect: ConnectOptions,
    described: Described,
}

/// What a testbed is started for.
#[derive(Clone, Copy, Debug)]
pub struct Demand<'a> {
    /// One link each.
    pub workers: u32,
    /// The AMQP heartbeat.
    pub heartbeat: Duration,
    /// Decides the chance in the embedded proxy.
    pub proxy_seed: u64,
    /// Where logs go; the folder exists.
    pub logs: &'a Path,
}

/// Why a testbed is not there.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The containers are not there.
    #[error("failed to {0}")]
    Containers(#[from] TestbedError),
    /// The proxy's API is out of reach.
    #[error("failed to reach the proxy's API: {0}")]
    Api(#[from] proxy::toxiproxy::Error),
    /// The links were not made.
    #[error("failed to make the workers' links: {0}")]
    Links(#[from] links::Error),
    /// Nobody listens at the broker's address, or it is not one.
    #[error("failed to connect to the broker at {address}: {}; start it, or correct the URL", why(.address, .reason))]
    Broker {
        /// Where it should be.
        address: String,
        /// What was said instead.
        reason: locks::Error,
    },
    /// The broker answers no publish.
    #[error(
        "the broker at {address} takes no messages: it has an alarm, most likely of memory or disk; `rabbitmqctl status` shows it"
    )]
    Blocked {
        /// Where it is.
        address: String,
    },
}

/// What was said, without what is said of every broker: where it is, and what to do.
fn why(address: &str, reason: &locks::Error) -> String {
    if reason.kind == locks::ErrorKind::ConnectionRefused {
        return "nobody listens there".to_owned();
    }
    let text = reason.to_string();
    let place = format!("{address}: ");
    text.strip_prefix(&place).unwrap_or(&text).to_owned()
}

impl Testbed {
    /// Starts what is not there yet, and links every worker to the broker.
    ///
    /// # Errors
    /// Something did not start; what had started until then is gone again.
    pub async fn start(
        site: &RealSite,
        proxy: &ProxyChoice,
        demand: Demand<'_>,
        progress: &dyn Progress,
    ) -> Result<Self, StartError> {
        match site {
            RealSite::Docker { rabbitmq, keep } => {
                let plan = DockerPlan {
                    run: Run {
                        keep: *keep,
                        ..Run::fresh()
                    },
                    rabbitmq: rabbitmq.clone(),
                    toxiproxy: toxiproxy_plan(proxy, demand.workers),
                    logs: Some(demand.logs.to_owned()),
                };
                let docker = Docker::start(plan, progress).await?;
                Self::around(docker, *keep, proxy, demand).await
            }
            RealSite::Amqp(connect) => {
                answers(connect).await?;
                let upstream = connect.address.clone();
                let described = Described {
                    kind: "amqp".to_owned(),
                    broker: format!("the broker at {upstream}"),
                    image_digest: None,
                    proxy: String::new(),
                };
                let proxy = Proxy::of(proxy, None, &upstream, demand).await?;
                Ok(proxy.into_testbed(None, connect.as_ref().clone(), described, demand))
            }
        }
    }

    /// A testbed with this broker; if the rest of it does not start, the broker is removed again.
    async fn around(
        docker: Docker,
        keep: bool,
        choice: &ProxyChoice,
        demand: Demand<'_>,
    ) -> Result<Self, StartError> {
        let described = described(&docker);
        let connect = connect_to(&docker);
        let toxiproxy = match docker.toxiproxy() {
            ToxiproxyState::Running(toxiproxy) => Some(toxiproxy.clone()),
            _ => None,
        };
        match Proxy::of(choice, toxiproxy, &connect.address, demand).await {
            Ok(proxy) => Ok(proxy.into_testbed(Some((docker, keep)), connect, described, demand)),
            Err(error) => {
                docker.stop().await?;
                Err(error)
            }
        }
    }

    /// Asks the broker itself, past the workers' links, whether it still answers.
    ///
    /// # Errors
    /// It does not: whatever the run showed since is not the lock's doing.
    pub async fn answers(&self) -> Result<(), StartError> {
        answers(&self.connect).await
    }

    /// What it is.
    #[must_use]
    pub fn described(&self) -> &Described {
        &self.described
    }

    /// What the nemesis can break.
    #[must_use]
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// How each worker reaches the broker. `lock_seed` is what decides the chance in a worker's
    /// lock.
    ///
    /// # Errors
    /// A worker has no link.
    pub fn clients(
        &self,
        prefix: &str,
        lock_seed: impl Fn(u32) -> u64,
    ) -> Result<Vec<locks::ClientConfig>, links::Error> {
        let addresses = (0..self.links.len()).map(|worker| self.links.address(worker));
        let addresses = addresses.map(|address| Ok(address?.to_string()));
        let addresses: Vec<_> = addresses.collect::<Result<_, links::Error>>()?;
        let broker: Arc<dyn Broker> = Arc::new(RabbitMq);
        Ok(clients(
            &broker,
            &self.connect,
            addresses,
            prefix,
            lock_seed,
        ))
    }

    /// Takes everything down that was started, and fetches logs; or leaves the broker running where
    /// that was asked for.
    ///
    /// # Errors
    /// Something could not be removed: `prover clean` does it later.
    pub async fn stop(self) -> Result<Option<Kept>, StartError> {
        let deleted = self.links.delete().await;
        let kept = match self.docker {
            Some((docker, true)) => Some(docker.keep()),
            Some((docker, false)) => {
                docker.stop().await?;
                None
            }
            None => None,
        };
        deleted?;
        Ok(kept)
    }
}

/// The proxy with one link a worker.
struct Proxy {
    links: Links,
    described: String,
}

impl Proxy {
    /// `toxiproxy` is one that runs beside the broker; `upstream` is the broker's address from
    /// here.
    async fn of(
        choice: &ProxyChoice,
        toxiproxy: Option<Toxiproxy>,
        upstream: &str,
        demand: Demand<'_>,
    ) -> Result<Self, StartError> {
        match (choice, toxiproxy) {
            (ProxyChoice::Running(url), _) => Self::running(url, upstream, demand).await,
            (ProxyChoice::Auto, Some(toxiproxy)) => Self::beside_broker(&toxiproxy).await,
            (ProxyChoice::Auto | ProxyChoice::Embedded, _) => {
                Self::embedded(upstream, demand).await
            }
        }
    }

    async fn embedded(upstream: &str, demand: Demand<'_>) -> Result<Self, StartError> {
        let proxies = Arc::new(Embedded::new(demand.proxy_seed));
        let links = Links::create(proxies, upstream, &local_endpoints(demand)).await?;
        Ok(Self {
            links,
            described: "embedded proxy".to_owned(),
        })
    }

    async fn running(url: &str, upstream: &str, demand: Demand<'_>) -> Result<Self, StartError> {
        let api = ApiClient::new(url)?;
        let version = api.version().await?;
        let links = Links::create(Arc::new(api), upstream, &local_endpoints(demand)).await?;
        Ok(Self {
            links,
            described: format!("Toxiproxy {version} at {}", without_password(url)),
        })
    }

    async fn beside_broker(toxiproxy: &Toxiproxy) -> Result<Self, StartError> {
        let api = ApiClient::new(&format!("http://{}", toxiproxy.api))?;
        let version = api.version().await?;
        let endpoint = |link: &crate::toxiproxy::Link| Endpoint {
            listen: link.listen.clone(),
            reach: Some(link.published),
        };
        let endpoints: Vec<_> = toxiproxy.links.iter().map(endpoint).collect();
        let links = Links::create(Arc::new(api), &toxiproxy.upstream, &endpoints).await?;
        Ok(Self {
            links,
            described: format!("Toxiproxy {version} ({})", toxiproxy.image),
        })
    }

    fn into_testbed(
        self,
        docker: Option<(Docker, bool)>,
        connect: ConnectOptions,
        described: Described,
        demand: Demand<'_>,
    ) -> Testbed {
        Testbed {
            docker,
            links: self.links,
            connect: ConnectOptions {
                heartbeat: demand.heartbeat,
                ..connect
            },
            described: Described {
                proxy: self.described,
                ..described
            },
        }
    }
}

fn local_endpoints(demand: Demand<'_>) -> Vec<Endpoint> {
    (0..demand.workers).map(|_| Endpoint::local()).collect()
}

fn toxiproxy_plan(choice: &ProxyChoice, workers: u32) -> Option<ToxiproxyPlan> {
    let links = u16::try_from(workers).ok()?;
    (*choice == ProxyChoice::Auto).then(|| ToxiproxyPlan::with_links(links))
}

/// How to connect to a broker in a container, past any proxy.
pub(super) fn connect_to(docker: &Docker) -> ConnectOptions {
    ConnectOptions {
        address: docker.amqp().to_string(),
        user: USER.to_owned(),
        password: USER.to_owned(),
        ..ConnectOptions::default()
    }
}

pub(super) fn described(docker: &Docker) -> Described {
    let image = docker.image();
    let version = image.version.as_deref().unwrap_or("of unknown version");
    Described {
        kind: "docker".to_owned(),
        broker: format!("RabbitMQ {version} ({})", image.reference),
        image_digest: Some(image.digest.as_ref().unwrap_or(&image.id).clone()),
        proxy: String::new(),
    }
}

/// A broker that is not there must be noticed before the run, not be taken for a fault in it.
pub(super) async fn answers(connect: &ConnectOptions) -> Result<(), StartError> {
    let failed = |reason| StartError::Broker {
        address: connect.address.clone(),
        reason,
    };
    let connection = RabbitMq.connect(connect).await.map_err(failed)?;
    let taken = timeout(connect.timeout, takes_messages(&*connection)).await;
    // It answered; how it takes the goodbye does not matter.
    let _ = timeout(connect.timeout, connection.close()).await;
    taken.map_err(|_| StartError::Blocked {
        address: connect.address.clone(),
    })
}

/// Returns once the broker has answered a publish, whatever it said: with an alarm it never does.
/// An account that may not publish need not.
async fn takes_messages(connection: &dyn Connection) {
    if let Ok(channel) = connection.channel().await
        && channel.confirm_select().await.is_ok()
    {
        // With an alarm RabbitMQ answers the first and reads nothing after that.
        for _ in 0..2 {
            let _ = channel.publish("prover-asks", &Publish::ping()).await;
        }
    }
}
