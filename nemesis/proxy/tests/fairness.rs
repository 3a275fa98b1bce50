//! That a connection which has much to move makes nobody wait for long, and the API for nobody.

mod common;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use common::{Bed, PROXY, Served, noise, passes, within};
use proxy::{Bandwidth, Proxies, Stream};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::yield_now;

/// What a connection moves in one turn.
const SHARE: u64 = 128 << 10;

/// A socket for a thread of its own, which waits for no task.
fn blocking(socket: tokio::net::TcpStream) -> TcpStream {
    let socket = socket.into_std().unwrap();
    socket.set_nonblocking(false).unwrap();
    socket
}

#[tokio::test]
async fn a_flood_gives_way_after_its_share() {
    const FLOOD: u64 = 32_000_000;
    let bed = Bed::new().await;
    let (client, server) = bed.connect().await;
    let (mut client, mut server) = (blocking(client), blocking(server));
    // Much waits in the proxy and before it, so that nothing but its own manners stops it.
    bed.add(Stream::Upstream, &Bandwidth { rate: 0 }).await;
    let sending = thread::spawn(move || {
        client.write_all(&noise(32_000_000)).unwrap();
        client
    });
    let receiving = thread::spawn(move || {
        let mut got = vec![0; 32_000_000];
        server.read_exact(&mut got).unwrap();
        (server, got)
    });
    bed.until(|counters| counters.held_bytes >= 1 << 20).await;
    // A direct call, so that the flood gets no turn before it is looked at.
    let proxies = &bed.served.embedded;
    proxies
        .remove_toxic(PROXY, "bandwidth_upstream")
        .await
        .unwrap();
    let mut before = bed.counters().await.upstream.delivered;
    assert!(before <= SHARE, "{before} bytes went before");
    within(async {
        while before < FLOOD {
            yield_now().await;
            let now = bed.counters().await.upstream.delivered;
            assert!(
                now - before <= 2 * SHARE,
                "{} bytes in one turn",
                now - before
            );
            before = now;
        }
    })
    .await;
    let (_server, got) = receiving.join().unwrap();
    assert!(got == noise(32_000_000));
    drop(sending.join().unwrap());
}

/// Asks the API from a thread of its own, and takes the runtime's only thread for as long.
fn ask_while_nobody_runs(url: &str, request: &str, body: &Value) -> String {
    let address = url.strip_prefix("http://").unwrap().to_owned();
    let body = body.to_string();
    let text = format!(
        "{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let asking = thread::spawn(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        let bound = Some(Duration::from_secs(20));
        socket.set_read_timeout(bound).unwrap();
        socket.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("an answer");
        socket.shutdown(Shutdown::Both).ok();
        answer
    });
    asking.join().unwrap()
}

#[tokio::test]
async fn the_api_answers_while_the_proxies_have_no_thread() {
    let served = Served::start(0).await;
    let client = served.client();
    within(client.version()).await.unwrap();
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = server.local_addr().unwrap().to_string();
    let answer = ask_while_nobody_runs(&served.url, "GET /version", &Value::Null);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let wish = json!({"name": PROXY, "listen": "127.0.0.1:0", "upstream": upstream});
    let answer = ask_while_nobody_runs(&served.url, "POST /proxies", &wish);
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let toxic = json!({"type": "latency", "attributes": {"latency": 1}});
    let answer = ask_while_nobody_runs(&served.url, "POST /proxies/p/toxics", &toxic);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    let listen = client.proxy(PROXY).await.unwrap().listen;
    let mut client = within(tokio::net::TcpStream::connect(listen))
        .await
        .unwrap();
    let (mut server, _) = within(server.accept()).await.unwrap();
    passes(&mut client, &mut server, "ping").await;
    passes(&mut server, &mut client, "pong").await;
}
