//! A testbed that is up: how each worker reaches the services, and what the nemesis can break.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use locks::Endpoint;
use locks::broker::{Broker, ConnectOptions, RabbitMq};
use proxy::toxiproxy::ApiClient;
use proxy::{Embedded, Proxies};

use crate::choice::{ProxyChoice, RealSite};
use crate::clients::clients;
use crate::cluster::{Cluster, NODES};
use crate::described::{ClusterFacts, Described};
use crate::docker::{Docker, Kept};
use crate::error::TestbedError;
use crate::label::RunId;
use crate::links::{self, Links, Route};
use crate::node::Node;
use crate::password::without_password;
use crate::place::Place;
use crate::progress::Progress;
use crate::served::{AllServed, Served};
use crate::service::Made;
use crate::services;
use crate::system::RealSystem;
use crate::toxiproxy::{Toxiproxy, ToxiproxyPlan, ToxiproxyState};

/// A running testbed.
pub struct Testbed {
    docker: Option<(Docker, bool)>,
    services: Vec<Served>,
    links: Links,
    is_cluster: bool,
    workers: usize,
    heartbeat: Duration,
    described: Described,
    run: RunId,
}

/// What a testbed is started for.
#[derive(Clone, Copy, Debug)]
pub struct Demand<'a> {
    /// A link each to each service, or to one node of the cluster.
    pub workers: u32,
    /// The heartbeat of the clients.
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
    /// Nobody listens at a service's address, or it is not one.
    #[error("failed to connect to {noun} at {address}: {reason}; start it, or correct the URL")]
    Absent {
        /// What should be there: `the broker`.
        noun: &'static str,
        /// Where it should be.
        address: String,
        /// What was said instead.
        reason: String,
    },
    /// A service answers, and does not do what locks need.
    #[error("{0}")]
    Useless(String),
}

impl Testbed {
    /// Starts what is not there yet, and links every worker to every service.
    ///
    /// # Errors
    /// Something did not start; what had started until then is gone again.
    pub async fn start(
        site: &RealSite,
        proxy: &ProxyChoice,
        demand: Demand<'_>,
        progress: &dyn Progress,
    ) -> Result<Self, StartError> {
        let toxiproxy = toxiproxy_plan(site, proxy, demand.workers);
        let AllServed {
            docker,
            services,
            kind,
            run,
        } = AllServed::start(site, demand.heartbeat, toxiproxy, demand.logs, progress).await?;
        let ends = Ends {
            services: &services,
            is_cluster: site.cluster.is_some(),
            workers: demand.workers,
        };
        let proxy = match Proxy::of(proxy, docker.as_ref(), ends, demand.proxy_seed).await {
            Ok(proxy) => proxy,
            Err(error) => {
                if let Some(docker) = docker {
                    docker.stop().await?;
                }
                return Err(error);
            }
        };
        Ok(Self {
            docker: docker.map(|docker| (docker, site.keep)),
            described: Described {
                kind: kind.to_owned(),
                services: services.iter().map(|one| one.facts.clone()).collect(),
                cluster: site.cluster.map(|partition_handling| ClusterFacts {
                    nodes: NODES,
                    partition_handling,
                }),
                proxy: proxy.described,
            },
            is_cluster: site.cluster.is_some(),
            services,
            links: proxy.links,
            workers: demand.workers as usize,
            heartbeat: demand.heartbeat,
            run,
        })
    }

    /// Asks the services themselves, past the workers' links, whether they still answer.
    ///
    /// # Errors
    /// One does not: whatever the run showed since is not the lock's doing.
    pub async fn answers(&self) -> Result<(), StartError> {
        AllServed::work(&self.services).await
    }

    /// What it is.
    #[must_use]
    pub fn described(&self) -> &Described {
        &self.described
    }

