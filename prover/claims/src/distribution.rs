//! Times that were measured, counted: so exact that nobody is misled, so small that it can be kept,
//! and exactly the same however it is divided and merged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How often which times were measured. A time is counted under its first two digits, rounded up:
/// a quantile is never less than the true one, and at most a tenth more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distribution {
    /// How many times were measured.
    pub count: u64,
    /// The shortest, in nanoseconds; 0 where nothing was measured.
    pub min_ns: u64,
    /// The longest, in nanoseconds.
    pub max_ns: u64,
    /// How many there are of each time, in nanoseconds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub times_ns: BTreeMap<u64, u64>,
}

impl Distribution {
    /// Takes in a time.
    pub fn add(&mut self, time_ns: u64) {
        self.min_ns = if self.count == 0 {
            time_ns
        } else {
            self.min_ns.min(time_ns)
        };
        self.max_ns = self.max_ns.max(time_ns);
        self.count += 1;
        *self.times_ns.entry(rounded_up(time_ns)).or_default() += 1;
    }

    /// Takes in what was measured elsewhere.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.min_ns = if self.count == 0 {
            other.min_ns
        } else {
            self.min_ns.min(other.min_ns)
        };
        self.max_ns = self.max_ns.max(other.max_ns);
        self.count += other.count;
        for (time, count) in &other.times_ns {
            *self.times_ns.entry(*time).or_default() += count;
        }
    }

    /// The time that so large a part of all is no longer than: `0.5` is the median. Nothing where
    /// nothing was measured.
    #[must_use]
    pub fn quantile_ns(&self, part: f64) -> Option<u64> {
        let wanted = ((part * self.count as f64).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        let mut times = self.times_ns.iter();
        let found = times.find(|(_, count)| {
            seen += **count;
            seen >= wanted
        });
        found.map(|(time, _)| (*time).min(self.max_ns))
    }
}

impl Extend<u64> for Distribution {
    fn extend<T: IntoIterator<Item = u64>>(&mut self, times_ns: T) {
        for time_ns in times_ns {
            self.add(time_ns);
        }
    }
}

/// The least number of two digits and zeros that is not less.
fn rounded_up(time_ns: u64) -> u64 {
    let mut unit = 1;
    while time_ns / unit >= 100 {
        unit *= 10;
    }
    time_ns.div_ceil(unit).saturating_mul(unit)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(times: &[u64]) -> Distribution {
        let mut distribution = Distribution::default();
        distribution.extend(times.iter().copied());
        distribution
    }

    #[test]
    fn nothing_measured_has_no_quantiles() {
        assert_eq!(Distribution::default().quantile_ns(0.5), None);
        assert_eq!(of(&[7]).quantile_ns(0.99), Some(7));
    }

    proptest! {
        #[test]
        fn a_quantile_is_the_true_one_or_at_most_a_tenth_more(mut times in proptest::collection::vec(any::<u64>(), 1..50), part in 0.0..=1.0_f64) {
            let found = of(&times).quantile_ns(part).expect("something was measured");
            times.sort_unstable();
            let place = ((part * times.len() as f64).ceil() as usize).clamp(1, times.len()) - 1;
            prop_assert!(found >= times[place] && found - times[place] <= times[place] / 10 + 1);
        }

        #[test]
        fn parts_merge_into_the_whole(times in proptest::collection::vec(0..10_000_u64, 0..50), cut in 0..50_usize) {
            let (first, second) = times.split_at(cut.min(times.len()));
            let mut merged = of(first);
            merged.merge(&of(second));
            prop_assert_eq!(merged, of(&times));
        }
    }
}
