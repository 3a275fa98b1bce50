//! Partitions, cuts and healing, on connections that were already open.

#[path = "../../../nemesis/proxy/tests/common/mod.rs"]
mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Served, arrives, ends, is_reset, is_silent, passes, until, within};
use proxy::Account;
use proxy::Proxies;
use testbed::links::{Endpoint, Error, Links, Route, check_trap};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

const GREETING: &[u8] = b"AMQP\x00\x00\x09\x01";
const HEARTBEAT: &[u8] = b"\x08\x00\x00\x00\x00\x00\x00\xCE";
/// `tx.commit` and its answer on channel 1.
const COMMIT: &[u8] = b"\x01\x00\x01\x00\x00\x00\x04\x00\x5A\x00\x14\xCE";
const COMMIT_OK: &[u8] = b"\x01\x00\x01\x00\x00\x00\x04\x00\x5A\x00\x15\xCE";

/// Runs a test on proxies of this process, once by direct calls and once by their HTTP API, as a
/// real Toxiproxy is driven.
macro_rules! by_calls_and_by_api {
    ($($test:ident)*) => {$(
        mod $test {
            #[tokio::test]
            async fn by_calls() {
                super::$test(super::Bed::by_calls().await).await;
            }

            #[tokio::test]
            async fn by_api() {
                super::$test(super::Bed::by_api().await).await;
            }
        }
    )*};
}

by_calls_and_by_api! {
    a_partition_holds_everything_and_the_same_connection_lives_on
    a_close_during_a_partition_arrives_after_it_behind_the_bytes
    a_reset_during_a_partition_arrives_after_it_behind_the_bytes
    a_partition_hides_that_the_server_is_gone
    one_way_partitions_cut_the_way_they_say
    a_cut_resets_open_and_new_connections_until_healed
    a_cut_during_a_partition_needs_no_heal_first
    healing_a_healthy_link_changes_nothing_and_links_can_be_made_again
    what_cannot_be_reached_is_named
    a_fault_strikes_all_links_of_a_worker_and_no_others
    a_slow_link_delays_both_ways_and_keeps_the_order
    a_trickle_takes_as_long_as_its_rate_says
    a_limited_link_closes_each_connection_after_so_many_bytes
    a_silenced_link_loses_the_heartbeats_of_the_client
    a_trap_springs_behind_its_method_and_can_be_waited_for
    what_makes_no_sense_is_refused_and_sets_nothing
    links_tell_what_they_have_done
}

fn route(upstream: &str, endpoints: Vec<Endpoint>) -> Route {
    Route {
        service: "server".to_owned(),
        upstream: upstream.to_owned(),
        endpoints,
    }
}

struct Bed {
    served: Served,
    proxies: Arc<dyn Proxies>,
    links: Links,
    server: TcpListener,
}

impl Bed {
    async fn by_calls() -> Self {
        let served = Served::start(0).await;
        let proxies = Arc::new(served.embedded.clone());
        Self::of(served, proxies).await
    }

    async fn by_api() -> Self {
        let served = Served::start(0).await;
        let proxies = Arc::new(served.client());
        Self::of(served, proxies).await
    }

    async fn of(served: Served, proxies: Arc<dyn Proxies>) -> Self {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = server.local_addr().unwrap().to_string();
        let routes = [route(&upstream, vec![Endpoint::local(), Endpoint::local()])];
        let links = Links::create(Arc::clone(&proxies), &routes).await.unwrap();
        Self {
            served,
            proxies,
            links,
            server,
        }
    }

    async fn connect(&self, worker: usize) -> (TcpStream, TcpStream) {
        let address = self.links.addresses(worker).unwrap()[0];
        let client = within(TcpStream::connect(address)).await.unwrap();
        (client, within(self.server.accept()).await.unwrap().0)
    }

    async fn until_held(&self, bytes: u64) {
        until(&self.served.embedded, "worker-0", &mut |counters| {
            counters.held_bytes == bytes
        })
        .await;
    }
}

async fn a_partition_holds_everything_and_the_same_connection_lives_on(bed: Bed) {
    let (mut client, mut server) = bed.connect(0).await;
    let (mut neighbour, mut neighbours_server) = bed.connect(1).await;
    bed.links.partition(0).await.unwrap();
    for piece in ["one ", "two ", "three"] {
        client.write_all(piece.as_bytes()).await.unwrap();
        server.write_all(piece.as_bytes()).await.unwrap();
        is_silent(&mut client).await;
        is_silent(&mut server).await;
    }
    passes(&mut neighbour, &mut neighbours_server, "not my partition").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    bed.links.heal(0).await.unwrap();
    arrives(&mut server, "one two three").await;
    arrives(&mut client, "one two three").await;
    passes(&mut client, &mut server, "and on").await;
    passes(&mut server, &mut client, "and back").await;
}

