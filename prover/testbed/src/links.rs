//! The links of each worker, one to each service or to one node of a cluster, and what happens to
//! them, to all of a worker's together.
//!
//! All of it is expressed in toxics, so that a real Toxiproxy in the place of ours does the same, but
//! for what reads AMQP.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::try_join_all;
use proxy::{
    Account, AmqpSilence, AmqpTrap, Bandwidth, Latency, LimitData, Method, MethodError, Nth,
    Proxies, ProxiesError, ResetPeer, Slicer, SlowClose, Stream, Then, Toxic,
};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// "Until healed", in milliseconds: thirty days.
const UNTIL_HEALED: u64 = 30 * 24 * 60 * 60 * 1000;

/// Within this a Toxiproxy takes a toxic off, or it waits for somebody who is gone: 5 s for each
/// piece that it holds.
const TAKE_OFF_WAIT: Duration = Duration::from_secs(1);

/// Who listens accepts sooner.
const CONNECT_WAIT: Duration = Duration::from_secs(5);

/// How often a trap is looked at by whoever waits for it.
const LOOK: Duration = Duration::from_millis(2);

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
    /// Nobody can connect to where the proxy says that it listens.
    #[error(
        "proxy {name} says that it listens on {address}, and nobody can connect to that from here: {reason}; a Toxiproxy in a container must share this machine's network (docker run --network host), one on another machine cannot be used; or leave --toxiproxy out"
    )]
    OutOfReach {
        /// The proxy's name.
        name: String,
        /// Where it says that it listens.
        address: SocketAddr,
        /// What came of it.
        reason: String,
    },
    /// A Toxiproxy is no reader of AMQP.
    #[error(
        "{what} needs a proxy that reads AMQP, and the one of this run is a plain Toxiproxy: leave --toxiproxy out, or start `prover proxy` in its place"
    )]
    ReadsNoAmqp {
        /// What was asked of it.
        what: &'static str,
    },
    /// A trap waits for a method that cannot come.
    #[error("a trap waits for a method: {0}")]
    Method(#[from] MethodError),
    /// A trap counts from 1.
    #[error("a trap springs at the 1st method, or a later one, not at the 0th")]
    NeverTheZeroth,
    /// A trap does one of two things.
    #[error("\"{0}\" is nothing that a trap does: write cut or hold")]
    NoThen(String),
    /// Somebody asks for a trap that is not there, or not any more.
    #[error("no trap is set on the links of worker {worker}")]
    NoTrap {
        /// The worker that was asked for.
        worker: usize,
    },
    /// A link that lets no byte pass is no slow link.
    #[error("a link that trickles lets at least one byte a second pass, in slices of at least one")]
    NoTrickle,
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
    /// Whether the proxies are the prover's.
    own: bool,
    /// Those of each worker, in the order of the routes.
    workers: Vec<Vec<Link>>,
    /// What each worker's links had done when somebody asked last, or broke them.
    before: Arc<Mutex<Vec<Account>>>,
}

#[derive(Clone, Debug)]
struct Link {
    name: String,
    address: SocketAddr,
    /// As the proxy says it.
    listen: String,
    upstream: String,
}

/// What a trap has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trapped {
    /// Methods of that name since the trap was set, up to the one at which it sprang.
    pub seen: u64,
    /// How long ago it sprang.
    pub sprung_ago: Option<Duration>,
}

/// A trap as the proxy shows it.
#[derive(serde::Deserialize)]
struct Shown {
    seen: u64,
    sprung_us: Option<u64>,
}

