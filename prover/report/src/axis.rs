//! Axes: where a value stands on them, and round numbers with their unit beside them.
//!
//! Values are whole: nanoseconds or counts.

/// Not many more ticks than this on an axis of times, and on one of counts.
const TIMES: u64 = 8;
const COUNTS: u64 = 5;

/// Up to so many powers of ten on a logarithmic axis, their doubles and halves have ticks too.
const FINE_DECADES: u32 = 3;

/// What a chart measures in one direction.
#[derive(Debug)]
pub(crate) struct Axis {
    pub(crate) label: String,
    scale: Scale,
    /// Values with what is written beside them.
    pub(crate) ticks: Vec<(u64, String)>,
}

#[derive(Clone, Copy, Debug)]
enum Scale {
    /// From 0 to this.
    Linear(u64),
    /// From one power of ten to another.
    Logarithmic(u32, u32),
}

impl Axis {
    /// Lengths of time from 0 to the end; to one second where there is no length.
    pub(crate) fn times(label: impl Into<String>, end_ns: u64) -> Self {
        let end = if end_ns == 0 { SECONDS.ns } else { end_ns };
        let (step, unit) = (round_step(end.div_ceil(TIMES)), Unit::of(end));
        Self {
            label: label.into(),
            scale: Scale::Linear(end),
            ticks: multiples(step, end)
                .map(|time| (time, unit.show(time, step)))
                .collect(),
        }
    }

    /// Whole numbers from 0 to the next round number above the most.
    pub(crate) fn counts(label: impl Into<String>, most: u64) -> Self {
        let step = round_step(most.div_ceil(COUNTS));
        let end = (most / step).saturating_add(1).saturating_mul(step);
        Self {
            label: label.into(),
            scale: Scale::Linear(end),
            ticks: multiples(step, end)
                .map(|count| (count, count.to_string()))
                .collect(),
        }
    }

    /// Shares from 0 to 100 per cent.
    pub(crate) fn percent(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            scale: Scale::Linear(100),
            ticks: multiples(25, 100)
                .map(|share| (share, share.to_string()))
                .collect(),
        }
    }

    /// Lengths of time from the power of ten below the least to the one above the most.
    pub(crate) fn logarithmic_times(label: impl Into<String>, least_ns: u64, most_ns: u64) -> Self {
        let begin = least_ns.max(1).ilog10();
        let end = (most_ns.saturating_sub(1).max(1).ilog10() + 1).max(begin + 1);
        let factors: &[u64] = if end - begin <= FINE_DECADES {
            &[1, 2, 5]
        } else {
            &[1]
        };
        let last = 10_u64.saturating_pow(end);
        let decades = (begin..=end).filter_map(|decade| 10_u64.checked_pow(decade));
        let times = decades.flat_map(|power| {
            factors
                .iter()
                .map(move |factor| power.saturating_mul(*factor))
        });
        Self {
            label: label.into(),
            scale: Scale::Logarithmic(begin, end),
            ticks: times
                .filter(|time| *time <= last)
                .map(|time| (time, Unit::of(time).show(time, time)))
                .collect(),
        }
    }

    /// The place of a value between the beginning of the axis, 0, and its end, 1; if need be at the
    /// edge.
    pub(crate) fn part(&self, value: u64) -> f64 {
        let part = match self.scale {
            Scale::Linear(end) => value as f64 / end as f64,
            Scale::Logarithmic(begin, end) => {
                ((value.max(1) as f64).log10() - f64::from(begin)) / f64::from(end - begin)
            }
        };
        part.clamp(0.0, 1.0)
    }
}

fn multiples(step: u64, end: u64) -> impl Iterator<Item = u64> {
    (0..=end / step).map(move |count| count * step)
}

/// The least of 1, 2, 5, 10, … that is not less.
pub(crate) fn round_step(least: u64) -> u64 {
    let mut power = 1_u64;
    loop {
        for factor in [1, 2, 5] {
            if power.saturating_mul(factor) >= least {
                return power.saturating_mul(factor);
            }
        }
        power = power.saturating_mul(10);
    }
}

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    name: &'static str,
    ns: u64,
}

/// Seconds.
pub(crate) const SECONDS: Unit = Unit {
    name: "s",
    ns: 1_000_000_000,
};

