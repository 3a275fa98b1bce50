//! Partitions, cuts and healing, on connections that were already open.

#[path = "../../../nemesis/proxy/tests/common/mod.rs"]
mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Served, arrives, ends, is_reset, is_silent, passes, until, within};
use proxy::Proxies;
use testbed::links::{Endpoint, Error, Links, Route};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

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
