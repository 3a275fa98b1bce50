//! The few events that prove a violation, as a ladder: time goes down, a column a process and a
//! column a fault. Not to scale, so that all of it fits, however long it took.

use std::collections::BTreeSet;

use checker::{Hold, Lock, Rule, Violation, show_ns};
use history::fault::Window;
use history::{Answer, Event, Function, History, Kind, Process, Value};
use serde::Serialize;

use crate::chart::COLOURS;
use crate::hue::fault_class;
use crate::scene::Scene;

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

/// A moment between events or at one, in the order of the record: events are odd.
type Moment = usize;

fn at(place: usize) -> Moment {
    2 * place + 1
}

/// What a ladder is made of.
pub(crate) struct Evidence<'a> {
    pub(crate) history: &'a History,
    pub(crate) scene: &'a Scene,
    pub(crate) violation: &'a Violation,
    /// The holds that took part, in the order of the grants.
    pub(crate) holds: Vec<&'a Hold>,
    /// The windows of faults that touch it, those that strike who took part first.
    pub(crate) windows: Vec<Window>,
    pub(crate) processes: BTreeSet<u32>,
    slots: usize,
    /// The places of the events that the violation names, and of their other ends.
    places: BTreeSet<usize>,
}

impl<'a> Evidence<'a> {
    pub(crate) fn new(
        history: &'a History,
        scene: &'a Scene,
        locks: &'a [Lock],
        violation: &'a Violation,
        slots: u32,
    ) -> Self {
        let named = violation
            .events
            .iter()
            .filter_map(|index| place_of(history, *index));
        let places: BTreeSet<usize> = named
            .flat_map(|place| [Some(place), history.partner(place)])
            .flatten()
            .collect();
        let processes: BTreeSet<u32> = places
            .iter()
            .filter_map(|place| client(&history.events()[*place]))
            .collect();
        let holds = taking_part(locks, violation, &places, &processes);
        let mut evidence = Self {
            history,
            scene,
            violation,
            holds,
            windows: Vec::new(),
            processes,
            slots: slots as usize,
            places,
        };
        evidence.windows = evidence.touching();
        evidence
    }

    pub(crate) fn event(&self, place: usize) -> &'a Event {
        &self.history.events()[place]
    }

    pub(crate) fn time(&self, place: usize) -> u64 {
        self.event(place).time
    }

    /// The worker of a process, in words; with the process where these are two numbers.
    pub(crate) fn worker(&self, process: u32) -> String {
        let worker = self.scene.worker(process);
        if worker == process {
            format!("worker {worker}")
        } else {
            format!("worker {worker} (process {process})")
        }
    }

    pub(crate) fn key(&self) -> &str {
        self.violation.key.as_deref().unwrap_or("the lock")
    }

    pub(crate) fn strikes_who_took_part(&self, window: &Window) -> bool {
        let targets = window.targets.processes();
        targets.iter().any(|target| self.processes.contains(target))
    }

    /// Faults that were on at some time between the first event and the last, and the last before
    /// that struck who took part.
    fn touching(&self) -> Vec<Window> {
        let (Some(first), Some(last)) = (self.places.first(), self.last()) else {
            return Vec::new();
        };
        let mut windows = self.history.windows();
        windows.retain(|window| {
            window.inject <= last
                && window
                    .healed
                    .or(window.heal)
                    .is_none_or(|heal| heal >= *first)
        });
        windows.sort_by_key(|window| {
            let is_broad = window.targets.processes().is_empty();
            (
                !self.strikes_who_took_part(window),
                !is_broad,
                window.inject,
            )
        });
        windows
    }

    fn last(&self) -> Option<usize> {
        let ends = self.holds.iter().filter_map(|hold| hold.believed_until());
        self.places.iter().copied().chain(ends).max()
    }

    /// When a client stops to believe in a hold: an event, or the end of its lease, or not at all.
    pub(crate) fn end(&self, hold: &Hold) -> End {
        let Some(until) = hold.beliefs().last().map(|belief| belief.until_ns()) else {
            return End::Never;
        };
        let Some(until) = until else {
            return End::Never;
        };
        match hold.believed_until() {
            Some(place) if self.time(place) == until => End::Event(place),
            _ => End::Lease(until),
        }
    }

    fn moment(&self, end: &End) -> Moment {
        match end {
            End::Event(place) => at(*place),
            End::Lease(time) => {
                2 * self
                    .history
                    .events()
                    .partition_point(|event| event.time < *time)
            }
            End::Never => Moment::MAX,
        }
    }
}

