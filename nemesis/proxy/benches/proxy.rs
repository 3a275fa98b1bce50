//! What the proxy costs: throughput and the time of a small message there and back, direct and
//! through it, through a latency, beside connections that send all they can, and where it follows
//! the frames of AMQP.

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{self, SocketAddr};
use std::thread;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use proxy::{AmqpSilence, Embedded, Latency, Proxies, Stream, Toxic, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

const TRANSFER: usize = 64 << 20;
/// So much is written at once.
const WRITE: usize = 256 << 10;
const MESSAGE: usize = 100;
const FLOOD_CHUNK: usize = 1 << 20;

/// A server that sends back what it gets.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = socket.set_nodelay(true);
                let (mut reader, mut writer) = socket.split();
                let _ = tokio::io::copy(&mut reader, &mut writer).await;
            });
        }
    });
    address
}

/// A server that reads `TRANSFER` bytes and then sends one.
async fn sink() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = vec![0; 256 << 10];
                let mut left = TRANSFER;
                while left > 0 {
                    match socket.read(&mut buffer).await {
                        Ok(0) | Err(_) => return,
                        Ok(bytes) => left = left.saturating_sub(bytes),
                    }
                }
                let _ = socket.write_all(&[1]).await;
            });
        }
    });
    address
}

async fn transfer(to: SocketAddr) {
    send(to, vec![7; WRITE].chunks(WRITE).cycle()).await;
}

/// Sends `TRANSFER` bytes out of these, and waits until the server has them.
async fn send(to: SocketAddr, chunks: impl Iterator<Item = &[u8]>) {
    let mut socket = TcpStream::connect(to).await.expect("connects");
    for chunk in chunks.take(TRANSFER / WRITE) {
        socket.write_all(chunk).await.expect("writes");
    }
    let mut done = [0];
    socket.read_exact(&mut done).await.expect("an answer");
    black_box(done);
}

async fn round_trips(to: SocketAddr, count: u64) -> Duration {
    let mut socket = TcpStream::connect(to).await.expect("connects");
    socket.set_nodelay(true).expect("TCP");
    let mut message = [7; MESSAGE];
    let start = Instant::now();
    for _ in 0..count {
        socket.write_all(&message).await.expect("writes");
        socket.read_exact(&mut message).await.expect("an answer");
    }
    start.elapsed()
}

/// The ways to a server: direct, through the proxy, and through a proxy with toxics that do
/// nothing.
async fn ways(proxy: &Embedded, name: &str, server: SocketAddr) -> [(&'static str, SocketAddr); 3] {
    let create = async |suffix: &str| {
        let name = format!("{name}-{suffix}");
        let listen = proxy.put(&name, "127.0.0.1:0", &server.to_string()).await;
        let address = listen.expect("put up").parse().expect("an address");
        (name, address)
    };
    let (_, plain) = create("plain").await;
    let (toxic, with_toxics) = create("toxics").await;
    for stream in Stream::BOTH {
        let idle = Toxic::new(stream, &Latency::default());
        proxy.add_toxic(&toxic, &idle).await.expect("added");
    }
    [
        ("direct", server),
        ("proxy", plain),
        ("proxy with idle toxics", with_toxics),
    ]
}

fn throughput(group: &mut BenchmarkGroup<'_, WallTime>, runtime: &Runtime, proxy: &Embedded) {
    group.throughput(Throughput::Bytes(TRANSFER as u64));
    let ways = runtime.block_on(async { ways(proxy, "sink", sink().await).await });
    for (name, address) in ways {
        group.bench_function(name, |bench| {
            bench.iter(|| runtime.block_on(transfer(address)));
        });
    }
}

fn latency(group: &mut BenchmarkGroup<'_, WallTime>, runtime: &Runtime, proxy: &Embedded) {
    let ways = runtime.block_on(async { ways(proxy, "echo", echo().await).await });
    for (name, address) in ways {
        group.bench_function(name, |bench| {
            bench.iter_custom(|count| runtime.block_on(round_trips(address, count)));
        });
    }
}

/// Through a latency, bytes on their way must not keep others from setting out.
fn throughput_with_latency(
    group: &mut BenchmarkGroup<'_, WallTime>,
    runtime: &Runtime,
    proxy: &Embedded,
) {
    group.throughput(Throughput::Bytes(TRANSFER as u64));
    let server = runtime.block_on(sink());
    for latency in [20, 200] {
        let listen = runtime.block_on(async {
            let name = format!("{latency} ms");
            let listen = proxy.put(&name, "127.0.0.1:0", &server.to_string()).await;
            let toxic = Toxic::new(Stream::Upstream, &Latency { latency, jitter: 0 });
            proxy.add_toxic(&name, &toxic).await.expect("added");
            listen.expect("put up").parse().expect("an address")
        });
        group.bench_function(
            BenchmarkId::from_parameter(format!("{latency} ms")),
            |bench| {
                bench.iter(|| runtime.block_on(transfer(listen)));
            },
        );
    }
}

/// `TRANSFER` bytes as a client of AMQP sends them: the header of the protocol, then bodies of so
/// many bytes.
fn amqp(body: usize) -> Vec<u8> {
    let size = u32::try_from(body).expect("a frame's").to_be_bytes();
    let frame = [&[3, 0, 1][..], &size, &vec![7; body], &[0xCE]].concat();
    let mut bytes = b"AMQP\0\0\x09\x01".to_vec();
    while bytes.len() < TRANSFER {
        bytes.extend_from_slice(&frame);
    }
    bytes.truncate(TRANSFER);
    bytes
}

/// The proxy follows the frames of AMQP, with a toxic for these and without.
fn frames(group: &mut BenchmarkGroup<'_, WallTime>, runtime: &Runtime, proxy: &Embedded) {
    group.throughput(Throughput::Bytes(TRANSFER as u64));
    let server = runtime.block_on(sink());
    let put = async |name: &str| -> SocketAddr {
        let listen = proxy.put(name, "127.0.0.1:0", &server.to_string()).await;
        listen.expect("put up").parse().expect("an address")
    };
    let plain = runtime.block_on(put("plain"));
    let silent = runtime.block_on(put("silent"));
    let toxic = Toxic::new(Stream::Upstream, &AmqpSilence {});
    let added = runtime.block_on(proxy.add_toxic("silent", &toxic));
    added.expect("added");
    for (what, bytes) in [
        ("no AMQP", vec![7; TRANSFER]),
        ("frames of 300 bytes", amqp(300)),
        ("frames of 128 KiB", amqp(128 << 10)),
    ] {
        for (toxics, address) in [("", plain), (", amqp_silence", silent)] {
            group.bench_function(format!("{what}{toxics}"), |bench| {
                bench.iter(|| runtime.block_on(send(address, bytes.chunks(WRITE))));
            });
        }
    }
}

/// A server that sends back what it gets, on threads of its own: it waits for nobody's task.
fn echo_on_threads() -> SocketAddr {
    let listener = net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut message = [0; MESSAGE];
                while (&socket).read_exact(&mut message).is_ok() {
                    let _ = (&socket).write_all(&message);
                }
            });
        }
    });
    address
}

