//! Which runs a lock is examined by.

use std::time::Duration;

use locks::Lock;
use nemesis::Aim;
use plan::spec::RunSpec;
use plan::{judges, suits};
use run::seed::Seed;
use workloads::Workload;

/// So many runs must show what is wrong with a broken lock, at the latest.
pub const RUNS_OF_BROKEN: u64 = 600;

/// In so many runs a correct lock must keep its promises.
pub const RUNS_OF_CORRECT: u64 = 50;

/// How long the workload of each runs, in simulated time.
pub const TIME_LIMIT: Duration = Duration::from_secs(60);

/// The workload that puts a lock to the test: for a broken one the first that judges what it
/// breaks, for a correct one the one that judges most of what it promises.
#[must_use]
pub fn workload_of(lock: &dyn Lock) -> &'static str {
    let judged = |workload: &dyn Workload| match lock.breaks() {
        Some(broken) => usize::from(judges(workload, broken)),
        None => {
            let promises = lock.promises().into_iter();
            promises.filter(|promise| judges(workload, promise)).count()
        }
    };
    let suited = workloads::ALL
        .iter()
        .filter(|workload| suits(**workload, lock));
    // Of several that judge as much the first: it is the simplest.
    let best = suited.rev().max_by_key(|workload| judged(**workload));
    best.map_or("mutex", |workload| workload.name())
}

/// How long faults last at the most, and how long it is quiet before each, where they strike often.
const OFTEN: Duration = Duration::from_secs(1);

/// The run of a lock that belongs to a seed: a swarm of all faults. With even seeds they strike
/// holders, with odd ones whomever: what goes wrong with those who wait shows only then. Of each
/// four seeds the last two strike often: what goes wrong in a moment is met by many faults, not by
/// long ones.
#[must_use]
pub fn spec_of(lock: &dyn Lock, seed: Seed) -> RunSpec {
    let often = (seed.0 % 4 >= 2).then_some(OFTEN);
    RunSpec {
        nemesis_interval: often,
        nemesis_duration: often,
        workload: workload_of(lock).to_owned(),
        lock: Some(lock.name().to_owned()),
        nemesis: "all".to_owned(),
        swarm: true,
        target: if seed.0.is_multiple_of(2) {
            Aim::Holder
        } else {
            Aim::Random
        },
        testbed: "sim".to_owned(),
        time_limit: TIME_LIMIT,
        seed: Some(seed),
        ..RunSpec::default()
    }
}