/// How belief ends.
#[derive(Debug)]
pub(crate) enum End {
    Event(usize),
    Lease(u64),
    Never,
}

/// The place of the event of an index.
fn place_of(history: &History, index: u64) -> Option<usize> {
    history
        .events()
        .binary_search_by_key(&index, |event| event.index)
        .ok()
}

fn client(event: &Event) -> Option<u32> {
    match event.process {
        Process::Client(number) => Some(number),
        Process::Nemesis | Process::Run => None,
    }
}

/// The holds whose grants are named; of who took part without such a grant, those that were
/// believed in meanwhile.
fn taking_part<'a>(
    locks: &'a [Lock],
    violation: &Violation,
    places: &BTreeSet<usize>,
    processes: &BTreeSet<u32>,
) -> Vec<&'a Hold> {
    let lock = locks
        .iter()
        .find(|lock| lock.key() == violation.key.as_ref());
    let holds = lock.into_iter().flat_map(Lock::holds);
    let own: Vec<&Hold> = holds
        .filter(|hold| processes.contains(&hold.process()))
        .collect();
    let is_named = |hold: &&Hold| places.contains(&hold.granted());
    let has_named = |process: u32| {
        own.iter()
            .any(|hold| hold.process() == process && is_named(hold))
    };
    let is_believed = |hold: &Hold| places.iter().any(|place| hold.is_believed_at(*place));
    own.iter()
        .filter(|hold| is_named(hold) || (!has_named(hold.process()) && is_believed(hold)))
        .copied()
        .collect()
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
        class: fault_class(&window.name),
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
struct Row {
    moment: Moment,
    time: u64,
    event: Option<usize>,
    /// Whose lease is over.
    lease_of: Option<u32>,
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
    let is_sure = |hold: &&Hold| hold.confirmed_until().is_some_and(|until| to <= at(until));
    match (believes, own().any(|hold| is_sure(hold)), asks) {
        (_, true, _) => "sure",
        (true, ..) => "held",
        (.., true) => "asks",
        _ => "none",
    }
}