/// A server that reads for ever, on threads of its own.
fn pit() -> SocketAddr {
    let listener = net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut buffer = vec![0; FLOOD_CHUNK];
                while socket.read(&mut buffer).is_ok_and(|bytes| bytes > 0) {}
            });
        }
    });
    address
}

/// Sends all it can, on a thread of its own, for as long as somebody takes it.
fn flood(to: SocketAddr) {
    let mut socket = net::TcpStream::connect(to).expect("connects");
    thread::spawn(move || while socket.write_all(&[7; FLOOD_CHUNK]).is_ok() {});
}

/// A message there and back.
fn ping(socket: &mut net::TcpStream) {
    let mut message = [7; MESSAGE];
    socket.write_all(&message).expect("writes");
    socket.read_exact(&mut message).expect("an answer");
}

/// A question to the API and its answer.
fn ask_version(api: SocketAddr) {
    let mut socket = net::TcpStream::connect(api).expect("connects");
    let request = b"GET /version HTTP/1.1\r\nHost: proxy\r\nConnection: close\r\n\r\n";
    socket.write_all(request).expect("writes");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

/// What the others wait while `floods` connections send all they can through the same proxies. The
/// proxies have a runtime to themselves; clients and servers have threads.
fn fairness(group: &mut BenchmarkGroup<'_, WallTime>, floods: usize) {
    let proxies = Runtime::new().expect("a runtime");
    let proxy = Embedded::new(0);
    let put = |name: &str, server: SocketAddr| -> SocketAddr {
        let server = server.to_string();
        let put = proxy.put(name, "127.0.0.1:0", &server);
        let listen = proxies.block_on(put).expect("put up");
        listen.parse().expect("an address")
    };
    let flooded = put("flooded", pit());
    let quiet = put("quiet", echo_on_threads());
    let listener = proxies.block_on(TcpListener::bind("127.0.0.1:0"));
    let listener = listener.expect("a free port");
    let api = listener.local_addr().expect("bound");
    proxies.spawn(serve(listener, proxy.clone(), std::future::pending()));
    (0..floods).for_each(|_| flood(flooded));
    let mut socket = net::TcpStream::connect(quiet).expect("connects");
    socket.set_nodelay(true).expect("TCP");
    group.bench_function(BenchmarkId::new("ping", floods), |bench| {
        bench.iter(|| ping(&mut socket));
    });
    group.bench_function(BenchmarkId::new("GET /version", floods), |bench| {
        bench.iter(|| ask_version(api));
    });
    proxies.shutdown_background();
}

fn proxy(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let proxy = Embedded::new(0);
    let mut group = criterion.benchmark_group("64 MiB one way");
    group.sample_size(10);
    throughput(&mut group, &runtime, &proxy);
    group.finish();
    let mut group = criterion.benchmark_group("100 bytes there and back");
    latency(&mut group, &runtime, &proxy);
    group.finish();
    let mut group = criterion.benchmark_group("64 MiB one way through a latency");
    group.sample_size(10);
    throughput_with_latency(&mut group, &runtime, &proxy);
    group.finish();
    let mut group = criterion.benchmark_group("64 MiB of AMQP one way");
    group.sample_size(10);
    frames(&mut group, &runtime, &proxy);
    group.finish();
    let mut group = criterion.benchmark_group("beside floods");
    group.sample_size(10);
    for floods in [0, 50, 200] {
        fairness(&mut group, floods);
    }
    group.finish();
}

criterion_group!(benches, proxy);
criterion_main!(benches);
