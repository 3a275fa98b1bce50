//! The violations that a judgement names, with their place in time.

use std::collections::BTreeSet;

use checker::{Judgement, Row, VIOLATIONS_MAX, Verdict, Violation};
use history::{Event, Function, History, Kind, Process};

/// The guarantee whose violations are overlaps of belief.
const EXCLUSION: &str = "exclusion";

/// A violation in time. Times are nanoseconds since the run began.
#[derive(Clone, Debug)]
pub(crate) struct Incident<'a> {
    pub(crate) row: &'a Row,
    pub(crate) violation: &'a Violation,
    /// The events that prove it.
    pub(crate) events: Vec<&'a Event>,
    pub(crate) begin: u64,
    pub(crate) end: u64,
}

impl<'a> Incident<'a> {
    fn of(row: &'a Row, violation: &'a Violation, history: &'a History) -> Option<Self> {
        let events: Vec<&Event> = violation
            .events
            .iter()
            .filter_map(|index| event(history, *index))
            .collect();
        let (first, last) = (events.first()?.time, events.last()?.time);
        let (begin, end) = match violation.exposure_ns {
            Some(length) => {
                let begin = last_to_come(&events).map_or(first, |event| event.time);
                (begin, begin.saturating_add(length))
            }
            None => (first, last),
        };
        Some(Self {
            row,
            violation,
            events,
            begin,
            end,
        })
    }

    /// The event at which it begins.
    pub(crate) fn at(&self) -> Option<&'a Event> {
        let first = self.events.iter().find(|event| event.time >= self.begin);
        first.or(self.events.last()).copied()
    }

    /// The processes that were granted the lock.
    pub(crate) fn holders(&self) -> BTreeSet<Process> {
        let grants = self
            .events
            .iter()
            .filter(|event| event.function == Function::Acquire && event.kind == Kind::Ok);
        grants.map(|event| event.process).collect()
    }
}

/// An overlap begins with the last that came: at its grant, or, where only the whole of its acquire
/// is certain, at the invocation.
fn last_to_come<'a>(events: &[&'a Event]) -> Option<&'a Event> {
    let last = |kind| {
        events
            .iter()
            .rfind(|event| event.function == Function::Acquire && event.kind == kind)
            .copied()
    };
    last(Kind::Invoke).or_else(|| last(Kind::Ok))
}

fn event(history: &History, index: u64) -> Option<&Event> {
    let events = history.events();
    let place = events
        .binary_search_by_key(&index, |event| event.index)
        .ok()?;
    events.get(place)
}

/// All violations that the judgement lists, row by row.
pub(crate) fn incidents<'a>(history: &'a History, judgement: &'a Judgement) -> Vec<Incident<'a>> {
    let violated = judgement
        .guarantees
        .iter()
        .filter(|row| row.finding.verdict == Verdict::Violated);
    let listed = violated.flat_map(|row| {
        row.finding
            .violations
            .iter()
            .map(move |violation| (row, violation))
    });
    listed
        .filter_map(|(row, violation)| Incident::of(row, violation, history))
        .collect()
}

/// A judgement lists so many violations of a guarantee at most. From this time on there may be more
/// than are listed.
pub(crate) fn listed_until(incidents: &[Incident<'_>]) -> Option<u64> {
    let rows = incidents.chunk_by(|one, other| std::ptr::eq(one.row, other.row));
    let full = rows.filter(|of_row| of_row[0].row.finding.violations.len() >= VIOLATIONS_MAX);
    full.filter_map(|of_row| of_row.iter().map(|incident| incident.begin).max())
        .min()
}

/// The row that tells the length of every overlap: that of belief, if it was asked for.
pub(crate) fn exposed(judgement: &Judgement) -> Option<&Row> {
    let rows = || {
        judgement
            .guarantees
            .iter()
            .filter(|row| !row.finding.exposures_ns.is_empty())
    };
    rows()
        .find(|row| row.finding.guarantee == EXCLUSION)
        .or_else(|| rows().next())
}
