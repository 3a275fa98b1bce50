//! What a sample says: its median and its mean, each with how far chance may have moved it.
//!
//! Latencies have long tails and no known distribution, so the intervals come from the percentile
//! bootstrap: the sample is drawn again with replacement, many times, and 95 % of the medians and
//! means seen then lie within the interval. It assumes that the measurements do not depend on each
//! other, and nothing else.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// How often the sample is drawn again.
const RESAMPLES: usize = 2_000;
/// What lies within an interval.
const CONFIDENCE: f64 = 0.95;

/// A figure, and between which others it may really be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// Of the sample as it is.
    pub value: f64,
    /// The lower end of the 95 % confidence interval.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// What a sample says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Statistics {
    /// What half of it stays below.
    pub median: Estimate,
    /// Its sum through its number.
    pub mean: Estimate,
}

impl Statistics {
    /// Of a sample that is not empty; the same stream of chance gives the same intervals.
    ///
    /// # Panics
    /// When the sample is empty.
    #[must_use]
    pub fn of(sample: &[u64], random: &mut ChaCha8Rng) -> Self {
        assert!(!sample.is_empty(), "nothing can be said of no measurements");
        let (mut medians, mut means) = (Vec::new(), Vec::new());
        let mut drawn = sample.to_vec();
        let value = (median(&mut drawn), mean(sample));
        for _ in 0..RESAMPLES {
            for place in &mut drawn {
                *place = sample[random.random_range(0..sample.len())];
            }
            means.push(mean(&drawn));
            medians.push(median(&mut drawn));
        }
        Self {
            median: Estimate::of(value.0, medians),
            mean: Estimate::of(value.1, means),
        }
    }
}

impl Estimate {
    fn of(value: f64, mut drawn: Vec<f64>) -> Self {
        drawn.sort_unstable_by(f64::total_cmp);
        let beyond = (drawn.len() as f64 * (1.0 - CONFIDENCE) / 2.0) as usize;
        Self {
            value,
            low: drawn[beyond],
            high: drawn[drawn.len() - 1 - beyond],
        }
    }
}

fn mean(sample: &[u64]) -> f64 {
    sample.iter().map(|value| *value as f64).sum::<f64>() / sample.len() as f64
}

/// Leaves the sample in another order.
fn median(sample: &mut [u64]) -> f64 {
    let half = sample.len() / 2;
    let is_even = sample.len().is_multiple_of(2);
    let (below, upper, _) = sample.select_nth_unstable(half);
    let upper = *upper as f64;
    match below.iter().max() {
        Some(lower) if is_even => f64::midpoint(*lower as f64, upper),
        _ => upper,
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn random(seed: u64) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(seed)
    }

    #[test]
    fn odd_and_even_samples_have_a_middle() {
        assert_eq!(median(&mut [5, 1, 3]), 3.0);
        assert_eq!(median(&mut [5, 1, 3, 4]), 3.5);
        assert_eq!(median(&mut [7]), 7.0);
        assert_eq!(mean(&[1, 2, 6]), 3.0);
    }

    #[test]
    fn where_all_are_alike_nothing_is_left_to_chance() {
        let estimate = Estimate {
            value: 9.0,
            low: 9.0,
            high: 9.0,
        };
        let expected = Statistics {
            median: estimate,
            mean: estimate,
        };
        assert_eq!(Statistics::of(&[9; 20], &mut random(1)), expected);
    }

    #[test]
    fn the_same_stream_gives_the_same_interval() {
        let sample: Vec<u64> = (0..50).map(|place| place * place).collect();
        let of = |seed| Statistics::of(&sample, &mut random(seed));
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    /// Of samples of a known distribution with a long tail: how many intervals contain what they
    /// should.
    #[test]
    fn about_95_of_100_intervals_contain_the_truth() {
        const TRIES: usize = 400;
        let mut random = random(1);
        let (mut medians, mut means) = (0, 0);
        for _ in 0..TRIES {
            // Exponential: mean 1, median ln 2.
            let sample: Vec<u64> = (0..100)
                .map(|_| (-(1.0 - random.random::<f64>()).ln() * 1e9) as u64)
                .collect();
            let statistics = Statistics::of(&sample, &mut random);
            let contains = |estimate: Estimate, truth: f64| {
                usize::from((estimate.low..=estimate.high).contains(&truth))
            };
            medians += contains(statistics.median, std::f64::consts::LN_2 * 1e9);
            means += contains(statistics.mean, 1e9);
        }
        let part = |count: usize| count as f64 / TRIES as f64;
        assert!((0.91..=0.99).contains(&part(medians)), "{medians}");
        assert!((0.90..=0.98).contains(&part(means)), "{means}");
    }
}
