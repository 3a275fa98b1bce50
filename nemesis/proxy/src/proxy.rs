//! One proxy: a listener, the toxics, and the connections that it has accepted.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::address::ListenAddress;
use crate::connection::Connection;
use crate::error::ProxyError;
use crate::link::Link;
use crate::listener::Listener;
use crate::record::ProxyRecord;
use crate::relocation::Relocation;
use crate::seed::{self, Purpose};
use crate::toxic::{AnyEffect, Kind, Stream, Toxic};
use crate::toxics;
use crate::traffic::Traffic;

/// A named proxy.
#[derive(Debug)]
pub(crate) struct Proxy {
    listen: String,
    upstream: String,
    /// There while the proxy is enabled.
    accepting: Option<Accepting>,
    live: Arc<Live>,
    /// Where its tasks run, whoever changes it from wherever.
    runtime: Handle,
}

/// A listener, and the task that accepts from it.
#[derive(Debug)]
struct Accepting {
    listener: Arc<Listener>,
    task: JoinHandle<()>,
}

/// What a proxy has done and does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections accepted since the proxy was created.
    pub accepted: u64,
    /// Connections whose task still runs.
    pub open: u64,
    /// Connections that are over because the proxy closed or reset them.
    pub closed: u64,
    /// Bytes from clients to the server.
    pub upstream: Traffic,
    /// Bytes from the server to clients.
    pub downstream: Traffic,
    /// Bytes that open connections have read and not yet delivered.
    pub held_bytes: u64,
    /// The most bytes from clients that were held back since a toxic was last added: of each
    /// connection, added up.
    pub held_up_max: u64,
    /// The same of bytes from the server.
    pub held_down_max: u64,
}

impl Counters {
    /// The bytes of one direction.
    pub fn of(&self, stream: Stream) -> Traffic {
        match stream {
            Stream::Upstream => self.upstream,
            Stream::Downstream => self.downstream,
        }
    }

    /// The most that was held back in one direction.
    pub fn held_max(&self, stream: Stream) -> u64 {
        match stream {
            Stream::Upstream => self.held_up_max,
            Stream::Downstream => self.held_down_max,
        }
    }
}

impl Proxy {
    /// A proxy that is not enabled yet.
    pub(crate) fn new(
        seed: u64,
        name: &str,
        listen: &str,
        upstream: &str,
        runtime: &Handle,
    ) -> Self {
        Self {
            listen: listen.to_owned(),
            upstream: upstream.to_owned(),
            accepting: None,
            live: Arc::new(Live::new(seed, name)),
            runtime: runtime.clone(),
        }
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.accepting.is_some()
    }

    pub(crate) fn live(&self) -> &Live {
        &self.live
    }

    /// The proxy as the API shows it.
    pub(crate) fn record(&self) -> ProxyRecord {
        ProxyRecord {
            name: self.live.name.clone(),
            listen: self.listen.clone(),
            upstream: self.upstream.clone(),
            enabled: self.is_enabled(),
            toxics: self.live.toxics(),
        }
    }

    /// What other addresses would change; those that are left out stay.
    pub(crate) async fn plan(
        &self,
        listen: Option<&str>,
        upstream: Option<&str>,
    ) -> io::Result<Relocation> {
        let from = (self.listen.as_str(), self.upstream.as_str());
        let to = (listen.unwrap_or(from.0), upstream.unwrap_or(from.1));
        Relocation::plan(from, to).await
    }

    /// Begins to accept; from then on `listen` names the port even if the system chose it.
    pub(crate) async fn start(&mut self) -> io::Result<()> {
        if !self.is_enabled() {
            let listener = self.bind(&self.listen).await?;
            self.accept_from(listener);
        }
        Ok(())
    }

    /// Stops accepting and closes all connections; returns when they are gone.
    pub(crate) async fn stop(&mut self) {
        self.stop_accepting().await;
        self.live.close_all().await;
    }

    /// Moves, enables or disables the proxy. Its connections stay unless it is disabled or
    /// elsewhere; all stays as it was if it cannot listen there.
    pub(crate) async fn update(&mut self, to: Relocation, enabled: bool) -> io::Result<()> {
        let listener = self.claim(&to, enabled).await?;
        self.stop_accepting().await;
        if to.is_elsewhere() || !enabled {
            self.live.close_all().await;
        }
        self.settle(to, listener);
        Ok(())
    }