async fn a_close_during_a_partition_arrives_after_it_behind_the_bytes(bed: Bed) {
    let (mut client, mut server) = bed.connect(0).await;
    bed.links.partition(0).await.unwrap();
    client.write_all(b"last words").await.unwrap();
    drop(client);
    is_silent(&mut server).await;
    bed.links.heal(0).await.unwrap();
    arrives(&mut server, "last words").await;
    ends(&mut server).await;

    let (mut client, mut server) = bed.connect(0).await;
    bed.links.partition(0).await.unwrap();
    server.shutdown().await.unwrap();
    is_silent(&mut client).await;
    bed.links.heal(0).await.unwrap();
    ends(&mut client).await;
}

async fn a_reset_during_a_partition_arrives_after_it_behind_the_bytes(bed: Bed) {
    let (mut client, mut server) = bed.connect(0).await;
    bed.links.partition(0).await.unwrap();
    client.write_all(b"last words").await.unwrap();
    bed.until_held(10).await;
    client.set_zero_linger().unwrap();
    drop(client);
    is_silent(&mut server).await;
    bed.links.heal(0).await.unwrap();
    arrives(&mut server, "last words").await;
    is_reset(&mut server).await;
}

async fn a_partition_hides_that_the_server_is_gone(bed: Bed) {
    bed.links.partition(0).await.unwrap();
    let address = bed.links.addresses(0).unwrap()[0];
    drop(bed.server);
    let mut client = TcpStream::connect(address).await.unwrap();
    is_silent(&mut client).await;
    bed.links.heal(0).await.unwrap();
    ends(&mut client).await;
}

async fn one_way_partitions_cut_the_way_they_say(bed: Bed) {
    let (mut client, mut server) = bed.connect(0).await;
    bed.links.partition_upstream(0).await.unwrap();
    passes(&mut server, &mut client, "down").await;
    client.write_all(b"up").await.unwrap();
    is_silent(&mut server).await;
    bed.links.heal(0).await.unwrap();
    arrives(&mut server, "up").await;

    bed.links.partition_downstream(0).await.unwrap();
    passes(&mut client, &mut server, "up").await;
    server.write_all(b"down").await.unwrap();
    is_silent(&mut client).await;
    // The worker gives up: that way is open.
    drop(client);
    ends(&mut server).await;
}

async fn a_cut_resets_open_and_new_connections_until_healed(bed: Bed) {
    let (mut client, mut server) = bed.connect(0).await;
    bed.links.cut(0).await.unwrap();
    is_reset(&mut client).await;
    is_reset(&mut server).await;
    let (mut client, mut server) = bed.connect(0).await;
    is_reset(&mut client).await;
    is_reset(&mut server).await;
    bed.links.heal(0).await.unwrap();
    let (mut client, mut server) = bed.connect(0).await;
    passes(&mut client, &mut server, "ping").await;
}

async fn a_cut_during_a_partition_needs_no_heal_first(bed: Bed) {
    let (mut client, mut server) = bed.connect(0).await;
    bed.links.partition(0).await.unwrap();
    bed.links.cut(0).await.unwrap();
    is_reset(&mut client).await;
    is_reset(&mut server).await;
}

async fn healing_a_healthy_link_changes_nothing_and_links_can_be_made_again(bed: Bed) {
    bed.links.heal(0).await.unwrap();
    let (mut client, mut server) = bed.connect(0).await;
    passes(&mut client, &mut server, "ping").await;

    let upstream = bed.server.local_addr().unwrap().to_string();
    let routes = [route(&upstream, vec![Endpoint::local()])];
    let again = Links::create(bed.proxies, &routes).await.unwrap();
    ends(&mut client).await;
    again.delete().await.unwrap();
    bed.links.delete().await.unwrap();
    assert!(bed.served.client().proxies().await.unwrap().is_empty());
}

async fn what_cannot_be_reached_is_named(bed: Bed) {
    assert!(matches!(
        bed.links.partition(2).await,
        Err(Error::NoSuchWorker {
            worker: 2,
            workers: 2
        })
    ));
    let everywhere = Endpoint {
        listen: "0.0.0.0:0".to_owned(),
        reach: None,
    };
    let routes = [route("127.0.0.1:1", vec![everywhere])];
    let error = Links::create(bed.proxies, &routes).await.unwrap_err();
    assert!(error.to_string().contains("worker-0"), "{error}");
}

