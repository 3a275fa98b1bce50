//! What recording costs: one event appended to a file, its write call included, and what reading
//! costs.

use std::fs::File;
use std::hint::black_box;
use std::io::BufReader;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use history::jsonl::{self, Log};
use history::{Draft, Function, Grant, Kind, Process, Value};

/// One turn of a worker: acquire and release, four events.
fn turn(turn: u64) -> [Draft; 4] {
    let draft = |kind, function| {
        Draft::new(Process::Client((turn % 20) as u32), kind, function).on("lock-0")
    };
    let grant = Value::Grant(Grant {
        token: turn + 1,
        ..Grant::default()
    });
    [
        draft(Kind::Invoke, Function::Acquire),
        draft(Kind::Ok, Function::Acquire).with(grant),
        draft(Kind::Invoke, Function::Release),
        draft(Kind::Ok, Function::Release),
    ]
}

fn append(criterion: &mut Criterion) {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let mut log = Log::new(file.reopen().expect("it is there"));
    let mut turns = 0..;
    let mut group = criterion.benchmark_group("log");
    group.throughput(Throughput::Elements(4));
    group.bench_function("append four events to a file", |bencher| {
        bencher.iter(|| {
            let number = turns.next().unwrap_or_default();
            for draft in turn(number) {
                log.append(number * 1_000, draft).expect("well-formed");
            }
        });
    });
    group.finish();
}

fn read(criterion: &mut Criterion) {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let mut log = Log::new(std::io::BufWriter::new(file.reopen().expect("it is there")));
    for number in 0..50_000 {
        for draft in turn(number) {
            log.append(number * 1_000, draft).expect("well-formed");
        }
    }
    let mut group = criterion.benchmark_group("read");
    group
        .sample_size(10)
        .throughput(Throughput::Elements(200_000));
    group.bench_function("200,000 events", |bencher| {
        bencher.iter(|| {
            let source = BufReader::new(File::open(file.path()).expect("it is there"));
            black_box(jsonl::read(source).expect("well-formed"))
        });
    });
    group.finish();
}

criterion_group!(benches, append, read);
criterion_main!(benches);