impl Link {
    async fn create(
        proxies: &dyn Proxies,
        name: String,
        upstream: &str,
        endpoint: &Endpoint,
    ) -> Result<Self, Error> {
        let listen = proxies.put(&name, &endpoint.listen, upstream).await?;
        match reach(endpoint, &listen) {
            Some(address) => Ok(Self {
                name,
                address,
                listen,
                upstream: upstream.to_owned(),
            }),
            None => Err(Error::Unreachable { name, listen }),
        }
    }
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
                let link = Link::create(&*proxies, name, &route.upstream, endpoint).await?;
                workers[worker].push(link);
            }
        }
        Self::over(proxies, workers).await
    }

    async fn over(proxies: Arc<dyn Proxies>, workers: Vec<Vec<Link>>) -> Result<Self, Error> {
        Ok(Self {
            own: proxies.are_own().await?,
            before: Arc::new(Mutex::new(vec![Account::NOTHING; workers.len()])),
            proxies,
            workers,
        })
    }

    /// Connects once over one link of each route, as a worker does.
    ///
    /// # Errors
    /// It cannot be connected to: the proxy is elsewhere.
    pub async fn connect_once(&self) -> Result<(), Error> {
        let first = self.workers.iter().take(1).flatten();
        try_join_all(first.map(Link::connect_once)).await.map(drop)
    }

    /// Whether the proxy reads AMQP, which [`Self::silence`] and [`Self::trap`] need.
    #[must_use]
    pub fn understand_frames(&self) -> bool {
        self.own
    }

    /// Creates one link a worker, to one node of a cluster each, in turns: that of worker `i` leads
    /// to node `i` modulo their number.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub async fn spread(
        proxies: Arc<dyn Proxies>,
        nodes: &[String],
        endpoints: &[Endpoint],
    ) -> Result<Self, Error> {
        let mut workers = Vec::with_capacity(endpoints.len());
        let ends = endpoints.iter().zip(nodes.iter().cycle());
        for (worker, (endpoint, upstream)) in ends.enumerate() {
            let name = format!("worker-{worker}");
            workers.push(vec![
                Link::create(&*proxies, name, upstream, endpoint).await?,
            ]);
        }
        Self::over(proxies, workers).await
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
    /// A real Toxiproxy closes (and does not reset) connections that are open, and refuses new ones
    /// for a moment before it resets them.
    ///
    /// # Errors
    /// The proxy could not be changed; the link may be cut in part, which `heal` undoes.
    pub async fn cut(&self, worker: usize) -> Result<(), Error> {
        if self.own {
            return self.put(worker, &Stream::BOTH.map(cut)).await;
        }
        // It would cut idle connections when bytes come, and not before.
        self.set_enabled(worker, false).await?;
        self.put(worker, &Stream::BOTH.map(cut)).await?;
        self.set_enabled(worker, true).await
    }

    /// Bytes take longer by `latency` plus or minus up to `jitter`, each way; their order stays.
    ///
    /// # Errors
    /// The proxy could not be changed; the link may be slow in part, which `heal` undoes.
    pub async fn slow(
        &self,
        worker: usize,
        latency: Duration,
        jitter: Duration,
    ) -> Result<(), Error> {
        let latency = Latency {
            latency: whole_millis(latency),
            jitter: whole_millis(jitter),
        };
        self.put(worker, &Stream::BOTH.map(|stream| slow(stream, latency)))
            .await
    }

    /// Bytes pass in slices of so many, at so many a second, each way.
    ///
    /// # Errors
    /// One of them is 0, or the proxy could not be changed; the link may be slow in part, which
    /// `heal` undoes.
    pub async fn trickle(
        &self,
        worker: usize,
        bytes_per_second: u64,
        slice_bytes: u64,
    ) -> Result<(), Error> {
        if bytes_per_second == 0 || slice_bytes == 0 {
            return Err(Error::NoTrickle);
        }
        let slicer = Slicer {
            average_size: slice_bytes,
            // A Toxiproxy before 2.4 crashes where there is none.
            size_variation: u64::from(!self.own),
            delay: slice_bytes
                .saturating_mul(1_000_000)
                .div_ceil(bytes_per_second),
        };
        let rate = Bandwidth {
            rate: bytes_per_second.div_ceil(1000),
        };
        let toxics = Stream::BOTH.map(|stream| [slice(stream, slicer), trickle(stream, rate)]);
        self.put(worker, toxics.as_flattened()).await
    }

    /// Each connection is closed when `bytes` have passed it in one direction, new ones too.
    ///
    /// # Errors
    /// The proxy could not be changed; the link may be limited in part, which `heal` undoes.
    pub async fn limit(&self, worker: usize, bytes: u64) -> Result<(), Error> {
        self.put(worker, &Stream::BOTH.map(|stream| limit(stream, bytes)))
            .await
    }

    /// The heartbeats of the worker's clients are lost, and nothing else.
    ///
    /// # Errors
    /// The proxy reads no AMQP, or could not be changed.
    pub async fn silence(&self, worker: usize) -> Result<(), Error> {
        self.read_amqp("silence")?;
        self.put(worker, &[silence()]).await
    }

    /// Something happens right after the `nth` method of that name has passed, with its content, and
    /// before anything further passes either way; counted over all connections of a link from now
    /// on. `then` is `cut`: all connections are reset, and new ones are let through; or `hold`:
    /// nothing passes any more, closes included, until [`Self::heal`]. A method that goes both ways
    /// has ` up` or ` down` behind its name: `basic.ack up`.
    ///
    /// # Errors
    /// [`check_trap`] finds something wrong, the proxy reads no AMQP, or could not be changed.
    pub async fn trap(
        &self,
        worker: usize,
        method: &str,
        nth: u64,
        then: &str,
    ) -> Result<(), Error> {
        let trap = trap(method, nth, then)?;
        self.read_amqp("a trap")?;
        self.put(worker, &[trap]).await
    }

    /// What the trap of a worker's links has seen: of several links all, and when the first one
    /// sprang.
    ///
    /// # Errors
    /// There is none, or the proxy does not answer.
    pub async fn trapped(&self, worker: usize) -> Result<Trapped, Error> {
        let links = self.of(worker)?.iter();
        let toxics = try_join_all(links.map(|link| self.proxies.toxics(&link.name))).await?;
        let traps = toxics
            .into_iter()
            .flatten()
            .filter(|toxic| toxic.name == TRAP);
        let shown = traps.filter_map(|trap| serde_json::from_value::<Shown>(trap.attributes).ok());
        let each = shown.map(|Shown { seen, sprung_us }| Trapped {
            seen,
            sprung_ago: sprung_us.map(Duration::from_micros),
        });
        let all = each.reduce(|one, other| Trapped {
            seen: one.seen + other.seen,
            sprung_ago: one.sprung_ago.max(other.sprung_ago),
        });
        all.ok_or(Error::NoTrap { worker })
    }

    /// Waits until the trap of a worker's links has sprung.
    ///
    /// # Errors
    /// There is none, or not any more; or the proxy does not answer.
    pub async fn sprung(&self, worker: usize) -> Result<Trapped, Error> {
        loop {
            let trapped = self.trapped(worker).await?;
            if trapped.sprung_ago.is_some() {
                return Ok(trapped);
            }
            sleep(LOOK).await;
        }
    }

    /// What a worker's links have done since this was asked last, or since something was done to
    /// them; what they held back at the most since something was done to them.
    ///
    /// # Errors
    /// There is no such worker, or the proxy is gone.
    pub async fn evidence(&self, worker: usize) -> Result<Account, Error> {
        let now = self.account(worker).await?;
        let before = std::mem::replace(&mut self.before()[worker], now);
        Ok(now.since(before))
    }

    /// Undoes all of the above; a healthy link stays as it is.
    ///
    /// A real Toxiproxy that does not take a toxic off soon gets another proxy in the place of this
    /// one: then its connections are closed.
    ///
    /// # Errors
    /// The proxy could not be changed; call it again.
    pub async fn heal(&self, worker: usize) -> Result<(), Error> {
        let heals = self.of(worker)?.iter().map(|link| self.heal_link(link));
        try_join_all(heals).await.map(drop)
    }

    /// Deletes the proxies; all connections through them are closed. One that cannot be deleted
    /// keeps no other from it.
    ///
    /// # Errors
    /// A proxy could not be deleted: the first one's.
    pub async fn delete(self) -> Result<(), Error> {
        let mut result = Ok(());
        for link in self.workers.iter().flatten() {
            result = result.and(self.proxies.remove(&link.name).await);
        }
        Ok(result?)
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
        self.put(worker, &[hold_close(stream), hold_bytes(stream)])
            .await
    }

    fn read_amqp(&self, what: &'static str) -> Result<(), Error> {
        if self.own {
            return Ok(());
        }
        Err(Error::ReadsNoAmqp { what })
    }

    /// Puts toxics on all links of a worker, one after the other and on all links at the same time;
    /// what the links do counts from then on.
    async fn put(&self, worker: usize, toxics: &[Toxic]) -> Result<(), Error> {
        let before = self.account(worker).await?;
        self.before()[worker] = before;
        for toxic in toxics {
            let links = self.of(worker)?.iter();
            let added = links.map(|link| self.proxies.add_toxic(&link.name, toxic));
            try_join_all(added).await?;
        }
        Ok(())
    }

    async fn set_enabled(&self, worker: usize, enabled: bool) -> Result<(), Error> {
        let links = self.of(worker)?.iter();
        let set = links.map(|link| self.proxies.set_enabled(&link.name, enabled));
        try_join_all(set).await?;
        Ok(())
    }

    async fn account(&self, worker: usize) -> Result<Account, Error> {
        let links = self.of(worker)?.iter();
        let accounts = try_join_all(links.map(|link| self.proxies.account(&link.name))).await?;
        Ok(accounts.into_iter().sum())
    }

    fn before(&self) -> MutexGuard<'_, Vec<Account>> {
        self.before.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn heal_link(&self, link: &Link) -> Result<(), Error> {
        if self.own {
            return self.take_off(link).await;
        }
        match timeout(TAKE_OFF_WAIT, self.take_off(link)).await {
            // A cut that failed half-way leaves it disabled.
            Ok(done) => {
                done?;
                Ok(self.proxies.set_enabled(&link.name, true).await?)
            }
            Err(_) => self.renew(link).await,
        }
    }

    async fn take_off(&self, link: &Link) -> Result<(), Error> {
        let present = self.proxies.toxics(&link.name).await?;
        for name in healing_order() {
            if present.iter().any(|toxic| toxic.name == name) {
                self.proxies.remove_toxic(&link.name, &name).await?;
            }
        }
        Ok(())
    }

    /// Puts another proxy in the place of one.
    async fn renew(&self, link: &Link) -> Result<(), Error> {
        let Link {
            name,
            listen,
            upstream,
            ..
        } = link;
        tracing::warn!(
            proxy = name,
            "the proxy takes a toxic off only slowly; another one in its place closes its connections"
        );
        self.proxies.put(name, listen, upstream).await?;
        Ok(())
    }
}