async fn a_fault_strikes_all_links_of_a_worker_and_no_others(bed: Bed) {
    let upstream = bed.server.local_addr().unwrap().to_string();
    let named = |service: &str| Route {
        service: service.to_owned(),
        ..route(&upstream, vec![Endpoint::local(), Endpoint::local()])
    };
    let links = Links::create(bed.proxies, &[named("redis-1"), named("redis-2")])
        .await
        .unwrap();
    let mut pairs = Vec::new();
    for worker in [0, 1] {
        for address in links.addresses(worker).unwrap() {
            let client = within(TcpStream::connect(address)).await.unwrap();
            pairs.push((client, within(bed.server.accept()).await.unwrap().0));
        }
    }
    links.partition(0).await.unwrap();
    for (client, server) in &mut pairs[..2] {
        client.write_all(b"held").await.unwrap();
        is_silent(server).await;
    }
    for (client, server) in &mut pairs[2..] {
        passes(client, server, "another's").await;
    }
    links.heal(0).await.unwrap();
    for (_, server) in &mut pairs[..2] {
        arrives(server, "held").await;
    }
    links.cut(1).await.unwrap();
    for (client, server) in &mut pairs[2..] {
        is_reset(client).await;
        is_reset(server).await;
    }
    links.delete().await.unwrap();
}

/// Expects exactly these bytes next.
async fn comes(to: &mut TcpStream, bytes: &[u8]) {
    let mut got = vec![0; bytes.len()];
    within(to.read_exact(&mut got)).await.unwrap();
    assert_eq!(got, bytes);
}

async fn a_slow_link_delays_both_ways_and_keeps_the_order(bed: Bed) {
    let (mut client, mut server) = bed.connect(0).await;
    let (latency, jitter) = (Duration::from_millis(150), Duration::from_millis(100));
    bed.links.slow(0, latency, jitter).await.unwrap();
    let began = Instant::now();
    for piece in ["one ", "two ", "three "] {
        client.write_all(piece.as_bytes()).await.unwrap();
        tokio::task::yield_now().await;
    }
    arrives(&mut server, "one two three ").await;
    passes(&mut server, &mut client, "back").await;
    let took = began.elapsed();
    assert!(took >= 2 * (latency - jitter), "{took:?}");
    bed.links.heal(0).await.unwrap();
    let began = Instant::now();
    passes(&mut client, &mut server, "fast").await;
    assert!(began.elapsed() < latency - jitter, "{:?}", began.elapsed());
}

async fn a_trickle_takes_as_long_as_its_rate_says(bed: Bed) {
    let (mut client, mut server) = bed.connect(0).await;
    bed.links.trickle(0, 2000, 10).await.unwrap();
    let began = Instant::now();
    client.write_all(&[7; 1000]).await.unwrap();
    let (mut left, mut most) = (1000, 0);
    let mut buffer = [0; 1000];
    while left > 0 {
        let bytes = within(server.read(&mut buffer)).await.unwrap();
        most = most.max(bytes);
        left -= bytes;
    }
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(450), "{took:?}");
    // A machine that is busy may see several slices at once.
    assert!(most < 500, "{most} at once");
    assert!(matches!(
        bed.links.trickle(0, 0, 1).await,
        Err(Error::NoTrickle)
    ));
    bed.links.heal(0).await.unwrap();
    passes(&mut client, &mut server, "fast").await;
}

async fn a_limited_link_closes_each_connection_after_so_many_bytes(bed: Bed) {
    let (mut client, mut server) = bed.connect(0).await;
    passes(&mut client, &mut server, "this was before").await;
    bed.links.limit(0, 6).await.unwrap();
    passes(&mut server, &mut client, "fine").await;
    client.write_all(b"too long").await.unwrap();
    arrives(&mut server, "too lo").await;
    ends(&mut server).await;
    ends(&mut client).await;
    let (mut client, mut server) = bed.connect(0).await;
    server.write_all(b"too long").await.unwrap();
    arrives(&mut client, "too lo").await;
    ends(&mut client).await;
    ends(&mut server).await;
    let evidence = bed.links.evidence(0).await.unwrap();
    assert_eq!(evidence.passed_up_bytes, Some(6));
    bed.links.heal(0).await.unwrap();
    let (mut client, mut server) = bed.connect(0).await;
    passes(&mut client, &mut server, "as long as you like").await;
}

