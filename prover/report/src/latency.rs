//! How long operations took, by function and outcome.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use history::{Function, History};

use crate::ending::Ending;

/// Columns of the grid that a plot's points are thinned to, and its rows for each power of ten.
const COLUMNS: u64 = 200;
const ROWS_PER_DECADE: f64 = 12.0;

/// Shorter is drawn as this long: a logarithmic axis has no place for 0.
pub(crate) const SHORTEST_NS: u64 = 1_000;

/// The operations of one function with one outcome.
#[derive(Debug)]
pub(crate) struct Latency {
    pub(crate) function: Function,
    pub(crate) ending: Ending,
    pub(crate) max_ns: u64,
    histogram: Histogram<u64>,
    /// One operation for each cell of a grid of time and latency: (begin, length).
    points: BTreeMap<(u64, u64), (u64, u64)>,
}

impl Latency {
    fn new(function: Function, ending: Ending) -> Self {
        let histogram = Histogram::new(3).expect("3 significant figures are allowed");
        Self {
            function,
            ending,
            max_ns: 0,
            histogram,
            points: BTreeMap::new(),
        }
    }

    fn add(&mut self, begin_ns: u64, length_ns: u64, run_ns: u64) {
        self.histogram
            .record(length_ns)
            .expect("the histogram grows with what it records");
        self.max_ns = self.max_ns.max(length_ns);
        let length = length_ns.max(SHORTEST_NS);
        let column = u128::from(begin_ns) * u128::from(COLUMNS) / u128::from(run_ns.max(1));
        let row = (length as f64).log10() * ROWS_PER_DECADE;
        let cell = (column as u64, row as u64);
        self.points.entry(cell).or_insert((begin_ns, length));
    }

    /// How many there were.
    pub(crate) fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// What this part of them stayed below, to three figures; never more than the longest.
    pub(crate) fn quantile_ns(&self, part: f64) -> u64 {
        self.histogram.value_at_quantile(part).min(self.max_ns)
    }

    /// What a plot shows: (begin, length) in nanoseconds.
    pub(crate) fn points(&self) -> impl Iterator<Item = (u64, u64)> {
        self.points.values().copied()
    }
}

/// The latencies of all operations that have an end, by function and outcome. A loss notification
/// takes no time and is left out.
pub(crate) fn latencies(history: &History) -> Vec<Latency> {
    let run_ns = history.events().last().map_or(0, |last| last.time);
    let mut by_kind: BTreeMap<(Function, Ending), Latency> = BTreeMap::new();
    for operation in history
        .operations()
        .filter(|operation| operation.invoke.function != Function::Lost)
    {
        let Some(end) = operation.end else { continue };
        let (function, ending) = (operation.invoke.function.clone(), Ending::of(operation.end));
        let latency = by_kind.entry((function, ending));
        let latency = latency
            .or_insert_with_key(|(function, ending)| Latency::new(function.clone(), *ending));
        latency.add(
            operation.invoke.time,
            end.time - operation.invoke.time,
            run_ns,
        );
    }
    by_kind.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_what_was_recorded() {
        let mut latency = Latency::new(Function::Acquire, Ending::Ok);
        for millisecond in 1..=100 {
            latency.add(millisecond, millisecond * 1_000_000, 100);
        }
        let near = |quantile: f64, expected: u64| {
            latency.quantile_ns(quantile).abs_diff(expected) <= expected / 1_000
        };
        assert!(
            near(0.5, 50_000_000) && near(0.99, 99_000_000),
            "{latency:?}"
        );
        assert_eq!(
            (latency.max_ns, latency.quantile_ns(1.0)),
            (100_000_000, 100_000_000)
        );
    }

    #[test]
    fn any_length_can_be_recorded_and_points_are_bounded() {
        let mut latency = Latency::new(Function::Acquire, Ending::Ok);
        for (place, length) in [0, 1, u64::MAX]
            .into_iter()
            .cycle()
            .take(100_000)
            .enumerate()
        {
            latency.add(place as u64, length, 100_000);
        }
        assert_eq!(latency.max_ns, u64::MAX);
        assert!(latency.points().count() <= 3 * COLUMNS as usize);
    }
}