impl Link {
    async fn connect_once(&self) -> Result<(), Error> {
        let reason = match timeout(CONNECT_WAIT, TcpStream::connect(self.address)).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {CONNECT_WAIT:?}"),
        };
        Err(Error::OutOfReach {
            name: self.name.clone(),
            address: self.address,
            reason,
        })
    }
}

/// Whether a trap makes sense, before there are links: the method exists, and goes one way or says
/// which; it is counted from 1; and `then` is `cut` or `hold`.
///
/// # Errors
/// It does not.
pub fn check_trap(method: &str, nth: u64, then: &str) -> Result<(), Error> {
    trap(method, nth, then).map(drop)
}

/// The trap is one toxic for both directions.
const TRAP: &str = "trap";

fn trap(method: &str, nth: u64, then: &str) -> Result<Toxic, Error> {
    let (method, stream) = Method::on_its_way(method)?;
    let nth = Nth::new(nth).ok_or(Error::NeverTheZeroth)?;
    let then = match then {
        "cut" => Then::Cut,
        "hold" => Then::Hold,
        other => return Err(Error::NoThen(other.to_owned())),
    };
    Ok(Toxic::new(stream, &AmqpTrap::new(method, nth, then)).named(TRAP))
}

fn hold_bytes(stream: Stream) -> Toxic {
    Toxic::new(stream, &Bandwidth { rate: 0 }).named(named(HOLD_BYTES, stream))
}