    /// Puts a new proxy in the place of this one; all stays as it was if that cannot listen.
    pub(crate) async fn replace(&mut self, by: Relocation, enabled: bool) -> io::Result<()> {
        let listener = self.claim(&by, enabled).await?;
        self.stop().await;
        self.live = Arc::new(Live::new(self.live.seed, &self.live.name));
        self.settle(by, listener);
        Ok(())
    }

    /// The listener for a proxy there; none if it shall not accept.
    async fn claim(&mut self, to: &Relocation, enabled: bool) -> io::Result<Option<Arc<Listener>>> {
        if !enabled {
            return Ok(None);
        }
        let listener = match (&to.other_listen, &self.accepting) {
            (None, Some(accepting)) => Arc::clone(&accepting.listener),
            (None, None) => self.bind(&to.listen).await?,
            (Some(listen), _) => self.bind_elsewhere(listen).await?,
        };
        Ok(Some(listener))
    }

    async fn bind(&self, listen: &str) -> io::Result<Arc<Listener>> {
        let address = ListenAddress::resolve(listen).await?;
        Listener::bind(&address, &self.runtime).map(Arc::new)
    }

    async fn bind_elsewhere(&mut self, listen: &ListenAddress) -> io::Result<Arc<Listener>> {
        let bound = Listener::bind(listen, &self.runtime).map(Arc::new);
        match bound {
            Err(error) if self.is_in_the_way(listen, &error) => self.step_aside_for(listen).await,
            bound => bound,
        }
    }

    /// Whether this very proxy may use the port that is in use: `127.0.0.1:80` is in the way of
    /// `:80`.
    fn is_in_the_way(&self, listen: &ListenAddress, error: &io::Error) -> bool {
        let port = |accepting: &Accepting| accepting.listener.address().port();
        error.kind() == io::ErrorKind::AddrInUse
            && self.accepting.as_ref().map(port).is_some_and(|own| {
                let mut wanted = listen.sockets().iter().map(SocketAddr::port);
                wanted.any(|wanted| wanted == own)
            })
    }

    /// Tries again without the listener of now, and takes that back if it was not in the way.
    async fn step_aside_for(&mut self, listen: &ListenAddress) -> io::Result<Arc<Listener>> {
        self.stop_accepting().await;
        let bound = Listener::bind(listen, &self.runtime).map(Arc::new);
        if bound.is_err() {
            // Somebody else may have taken the port meanwhile: then the proxy is disabled.
            match self.bind(&self.listen).await {
                Ok(listener) => self.accept_from(listener),
                Err(_) => self.live.close_all().await,
            }
        }
        bound
    }

    async fn stop_accepting(&mut self) {
        if let Some(Accepting { task, .. }) = self.accepting.take() {
            task.abort();
            // Cancelled: that is what was asked for.
            let _ = task.await;
        }
    }

    fn settle(&mut self, to: Relocation, listener: Option<Arc<Listener>>) {
        self.listen = to.listen;
        self.upstream = to.upstream;
        if let Some(listener) = listener {
            self.accept_from(listener);
        }
    }

    fn accept_from(&mut self, listener: Arc<Listener>) {
        self.listen = listener.address().to_string();
        let accept = accept(
            Arc::clone(&listener),
            Arc::clone(&self.live),
            self.upstream.as_str().into(),
        );
        let task = self.runtime.spawn(accept);
        self.accepting = Some(Accepting { listener, task });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.task.abort();
        }
        self.live
            .lock()
            .connections
            .values()
            .for_each(|connection| connection.close());
    }
}

async fn accept(listener: Arc<Listener>, live: Arc<Live>, upstream: Arc<str>) {
    /// Out of file descriptors, say: some may be free again soon.
    const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(50);
    loop {
        match listener.accept().await {
            Ok(client) => Live::open(&live, client, Arc::clone(&upstream)),
            Err(error) => {
                tracing::warn!(proxy = live.name, %error, "failed to accept a connection");
                tokio::time::sleep(PAUSE_AFTER_ERROR).await;
            }
        }
    }
}

