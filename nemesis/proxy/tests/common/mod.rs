//! A server behind a proxy, and waits with a bound.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses its own part of this"
)]

use std::io::{self, ErrorKind};
use std::net::Ipv6Addr;
use std::time::Duration;

use proxy::toxiproxy::ApiClient;
use proxy::{Counters, Effect, Embedded, Stream, Toxic};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Beyond this a wait is a hang.
const BOUND: Duration = Duration::from_secs(20);

/// Long enough for bytes to arrive on this machine if nothing held them back.
pub const SILENCE: Duration = Duration::from_millis(300);

/// The name of the proxy under test.
pub const PROXY: &str = "p";

/// Waits for `future`, but not for ever.
pub async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(BOUND, future).await.expect("a hang")
}

/// Whether a test has to do without IPv6; then it says so.
#[expect(clippy::print_stderr, reason = "a skipped test says why")]
pub async fn lacks_ipv6() -> bool {
    let lacks = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).await.is_err();
    if lacks {
        eprintln!("skipped the IPv6 half: this machine has no IPv6");
    }
    lacks
}

/// Proxies of this process, and their API on a port of the loopback interface for as long as this
/// lives.
pub struct Served {
    pub embedded: Embedded,
    /// The address of the API, for [`ApiClient::new`].
    pub url: String,
    /// Dropping it stops the server.
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Served {
    pub async fn start(seed: u64) -> Self {
        let embedded = Embedded::new(seed);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = proxy::serve(listener, embedded.clone(), async { drop(stopped.await) });
        Self {
            embedded,
            url,
            stop,
            task: tokio::spawn(serving),
        }
    }

    pub fn client(&self) -> ApiClient {
        ApiClient::new(&self.url).unwrap()
    }

    /// Stops the server; returns when it has.
    pub async fn shutdown(self) {
        drop(self.stop);
        within(self.task).await.unwrap().unwrap();
    }
}

/// A proxy, its client, and the server behind it.
pub struct Bed {
    pub served: Served,
    pub client: ApiClient,
    pub server: TcpListener,
    /// Where the proxy listens.
    pub listen: String,
}

impl Bed {
    pub async fn new() -> Self {
        Self::seeded(0).await
    }

    pub async fn seeded(seed: u64) -> Self {
        let served = Served::start(seed).await;
        let client = served.client();
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = server.local_addr().unwrap().to_string();
        let listen = client
            .create(PROXY, "127.0.0.1:0", &upstream)
            .await
            .unwrap()
            .listen;
        Self {
            served,
            client,
            server,
            listen,
        }
    }

    /// A connection through the proxy: the client's end and the server's end.
    pub async fn connect(&self) -> (TcpStream, TcpStream) {
        let client = within(TcpStream::connect(&self.listen)).await.unwrap();
        let (server, _) = within(self.server.accept()).await.unwrap();
        (client, server)
    }

    pub async fn add(&self, stream: Stream, effect: &impl Effect) -> Toxic {
        self.client
            .add_toxic(PROXY, &Toxic::new(stream, effect))
            .await
            .unwrap()
    }

    pub async fn add_named(&self, stream: Stream, effect: &impl Effect, name: &str) {
        let toxic = Toxic::new(stream, effect).named(name);
        self.client.add_toxic(PROXY, &toxic).await.unwrap();
    }

    pub async fn update(&self, stream: Stream, effect: &impl Effect) -> Toxic {
        self.client
            .update_toxic(PROXY, &Toxic::new(stream, effect))
            .await
            .unwrap()
    }

    pub async fn remove(&self, name: &str) {
        self.client.remove_toxic(PROXY, name).await.unwrap();
    }

    pub async fn counters(&self) -> Counters {
        self.served.embedded.counters(PROXY).await.unwrap()
    }

    pub async fn until(&self, mut condition: impl FnMut(Counters) -> bool) {
        until(&self.served.embedded, PROXY, &mut condition).await;
    }
}

/// Waits until a proxy's counters meet a condition.
pub async fn until(embedded: &Embedded, proxy: &str, condition: &mut impl FnMut(Counters) -> bool) {
    within(async {
        while !condition(embedded.counters(proxy).await.unwrap()) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    })
    .await;
}

/// Sends `text` and expects it at the other end.
pub async fn passes(from: &mut TcpStream, to: &mut TcpStream, text: &str) {
    from.write_all(text.as_bytes()).await.unwrap();
    arrives(to, text).await;
}

/// Expects exactly `text` next.
pub async fn arrives(to: &mut TcpStream, text: &str) {
    let mut got = vec![0; text.len()];
    within(to.read_exact(&mut got)).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&got), text);
}

/// Expects neither bytes nor an end for a while.
pub async fn is_silent(stream: &mut TcpStream) {
    let mut byte = [0];
    let read = tokio::time::timeout(SILENCE, stream.read(&mut byte)).await;
    assert!(read.is_err(), "{read:?} came through");
}

/// Expects a clean end of the stream.
pub async fn ends(stream: &mut TcpStream) {
    let mut byte = [0];
    assert_eq!(within(stream.read(&mut byte)).await.unwrap(), 0);
}

/// Expects a reset.
pub async fn is_reset(stream: &mut TcpStream) {
    let mut byte = [0];
    let error = within(stream.read(&mut byte)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

/// Bytes that are not periodic, so that a lost or doubled piece shows.
pub fn noise(len: usize) -> Vec<u8> {
    use rand::RngCore;
    use rand_chacha::rand_core::SeedableRng;
    let mut bytes = vec![0; len];
    rand_chacha::ChaCha8Rng::seed_from_u64(1).fill_bytes(&mut bytes);
    bytes
}
