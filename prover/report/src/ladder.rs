//! The few events that prove a violation, as a ladder: time goes down, a column a process and a
//! column a fault. Not to scale, so that all of it fits, however long it took.

use std::collections::BTreeSet;

use checker::{Hold, Rule, show_ns};
use history::fault::Window;
use history::{Event, Function, Kind};
use serde::Serialize;

use crate::chart::COLOURS;
use crate::proof::{End, Evidence, Moment, at, client};
use crate::words::{cell_text, words};

/// How many events and faults are shown at most.
const STEPS_MAX: usize = 24;
const FAULTS_MAX: usize = 3;

/// The whole picture.
#[derive(Debug, Serialize)]
pub(crate) struct Ladder {
    pub(crate) lanes: Vec<Lane>,
    pub(crate) steps: Vec<Step>,
    pub(crate) left_out: usize,
    /// Windows of faults at the same time that are not shown.
    pub(crate) other_faults: usize,
    /// Whether a column shows when too many had the lock.
    pub(crate) shows_overlap: bool,
}

/// A column.
#[derive(Debug, Serialize)]
pub(crate) struct Lane {
    title: String,
    note: String,
    class: String,
}

/// A row: what happened at one moment.
#[derive(Debug, Serialize)]
pub(crate) struct Step {
    /// Its place in the history; nothing where time alone did it.
    pub(crate) index: Option<u64>,
    pub(crate) time: String,
    /// How long after the row before.
    pub(crate) after: String,
    pub(crate) words: String,
    cells: Vec<Cell>,
    /// Whether too many had the lock up to here, and from here on.
    overlap_before: bool,
    overlap: bool,
}

/// What a column shows in a row.
#[derive(Debug, Serialize)]
struct Cell {
    /// What is drawn above and below the middle.
    before: &'static str,
    after: &'static str,
    text: String,
}

impl Ladder {
    pub(crate) fn of(evidence: &Evidence<'_>) -> Self {
        let shown = &evidence.windows[..evidence.windows.len().min(FAULTS_MAX)];
        let mut climb = Climb {
            evidence,
            windows: shown,
            rows: rows(evidence, shown),
            asking: BTreeSet::new(),
        };
        let count = climb.rows.len();
        Self {
            lanes: lanes(evidence, shown),
            steps: (0..count.min(STEPS_MAX))
                .map(|number| climb.step(number))
                .collect(),
            left_out: count.saturating_sub(STEPS_MAX),
            other_faults: evidence.windows.len() - shown.len(),
            shows_overlap: is_overlap(evidence.violation.rule),
        }
    }
}

fn lanes(evidence: &Evidence<'_>, windows: &[Window]) -> Vec<Lane> {
    let faults = windows.iter().map(|window| Lane {
        title: window.name.to_string(),
        note: "fault".to_owned(),
        class: evidence.scene.fault_class(&window.name),
    });
    let processes = evidence
        .processes
        .iter()
        .map(|process| lane(evidence, *process));
    processes.chain(faults).collect()
}

fn is_overlap(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::TooManyBelieve | Rule::TooManyConfirmed | Rule::GrantedInside | Rule::TooManyHold
    )
}

fn lane(evidence: &Evidence<'_>, process: u32) -> Lane {
    Lane {
        title: format!("worker {}", evidence.scene.worker(process)),
        note: format!("process {process}"),
        class: format!("hue-{}", evidence.scene.worker(process) as usize % COLOURS),
    }
}

/// One row to be.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    moment: Moment,
    time: u64,
    pub(crate) event: Option<usize>,
    /// Whose lease is over.
    pub(crate) lease_of: Option<u32>,
}

/// The events that are named, the beginnings and ends of the holds, and the edges of the faults.
fn rows(evidence: &Evidence<'_>, windows: &[Window]) -> Vec<Row> {
    let mut places = evidence.places.clone();
    let mut rows = Vec::new();
    for hold in &evidence.holds {
        places.insert(hold.granted());
        match evidence.end(hold) {
            End::Event(place) => drop(places.insert(place)),
            End::Lease(time) => rows.push(Row {
                moment: evidence.moment(&End::Lease(time)),
                time,
                event: None,
                lease_of: Some(hold.process()),
            }),
            End::Never => {}
        }
    }
    let (first, last) = (
        places.first().copied().unwrap_or(0),
        places.last().copied().unwrap_or(0),
    );
    for window in windows {
        let strikes = evidence.strikes_who_took_part(window);
        let edges = [Some(window.inject), window.heal];
        // The cause is shown wherever it began.
        places.extend(
            edges
                .into_iter()
                .flatten()
                .filter(|edge| strikes || (first..=last).contains(edge)),
        );
    }
    rows.extend(places.into_iter().map(|place| Row {
        moment: at(place),
        time: evidence.time(place),
        event: Some(place),
        lease_of: None,
    }));
    rows.sort_by_key(|row| row.moment);
    rows
}