/// The part of a proxy that its connections' tasks share: toxics and connections under one lock, so
/// that no connection misses a change.
#[derive(Debug)]
pub(crate) struct Live {
    name: String,
    seed: u64,
    state: Mutex<LiveState>,
    /// How many connections are open, for whoever waits for none.
    open: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct LiveState {
    toxics: Vec<LiveToxic>,
    connections: BTreeMap<u64, Arc<Connection>>,
    accepted: u64,
    /// Of connections that are over.
    past_upstream: Traffic,
    past_downstream: Traffic,
    past_closed: u64,
    past_held_up: u64,
    past_held_down: u64,
}

/// A toxic and what it does.
#[derive(Clone, Debug)]
struct LiveToxic {
    toxic: Toxic,
    effect: Arc<dyn AnyEffect>,
    /// What it does to the other direction.
    opposite: Option<Arc<dyn AnyEffect>>,
}

impl LiveToxic {
    /// Reads the attributes; in the toxic stand those that were left out, too.
    fn new(mut toxic: Toxic, kind: &Kind) -> Result<Self, ProxyError> {
        check_probability(toxic.toxicity)?;
        let effect = kind
            .effect(toxic.attributes)
            .map_err(ProxyError::bad_body)?;
        effect.check(toxic.stream, toxic.toxicity)?;
        toxic.attributes = effect.attributes();
        Ok(Self {
            toxic,
            opposite: effect.opposite(),
            effect,
        })
    }

    fn effect_on(&self, stream: Stream) -> Option<Arc<dyn AnyEffect>> {
        if stream == self.toxic.stream {
            Some(Arc::clone(&self.effect))
        } else {
            self.opposite.clone()
        }
    }

    /// The toxic as it is now: attributes may tell what has happened.
    fn shown(&self) -> Toxic {
        Toxic {
            attributes: self.effect.attributes(),
            ..self.toxic.clone()
        }
    }
}

impl LiveState {
    /// What is held back counts anew.
    fn forget_held_max(&mut self) {
        (self.past_held_up, self.past_held_down) = (0, 0);
        for connection in self.connections.values() {
            connection.change(|links| {
                for stream in Stream::BOTH {
                    links.of(stream).forget_held_max();
                }
            });
        }
    }

