//! The links of each worker, one to each service, and the three things that happen to them, to all
//! of a worker's together: partition, cut, heal.
//!
//! All of it is expressed in toxics, so that a real Toxiproxy in the place of ours does the same.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::try_join_all;
use proxy::{Bandwidth, Proxies, ProxiesError, ResetPeer, SlowClose, Stream, Toxic};

/// "Until healed", in milliseconds: thirty days.
const UNTIL_HEALED: u64 = 30 * 24 * 60 * 60 * 1000;

/// What can go wrong with links.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A proxy could not be changed.
    #[error(transparent)]
    Proxies(#[from] ProxiesError),
    /// The proxy listens where nobody can connect to.
    #[error(
        "proxy {name} listens on {listen:?}, which is no address to connect to; say how workers reach it (`Endpoint::reach`)"
    )]
    Unreachable {
        /// The proxy's name.
        name: String,
        /// Where it says that it listens.
        listen: String,
    },
    /// There is no such worker.
    #[error("worker {worker} has no link: there are links of {workers}")]
    NoSuchWorker {
        /// The worker that was asked for.
        worker: usize,
        /// How many workers have links.
        workers: usize,
    },
}

/// Where one link's proxy listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The address that the proxy binds, as it sees it.
    pub listen: String,
    /// How workers reach it, where that is another address (a published port); else the one that
    /// the proxy reports.
    pub reach: Option<SocketAddr>,
}

impl Endpoint {
    /// Any free port of the loopback interface, for a proxy on this machine.
    pub fn local() -> Self {
        Self {
            listen: "127.0.0.1:0".to_owned(),
            reach: None,
        }
    }

    /// A port inside a container, and where it is published.
    pub fn published(port: u16, reach: SocketAddr) -> Self {
        Self {
            listen: format!("0.0.0.0:{port}"),
            reach: Some(reach),
        }
    }
}

/// The way from all workers to one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The service's name in the run.
    pub service: String,
    /// Its address as the proxy sees it.
    pub upstream: String,
    /// Where the proxies listen, one for each worker.
    pub endpoints: Vec<Endpoint>,
}

/// One proxy for each worker and service: `worker-0-redis-1`, `worker-0-redis-2`, …; `worker-0`
/// where there is one service.
#[derive(Clone, Debug)]
pub struct Links {
    proxies: Arc<dyn Proxies>,
    /// Those of each worker, in the order of the routes.
    workers: Vec<Vec<Link>>,
}

#[derive(Clone, Debug)]
struct Link {
    name: String,
    address: SocketAddr,
}

impl Links {
    /// Creates one link for each endpoint of each route, in place of what an earlier run may have
    /// left under the same name.
    ///
    /// # Errors
    /// The proxy could not be changed, or it is not known how to reach a proxy.
    pub async fn create(proxies: Arc<dyn Proxies>, routes: &[Route]) -> Result<Self, Error> {
        let count = routes.iter().map(|route| route.endpoints.len()).max();
        let mut workers = vec![Vec::new(); count.unwrap_or(0)];
        for route in routes {
            for (worker, endpoint) in route.endpoints.iter().enumerate() {
                let name = match routes {
                    [_] => format!("worker-{worker}"),
                    _ => format!("worker-{worker}-{}", route.service),
                };
                let upstream = &route.upstream;
                let listen = proxies.put(&name, &endpoint.listen, upstream).await?;
                let address = reach(endpoint, &listen).ok_or(Error::Unreachable {
                    name: name.clone(),
                    listen,
                })?;
                workers[worker].push(Link { name, address });
            }
        }
        Ok(Self { proxies, workers })
    }

    /// The addresses that a worker connects to, in the order of the routes.
    ///
    /// # Errors
    /// There is no such worker.
    pub fn addresses(&self, worker: usize) -> Result<Vec<SocketAddr>, Error> {
        let links = self.of(worker)?.iter();
        Ok(links.map(|link| link.address).collect())
    }