fn hold_close(stream: Stream) -> Toxic {
    let delay = UNTIL_HEALED;
    Toxic::new(stream, &SlowClose { delay }).named(named(HOLD_CLOSE, stream))
}

fn cut(stream: Stream) -> Toxic {
    Toxic::new(stream, &ResetPeer { timeout: 0 }).named(named(CUT, stream))
}

fn slow(stream: Stream, latency: Latency) -> Toxic {
    Toxic::new(stream, &latency).named(named(SLOW, stream))
}

fn slice(stream: Stream, slicer: Slicer) -> Toxic {
    Toxic::new(stream, &slicer).named(named(SLICE, stream))
}

fn trickle(stream: Stream, rate: Bandwidth) -> Toxic {
    Toxic::new(stream, &rate).named(named(TRICKLE, stream))
}

fn limit(stream: Stream, bytes: u64) -> Toxic {
    Toxic::new(stream, &LimitData { bytes }).named(named(LIMIT, stream))
}

fn silence() -> Toxic {
    let stream = Stream::Upstream;
    Toxic::new(stream, &AmqpSilence {}).named(named(SILENCE, stream))
}

const CUT: &str = "cut";
const LIMIT: &str = "limit";
const SILENCE: &str = "silence";
const SLOW: &str = "slow";
const TRICKLE: &str = "trickle-rate";
const SLICE: &str = "trickle-slices";
const HOLD_BYTES: &str = "partition-bytes";
const HOLD_CLOSE: &str = "partition-close";

fn named(what: &str, stream: Stream) -> String {
    format!("{what}-{}", stream.name())
}

/// The names of what `heal` removes, in this order: bytes before the close that stands behind them.
fn healing_order() -> impl Iterator<Item = String> {
    let on_streams = [
        CUT, LIMIT, SILENCE, SLOW, TRICKLE, SLICE, HOLD_BYTES, HOLD_CLOSE,
    ];
    let names = on_streams
        .into_iter()
        .flat_map(|what| Stream::BOTH.map(|stream| named(what, stream)));
    std::iter::once(TRAP.to_owned()).chain(names)
}

/// Nothing becomes no delay that was one.
fn whole_millis(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
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