    /// What the nemesis can break.
    #[must_use]
    pub fn system(&self) -> RealSystem<'_> {
        let docker = self.docker.as_ref();
        let nodes = docker.map_or(&[][..], |(docker, _)| docker.nodes());
        RealSystem::of(&self.links, nodes, self.cluster())
    }

    /// The broker that was started for the run, where there is one.
    #[must_use]
    pub fn broker(&self) -> Option<&Node> {
        let (docker, _) = self.docker.as_ref()?;
        let mut nodes = docker.nodes().iter();
        nodes.find(|node| node.service().name() == "rabbitmq")
    }

    /// The cluster that the services are, if they are one.
    #[must_use]
    pub fn cluster(&self) -> Option<&Cluster> {
        let (docker, _) = self.docker.as_ref()?;
        docker.cluster()
    }

    /// The links of the workers.
    #[must_use]
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// What the names of all that a run makes on its services begin with.
    #[must_use]
    pub fn prefix(&self) -> String {
        self.run.prefix()
    }

    /// How each worker reaches the services. `lock_seed` is what decides the chance in a worker's
    /// lock.
    ///
    /// # Errors
    /// A worker has no link.
    pub fn clients(
        &self,
        prefix: &str,
        lock_seed: impl Fn(u32) -> u64,
    ) -> Result<Vec<locks::ClientConfig>, links::Error> {
        let places = (0..self.workers).map(|worker| self.places(worker));
        let places: Vec<Vec<Place>> = places.collect::<Result<_, _>>()?;
        let mut services = self.services.iter();
        let of_broker = services.position(|one| one.service.name() == "rabbitmq");
        let connect = of_broker.map(|at| services::connect(&self.services[at].place));
        // Whoever connects to a broker that the run has not must not find another one.
        let nowhere = || ConnectOptions {
            address: String::new(),
            ..ConnectOptions::default()
        };
        let connect = ConnectOptions {
            heartbeat: self.heartbeat,
            ..connect.unwrap_or_else(nowhere)
        };
        let address = |places: &Vec<Place>| of_broker.map(|at| places[at].address());
        let addresses = places.iter().map(|of| address(of).unwrap_or_default());
        let broker: Arc<dyn Broker> = Arc::new(RabbitMq);
        let mut clients = clients(&broker, &connect, addresses, prefix, lock_seed);
        for (worker, (client, places)) in clients.iter_mut().zip(&places).enumerate() {
            let named = self.reached(worker).iter().zip(places);
            client.endpoints = named.map(|(one, place)| one.endpoint(place)).collect();
        }
        Ok(clients)
    }

    /// Where a worker reaches each service, over its own links.
    fn places(&self, worker: usize) -> Result<Vec<Place>, links::Error> {
        if self.services.is_empty() {
            return Ok(Vec::new());
        }
        let addresses = self.links.addresses(worker)?.into_iter();
        let linked = self.reached(worker).iter().zip(addresses);
        Ok(linked.map(|(one, address)| one.place.at(address)).collect())
    }

    /// The services that a worker has links to: all of them, or one node of the cluster.
    fn reached(&self, worker: usize) -> &[Served] {
        if !self.is_cluster {
            return &self.services;
        }
        let node = worker % self.services.len();
        &self.services[node..=node]
    }

    /// Removes what the run made on services that are somebody's own; says what stays there, each
    /// in a sentence. `keys` are those of the run's locks, `slots` is the most that one had.
    pub async fn clear(&self, keys: &[Arc<str>], slots: u32) -> Vec<String> {
        let prefix = self.prefix();
        let made = Made {
            prefix: &prefix,
            keys,
            slots,
        };
        let there = self.services.iter().filter(|one| one.inner.is_none());
        let cleared = join_all(there.map(|one| one.clear(&self.run, &made))).await;
        cleared.into_iter().flatten().collect()
    }

    /// Takes everything down that was started, and fetches logs; or leaves the services running
    /// where that was asked for.
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

impl Served {
    /// Removes what the run made there; says why it stays there where it does.
    async fn clear(&self, run: &RunId, made: &Made<'_>) -> Option<String> {
        let found = self.service.find(&self.place, made.prefix, None).await;
        let guess = self.service.guess(made);
        let names: Vec<String> = match &found {
            Ok(things) if !things.is_empty() || guess.is_empty() => {
                let names = things.iter().map(|thing| thing.name.clone());
                let of_run = |name: &String| RunId::in_name(name).as_ref() == Some(run);
                names.filter(of_run).collect()
            }
            _ => guess,
        };
        let removed = self.service.remove(&self.place, &names).await;
        let removed = removed.and_then(|gone| match names.len().saturating_sub(gone.len()) {
            0 => Ok(()),
            left => Err(format!(
                "{left} of them cannot be removed: they go with a connection that it has not found dead yet, or the account may not"
            )),
        });
        let done = match found {
            Err(why) if names.is_empty() => Err(why),
            _ => removed,
        };
        let (product, address) = (self.service.product(), self.place.address());
        let why = done.err()?;
        Some(format!(
            "what this run made on {product} at {address} stays there, under names that begin with {}: {why}",
            made.prefix
        ))
    }

    /// What a worker that reaches it there is told.
    fn endpoint(&self, place: &Place) -> Endpoint {
        Endpoint {
            service: self.service.name().to_owned(),
            name: self.name.clone(),
            host: place.host().to_owned(),
            port: place.port(),
            url: self.service.url(place),
        }
    }
}

