//! A swarm: every run of a campaign differs from the others in more than its schedule, so that together they reach what no fixed setting does.

use std::time::Duration;

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::cli::RunArgs;
use crate::seed::{Seed, Stream};

/// The options with everything drawn from the seed that was not given: at least one of `faults`, and the numbers.
#[must_use]
pub(crate) fn drawn(arguments: &RunArgs, faults: &[&str], seed: Seed) -> RunArgs {
    let mut random = ChaCha8Rng::from_seed(seed.stream(Stream::Swarm));
    let nemesis = some_of(faults, &mut random);
    let concurrency = random.random_range(2..=8);
    let rate = random.random_range(5..=100);
    let hold = between(20, 2_000, &mut random);
    let heartbeat = Duration::from_secs(random.random_range(1..=4));
    let interval = between(500, 6_000, &mut random);
    let duration = between(500, 16_000, &mut random);
    // All is drawn in any case, so that giving one of them leaves the others as they were.
    RunArgs {
        nemesis,
        concurrency: arguments.concurrency.or(Some(concurrency)),
        rate: arguments.rate.or(Some(f64::from(rate))),
        hold: arguments.hold.or(Some(hold)),
        heartbeat: arguments.heartbeat.or(Some(heartbeat)),
        nemesis_interval: arguments.nemesis_interval.or(Some(interval)),
        nemesis_duration: arguments.nemesis_duration.or(Some(duration)),
        ..arguments.clone()
    }
}

fn some_of(faults: &[&str], random: &mut ChaCha8Rng) -> String {
    let mut some: Vec<_> = faults
        .iter()
        .filter(|_| random.random_bool(0.5))
        .copied()
        .collect();
    if some.is_empty() {
        some.extend(faults.choose(random));
    }
    if some.is_empty() {
        return "none".to_owned();
    }
    some.join(",")
}

/// Between two numbers of milliseconds; short ones as often as long ones. In whole numbers, which are the same on every machine.
fn between(shortest: u64, longest: u64, random: &mut ChaCha8Rng) -> Duration {
    let octave = random.random_range(0..=(longest / shortest).ilog2());
    let low = shortest << octave;
    let high = longest.min(2 * low);
    Duration::from_millis(random.random_range(low..=high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::arguments;

    fn swarm(words: &[&str], seed: u64) -> RunArgs {
        let words: Vec<_> = words.iter().map(ToString::to_string).collect();
        let given = arguments(&words).expect("options");
        drawn(&given, &["cut", "pause", "crash"], Seed(seed))
    }

    #[test]
    fn what_was_given_stays_and_the_rest_differs_from_seed_to_seed() {
        let given = swarm(&["--concurrency", "3"], 1);
        assert_eq!(given.concurrency, Some(3));
        assert_eq!(given.rate, swarm(&[], 1).rate);
        assert_eq!(swarm(&[], 1), swarm(&[], 1));
        assert_ne!(swarm(&[], 1), swarm(&[], 2));
    }

    #[test]
    fn each_fault_and_each_pair_of_faults_comes_up() {
        let mut seen: Vec<_> = (0..200).map(|seed| swarm(&[], seed).nemesis).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 7, "{seen:?}");
        assert_eq!(drawn(&swarm(&[], 1), &[], Seed(1)).nemesis, "none");
    }
}