impl Evidence<'_> {
    /// After this nothing is recorded.
    fn last_moment(&self) -> Moment {
        at(self.history.events().len())
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

/// The few words in the column of a process.
fn cell_text(row: &Row, event: Option<&Event>, process: u32) -> String {
    if row.lease_of == Some(process) {
        return "lease over".to_owned();
    }
    let Some(event) = event.filter(|event| client(event) == Some(process)) else {
        return String::new();
    };
    match (&event.function, event.kind, &event.value) {
        (Function::Acquire, Kind::Invoke, _) => "asks".to_owned(),
        (Function::Acquire, Kind::Ok, _) => "granted".to_owned(),
        (Function::Acquire, Kind::Fail, _) if event.observed => "refused".to_owned(),
        (Function::Release, Kind::Invoke, _) => "gives back".to_owned(),
        (Function::Release, Kind::Ok, _) => "given back".to_owned(),
        (Function::Verify, Kind::Invoke, _) => "still held?".to_owned(),
        (Function::Verify, Kind::Ok, Value::Answer(Answer::Lost)) => "told: lost".to_owned(),
        (Function::Verify, Kind::Ok, _) => "told: held".to_owned(),
        (Function::Lost, _, _) => "told: lost".to_owned(),
        (_, Kind::Info, _) => "no answer".to_owned(),
        (function, Kind::Invoke, value) => format!("{function}{}", shown(value)),
        (function, Kind::Ok, value) => format!("{function} ok{}", shown(value)),
        (function, Kind::Fail, _) => format!("{function} failed"),
    }
}

/// What happened, in a sentence without its end.
fn words(evidence: &Evidence<'_>, row: &Row, event: Option<&Event>) -> String {
    if let Some(process) = row.lease_of {
        return format!("the lease of {} is over", evidence.worker(process));
    }
    let Some(event) = event else {
        return String::new();
    };
    let Some(process) = client(event) else {
        return fault_words(evidence, row, event);
    };
    format!(
        "{} {}",
        evidence.worker(process),
        did(evidence.key(), event)
    )
}

/// What a client did or learned: `is granted lock-0`.
pub(crate) fn did(key: &str, event: &Event) -> String {
    let why = event
        .error
        .as_ref()
        .map_or(String::new(), |error| match error.text.as_str() {
            "" => format!(" ({})", error.kind),
            text => format!(" ({}: {text})", error.kind),
        });
    let value = shown(&event.value);
    match (&event.function, event.kind, &event.value) {
        (Function::Acquire, Kind::Invoke, _) => format!("asks for {key}"),
        (Function::Acquire, Kind::Ok, Value::Grant(grant)) if grant.token > 0 => {
            format!("is granted {key} with token {}", grant.token)
        }
        (Function::Acquire, Kind::Ok, _) => format!("is granted {key}"),
        (Function::Acquire, Kind::Fail, _) if event.observed => format!("is refused {key}{why}"),
        (Function::Release, Kind::Invoke, _) => format!("asks to give {key} back"),
        (Function::Release, Kind::Ok, _) => format!("has given {key} back"),
        (Function::Verify, Kind::Invoke, _) => format!("asks whether it still holds {key}"),
        (Function::Verify, Kind::Ok, Value::Answer(Answer::Lost)) => {
            format!("is told that {key} is lost")
        }
        (Function::Verify, Kind::Ok, _) => format!("is told that it still holds {key}"),
        (Function::Verify, Kind::Fail, _) => format!("learns that {key} is lost{why}"),
        (Function::Lost, Kind::Ok, _) => format!("learns without asking that {key} is lost{why}"),
        (function, Kind::Invoke, _) => format!("asks to {function}{value} on {key}"),
        (function, Kind::Ok, _) => format!("{function} on {key} succeeds{value}"),
        (function, Kind::Fail, _) => format!("{function} on {key} fails{why}"),
        (function, Kind::Info, _) => {
            format!("gets no answer to its {function}{why}: nobody knows whether it took effect")
        }
    }
}

fn fault_words(evidence: &Evidence<'_>, row: &Row, event: &Event) -> String {
    let name = &event.function;
    let window = evidence
        .windows
        .iter()
        .find(|window| row.event == Some(window.inject) || row.event == window.heal);
    match window {
        Some(window) if row.event == Some(window.inject) => {
            format!("{name} begins{}", struck(evidence, window))
        }
        Some(_) => format!("{name} heals"),
        None => format!("{name}{}", shown(&event.value)),
    }
}

/// Whom a fault strikes: ` for worker 2`.
pub(crate) fn struck(evidence: &Evidence<'_>, window: &Window) -> String {
    let targets = window.targets.processes();
    let names: Vec<String> = targets
        .iter()
        .map(|process| evidence.worker(*process))
        .collect();
    match &window.targets {
        _ if !names.is_empty() => format!(" for {}", names.join(", ")),
        history::fault::Targets::Nodes(nodes) => {
            let nodes: Vec<String> = nodes.iter().map(|node| format!("node {node}")).collect();
            format!(" for {}", nodes.join(", "))
        }
        _ => String::new(),
    }
}

/// A value after a space, if there is one.
fn shown(value: &Value) -> String {
    match value {
        Value::None => String::new(),
        value => {
            let text = serde_json::to_string(value).unwrap_or_default();
            format!(" {}", crate::chart::clipped(&text, 120))
        }
    }
}