async fn a_silenced_link_loses_the_heartbeats_of_the_client(bed: Bed) {
    assert!(bed.links.understand_frames());
    let (mut client, mut server) = bed.connect(0).await;
    client.write_all(GREETING).await.unwrap();
    comes(&mut server, GREETING).await;
    bed.links.silence(0).await.unwrap();
    client.write_all(HEARTBEAT).await.unwrap();
    is_silent(&mut server).await;
    client
        .write_all(&[HEARTBEAT, COMMIT].concat())
        .await
        .unwrap();
    comes(&mut server, COMMIT).await;
    bed.links.heal(0).await.unwrap();
    client.write_all(HEARTBEAT).await.unwrap();
    comes(&mut server, HEARTBEAT).await;
}

async fn a_trap_springs_behind_its_method_and_can_be_waited_for(bed: Bed) {
    for then in ["hold", "cut"] {
        let (mut client, mut server) = bed.connect(0).await;
        client.write_all(GREETING).await.unwrap();
        comes(&mut server, GREETING).await;
        bed.links.trap(0, "tx.commit", 2, then).await.unwrap();
        let wait = tokio::spawn({
            let links = bed.links.clone();
            async move { links.sprung(0).await }
        });
        client.write_all(COMMIT).await.unwrap();
        comes(&mut server, COMMIT).await;
        assert_eq!(bed.links.trapped(0).await.unwrap().sprung_ago, None);
        assert!(!wait.is_finished());
        client
            .write_all(&[COMMIT, HEARTBEAT].concat())
            .await
            .unwrap();
        comes(&mut server, COMMIT).await;
        let trapped = within(wait).await.unwrap().unwrap();
        assert_eq!(trapped.seen, 2);
        assert!(trapped.sprung_ago.is_some());
        if then == "cut" {
            is_reset(&mut client).await;
            ends(&mut server).await;
            let (mut client, mut server) = bed.connect(0).await;
            passes(&mut client, &mut server, "back at once").await;
        } else {
            server.write_all(COMMIT_OK).await.unwrap();
            is_silent(&mut client).await;
            is_silent(&mut server).await;
        }
        bed.links.heal(0).await.unwrap();
        if then == "hold" {
            comes(&mut server, HEARTBEAT).await;
            comes(&mut client, COMMIT_OK).await;
        }
        let gone = bed.links.sprung(0).await;
        assert!(matches!(gone, Err(Error::NoTrap { worker: 0 })), "{gone:?}");
    }
}

async fn what_makes_no_sense_is_refused_and_sets_nothing(bed: Bed) {
    for (method, nth, then, part) in [
        ("queue.steal", 1, "cut", "no method of AMQP"),
        ("basic.ack", 1, "cut", "goes both ways"),
        ("queue.declare", 0, "cut", "0th"),
        ("queue.declare", 1, "explode", "write cut or hold"),
    ] {
        let early = check_trap(method, nth, then).unwrap_err().to_string();
        let error = bed.links.trap(0, method, nth, then).await.unwrap_err();
        assert_eq!(error.to_string(), early);
        assert!(early.contains(part), "{early}");
    }
    check_trap("basic.ack up", 1, "hold").unwrap();
    assert!(bed.proxies.toxics("worker-0").await.unwrap().is_empty());
}

async fn links_tell_what_they_have_done(bed: Bed) {
    let (mut client, mut server) = bed.connect(0).await;
    passes(&mut client, &mut server, "before").await;
    bed.links.partition(0).await.unwrap();
    client.write_all(b"held").await.unwrap();
    server.write_all(b"held back").await.unwrap();
    bed.until_held(13).await;
    bed.links.heal(0).await.unwrap();
    arrives(&mut server, "held").await;
    arrives(&mut client, "held back").await;
    let evidence = bed.links.evidence(0).await.unwrap();
    let expected = Account {
        held_up_bytes: Some(4),
        held_down_bytes: Some(9),
        connections_closed: Some(0),
        passed_up_bytes: Some(4),
        passed_down_bytes: Some(9),
    };
    assert_eq!(evidence, expected);
    bed.links.cut(0).await.unwrap();
    is_reset(&mut client).await;
    until(&bed.served.embedded, "worker-0", &mut |counters| {
        counters.open == 0
    })
    .await;
    let cut = Account {
        held_up_bytes: Some(0),
        held_down_bytes: Some(0),
        connections_closed: Some(1),
        passed_up_bytes: Some(0),
        passed_down_bytes: Some(0),
    };
    assert_eq!(bed.links.evidence(0).await.unwrap(), cut);
    let asked_again = bed.links.evidence(0).await.unwrap();
    assert_eq!(asked_again.connections_closed, Some(0));
    assert_eq!(
        bed.links.evidence(1).await.unwrap().passed_up_bytes,
        Some(0)
    );
}
