//! The cost table: what was measured of each cell, sorted by operation, each compared with the
//! cheapest of its kind.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use report::list_table;
use run::seed::{Seed, Stream};
use serde::Serialize;

use super::cell::{Label, Operation};
use super::measure::Sample;
use crate::experiment::document::markdown;
use crate::experiment::statistics::{Estimate, Statistics};

/// What was measured of one cell.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Cost {
    #[serde(flatten)]
    pub(super) label: Label,
    /// How many measurements it stands on.
    pub(super) samples: usize,
    /// Its times in nanoseconds.
    pub(super) ns: Statistics,
    /// Its median as a multiple of the smallest of its kind.
    pub(super) ratio: f64,
    /// The fewest and the most AMQP methods that the client sent.
    pub(super) methods: [u32; 2],
    /// The fewest and the most round trips.
    pub(super) round_trips: [u32; 2],
}

/// The cells of one kind, which can be compared with each other.
type Kind = (Operation, bool);

fn kind(label: &Label) -> Kind {
    (label.operation, label.slots.is_some_and(|slots| slots > 1))
}

fn title((operation, has_slots): Kind) -> &'static str {
    match (operation, has_slots) {
        (Operation::Open, _) => "Open a session",
        (Operation::FirstAcquire, _) => "Acquire a free lock, first of a session",
        (Operation::Acquire, false) => "Acquire a free lock",
        (Operation::Acquire, true) => "Acquire the last free slot of several",
        (Operation::RefusedAcquire, false) => "Acquire, refused",
        (Operation::RefusedAcquire, true) => "Acquire, refused by each of several slots",
        (Operation::Verify, _) => "Verify",
        (Operation::Release, _) => "Release",
        (Operation::Ask, _) => "Ways to verify, on one queue",
    }
}

/// What all cells cost, those of one kind together.
pub(super) fn costs(samples: &[Sample], seed: Seed) -> Vec<Cost> {
    let cells = samples.iter().map(|sample| sample.cell + 1).max();
    let mut of_cells: Vec<Vec<&Sample>> = vec![Vec::new(); cells.unwrap_or(0)];
    for sample in samples {
        of_cells[sample.cell].push(sample);
    }
    let mut random = ChaCha8Rng::from_seed(seed.stream(Stream::Resamples));
    let costs = of_cells.iter().filter(|own| !own.is_empty());
    let mut costs: Vec<_> = costs.map(|own| cost(own, &mut random)).collect();
    costs.sort_by_key(|cost| (kind(&cost.label), cost.label.slots));
    for place in 0..costs.len() {
        let own = kind(&costs[place].label);
        let alike = costs.iter().filter(|other| kind(&other.label) == own);
        let cheapest = alike.map(|other| other.ns.median.value).reduce(f64::min);
        let median = costs[place].ns.median.value;
        costs[place].ratio = cheapest.map_or(1.0, |cheapest| median / cheapest);
    }
    costs
}

fn cost(samples: &[&Sample], random: &mut ChaCha8Rng) -> Cost {
    let ns: Vec<_> = samples.iter().map(|sample| sample.ns).collect();
    let range = |of: fn(&Sample) -> u32| {
        let all = || samples.iter().map(|sample| of(sample));
        [all().min().unwrap_or(0), all().max().unwrap_or(0)]
    };
    Cost {
        label: samples[0].label.clone(),
        samples: samples.len(),
        ns: Statistics::of(&ns, random),
        ratio: 1.0,
        methods: range(|sample| sample.operations.methods),
        round_trips: range(|sample| sample.operations.round_trips),
    }
}

fn row(cost: &Cost) -> [String; 6] {
    let subject = match cost.label.slots {
        Some(slots) if slots > 1 => format!("{}, {slots} slots", cost.label.subject),
        _ => cost.label.subject.clone(),
    };
    [
        subject,
        milliseconds(cost.ns.median),
        milliseconds(cost.ns.mean),
        format!("{:.2}", cost.ratio),
        from_to(cost.methods),
        from_to(cost.round_trips),
    ]
}

fn milliseconds(ns: Estimate) -> String {
    let [value, low, high] = [ns.value, ns.low, ns.high].map(|ns| ns / 1e6);
    format!("{value:.3} ({low:.3}-{high:.3})")
}

fn from_to([fewest, most]: [u32; 2]) -> String {
    if fewest == most {
        return most.to_string();
    }
    format!("{fewest}-{most}")
}

/// For people.
pub(super) fn human(costs: &[Cost]) -> String {
    let tables = sections(costs).map(|costs| list_table(header(costs), costs.iter().map(row)));
    tables.collect::<Vec<_>>().join("\n\n")
}

/// For the documentation.
pub(super) fn document(costs: &[Cost]) -> String {
    let tables = sections(costs).map(|costs| markdown(header(costs), costs.iter().map(row)));
    tables.collect::<Vec<_>>().join("\n")
}

/// The costs of each kind.
fn sections(costs: &[Cost]) -> impl Iterator<Item = &[Cost]> {
    costs.chunk_by(|one, next| kind(&one.label) == kind(&next.label))
}

fn header(costs: &[Cost]) -> [&'static str; 6] {
    [
        title(kind(&costs[0].label)),
        "median, ms",
        "mean, ms",
        "of the cheapest",
        "methods",
        "round trips",
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::counting::Operations;

    fn sample(cell: usize, subject: &str, slots: u32, ns: u64) -> Sample {
        Sample {
            round: 0,
            cell,
            label: Label {
                subject: subject.to_owned(),
                operation: Operation::Acquire,
                slots: Some(slots),
            },
            ns,
            operations: Operations {
                methods: slots,
                round_trips: 1,
            },
        }
    }

    #[test]
    fn each_is_compared_with_the_cheapest_of_its_kind() {
        let samples = [
            sample(0, "a", 1, 2_000_000),
            sample(1, "b", 1, 1_000_000),
            sample(2, "a", 8, 9_000_000),
        ];
        let costs = costs(&samples, Seed(1));
        let ratios: Vec<_> = costs.iter().map(|cost| cost.ratio).collect();
        assert_eq!(ratios, [2.0, 1.0, 1.0]);
        let expected = "\
Acquire a free lock  median, ms           mean, ms             of the cheapest  methods  round trips
a                    2.000 (2.000-2.000)  2.000 (2.000-2.000)  2.00             1        1
b                    1.000 (1.000-1.000)  1.000 (1.000-1.000)  1.00             1        1

Acquire the last free slot of several  median, ms           mean, ms             of the cheapest  methods  round trips
a, 8 slots                             9.000 (9.000-9.000)  9.000 (9.000-9.000)  1.00             8        1";
        let found = human(&costs);
        assert_eq!(found.lines().count(), expected.lines().count());
        for (line, expected) in found.lines().zip(expected.lines()) {
            assert_eq!(line.trim_end(), expected);
        }
    }
}
