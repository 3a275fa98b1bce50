//! Toxics that read AMQP: what they do to connections, through the API.

mod common;

use common::{Bed, PROXY, arrives, ends, is_reset, is_silent, passes, within};
use proxy::{AmqpSilence, AmqpTrap, Effect, Method, Nth, Stream, Then, Toxic};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use Stream::{Downstream, Upstream};

const GREETING: &[u8] = b"AMQP\x00\x00\x09\x01";
const HEARTBEAT: &[u8] = b"\x08\x00\x00\x00\x00\x00\x00\xCE";

/// A method without arguments on channel 1; what arguments there would be nobody reads.
fn method((class, number): (u8, u8)) -> [u8; 12] {
    [1, 0, 1, 0, 0, 0, 4, 0, class, 0, number, 0xCE]
}

const DECLARE: (u8, u8) = (50, 10);
const DECLARE_OK: (u8, u8) = (50, 11);
const PUBLISH: (u8, u8) = (60, 40);
const ACK: (u8, u8) = (60, 80);

/// `connection.start`, as little of it as there can be.
fn start() -> [u8; 12] {
    [1, 0, 0, 0, 0, 0, 4, 0, 10, 0, 10, 0xCE]
}

/// The frames behind a publish: a header that announces `body`, and that.
fn content(body: &[u8]) -> Vec<u8> {
    let mut header = vec![2, 0, 1, 0, 0, 0, 14, 0, 60, 0, 0];
    header.extend((body.len() as u64).to_be_bytes());
    header.extend([0, 0, 0xCE]);
    let size = u8::try_from(body.len()).unwrap();
    [&header[..], &[3, 0, 1, 0, 0, 0, size], body, &[0xCE]].concat()
}

async fn send(from: &mut TcpStream, bytes: &[u8]) {
    from.write_all(bytes).await.unwrap();
}

async fn comes(to: &mut TcpStream, bytes: &[u8]) {
    let mut got = vec![0; bytes.len()];
    within(to.read_exact(&mut got)).await.unwrap();
    assert_eq!(got, bytes);
}

async fn crosses(from: &mut TcpStream, to: &mut TcpStream, bytes: &[u8]) {
    send(from, bytes).await;
    comes(to, bytes).await;
}

/// A connection that has been greeted.
async fn connect(bed: &Bed) -> (TcpStream, TcpStream) {
    let (mut client, mut server) = bed.connect().await;
    crosses(&mut client, &mut server, GREETING).await;
    crosses(&mut server, &mut client, &start()).await;
    (client, server)
}

fn trap(name: &str, nth: u64, then: Then) -> AmqpTrap {
    AmqpTrap::new(Method::named(name).unwrap(), Nth::new(nth).unwrap(), then)
}

/// What the trap says of itself.
async fn sight(bed: &Bed, stream: Stream) -> (Value, bool) {
    let name = format!("amqp_trap_{}", stream.name());
    let toxics = bed.client.toxics(PROXY).await.unwrap();
    let toxic = toxics.into_iter().find(|toxic| toxic.name == name).unwrap();
    let sprung = toxic.attributes["sprung_us"].is_u64();
    (toxic.attributes["seen"].clone(), sprung)
}

#[tokio::test]
async fn heartbeats_of_the_client_are_lost_and_nothing_else() {
    let bed = Bed::new().await;
    let (mut client, mut server) = connect(&bed).await;
    bed.add(Upstream, &AmqpSilence {}).await;
    send(&mut client, HEARTBEAT).await;
    is_silent(&mut server).await;
    crosses(&mut server, &mut client, HEARTBEAT).await;
    let both = [&method(DECLARE)[..], HEARTBEAT, &method(ACK)].concat();
    send(&mut client, &both).await;
    comes(&mut server, &[method(DECLARE), method(ACK)].concat()).await;
    send(&mut client, &HEARTBEAT[..5]).await;
    is_silent(&mut server).await;
    bed.remove("amqp_silence_upstream").await;
    comes(&mut server, &HEARTBEAT[..5]).await;
    send(&mut client, &HEARTBEAT[5..]).await;
    comes(&mut server, &HEARTBEAT[5..]).await;
    bed.until(|counters| counters.held_bytes == 0).await;
}

#[tokio::test]
async fn a_hold_strikes_behind_the_method_and_before_its_answer() {
    let bed = Bed::new().await;
    let (mut client, mut server) = connect(&bed).await;
    let (mut other, mut others_server) = connect(&bed).await;
    bed.add(Upstream, &trap("queue.declare", 2, Then::Hold))
        .await;
    crosses(&mut other, &mut others_server, &method(DECLARE)).await;
    assert_eq!(sight(&bed, Upstream).await, (json!(1), false));
    let rest = [method(DECLARE), method(ACK)].concat();
    send(&mut client, &rest).await;
    comes(&mut server, &method(DECLARE)).await;
    assert_eq!(sight(&bed, Upstream).await, (json!(2), true));
    send(&mut server, &method(DECLARE_OK)).await;
    is_silent(&mut client).await;
    is_silent(&mut server).await;
    // Nor on other connections, old and new, nor an end.
    send(&mut other, &method(ACK)).await;
    is_silent(&mut others_server).await;
    let (mut new, mut news_server) = bed.connect().await;
    send(&mut new, GREETING).await;
    drop(other);
    is_silent(&mut news_server).await;
    is_silent(&mut others_server).await;
    bed.remove("amqp_trap_upstream").await;
    comes(&mut server, &method(ACK)).await;
    comes(&mut client, &method(DECLARE_OK)).await;
    comes(&mut news_server, GREETING).await;
    comes(&mut others_server, &method(ACK)).await;
}