impl Unit {
    /// The largest unit of which a time is at least one.
    fn of(time_ns: u64) -> Self {
        let smaller = [("ms", 1_000_000), ("µs", 1_000), ("ns", 1)];
        let smaller = smaller.map(|(name, ns)| Self { name, ns });
        let mut units = [SECONDS].into_iter().chain(smaller);
        units.find(|unit| time_ns >= unit.ns).unwrap_or(SECONDS)
    }

    /// A time in this unit, with as many digits as steps of this length need.
    pub(crate) fn show(self, time_ns: u64, step_ns: u64) -> String {
        let digits = self.ns.ilog10().saturating_sub(step_ns.max(1).ilog10()) as usize;
        format!("{:.digits$} {}", time_ns as f64 / self.ns as f64, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn texts(axis: &Axis) -> String {
        let texts: Vec<&str> = axis.ticks.iter().map(|(_, text)| text.as_str()).collect();
        texts.join(", ")
    }

    #[test]
    fn steps_are_round() {
        let steps = [0, 1, 3, 5, 6, 999, 1001].map(round_step);
        assert_eq!(steps, [1, 1, 5, 5, 10, 1000, 2000]);
        assert_eq!(round_step(u64::MAX), u64::MAX);
    }

    #[test]
    fn times_have_one_unit_and_the_digits_that_they_need() {
        let axis = Axis::times("", 1_300 * MS);
        assert_eq!(
            texts(&axis),
            "0.0 s, 0.2 s, 0.4 s, 0.6 s, 0.8 s, 1.0 s, 1.2 s"
        );
        assert_eq!(
            texts(&Axis::times("", 25 * MS)),
            "0 ms, 5 ms, 10 ms, 15 ms, 20 ms, 25 ms"
        );
        assert_eq!(texts(&Axis::times("", 1)), "0 ns, 1 ns");
        assert_eq!(
            texts(&Axis::times("", 0)),
            "0.0 s, 0.2 s, 0.4 s, 0.6 s, 0.8 s, 1.0 s"
        );
        assert_eq!(SECONDS.show(1_500 * MS, 500 * MS), "1.5 s");
        assert_eq!(SECONDS.show(2_000 * MS, 1_000 * MS), "2 s");
    }

    #[test]
    fn counts_are_whole_numbers() {
        assert_eq!(texts(&Axis::counts("", 0)), "0, 1");
        assert_eq!(texts(&Axis::counts("", 1)), "0, 1, 2");
        assert_eq!(texts(&Axis::counts("", 6)), "0, 2, 4, 6, 8");
        assert_eq!(texts(&Axis::counts("", 37)), "0, 10, 20, 30, 40");
        assert_eq!(
            texts(&Axis::counts("", 99_999)),
            "0, 20000, 40000, 60000, 80000, 100000"
        );
    }

    #[test]
    fn powers_of_ten_enclose_the_times() {
        let axis = Axis::logarithmic_times("", 2 * MS, 90 * MS);
        assert_eq!(
            texts(&axis),
            "1 ms, 2 ms, 5 ms, 10 ms, 20 ms, 50 ms, 100 ms"
        );
        let axis = Axis::logarithmic_times("", 1_000, 5_000 * MS);
        assert_eq!(
            texts(&axis),
            "1 µs, 10 µs, 100 µs, 1 ms, 10 ms, 100 ms, 1 s, 10 s"
        );
        assert_eq!(
            texts(&Axis::logarithmic_times("", MS, MS)),
            "1 ms, 2 ms, 5 ms, 10 ms"
        );
        assert_eq!(
            texts(&Axis::logarithmic_times("", 0, 0)),
            "1 ns, 2 ns, 5 ns, 10 ns"
        );
    }

    #[test]
    fn values_have_their_place() {
        let linear = Axis::times("", 200);
        assert_eq!(
            [0, 50, 200, 300].map(|time| linear.part(time)),
            [0.0, 0.25, 1.0, 1.0]
        );
        let logarithmic = Axis::logarithmic_times("", 1, 10_000);
        assert_eq!(
            [0, 1, 100, 10_000, u64::MAX].map(|time| logarithmic.part(time)),
            [0.0, 0.0, 0.5, 1.0, 1.0]
        );
    }

    #[test]
    fn no_value_is_too_large() {
        for axis in [
            Axis::times("", u64::MAX),
            Axis::counts("", u64::MAX),
            Axis::logarithmic_times("", 1, u64::MAX),
        ] {
            assert!(
                axis.ticks.len() <= 25 && axis.part(u64::MAX) > 0.9,
                "{axis:?}"
            );
        }
    }
}
