//! Partitions, cuts and healing, on connections that were already open.

#[path = "../proxy/tests/common/mod.rs"]
mod common;

use std::time::Duration;

use common::{arrives, ends, is_reset, is_silent, passes, until, within};
use nemesis::links::{Endpoint, Error, Links};
use proxy::Embedded;
use proxy::toxiproxy::Client;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

struct Bed {
    embedded: Embedded,
    links: Links,
    server: TcpListener,
}

impl Bed {
    async fn new() -> Self {
        let embedded = Embedded::start(0).await.unwrap();
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = server.local_addr().unwrap().to_string();
        let api = Client::new(&embedded.url()).unwrap();
        let endpoints = [Endpoint::local(), Endpoint::local()];
        let links = Links::create(api, &upstream, &endpoints).await.unwrap();
        Self {
            embedded,
            links,
            server,
        }
    }

    async fn connect(&self, worker: usize) -> (TcpStream, TcpStream) {
        let address = self.links.address(worker).unwrap();
        let client = within(TcpStream::connect(address)).await.unwrap();
        (client, within(self.server.accept()).await.unwrap().0)
    }

    async fn until_held(&self, bytes: u64) {
        until(&self.embedded, "worker-0", &mut |counters| {
            counters.held_bytes == bytes
        })
        .await;
    }
}

#[tokio::test]
async fn a_partition_holds_everything_and_the_same_connection_lives_on() {
    let bed = Bed::new().await;
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

#[tokio::test]
async fn a_close_during_a_partition_arrives_after_it_behind_the_bytes() {
    let bed = Bed::new().await;
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

#[tokio::test]
async fn a_reset_during_a_partition_arrives_after_it_behind_the_bytes() {
    let bed = Bed::new().await;
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

#[tokio::test]
async fn a_partition_hides_that_the_server_is_gone() {
    let bed = Bed::new().await;
    bed.links.partition(0).await.unwrap();
    let address = bed.links.address(0).unwrap();
    drop(bed.server);
    let mut client = TcpStream::connect(address).await.unwrap();
    is_silent(&mut client).await;
    bed.links.heal(0).await.unwrap();
    is_reset(&mut client).await;
}

#[tokio::test]
async fn one_way_partitions_cut_the_way_they_say() {
    let bed = Bed::new().await;
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

#[tokio::test]
async fn a_cut_resets_open_and_new_connections_until_healed() {
    let bed = Bed::new().await;
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

#[tokio::test]
async fn a_cut_during_a_partition_needs_no_heal_first() {
    let bed = Bed::new().await;
    let (mut client, mut server) = bed.connect(0).await;
    bed.links.partition(0).await.unwrap();
    bed.links.cut(0).await.unwrap();
    is_reset(&mut client).await;
    is_reset(&mut server).await;
}

#[tokio::test]
async fn healing_a_healthy_link_changes_nothing_and_links_can_be_made_again() {
    let bed = Bed::new().await;
    bed.links.heal(0).await.unwrap();
    let (mut client, mut server) = bed.connect(0).await;
    passes(&mut client, &mut server, "ping").await;

    let api = Client::new(&bed.embedded.url()).unwrap();
    let upstream = bed.server.local_addr().unwrap().to_string();
    let again = Links::create(api.clone(), &upstream, &[Endpoint::local()])
        .await
        .unwrap();
    ends(&mut client).await;
    again.delete().await.unwrap();
    bed.links.delete().await.unwrap();
    assert!(api.proxies().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_cannot_be_reached_is_named() {
    let bed = Bed::new().await;
    assert!(matches!(
        bed.links.partition(2).await,
        Err(Error::NoSuchWorker {
            worker: 2,
            links: 2
        })
    ));
    let api = Client::new(&bed.embedded.url()).unwrap();
    let everywhere = Endpoint {
        listen: "0.0.0.0:0".to_owned(),
        reach: None,
    };
    let error = Links::create(api, "127.0.0.1:1", &[everywhere])
        .await
        .unwrap_err();
    assert!(error.to_string().contains("worker-0"), "{error}");
}
