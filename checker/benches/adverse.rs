//! How long each guarantee takes to judge what is hard to judge. `EVENTS` sets how many events the
//! histories have.

#[path = "adverse/histories.rs"]
mod histories;

use checker::search::Limits;
use checker::{Case, parse};
use criterion::{Criterion, criterion_group, criterion_main};

fn adverse(criterion: &mut Criterion) {
    let events = std::env::var("EVENTS")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(100_000);
    let mut group = criterion.benchmark_group(format!("{events} events"));
    group.sample_size(10);
    for adverse in histories::ALL {
        let scope = adverse.scope(events);
        let history = adverse.history(events);
        let guarantee = parse(adverse.guarantee).expect("it is in the list");
        group.bench_function(
            format!("{}: {}", adverse.guarantee, adverse.what),
            |bencher| {
                bencher.iter(|| guarantee.judge(&Case::new(&history, &scope, Limits::none())));
            },
        );
    }
    group.finish();
}

criterion_group!(benches, adverse);
criterion_main!(benches);
