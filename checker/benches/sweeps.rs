//! How long judging takes, without reading the file: a valid history of twenty workers, one lock,
//! now and then a crash.

use checker::certificate::Certificate;
use checker::search::Limits;
use checker::{Case, Scope, linearize, parse};
use criterion::{Criterion, criterion_group, criterion_main};
use history::{Draft, Function, History, HistoryBuilder, Kind, Process};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const WORKERS: u32 = 20;

/// Every worker keeps asking; the lock goes from one to the next that has asked.
fn history(operations: usize) -> History {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let mut builder = HistoryBuilder::default();
    let mut time = 0;
    let mut push = |process: u32, kind, function| {
        time += 1_000;
        builder
            .push(
                time,
                Draft::new(Process::Client(process), kind, function).on("lock-0"),
            )
            .expect("well-formed");
    };
    let mut processes: Vec<u32> = (0..WORKERS).collect();
    for process in &processes {
        push(*process, Kind::Invoke, Function::Acquire);
    }
    for round in 0..operations / 2 {
        let worker = random.random_range(0..processes.len());
        let process = processes[worker];
        if round % 5_000 == 4_999 {
            push(process, Kind::Info, Function::Acquire);
            processes[worker] += WORKERS;
        } else {
            push(process, Kind::Ok, Function::Acquire);
            push(process, Kind::Invoke, Function::Release);
            push(process, Kind::Ok, Function::Release);
        }
        push(processes[worker], Kind::Invoke, Function::Acquire);
    }
    builder.finish()
}

fn sweeps(criterion: &mut Criterion) {
    let operations = std::env::var("OPERATIONS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(100_000);
    let history = history(operations);
    let scope = Scope::default();
    let mut group = criterion.benchmark_group(format!("{operations} operations"));
    group.sample_size(10);
    group.bench_function("holds", |bencher| {
        bencher.iter(|| Case::new(&history, &scope, Limits::none()));
    });
    let case = Case::new(&history, &scope, Limits::none());
    for name in [
        "exclusion",
        "confirmed-exclusion",
        "ownership",
        "justified-refusal",
        "coverage",
    ] {
        let guarantee = parse(name).expect("it is in the list");
        group.bench_function(name, |bencher| bencher.iter(|| guarantee.judge(&case)));
    }
    for model in ["owner-mutex", "mutex"] {
        let judge = || linearize(&history, model, Limits::none()).expect("it is in the list");
        group.bench_function(format!("model {model}"), |bencher| bencher.iter(judge));
    }
    let linearized =
        [linearize(&history, "owner-mutex", Limits::none()).expect("it is in the list")];
    group.bench_function("certificate", |bencher| {
        bencher.iter(|| Certificate::issue(&case, &[], &[], &linearized).to_bytes());
    });
    group.finish();
}

criterion_group!(benches, sweeps);
criterion_main!(benches);
