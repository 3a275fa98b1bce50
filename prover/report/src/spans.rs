//! Lengths of time that people ask a run for, with how many there were.

use std::num::NonZeroU32;

use checker::{hits, show_ns};
use history::{Function, History, Kind};
use serde::Serialize;

use crate::lag;
use crate::scene::Scene;
use crate::subject::Loss;

/// Lengths of one sort.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Spans {
    /// What they are called in a table.
    pub(crate) name: &'static str,
    /// From what to what they are measured.
    pub(crate) meaning: &'static str,
    /// How many there could have been, where that is another number.
    pub(crate) of: Option<u64>,
    /// Ascending, in nanoseconds.
    #[serde(skip)]
    pub(crate) lengths: Vec<u64>,
}

impl Spans {
    pub(crate) fn new(
        name: &'static str,
        meaning: &'static str,
        lengths: impl IntoIterator<Item = u64>,
    ) -> Self {
        let mut lengths: Vec<u64> = lengths.into_iter().collect();
        lengths.sort_unstable();
        Self {
            name,
            meaning,
            of: None,
            lengths,
        }
    }

    pub(crate) fn out_of(self, count: usize) -> Self {
        Self {
            of: Some(count as u64),
            ..self
        }
    }

    /// The least length that so many thousandths of them do not exceed; nothing if there are none.
    pub(crate) fn quantile(&self, thousandths: usize) -> Option<u64> {
        let rank = (self.lengths.len() * thousandths).div_ceil(1_000);
        self.lengths.get(rank.saturating_sub(1)).copied()
    }

    /// Whether they are not all the same: then a curve shows more than words do.
    pub(crate) fn differ(&self) -> bool {
        differ(&self.lengths)
    }

    pub(crate) fn show(&self, thousandths: usize) -> String {
        self.quantile(thousandths).map_or("-".to_owned(), show_ns)
    }
}

/// Whether some lengths are not the same.
pub(crate) fn differ(lengths: &[u64]) -> bool {
    lengths.iter().any(|length| Some(length) != lengths.first())
}

/// How long locks were held and waited for.
pub(crate) fn holds_and_waits(scene: &Scene, history: &History) -> Vec<Spans> {
    let granted = history.operations().filter(|operation| {
        operation.invoke.function == Function::Acquire && operation.outcome() == Kind::Ok
    });
    let waits = granted.filter_map(|operation| Some(operation.end?.time - operation.invoke.time));
    let believed = scene.holds.iter().map(|hold| hold.end - hold.begin);
    let confirmed = scene
        .holds
        .iter()
        .filter(|hold| hold.confirmed > hold.begin);
    let confirmed: Vec<u64> = confirmed.map(|hold| hold.confirmed - hold.begin).collect();
    vec![
        Spans::new("wait", "from asking for the lock to its grant", waits),
        Spans::new(
            "hold, believed",
            "from the grant to the end of belief",
            believed,
        ),
        Spans::new(
            "hold, confirmed",
            "from the grant to the last time the service confirmed it",
            confirmed,
        )
        .out_of(scene.holds.len()),
    ]
}

/// How long after a fault its victims noticed, and others were granted the lock; and, where services
/// say when they noticed, how long after that.
pub(crate) fn lags(history: &History, slots: NonZeroU32, losses: &[Loss]) -> Vec<Spans> {
    let hits = hits(history, slots.get());
    let noticed = hits.iter().filter_map(|hit| hit.noticed);
    let granted = hits.iter().filter_map(|hit| hit.granted);
    let both = hits
        .iter()
        .map(|hit| hit.exposure)
        .filter(|length| *length > 0);
    let mut all = vec![
        Spans::new(
            "holder noticed",
            "from the fault to the moment the holder learned that its lock is lost",
            noticed,
        )
        .out_of(hits.len()),
        Spans::new(
            "granted to another",
            "from the fault to the next grant of the same lock to somebody else",
            granted,
        )
        .out_of(hits.len()),
        Spans::new(
            "both believed",
            "from that grant to the end of the holder's belief",
            both,
        )
        .out_of(hits.len()),
    ];
    if !losses.is_empty() {
        all.extend(lag::spans(history, losses));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_lengths_that_there_were() {
        let spans = Spans::new("", "", (1..=10).rev());
        let quantiles = [500, 900, 990, 1_000].map(|part| spans.quantile(part));
        assert_eq!(quantiles, [Some(5), Some(9), Some(10), Some(10)]);
        assert_eq!(Spans::new("", "", []).quantile(500), None);
        assert_eq!(Spans::new("", "", []).show(500), "-");
    }
}
