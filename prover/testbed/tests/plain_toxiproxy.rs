//! Links of a real Toxiproxy. None can be had here: in its place stands this crate's proxy with the
//! differences that matter, as docs/proxy.md has them from Toxiproxy's source.

#[path = "../../../nemesis/proxy/tests/common/mod.rs"]
mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use common::{arrives, ends, is_silent, passes, within};
use proxy::{Account, Embedded, Proxies, ProxiesError, Toxic, toxiproxy};
use testbed::links::{Endpoint, Error, Links, Route};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// Reads no AMQP, cuts idle connections only when bytes come, counts nothing, and takes off a
/// `bandwidth` that holds bytes back only after 5 s.
#[derive(Clone, Debug)]
struct StandIn {
    proxies: Embedded,
    /// It cannot take `worker-0` down any more, since a client of that does not read.
    stuck: Arc<AtomicBool>,
}

impl StandIn {
    fn new() -> Self {
        Self {
            proxies: Embedded::new(0),
            stuck: Arc::default(),
        }
    }

    fn take_down(&self, name: &str) -> Result<(), ProxiesError> {
        if name != "worker-0" || !self.stuck.load(Ordering::Relaxed) {
            return Ok(());
        }
        let request = format!("DELETE http://127.0.0.1:8474/proxies/{name}");
        Err(ProxiesError(Box::new(toxiproxy::Error::Stuck { request })))
    }
}

#[async_trait]
impl Proxies for StandIn {
    async fn put(&self, name: &str, listen: &str, upstream: &str) -> Result<String, ProxiesError> {
        self.take_down(name)?;
        self.proxies.put(name, listen, upstream).await
    }

    async fn remove(&self, name: &str) -> Result<(), ProxiesError> {
        self.take_down(name)?;
        self.proxies.remove(name).await
    }

    async fn toxics(&self, proxy: &str) -> Result<Vec<Toxic>, ProxiesError> {
        self.proxies.toxics(proxy).await
    }

    async fn add_toxic(&self, proxy: &str, toxic: &Toxic) -> Result<(), ProxiesError> {
        assert!(
            !toxic.kind.starts_with("amqp"),
            "Toxiproxy has no {toxic:?}"
        );
        let open = self
            .proxies
            .counters(proxy)
            .await
            .map(|counters| counters.open);
        let is_cut = toxic.kind == "reset_peer";
        assert!(
            !is_cut || open == Some(0),
            "it would not strike an idle connection"
        );
        self.proxies.add_toxic(proxy, toxic).await
    }

    async fn remove_toxic(&self, proxy: &str, toxic: &str) -> Result<(), ProxiesError> {
        let counters = self.proxies.counters(proxy).await;
        if toxic.starts_with("partition-bytes") && counters.is_some_and(|all| all.held_bytes > 0) {
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        self.proxies.remove_toxic(proxy, toxic).await
    }

    async fn set_enabled(&self, proxy: &str, enabled: bool) -> Result<(), ProxiesError> {
        self.proxies.set_enabled(proxy, enabled).await
    }

    async fn account(&self, _proxy: &str) -> Result<Account, ProxiesError> {
        Ok(Account::UNKNOWN)
    }

    async fn are_own(&self) -> Result<bool, ProxiesError> {
        Ok(false)
    }
}

struct Bed {
    links: Links,
    server: TcpListener,
}

impl Bed {
    async fn new() -> Self {
        Self::on(StandIn::new(), 1).await
    }

    async fn on(proxies: StandIn, workers: usize) -> Self {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let route = Route {
            service: "server".to_owned(),
            upstream: server.local_addr().unwrap().to_string(),
            endpoints: vec![Endpoint::local(); workers],
        };
        let links = Links::create(Arc::new(proxies), &[route]).await.unwrap();
        Self { links, server }
    }

