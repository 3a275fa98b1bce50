//! A swarm: every run of a campaign differs from the others in more than its schedule, so that
//! together they reach what no fixed setting does.

use std::time::Duration;

use nemesis::Selected;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use run::seed::{Seed, Stream};

use crate::spec::RunSpec;

/// The spec with everything drawn from the seed that was not given: at least one of `faults`, and
/// the numbers.
#[must_use]
pub(crate) fn drawn(given: &RunSpec, faults: &[Selected], seed: Seed) -> RunSpec {
    let mut random = ChaCha8Rng::from_seed(seed.stream(Stream::Swarm));
    let nemesis = some_of(faults, &mut random);
    let concurrency = random.random_range(2..=8);
    let rate = random.random_range(5..=100);
    let hold = between(20, 2_000, &mut random);
    let heartbeat = Duration::from_secs(random.random_range(1..=4));
    let interval = between(500, 6_000, &mut random);
    let duration = between(500, 16_000, &mut random);
    // All is drawn in any case, so that giving one of them leaves the others as they were.
    RunSpec {
        nemesis,
        concurrency: given.concurrency.or(Some(concurrency)),
        rate: given.rate.or(Some(f64::from(rate))),
        hold: given.hold.or(Some(hold)),
        heartbeat: given.heartbeat.or(Some(heartbeat)),
        nemesis_interval: given.nemesis_interval.or(Some(interval)),
        nemesis_duration: given.nemesis_duration.or(Some(duration)),
        ..given.clone()
    }
}

/// So many faults a run has on average, where there are more than twice as many to choose from: each
/// needs its time.
const AT_A_TIME: f64 = 3.0;

fn some_of(faults: &[Selected], random: &mut ChaCha8Rng) -> String {
    let chance = (AT_A_TIME / faults.len().max(1) as f64).min(0.5);
    let mut some: Vec<String> = faults
        .iter()
        .filter(|_| random.random_bool(chance))
        .map(ToString::to_string)
        .collect();
    if some.is_empty() {
        some.extend(faults.choose(random).map(ToString::to_string));
    }
    if some.is_empty() {
        return "none".to_owned();
    }
    some.join(",")
}

/// Between two numbers of milliseconds; short ones as often as long ones. In whole numbers, which
/// are the same on every machine.
fn between(shortest: u64, longest: u64, random: &mut ChaCha8Rng) -> Duration {
    let octave = random.random_range(0..=(longest / shortest).ilog2());
    let low = shortest << octave;
    let high = longest.min(2 * low);
    Duration::from_millis(random.random_range(low..=high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults() -> Vec<Selected> {
        nemesis::parse_mix("cut,pause,crash").expect("faults")
    }

    fn swarm(seed: u64) -> RunSpec {
        drawn(&RunSpec::default(), &faults(), Seed(seed))
    }

    #[test]
    fn what_was_given_stays_and_the_rest_differs_from_seed_to_seed() {
        let given = RunSpec {
            concurrency: Some(3),
            ..RunSpec::default()
        };
        let drawn = drawn(&given, &faults(), Seed(1));
        assert_eq!(drawn.concurrency, Some(3));
        assert_eq!(drawn.rate, swarm(1).rate);
        assert_eq!(swarm(1), swarm(1));
        assert_ne!(swarm(1), swarm(2));
    }

    #[test]
    fn each_fault_and_each_pair_of_faults_comes_up() {
        let mut seen: Vec<_> = (0..200).map(|seed| swarm(seed).nemesis).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 7, "{seen:?}");
        assert_eq!(drawn(&RunSpec::default(), &[], Seed(1)).nemesis, "none");
    }
}
