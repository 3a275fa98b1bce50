//! What the proxy costs: throughput and the time of a small message there and back, direct and
//! through it.

use std::hint::black_box;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use proxy::{Embedded, Latency, Proxies, Stream, Toxic};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

const TRANSFER: usize = 64 << 20;
const MESSAGE: usize = 100;

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
    let mut socket = TcpStream::connect(to).await.expect("connects");
    let chunk = vec![7; 256 << 10];
    for _ in 0..TRANSFER / chunk.len() {
        socket.write_all(&chunk).await.expect("writes");
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
}

criterion_group!(benches, proxy);
criterion_main!(benches);