#[tokio::test]
async fn a_cut_strikes_all_connections_once() {
    let bed = Bed::new().await;
    let (mut client, mut server) = connect(&bed).await;
    let (mut idle, mut idles_server) = connect(&bed).await;
    let (mut foreign, mut foreigns_server) = bed.connect().await;
    passes(&mut foreign, &mut foreigns_server, "no AMQP").await;
    bed.add(Upstream, &trap("queue.declare", 1, Then::Cut))
        .await;
    passes(&mut foreign, &mut foreigns_server, "no AMQP").await;
    send(&mut client, &method(DECLARE)).await;
    comes(&mut server, &method(DECLARE)).await;
    for sender in [&mut client, &mut idle, &mut foreign] {
        is_reset(sender).await;
    }
    for receiver in [&mut server, &mut idles_server, &mut foreigns_server] {
        ends(receiver).await;
    }
    assert_eq!(sight(&bed, Upstream).await, (json!(1), true));
    let (mut client, mut server) = connect(&bed).await;
    crosses(&mut client, &mut server, &method(DECLARE)).await;
    crosses(&mut server, &mut client, &method(DECLARE_OK)).await;
}

#[tokio::test]
async fn an_answer_can_be_what_springs_the_trap() {
    let bed = Bed::new().await;
    let (mut client, mut server) = connect(&bed).await;
    bed.add(Downstream, &trap("queue.declare-ok", 1, Then::Hold))
        .await;
    crosses(&mut client, &mut server, &method(DECLARE)).await;
    crosses(&mut server, &mut client, &method(DECLARE_OK)).await;
    send(&mut client, HEARTBEAT).await;
    is_silent(&mut server).await;
}

#[tokio::test]
async fn a_publish_has_passed_with_its_content_even_where_the_trap_is_set_between_frames() {
    let bed = Bed::new().await;
    let (mut client, mut server) = connect(&bed).await;
    // One that has begun before does not count.
    let before = content(b"before");
    crosses(&mut client, &mut server, &method(PUBLISH)).await;
    crosses(&mut client, &mut server, &before[..9]).await;
    bed.add(Upstream, &trap("basic.publish", 1, Then::Hold))
        .await;
    crosses(&mut client, &mut server, &before[9..]).await;
    assert_eq!(sight(&bed, Upstream).await, (json!(0), false));
    let publish = [&method(PUBLISH)[..], &content(b"body"), HEARTBEAT].concat();
    for byte in &publish {
        send(&mut client, &[*byte]).await;
    }
    comes(&mut server, &publish[..publish.len() - HEARTBEAT.len()]).await;
    is_silent(&mut server).await;
    assert_eq!(sight(&bed, Upstream).await, (json!(1), true));
}

#[tokio::test]
async fn what_is_no_amqp_passes_by_a_trap() {
    let bed = Bed::new().await;
    bed.add(Upstream, &trap("queue.declare", 1, Then::Cut))
        .await;
    bed.add(Upstream, &AmqpSilence {}).await;
    let (mut client, mut server) = bed.connect().await;
    passes(&mut client, &mut server, "GET / HTTP/1.1").await;
    send(&mut client, HEARTBEAT).await;
    comes(&mut server, HEARTBEAT).await;
    send(&mut client, &method(DECLARE)).await;
    comes(&mut server, &method(DECLARE)).await;
    send(&mut server, b"HTTP/1.1 200 OK").await;
    arrives(&mut client, "HTTP/1.1 200 OK").await;
}

#[tokio::test]
async fn a_trap_that_makes_no_sense_is_refused_with_the_reason() {
    let bed = Bed::new().await;
    let good = Toxic::new(Upstream, &trap("queue.declare", 1, Then::Cut));
    let with = |stream, attributes, toxicity| Toxic {
        stream,
        attributes,
        toxicity,
        ..good.clone()
    };
    let unknown = json!({"method": "queue.steal", "then": "cut"});
    for (toxic, part) in [
        (with(Upstream, unknown, 1.0), "no method of AMQP"),
        (
            with(Downstream, good.attributes.clone(), 1.0),
            "never goes downstream",
        ),
        (
            with(Upstream, good.attributes.clone(), 0.5),
            "its toxicity is 1",
        ),
    ] {
        let error = bed.client.add_toxic(PROXY, &toxic).await.unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
    assert_eq!(AmqpTrap::KIND.name, "amqp_trap");
    assert!(bed.client.toxics(PROXY).await.unwrap().is_empty());
}

#[tokio::test]
async fn another_trap_in_its_place_counts_anew() {
    let bed = Bed::new().await;
    let (mut client, mut server) = connect(&bed).await;
    bed.add(Upstream, &trap("queue.declare", 1, Then::Hold))
        .await;
    crosses(&mut client, &mut server, &method(DECLARE)).await;
    send(&mut client, &method(ACK)).await;
    is_silent(&mut server).await;
    bed.update(Upstream, &trap("basic.ack", 1, Then::Hold))
        .await;
    comes(&mut server, &method(ACK)).await;
    assert_eq!(sight(&bed, Upstream).await, (json!(1), true));
    send(&mut server, &method(DECLARE_OK)).await;
    is_silent(&mut client).await;
    bed.remove("amqp_trap_upstream").await;
    comes(&mut client, &method(DECLARE_OK)).await;
}