    /// Changes all links on which a toxic acts; those of one connection at one moment.
    fn change_all(
        &self,
        live: &LiveToxic,
        change: impl Fn(&mut Link, Arc<dyn AnyEffect>, Instant),
    ) {
        for connection in self.connections.values() {
            connection.change(|links| {
                let now = Instant::now();
                for stream in Stream::BOTH {
                    if let Some(effect) = live.effect_on(stream) {
                        change(links.of(stream), effect, now);
                    }
                }
            });
        }
    }
}

impl Live {
    fn new(seed: u64, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            seed,
            state: Mutex::default(),
            open: watch::Sender::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, LiveState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers a connection and starts its task.
    fn open(live: &Arc<Self>, client: TcpStream, upstream: Arc<str>) {
        let guest = live.register();
        tokio::spawn(async move {
            let sprung = || guest.live.ask_again();
            guest.connection.run(client, &upstream, sprung).await;
        });
    }

    /// Lets the toxics of all connections be asked again.
    fn ask_again(&self) {
        let state = self.lock();
        state
            .connections
            .values()
            .for_each(|connection| connection.ask_again());
    }

    fn register(self: &Arc<Self>) -> Guest {
        let mut state = self.lock();
        let number = state.accepted;
        state.accepted += 1;
        let [upstream, downstream] =
            Stream::BOTH.map(|stream| self.link(number, stream, &state.toxics));
        let connection = Arc::new(Connection::new(upstream, downstream));
        state.connections.insert(number, Arc::clone(&connection));
        self.open.send_replace(state.connections.len());
        Guest {
            live: Arc::clone(self),
            number,
            connection,
        }
    }

    fn link(&self, connection: u64, stream: Stream, toxics: &[LiveToxic]) -> Link {
        let rng = |purpose| seed::stream(self.seed, &self.name, connection, stream, purpose);
        let mut link = Link::new(stream, rng(Purpose::Effect), rng(Purpose::Toxicity));
        let now = Instant::now();
        for live in toxics {
            if let Some(effect) = live.effect_on(stream) {
                link.add(&live.toxic.name, effect, live.toxic.toxicity, now);
            }
        }
        link
    }

    async fn close_all(&self) {
        self.lock()
            .connections
            .values()
            .for_each(|connection| connection.close());
        let mut open = self.open.subscribe();
        // Fails only without a sender, and that is ours.
        let _ = open.wait_for(|open| *open == 0).await;
    }

    pub(crate) fn counters(&self) -> Counters {
        let state = self.lock();
        let traffic = |stream| -> Traffic {
            state
                .connections
                .values()
                .map(|connection| connection.traffic(stream))
                .sum()
        };
        let held_max = |stream| -> u64 {
            let connections = state.connections.values();
            connections
                .map(|connection| connection.held_max(stream))
                .sum()
        };
        Counters {
            accepted: state.accepted,
            open: state.connections.len() as u64,
            closed: state.past_closed,
            upstream: state.past_upstream + traffic(Stream::Upstream),
            downstream: state.past_downstream + traffic(Stream::Downstream),
            held_bytes: state
                .connections
                .values()
                .map(|connection| connection.held())
                .sum(),
            held_up_max: state.past_held_up + held_max(Stream::Upstream),
            held_down_max: state.past_held_down + held_max(Stream::Downstream),
        }
    }

    /// All toxics, upstream first, in the order in which bytes meet them.
    pub(crate) fn toxics(&self) -> Vec<Toxic> {
        let mut toxics: Vec<_> = self.lock().toxics.iter().map(LiveToxic::shown).collect();
        toxics.sort_by_key(|toxic| toxic.stream);
        toxics
    }

    pub(crate) fn toxic(&self, name: &str) -> Result<Toxic, ProxyError> {
        let state = self.lock();
        let live = state.toxics.iter().find(|live| live.toxic.name == name);
        live.map(LiveToxic::shown).ok_or(ProxyError::ToxicNotFound)
    }

    /// Adds a toxic, behind the others; `toxic.attributes` may leave out what is zero.
    pub(crate) fn add(&self, toxic: Toxic) -> Result<Toxic, ProxyError> {
        let kind = toxics::find(&toxic.kind).ok_or(ProxyError::InvalidToxicType)?;
        let mut state = self.lock();
        if state
            .toxics
            .iter()
            .any(|live| live.toxic.name == toxic.name)
        {
            return Err(ProxyError::ToxicExists);
        }
        let live = LiveToxic::new(toxic, kind)?;
        state.forget_held_max();
        let Toxic { name, toxicity, .. } = &live.toxic;
        state.change_all(&live, |link, effect, now| {
            link.add(name, effect, *toxicity, now);
        });
        let shown = live.toxic.clone();
        state.toxics.push(live);
        Ok(shown)
    }

    /// Changes a toxic: the attributes that are named, and its toxicity.
    pub(crate) fn update(
        &self,
        name: &str,
        changes: Map<String, Value>,
        toxicity: Option<f64>,
    ) -> Result<Toxic, ProxyError> {
        let mut state = self.lock();
        let mut toxics = state.toxics.iter();
        let place = toxics.position(|live| live.toxic.name == name);
        let place = place.ok_or(ProxyError::ToxicNotFound)?;
        let old = &state.toxics[place];
        let changed = Toxic {
            toxicity: toxicity.unwrap_or(old.toxic.toxicity),
            attributes: merged(old.toxic.attributes.clone(), changes),
            ..old.toxic.clone()
        };
        let live = LiveToxic::new(changed, old.effect.kind())?;
        let toxicity = live.toxic.toxicity;
        state.change_all(&live, |link, effect, now| {
            link.update(name, effect, toxicity, now);
        });
        let shown = live.toxic.clone();
        state.toxics[place] = live;
        Ok(shown)
    }

    pub(crate) fn remove(&self, name: &str) -> Result<(), ProxyError> {
        let mut state = self.lock();
        let place = state.toxics.iter().position(|live| live.toxic.name == name);
        let removed = state.toxics.remove(place.ok_or(ProxyError::ToxicNotFound)?);
        state.change_all(&removed, |link, _, now| link.remove(name, now));
        Ok(())
    }

    /// Removes all toxics.
    pub(crate) fn reset(&self) {
        for toxic in self.toxics() {
            // Gone already: then somebody else removed it.
            let _ = self.remove(&toxic.name);
        }
    }
}

fn check_probability(toxicity: f64) -> Result<(), ProxyError> {
    if (0.0..=1.0).contains(&toxicity) {
        return Ok(());
    }
    Err(ProxyError::bad_body(format_args!(
        "toxicity {toxicity} is not between 0 and 1"
    )))
}

/// `attributes` with `changes` written over them.
fn merged(mut attributes: Value, changes: Map<String, Value>) -> Value {
    let all = attributes.as_object_mut().expect("an effect's parameters");
    all.extend(changes);
    attributes
}

/// A connection's place in its proxy, given up when its task ends, however it ends.
struct Guest {
    live: Arc<Live>,
    number: u64,
    connection: Arc<Connection>,
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut state = self.live.lock();
        state.connections.remove(&self.number);
        let [up, down] = Stream::BOTH;
        state.past_upstream += self.connection.traffic(up);
        state.past_downstream += self.connection.traffic(down);
        state.past_held_up += self.connection.held_max(up);
        state.past_held_down += self.connection.held_max(down);
        state.past_closed += u64::from(self.connection.is_cut_off());
        self.live.open.send_replace(state.connections.len());
    }
}