    async fn connect(&self) -> (TcpStream, TcpStream) {
        let address = self.links.addresses(0).unwrap()[0];
        let client = within(TcpStream::connect(address)).await.unwrap();
        (client, within(self.server.accept()).await.unwrap().0)
    }
}

#[tokio::test]
async fn a_partition_heals_soon_although_the_toxic_does_not_go() {
    let bed = Bed::new().await;
    let (mut client, mut server) = bed.connect().await;
    bed.links.partition(0).await.unwrap();
    client.write_all(b"held").await.unwrap();
    is_silent(&mut server).await;
    let began = Instant::now();
    bed.links.heal(0).await.unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
    ends(&mut server).await;
    let (mut client, mut server) = bed.connect().await;
    passes(&mut client, &mut server, "at the same address").await;
}

#[tokio::test]
async fn a_proxy_that_cannot_be_taken_down_is_told_with_the_remedy_and_keeps_no_other_up() {
    let stand_in = StandIn::new();
    let bed = Bed::on(stand_in.clone(), 2).await;
    let (mut client, mut server) = bed.connect().await;
    bed.links.partition(0).await.unwrap();
    client.write_all(b"held").await.unwrap();
    is_silent(&mut server).await;
    stand_in.stuck.store(true, Ordering::Relaxed);
    let healed = bed.links.heal(0).await.unwrap_err();
    let deleted = bed.links.delete().await.unwrap_err();
    for error in [healed, deleted] {
        let told = error.to_string();
        assert!(
            told.contains("/proxies/worker-0") && told.contains("restart it"),
            "{told}"
        );
    }
    assert!(stand_in.toxics("worker-1").await.is_err());
}

#[tokio::test]
async fn a_partition_that_goes_at_once_closes_nothing() {
    let bed = Bed::new().await;
    let (mut client, mut server) = bed.connect().await;
    bed.links.partition(0).await.unwrap();
    bed.links.heal(0).await.unwrap();
    passes(&mut client, &mut server, "the same connection").await;
}

#[tokio::test]
async fn a_cut_ends_idle_connections_too_and_heals() {
    let bed = Bed::new().await;
    let (mut client, mut server) = bed.connect().await;
    bed.links.cut(0).await.unwrap();
    ends(&mut client).await;
    ends(&mut server).await;
    let (mut client, _server) = bed.connect().await;
    common::is_reset(&mut client).await;
    bed.links.heal(0).await.unwrap();
    let (mut client, mut server) = bed.connect().await;
    passes(&mut client, &mut server, "healed").await;
}

#[tokio::test]
async fn what_needs_amqp_is_refused_with_the_remedy() {
    let bed = Bed::new().await;
    assert!(!bed.links.understand_frames());
    let silence = bed.links.silence(0).await.unwrap_err();
    let trap = bed
        .links
        .trap(0, "queue.declare", 1, "cut")
        .await
        .unwrap_err();
    for error in [silence, trap] {
        assert!(matches!(error, Error::ReadsNoAmqp { .. }), "{error}");
        assert!(
            error.to_string().contains("leave --toxiproxy out"),
            "{error}"
        );
    }
    let evidence = bed.links.evidence(0).await.unwrap();
    assert_eq!(evidence.connections_closed, None);
    // The others are done, as Toxiproxy can.
    let (mut client, mut server) = bed.connect().await;
    bed.links.trickle(0, 100_000, 100).await.unwrap();
    client.write_all(b"slowly").await.unwrap();
    arrives(&mut server, "slowly").await;
}

#[tokio::test]
async fn a_proxy_that_is_elsewhere_is_noticed() {
    let bed = Bed::new().await;
    bed.links.connect_once().await.unwrap();
    // One that says where it listens within its own container.
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = server.local_addr().unwrap();
    drop(server);
    let route = Route {
        service: "server".to_owned(),
        upstream: "127.0.0.1:1".to_owned(),
        endpoints: vec![Endpoint::published(0, nobody)],
    };
    let proxies = Arc::new(StandIn::new());
    let links = Links::create(proxies, &[route]).await.unwrap();
    let error = links.connect_once().await.unwrap_err().to_string();
    for part in ["worker-0", "--network host", &nobody.to_string()] {
        assert!(error.contains(part), "{error}");
    }
}