/// From row to row.
struct Climb<'a> {
    evidence: &'a Evidence<'a>,
    windows: &'a [Window],
    rows: Vec<Row>,
    /// Who has asked for the lock and has no answer yet.
    asking: BTreeSet<u32>,
}

impl Climb<'_> {
    fn step(&mut self, number: usize) -> Step {
        let row = self.rows[number].clone();
        let before = number
            .checked_sub(1)
            .map(|before| self.rows[before].clone());
        let next = self.rows.get(number + 1).map(|row| row.moment);
        let above = before.as_ref().map(|before| (before.moment, row.moment));
        let below = (row.moment, next.unwrap_or(Moment::MAX - 1));
        let event = row.event.map(|place| self.evidence.event(place));
        let asking = self.asking.clone();
        self.follow(event);
        let mut cells = self.cells(&row, event, above, below, &asking);
        let windows = self.windows.iter();
        cells.extend(windows.map(|window| fault_cell(window, &row, above, below)));
        let is_overlap = is_overlap(self.evidence.violation.rule);
        Step {
            index: event.map(|event| event.index),
            time: format!("{:.6}", row.time as f64 / 1e9),
            after: before.map_or(String::new(), |before| show_ns(row.time - before.time)),
            words: words(self.evidence, &row, event),
            cells,
            overlap_before: is_overlap && above.is_some_and(|above| too_many(self.evidence, above)),
            overlap: is_overlap && next.is_some() && too_many(self.evidence, below),
        }
    }

    fn follow(&mut self, event: Option<&Event>) {
        let Some((event, process)) = event.and_then(|event| Some((event, client(event)?))) else {
            return;
        };
        match (event.kind, &event.function) {
            (Kind::Invoke, Function::Acquire) => drop(self.asking.insert(process)),
            (Kind::Invoke, _) => {}
            _ => drop(self.asking.remove(&process)),
        }
    }

    fn cells(
        &self,
        row: &Row,
        event: Option<&Event>,
        above: Option<(Moment, Moment)>,
        below: (Moment, Moment),
        asking: &BTreeSet<u32>,
    ) -> Vec<Cell> {
        let cell = |process: &u32| Cell {
            before: above.map_or("none", |above| {
                state(self.evidence, *process, above, asking.contains(process))
            }),
            after: state(
                self.evidence,
                *process,
                below,
                self.asking.contains(process),
            ),
            text: cell_text(row, event, *process),
        };
        self.evidence.processes.iter().map(cell).collect()
    }
}

/// What a process has between two moments.
fn state(
    evidence: &Evidence<'_>,
    process: u32,
    (from, to): (Moment, Moment),
    asks: bool,
) -> &'static str {
    let to = to.min(evidence.last_moment());
    let own = || {
        let holds = evidence
            .holds
            .iter()
            .filter(|hold| hold.process() == process);
        holds.filter(|hold| at(hold.granted()) <= from)
    };
    let believes = own().any(|hold| to <= evidence.moment(&evidence.end(hold)));
    let is_sure = |hold: &Hold| hold.confirmed_until().is_some_and(|until| to <= at(until));
    match (believes, own().any(|hold| is_sure(hold)), asks) {
        (_, true, _) => "sure",
        (true, ..) => "held",
        (.., true) => "asks",
        _ => "none",
    }
}

/// Whether more had the lock between two moments than it has slots.
fn too_many(evidence: &Evidence<'_>, span: (Moment, Moment)) -> bool {
    let wanted: &[&str] = match evidence.violation.rule {
        Rule::TooManyBelieve => &["held", "sure"],
        _ => &["sure"],
    };
    let having = evidence
        .processes
        .iter()
        .filter(|process| wanted.contains(&state(evidence, **process, span, false)));
    having.count() > evidence.slots
}

fn fault_cell(
    window: &Window,
    row: &Row,
    above: Option<(Moment, Moment)>,
    below: (Moment, Moment),
) -> Cell {
    let (inject, heal) = (at(window.inject), window.heal.map_or(Moment::MAX, at));
    let drawn = |(from, to): (Moment, Moment)| match inject <= from && to <= heal {
        true => "on",
        false => "none",
    };
    let text = match row.moment {
        moment if moment == inject => "begins",
        moment if moment == heal => "heals",
        _ => "",
    };
    Cell {
        before: above.map_or("none", drawn),
        after: drawn(below),
        text: text.to_owned(),
    }
}