/// The proxy with a link for each worker and service.
struct Proxy {
    links: Links,
    described: String,
}

impl Proxy {
    async fn of(
        choice: &ProxyChoice,
        docker: Option<&Docker>,
        ends: Ends<'_>,
        seed: u64,
    ) -> Result<Self, StartError> {
        let beside = docker.map(Docker::toxiproxy);
        match (choice, beside) {
            _ if ends.services.is_empty() => Self::nothing().await,
            (ProxyChoice::Running(url), _) => Self::running(url, ends).await,
            (ProxyChoice::Auto, Some(ToxiproxyState::Running(toxiproxy))) => {
                Self::beside_services(toxiproxy, ends).await
            }
            (ProxyChoice::Auto | ProxyChoice::Embedded, _) => Self::embedded(ends, seed).await,
        }
    }

    async fn nothing() -> Result<Self, StartError> {
        Ok(Self {
            links: Links::create(Arc::new(Embedded::new(0)), &[]).await?,
            described: "no link".to_owned(),
        })
    }

    async fn embedded(ends: Ends<'_>, seed: u64) -> Result<Self, StartError> {
        Ok(Self {
            links: ends.link_here(Arc::new(Embedded::new(seed))).await?,
            described: "embedded proxy".to_owned(),
        })
    }

    async fn running(url: &str, ends: Ends<'_>) -> Result<Self, StartError> {
        let api = ApiClient::new(url)?;
        let version = api.version().await?;
        let links = ends.link_here(Arc::new(api)).await?;
        if let Err(error) = links.connect_once().await {
            links.delete().await?;
            return Err(error.into());
        }
        Ok(Self {
            links,
            described: format!("Toxiproxy {version} at {}", without_password(url)),
        })
    }

    async fn beside_services(toxiproxy: &Toxiproxy, ends: Ends<'_>) -> Result<Self, StartError> {
        let api = ApiClient::new(&format!("http://{}", toxiproxy.api))?;
        let version = api.version().await?;
        let endpoints = toxiproxy.links.iter().map(|link| links::Endpoint {
            listen: link.listen.clone(),
            reach: Some(link.published),
        });
        let endpoints: Vec<_> = endpoints.collect();
        let inner = |one: &Served| one.inner.clone().unwrap_or_default();
        Ok(Self {
            links: ends.link(Arc::new(api), inner, &endpoints).await?,
            described: format!("Toxiproxy {version} ({})", toxiproxy.image),
        })
    }
}

/// What links are made between.
#[derive(Clone, Copy)]
struct Ends<'a> {
    services: &'a [Served],
    is_cluster: bool,
    workers: u32,
}

impl Ends<'_> {
    /// Links of a proxy that runs on this host.
    async fn link_here(self, proxies: Arc<dyn Proxies>) -> Result<Links, links::Error> {
        let count = links_of(self.workers, self.services.len(), self.is_cluster);
        let endpoints = vec![links::Endpoint::local(); count];
        self.link(proxies, |one| one.place.address(), &endpoints)
            .await
    }

    /// Links from these endpoints to where the proxy sees the services.
    async fn link(
        self,
        proxies: Arc<dyn Proxies>,
        upstream: impl Fn(&Served) -> String,
        endpoints: &[links::Endpoint],
    ) -> Result<Links, links::Error> {
        if self.is_cluster {
            let nodes: Vec<String> = self.services.iter().map(upstream).collect();
            return Links::spread(proxies, &nodes, endpoints).await;
        }
        let shares = endpoints.chunks(self.workers.max(1) as usize);
        let routes = self.services.iter().zip(shares).map(|(one, share)| Route {
            service: one.name.clone(),
            upstream: upstream(one),
            endpoints: share.to_vec(),
        });
        Links::create(proxies, &routes.collect::<Vec<_>>()).await
    }
}

/// How many links there are between so many workers and services.
fn links_of(workers: u32, services: usize, is_cluster: bool) -> usize {
    let each = if is_cluster { 1 } else { services };
    (workers as usize).saturating_mul(each)
}

/// A Toxiproxy in the run's network reaches what is in that network.
fn toxiproxy_plan(site: &RealSite, choice: &ProxyChoice, workers: u32) -> Option<ToxiproxyPlan> {
    let links = links_of(workers, site.instances.len(), site.cluster.is_some());
    let links = u16::try_from(links).ok()?;
    (*choice == ProxyChoice::Auto && site.is_all_started() && ToxiproxyPlan::fits(links))
        .then(|| ToxiproxyPlan::with_links(links))
}