    /// How many workers have links.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.workers.len()
    }

    /// Nothing passes in either direction, closes and resets included; after [`Self::heal`] the
    /// same connections go on and all that was held back arrives in order. Connections opened
    /// meanwhile are accepted by the proxy and hear nothing.
    ///
    /// # Errors
    /// The proxy could not be changed; the link may be partitioned in part, which `heal` undoes.
    pub async fn partition(&self, worker: usize) -> Result<(), Error> {
        for stream in Stream::BOTH {
            self.hold(worker, stream).await?;
        }
        Ok(())
    }

    /// A partition that only the worker's own bytes and closes meet: it still hears the server.
    ///
    /// # Errors
    /// As [`Self::partition`].
    pub async fn partition_upstream(&self, worker: usize) -> Result<(), Error> {
        self.hold(worker, Stream::Upstream).await
    }

    /// A partition that only the server's bytes and closes meet: it still hears the worker.
    ///
    /// # Errors
    /// As [`Self::partition`].
    pub async fn partition_downstream(&self, worker: usize) -> Result<(), Error> {
        self.hold(worker, Stream::Downstream).await
    }

    /// Connections are reset at both ends, new ones too, until [`Self::heal`].
    ///
    /// A real Toxiproxy closes (and does not reset) connections that are open, and only when bytes
    /// arrive.
    ///
    /// # Errors
    /// The proxy could not be changed; the link may be cut in part, which `heal` undoes.
    pub async fn cut(&self, worker: usize) -> Result<(), Error> {
        for stream in Stream::BOTH {
            self.add(worker, &cut(stream)).await?;
        }
        Ok(())
    }

    /// Undoes all of the above; a healthy link stays as it is.
    ///
    /// # Errors
    /// The proxy could not be changed; call it again.
    pub async fn heal(&self, worker: usize) -> Result<(), Error> {
        let heals = self.of(worker)?.iter().map(|link| self.heal_link(link));
        try_join_all(heals).await.map(drop)
    }

    /// Deletes the proxies; all connections through them are closed.
    ///
    /// # Errors
    /// The proxy could not be changed.
    pub async fn delete(self) -> Result<(), Error> {
        for link in self.workers.iter().flatten() {
            self.proxies.remove(&link.name).await?;
        }
        Ok(())
    }

    fn of(&self, worker: usize) -> Result<&[Link], Error> {
        let links = self.workers.get(worker).ok_or(Error::NoSuchWorker {
            worker,
            workers: self.workers.len(),
        })?;
        Ok(links)
    }

    async fn hold(&self, worker: usize, stream: Stream) -> Result<(), Error> {
        // Closes first: a real Toxiproxy cannot take a bandwidth toxic out of a stream whose end
        // has passed it.
        self.add(worker, &hold_close(stream)).await?;
        self.add(worker, &hold_bytes(stream)).await
    }

    /// Puts a toxic on all links of a worker at the same time.
    async fn add(&self, worker: usize, toxic: &Toxic) -> Result<(), Error> {
        let links = self.of(worker)?.iter();
        let added = links.map(|link| self.proxies.add_toxic(&link.name, toxic));
        try_join_all(added).await?;
        Ok(())
    }

    async fn heal_link(&self, link: &Link) -> Result<(), Error> {
        let present = self.proxies.toxics(&link.name).await?;
        for toxic in healing_order() {
            if present.iter().any(|present| present.name == toxic.name) {
                self.proxies.remove_toxic(&link.name, &toxic.name).await?;
            }
        }
        Ok(())
    }
}

fn hold_bytes(stream: Stream) -> Toxic {
    Toxic::new(stream, &Bandwidth { rate: 0 }).named(format!("partition-bytes-{}", stream.name()))
}

fn hold_close(stream: Stream) -> Toxic {
    let delay = UNTIL_HEALED;
    Toxic::new(stream, &SlowClose { delay }).named(format!("partition-close-{}", stream.name()))
}

fn cut(stream: Stream) -> Toxic {
    Toxic::new(stream, &ResetPeer { timeout: 0 }).named(format!("cut-{}", stream.name()))
}

/// What `heal` removes, in this order: bytes before the close that stands behind them.
fn healing_order() -> impl Iterator<Item = Toxic> {
    [cut, hold_bytes, hold_close]
        .into_iter()
        .flat_map(|toxic| Stream::BOTH.map(toxic))
}

fn reach(endpoint: &Endpoint, listen: &str) -> Option<SocketAddr> {
    let reported = || {
        listen
            .parse()
            .ok()
            .filter(|address: &SocketAddr| !address.ip().is_unspecified())
    };
    endpoint.reach.or_else(reported)
}
