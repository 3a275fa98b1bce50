//! What the protocol costs: a verify of a lock that grants at once, asked in this process and of a
//! program of its own. `cargo bench -p process`.

use std::path::PathBuf;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use locks::{ClientConfig, Lock, Session};
use process::ProcessLock;
use tokio::runtime::Runtime;

/// The example of this name; `cargo bench` puts it into the profile's folder.
fn example(name: &str) -> PathBuf {
    let bench = std::env::current_exe().expect("a path");
    let folder = bench.ancestors().nth(2).expect("target/release");
    folder.join("examples").join(name)
}

async fn session(lock: &dyn Lock) -> Box<dyn Session> {
    let client = ClientConfig::of_rabbitmq("", "prover-bench");
    let mut session = lock.open(&client).await.expect("a session");
    session.acquire("k").await.expect("granted");
    session
}

fn operation(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let program = example("misbehaving");
    assert!(
        program.exists(),
        "build it first: cargo build --release -p process --examples"
    );
    let command = format!("'{}' none none 1 none", program.display());
    let lock = runtime.block_on(ProcessLock::introduce(&command, Default::default()));
    let lock: Arc<dyn Lock> = Arc::new(lock.expect("a lock"));
    let mut session = runtime.block_on(session(&*lock));
    criterion.bench_function("protocol/verify", |bencher| {
        bencher.iter(|| runtime.block_on(session.verify("k")).expect("held"));
    });
    runtime.block_on(session.close());
}

criterion_group!(benches, operation);
criterion_main!(benches);
