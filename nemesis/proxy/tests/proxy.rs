//! What the proxy does to real connections, through its API and its client.

mod common;

use std::slice;
use std::time::Duration;

use common::{
    Bed, PROXY, Served, arrives, ends, is_reset, is_silent, noise, passes, until, within,
};
use proxy::{
    Bandwidth, Counters, Embedded, Latency, LimitData, Noop, Proxies, ProxiesError, ResetPeer,
    Slicer, SlowClose, Stream, Timeout, Toxic,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use Stream::{Downstream, Upstream};

const FOR_EVER: u64 = 1_000_000_000;

#[tokio::test]
async fn bytes_and_half_closes_pass_unchanged() {
    let bed = Bed::new().await;
    let (mut client, mut server) = bed.connect().await;
    passes(&mut client, &mut server, "ping").await;
    passes(&mut server, &mut client, "pong").await;
    client.shutdown().await.unwrap();
    ends(&mut server).await;
    passes(&mut server, &mut client, "the other half lives").await;
    drop(server);
    ends(&mut client).await;
    bed.until(|counters| counters.open == 0).await;
}

#[tokio::test]
async fn a_reset_stays_a_reset() {
    let bed = Bed::new().await;
    let (client, mut server) = bed.connect().await;
    client.set_zero_linger().unwrap();
    drop(client);
    is_reset(&mut server).await;

    let (mut client, server) = bed.connect().await;
    server.set_zero_linger().unwrap();
    drop(server);
    is_reset(&mut client).await;
}

#[tokio::test]
async fn writing_to_a_peer_that_is_gone_comes_back_as_a_reset() {
    let bed = Bed::new().await;
    let (mut client, server) = bed.connect().await;
    drop(server);
    ends(&mut client).await;
    // The server's end of file is no death; only its answer to these bytes is.
    let error = within(async {
        loop {
            if let Err(error) = client.write_all(b"anybody there?").await {
                return error;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    assert!(
        matches!(
            error.kind(),
            std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe
        ),
        "{error}"
    );
    bed.until(|counters| counters.open == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_megabytes_each_way_are_identical() {
    let bed = Bed::new().await;
    let sent = noise(100_000_000);
    let (client, server) = bed.connect().await;
    let ((mut from_client, mut to_server), (mut from_server, mut to_client)) =
        (client.into_split(), server.into_split());
    let (mut up, mut down) = (Vec::new(), Vec::new());
    let send_up = async {
        to_server.write_all(&sent).await.unwrap();
        to_server.shutdown().await.unwrap();
    };
    let send_down = async {
        to_client.write_all(&sent).await.unwrap();
        to_client.shutdown().await.unwrap();
    };
    let transfer = async {
        tokio::join!(
            send_up,
            send_down,
            from_server.read_to_end(&mut up),
            from_client.read_to_end(&mut down)
        )
    };
    let (_, _, read_up, read_down) = within(transfer).await;
    assert_eq!(
        (read_up.unwrap(), read_down.unwrap()),
        (sent.len(), sent.len())
    );
    assert!(up == sent, "bytes to the server differ");
    assert!(down == sent, "bytes to the client differ");
}

#[tokio::test]
async fn two_hundred_connections_leave_nothing_behind() {
    let bed = Bed::new().await;
    let alive = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let tasks = alive();
    for round in 0..20 {
        let mut connections = Vec::new();
        for _ in 0..10 {
            connections.push(bed.connect().await);
        }
        for (mut client, mut server) in connections {
            passes(&mut client, &mut server, "ping").await;
            match round % 4 {
                0 => drop(client),
                1 => drop(server),
                2 => client.set_zero_linger().unwrap(),
                _ => server.set_zero_linger().unwrap(),
            }
        }
    }
    bed.until(|counters| counters.open == 0).await;
    assert_eq!(bed.counters().await.accepted, 200);
    within(async {
        while alive() > tasks {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn latency_delays_one_direction() {
    let bed = Bed::new().await;
    let (mut client, mut server) = bed.connect().await;
    bed.add(
        Upstream,
        &Latency {
            latency: 200,
            jitter: 50,
        },
    )
    .await;
    let start = Instant::now();
    passes(&mut client, &mut server, "slow").await;
    assert!(start.elapsed() >= Duration::from_millis(150));
    passes(&mut server, &mut client, "fast").await;
}

#[tokio::test]
async fn latency_keeps_bytes_before_their_close() {
    let bed = Bed::new().await;
    let (mut client, mut server) = bed.connect().await;
    bed.add(
        Upstream,
        &Latency {
            latency: 100,
            jitter: 0,
        },
    )
    .await;
    client.write_all(b"last words").await.unwrap();
    drop(client);
    arrives(&mut server, "last words").await;
    ends(&mut server).await;
}

#[tokio::test]
async fn toxics_of_one_kind_add_up() {
    let bed = Bed::new().await;
    let (mut client, mut server) = bed.connect().await;
    let latency = Latency {
        latency: 200,
        jitter: 0,
    };
    bed.add_named(Upstream, &latency, "one").await;
    bed.add_named(Upstream, &latency, "two").await;
    bed.add_named(Upstream, &latency, "three").await;
    let start = Instant::now();
    passes(&mut client, &mut server, "slow").await;
    assert!(start.elapsed() >= Duration::from_millis(600));

    bed.remove("two").await;
    bed.remove("three").await;
    let start = Instant::now();
    for name in ["four", "five"] {
        bed.add_named(Upstream, &SlowClose { delay: 200 }, name)
            .await;
    }
    drop(client);
    ends(&mut server).await;
    assert!(start.elapsed() >= Duration::from_millis(400));
}

#[tokio::test]
async fn a_latency_leaves_room_for_a_gigabit() {
    let bed = Bed::new().await;
    let (mut client, mut server) = bed.connect().await;
    let latency = Latency {
        latency: 200,
        jitter: 0,
    };
    bed.add(Upstream, &latency).await;
    let sent = noise(80_000_000);
    let expected = sent.clone();
    let writing = tokio::spawn(async move { client.write_all(&sent).await.unwrap() });
    // A gigabit has that much under way in 200 ms. The server does not read, so that it stays here.
    bed.until(|counters| counters.held_bytes >= 25_000_000)
        .await;
    let mut got = Vec::new();
    within(server.read_to_end(&mut got)).await.unwrap();
    assert!(got == expected);
    writing.await.unwrap();
}

#[tokio::test]
async fn a_change_reaches_bytes_that_are_stalled() {
    let bed = Bed::new().await;
    let (mut client, mut server) = bed.connect().await;
    bed.add(
        Upstream,
        &Latency {
            latency: FOR_EVER,
            jitter: 0,
        },
    )
    .await;
    client.write_all(b"one").await.unwrap();
    is_silent(&mut server).await;
    bed.update(
        Upstream,
        &Latency {
            latency: 1,
            jitter: 0,
        },
    )
    .await;
    arrives(&mut server, "one").await;
    bed.update(
        Upstream,
        &Latency {
            latency: FOR_EVER,
            jitter: 0,
        },
    )
    .await;
    client.write_all(b"two").await.unwrap();
    is_silent(&mut server).await;
    bed.remove("latency_upstream").await;
    arrives(&mut server, "two").await;
}

#[tokio::test]
async fn bandwidth_limits_the_rate_and_a_change_reaches_the_stalled_chunk() {
    let bed = Bed::new().await;
    let (mut client, mut server) = bed.connect().await;
    bed.add(Upstream, &Bandwidth { rate: 100 }).await;
    let sent = noise(50_000);
    let start = Instant::now();
    client.write_all(&sent).await.unwrap();
    let mut got = vec![0; sent.len()];
    within(server.read_exact(&mut got)).await.unwrap();
    assert!(got == sent);
    assert!(
        start.elapsed() >= Duration::from_millis(400),
        "{:?}",
        start.elapsed()
    );

    // At this rate the chunk would take the better part of a minute.
    bed.update(Upstream, &Bandwidth { rate: 1 }).await;
    client.write_all(&sent).await.unwrap();
    bed.until(|counters| counters.held_bytes > 0).await;
    bed.update(Upstream, &Bandwidth { rate: 1_000_000 }).await;
    within(server.read_exact(&mut got)).await.unwrap();
    assert!(got == sent);
}

#[tokio::test]
async fn bandwidth_zero_holds_bytes_and_the_same_connection_lives_on() {
    let bed = Bed::new().await;
    let (mut client, mut server) = bed.connect().await;
    bed.add(Downstream, &Bandwidth { rate: 0 }).await;
    server.write_all(b"held ").await.unwrap();
    server.write_all(b"back").await.unwrap();
    is_silent(&mut client).await;
    passes(&mut client, &mut server, "the other way is free").await;
    bed.remove("bandwidth_downstream").await;
    arrives(&mut client, "held back").await;
    passes(&mut server, &mut client, "and on").await;
}

#[tokio::test]
async fn slow_close_delays_the_close_and_its_removal_delivers_it() {
    let bed = Bed::new().await;
    bed.add(Upstream, &SlowClose { delay: 300 }).await;
    let (client, mut server) = bed.connect().await;
    let start = Instant::now();
    drop(client);
    ends(&mut server).await;
    assert!(start.elapsed() >= Duration::from_millis(300));

    bed.update(Upstream, &SlowClose { delay: FOR_EVER }).await;
    let (mut client, mut server) = bed.connect().await;
    passes(&mut client, &mut server, "bytes pass").await;
    drop(client);
    is_silent(&mut server).await;
    bed.remove("slow_close_upstream").await;
    ends(&mut server).await;
}

#[tokio::test]
async fn timeout_closes_both_ends_in_time() {
    let bed = Bed::new().await;
    let (mut client, mut server) = bed.connect().await;
    let start = Instant::now();
    bed.add(Upstream, &Timeout { timeout: 300 }).await;
    client.write_all(b"lost").await.unwrap();
    ends(&mut server).await;
    ends(&mut client).await;
    assert!(start.elapsed() >= Duration::from_millis(300));
    bed.until(|counters| counters.open == 0).await;
}

#[tokio::test]
async fn timeout_lets_a_close_pass_at_once_and_waits_for_traffic_to_end() {
    let bed = Bed::new().await;
    bed.add(Upstream, &Timeout { timeout: FOR_EVER }).await;
    let (mut client, mut server) = bed.connect().await;
    client.write_all(b"lost").await.unwrap();
    client.shutdown().await.unwrap();
    ends(&mut server).await;
    passes(&mut server, &mut client, "the other half lives").await;

    bed.update(Upstream, &Timeout { timeout: 1000 }).await;
    let (mut client, mut server) = bed.connect().await;
    // Traffic in the middle of that time puts the end off.
    is_silent(&mut server).await;
    let last = Instant::now();
    client.write_all(b"alive").await.unwrap();
    ends(&mut server).await;
    ends(&mut client).await;
    assert!(last.elapsed() >= Duration::from_millis(1000));
}

#[tokio::test]
async fn timeout_zero_is_a_black_hole_and_its_removal_closes() {
    let bed = Bed::new().await;
    let (mut client, mut server) = bed.connect().await;
    bed.add(Upstream, &Timeout { timeout: 0 }).await;
    client.write_all(b"lost").await.unwrap();
    is_silent(&mut server).await;
    passes(&mut server, &mut client, "the other way is free").await;
    bed.remove("timeout_upstream").await;
    ends(&mut server).await;
    ends(&mut client).await;
}

#[tokio::test]
async fn reset_peer_resets_both_ends_of_open_and_new_connections() {
    let bed = Bed::new().await;
    let (mut client, mut server) = bed.connect().await;
    let start = Instant::now();
    bed.add(Downstream, &ResetPeer { timeout: 200 }).await;
    is_reset(&mut client).await;
    is_reset(&mut server).await;
    assert!(start.elapsed() >= Duration::from_millis(200));

    bed.update(Downstream, &ResetPeer { timeout: 0 }).await;
    let (mut client, mut server) = bed.connect().await;
    is_reset(&mut client).await;
    is_reset(&mut server).await;
    bed.remove("reset_peer_downstream").await;
    let (mut client, mut server) = bed.connect().await;
    passes(&mut client, &mut server, "well again").await;
}

#[tokio::test]
async fn reset_peer_removed_early_loses_what_it_held() {
    let bed = Bed::new().await;
    let reset = ResetPeer { timeout: FOR_EVER };
    let (mut client, mut server) = bed.connect().await;
    bed.add(Upstream, &reset).await;
    bed.remove("reset_peer_upstream").await;
    passes(&mut client, &mut server, "it held nothing").await;

    bed.add(Upstream, &reset).await;
    client.write_all(b"lost").await.unwrap();
    bed.until(|counters| counters.held_bytes == 4).await;
    bed.remove("reset_peer_upstream").await;
    is_reset(&mut server).await;
    is_reset(&mut client).await;
}

#[tokio::test]
async fn noop_does_nothing() {
    let bed = Bed::new().await;
    let (mut client, mut server) = bed.connect().await;
    bed.add(Upstream, &Noop {}).await;
    passes(&mut client, &mut server, "ping").await;
    drop(client);
    ends(&mut server).await;
}

#[tokio::test]
async fn slicer_cuts_and_pauses() {
    let bed = Bed::new().await;
    let (mut client, mut server) = bed.connect().await;
    let slicer = Slicer {
        average_size: 100,
        size_variation: 50,
        delay: 10_000,
    };
    bed.add(Upstream, &slicer).await;
    let sent = noise(3000);
    let start = Instant::now();
    client.write_all(&sent).await.unwrap();
    let mut first = [0; 3000];
    let size = within(server.read(&mut first)).await.unwrap();
    assert!(size < 3000, "{size} bytes came in one piece");
    within(server.read_exact(&mut first[size..])).await.unwrap();
    assert!(first == sent[..]);
    // At most 150 bytes a piece: at least 20 pieces, 19 pauses.
    assert!(
        start.elapsed() >= Duration::from_millis(190),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn limit_data_closes_at_the_limit_even_when_told_late() {
    let bed = Bed::new().await;
    let (mut client, mut server) = bed.connect().await;
    passes(&mut client, &mut server, "uncounted").await;
    bed.add(Upstream, &LimitData { bytes: 10 }).await;
    client.write_all(b"0123456789abcdef").await.unwrap();
    arrives(&mut server, "0123456789").await;
    ends(&mut server).await;
    ends(&mut client).await;
}

#[tokio::test]
async fn toxicity_zero_touches_nobody() {
    let bed = Bed::new().await;
    let toxic = Toxic::new(Upstream, &ResetPeer { timeout: 0 }).with_toxicity(0.0);
    bed.client.add_toxic(PROXY, &toxic).await.unwrap();
    for _ in 0..20 {
        let (mut client, mut server) = bed.connect().await;
        passes(&mut client, &mut server, "ping").await;
    }
}

/// Which of 64 connections a toxicity of one half takes.
async fn victims(seed: u64) -> Vec<bool> {
    let bed = Bed::seeded(seed).await;
    let toxic = Toxic::new(Downstream, &ResetPeer { timeout: 0 }).with_toxicity(0.5);
    bed.client.add_toxic(PROXY, &toxic).await.unwrap();
    let mut victims = Vec::new();
    for _ in 0..64 {
        let (mut client, mut server) = bed.connect().await;
        // A survivor hears this; a victim's write may fail or not, and its read does.
        let _ = server.write_all(b"x").await;
        let mut byte = [0];
        victims.push(within(client.read_exact(&mut byte)).await.is_err());
    }
    victims
}

#[tokio::test]
async fn toxicity_one_half_is_the_same_for_the_same_seed() {
    let (one, again, other) = (victims(1).await, victims(1).await, victims(2).await);
    assert_eq!(one, again);
    assert_ne!(one, other);
    let count = one.iter().filter(|victim| **victim).count();
    assert!((16..=48).contains(&count), "{count} of 64");
}

#[tokio::test]
async fn held_back_bytes_are_bounded_and_none_is_lost() {
    let bed = Bed::new().await;
    let (mut client, mut server) = bed.connect().await;
    bed.add(Upstream, &Bandwidth { rate: 0 }).await;
    let sent = noise(32_000_000);
    let expected = sent.clone();
    let writing = tokio::spawn(async move {
        client.write_all(&sent).await.unwrap();
        client.shutdown().await.unwrap();
    });
    bed.until(|counters| counters.held_bytes >= 1 << 20).await;
    is_silent(&mut server).await;
    let held = bed.counters().await.held_bytes;
    assert!(held < (1 << 20) + (128 << 10), "{held} bytes are held");
    assert!(!writing.is_finished(), "the sender was not stopped");
    bed.remove("bandwidth_upstream").await;
    let mut got = Vec::new();
    within(server.read_to_end(&mut got)).await.unwrap();
    assert!(got == expected);
    writing.await.unwrap();
}

#[tokio::test]
async fn bytes_that_wait_for_a_slow_receiver_are_held_back_too() {
    let bed = Bed::new().await;
    let (mut client, mut server) = bed.connect().await;
    let sent = noise(32_000_000);
    let expected = sent.clone();
    let writing = tokio::spawn(async move {
        client.write_all(&sent).await.unwrap();
        client
    });
    // The server does not read: the proxy fills up behind its socket.
    bed.until(|counters| counters.held_bytes >= 1 << 20).await;
    bed.add(Upstream, &Bandwidth { rate: 0 }).await;
    let delivered = usize::try_from(bed.counters().await.upstream.delivered).unwrap();
    let mut got = vec![0; delivered];
    within(server.read_exact(&mut got)).await.unwrap();
    is_silent(&mut server).await;
    bed.remove("bandwidth_upstream").await;
    got.resize(expected.len(), 0);
    within(server.read_exact(&mut got[delivered..]))
        .await
        .unwrap();
    assert!(got == expected);
    drop(writing.await.unwrap());
}

#[tokio::test]
async fn disabling_drops_connections_and_refuses_new_ones() {
    let bed = Bed::new().await;
    let (mut client, mut server) = bed.connect().await;
    passes(&mut client, &mut server, "ping").await;
    bed.client.disable(PROXY).await.unwrap();
    assert_eq!(bed.counters().await.open, 0);
    ends(&mut client).await;
    ends(&mut server).await;
    let refused = TcpStream::connect(&bed.listen).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    let record = bed.client.enable(PROXY).await.unwrap();
    assert_eq!(record.listen, bed.listen);
    let (mut client, mut server) = bed.connect().await;
    passes(&mut client, &mut server, "ping").await;
}

/// A proxy of a server that is not there, with a toxic or without.
async fn dead(bed: &Bed, toxic: Option<Toxic>) -> TcpStream {
    let dead = bed.client.create("dead", "127.0.0.1:0", "127.0.0.1:1");
    let listen = dead.await.unwrap().listen;
    if let Some(toxic) = toxic {
        bed.client.add_toxic("dead", &toxic).await.unwrap();
    }
    TcpStream::connect(listen).await.unwrap()
}

async fn nobody_is_left(bed: &Bed) {
    let mut gone = |counters: Counters| counters.open == 0;
    until(&bed.served.embedded, "dead", &mut gone).await;
}

#[tokio::test]
async fn without_a_server_a_client_connects_and_is_closed() {
    let bed = Bed::new().await;
    let mut client = dead(&bed, None).await;
    ends(&mut client).await;
    nobody_is_left(&bed).await;
}

#[tokio::test]
async fn the_close_without_a_server_waits_for_the_toxics() {
    let bed = Bed::new().await;
    let hold = Toxic::new(Downstream, &SlowClose { delay: FOR_EVER });
    let mut client = dead(&bed, Some(hold)).await;
    client.write_all(b"to nobody").await.unwrap();
    is_silent(&mut client).await;
    let counters = bed.served.embedded.counters("dead").await.unwrap();
    assert_eq!((counters.held_bytes, counters.upstream.delivered), (0, 0));
    bed.client
        .remove_toxic("dead", "slow_close_downstream")
        .await
        .unwrap();
    ends(&mut client).await;
    nobody_is_left(&bed).await;
}

#[tokio::test]
async fn without_a_server_a_reset_is_a_reset() {
    for stream in Stream::BOTH {
        let bed = Bed::new().await;
        let reset = Toxic::new(stream, &ResetPeer { timeout: 0 });
        let mut client = dead(&bed, Some(reset)).await;
        is_reset(&mut client).await;
        nobody_is_left(&bed).await;
    }
}

#[tokio::test]
async fn shutdown_closes_everything() {
    let bed = Bed::new().await;
    let (mut client, mut server) = bed.connect().await;
    bed.served.shutdown().await;
    ends(&mut client).await;
    ends(&mut server).await;
    assert!(TcpStream::connect(&bed.listen).await.is_err());
    let error = bed.client.version().await.unwrap_err().to_string();
    assert!(
        error.contains("/version") && error.contains("start a Toxiproxy"),
        "{error}"
    );
}

#[tokio::test]
async fn dropping_the_last_clone_of_embedded_proxies_closes_everything() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = server.local_addr().unwrap().to_string();
    let embedded = Embedded::new(0);
    let listen = embedded.put("p", "127.0.0.1:0", &upstream).await.unwrap();
    let mut client = TcpStream::connect(&listen).await.unwrap();
    let (mut server, _) = within(server.accept()).await.unwrap();
    let clone = embedded.clone();
    drop(embedded);
    passes(&mut client, &mut server, "the clone keeps them").await;
    drop(clone);
    ends(&mut client).await;
    ends(&mut server).await;
}

#[tokio::test]
async fn direct_calls_and_the_api_do_and_refuse_the_same() {
    let served = Served::start(0).await;
    let both: [&dyn Proxies; 2] = [&served.embedded, &served.client()];
    for proxies in both {
        let first = proxies.put("p", "127.0.0.1:0", "127.0.0.1:1").await;
        let again = proxies.put("p", "127.0.0.1:0", "127.0.0.1:1").await;
        assert_ne!(first.unwrap(), again.unwrap(), "in place of the first");
        let toxic = Toxic::new(Upstream, &Timeout { timeout: 0 });
        proxies.add_toxic("p", &toxic).await.unwrap();
        assert_eq!(proxies.toxics("p").await.unwrap(), slice::from_ref(&toxic));
        let refused = |error: ProxiesError| error.to_string();
        let twice = refused(proxies.add_toxic("p", &toxic).await.unwrap_err());
        assert!(twice.contains("toxic already exists"), "{twice}");
        let much = toxic.clone().named("much").with_toxicity(2.0);
        let much = refused(proxies.add_toxic("p", &much).await.unwrap_err());
        assert!(much.contains("is not between 0 and 1"), "{much}");
        for _ in 0..2 {
            proxies.remove_toxic("p", &toxic.name).await.unwrap();
            assert!(proxies.toxics("p").await.is_ok_and(|left| left.is_empty()));
        }
        for _ in 0..2 {
            proxies.remove("p").await.unwrap();
            let gone = refused(proxies.toxics("p").await.unwrap_err());
            assert!(gone.contains("proxy not found"), "{gone}");
        }
        let nowhere = refused(proxies.put("p", "192.0.2.1:1", "x").await.unwrap_err());
        assert!(nowhere.contains("listen tcp 192.0.2.1:1"), "{nowhere}");
    }
}
