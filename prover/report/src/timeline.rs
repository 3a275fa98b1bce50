//! The picture of a run: a row a worker, time to the right.
//!
//! However long the run, the picture stays small: what lies closer together than a reader can see
//! is drawn as one, and what is left out is counted.

use std::collections::{BTreeMap, BTreeSet};

use checker::{counted, show_ns};
use serde::Serialize;

use crate::axis::{SECONDS, round_step};
use crate::chart::{COLOURS, LEFT, LEGEND_LINE, PALETTE, RIGHT, WIDTH, flow, short, tenth};
use crate::ending::Ending;
use crate::hue::FAULT_COLOURS;
use crate::overlaps::{Incident, listed_until};
use crate::scene::{Hold, Scene};
use crate::template;

const TEMPLATE: &str = include_str!("timeline.svg.j2");

const TOP: f64 = 8.0;
const LANE: f64 = 24.0;
const AXIS: f64 = 30.0;

/// Further workers are not drawn.
const WORKERS_MAX: u32 = 64;
/// Rows times colours up to which bars are merged only when they touch; with more they are merged
/// the sooner.
const DENSE: usize = 40;
/// Up to so many bars of holds, each says what it is when pointed at.
const TITLED_MAX: usize = 300;

/// What of a run a picture shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    /// The name of the picture, unique in a document.
    pub(crate) id: &'a str,
    pub(crate) title: &'a str,
    /// Nanoseconds since the run began.
    pub(crate) begin: u64,
    pub(crate) end: u64,
}

/// A picture, and what it does not show.
#[derive(Debug)]
pub(crate) struct Timeline {
    pub(crate) svg: String,
    /// Bars that were drawn together with the one before.
    pub(crate) merged: u64,
    /// Workers without a row.
    pub(crate) hidden_workers: u32,
}

/// Draws what happened in a span of time, and the incidents in it.
pub(crate) fn draw(
    scene: &Scene,
    incidents: &[Incident<'_>],
    view: View<'_>,
) -> Result<Timeline, minijinja::Error> {
    let frame = Frame::new(scene, incidents, view);
    let mut strips = Strips::new(frame.gap(scene));
    add_holds(&frame, scene, &mut strips);
    add_flights(&frame, scene, &mut strips);
    let (strips, merged) = strips.finish();
    let picture = Picture {
        id: view.id,
        title: view.title,
        description: describe(&frame, scene, incidents),
        palette: PALETTE,
        width: WIDTH,
        height: frame.height(scene),
        left: LEFT,
        right: WIDTH - RIGHT,
        lane: TOP,
        bottom: frame.rows_bottom(),
        rows: frame.rows(),
        shades: shades(&frame, scene),
        incidents: bands(&frame, incidents),
        unlisted_from: listed_until(incidents)
            .filter(|time| *time < view.end)
            .map(|time| tenth(frame.x(time))),
        strips,
        losses: losses(&frame, scene),
        ticks: frame.ticks(),
        legend: legend(&frame, scene),
    };
    Ok(Timeline {
        svg: template::render(TEMPLATE, &picture)?,
        merged,
        hidden_workers: frame.hidden,
    })
}

/// What the template draws; lengths are in the picture's own unit.
#[derive(Serialize)]
struct Picture<'a> {
    id: &'a str,
    title: &'a str,
    description: String,
    palette: &'static str,
    width: f64,
    height: f64,
    left: f64,
    right: f64,
    lane: f64,
    bottom: f64,
    rows: Vec<RowLabel>,
    shades: Vec<Bar>,
    incidents: Vec<Band>,
    /// From here on there may be violations that are not marked.
    unlisted_from: Option<f64>,
    strips: Vec<Bar>,
    losses: Vec<Point>,
    ticks: Vec<Tick>,
    legend: Vec<LegendText>,
}

#[derive(Serialize)]
struct RowLabel {
    y: f64,
    middle: f64,
    height: f64,
    text: String,
}

#[derive(Serialize)]
struct Bar {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    class: String,
    title: Option<String>,
}

#[derive(Serialize)]
struct Band {
    x: f64,
    width: f64,
    title: String,
    label: Option<String>,
    /// Whether it has a length, or is a moment at which something went wrong.
    lasts: bool,
}

#[derive(Serialize)]
struct Point {
    x: f64,
    y: f64,
}

#[derive(Serialize)]
struct Tick {
    x: f64,
    text: String,
}

#[derive(Serialize)]
struct LegendText {
    x: f64,
    y: f64,
    class: String,
    text: String,
}

/// Where things stand.
struct Frame<'a> {
    view: View<'a>,
    workers: u32,
    hidden: u32,
    row: f64,
    /// The height of the lane above the rows that shows what went wrong, if anything did.
    lane: f64,
}

impl<'a> Frame<'a> {
    fn new(scene: &Scene, incidents: &[Incident<'_>], view: View<'a>) -> Self {
        let lane = if incidents.is_empty() { 0.0 } else { LANE };
        let workers = scene.workers.min(WORKERS_MAX);
        let row = if workers <= 12 { 28.0 } else { 18.0 };
        Self {
            view,
            workers,
            hidden: scene.workers - workers,
            row,
            lane,
        }
    }

    fn rows_top(&self) -> f64 {
        TOP + self.lane
    }

    fn rows_bottom(&self) -> f64 {
        self.top(self.workers)
    }

    fn top(&self, worker: u32) -> f64 {
        self.rows_top() + f64::from(worker) * self.row
    }

    fn height(&self, scene: &Scene) -> f64 {
        let lines = legend(self, scene)
            .last()
            .map_or(0.0, |last| last.y - self.rows_bottom() - AXIS);
        self.rows_bottom() + AXIS + lines + LEGEND_LINE
    }

    /// The place of a time, if need be at the edge.
    fn x(&self, time: u64) -> f64 {
        let View { begin, end, .. } = self.view;
        let part = time.clamp(begin, end) - begin;
        LEFT + (WIDTH - LEFT - RIGHT) * (part as f64 / (end - begin).max(1) as f64)
    }

    fn shows(&self, worker: u32, begin: u64, end: u64) -> bool {
        worker < self.workers && begin <= self.view.end && end >= self.view.begin
    }

    /// Bars that are closer are drawn as one; so the picture has a greatest size.
    fn gap(&self, scene: &Scene) -> f64 {
        let lines = self.workers as usize * scene.keys.len().clamp(1, COLOURS);
        lines.div_ceil(DENSE) as f64
    }

    fn rows(&self) -> Vec<RowLabel> {
        let row = |worker: u32| RowLabel {
            y: self.top(worker),
            middle: tenth(self.top(worker) + self.row / 2.0 + 4.0),
            height: self.row,
            text: format!("worker {worker}"),
        };
        (0..self.workers).map(row).collect()
    }

    fn ticks(&self) -> Vec<Tick> {
        let View { begin, end, .. } = self.view;
        let step = round_step((end - begin).max(1) / 8);
        let times = (begin.div_ceil(step)..=end / step).map(|count| count * step);
        times
            .map(|time| Tick {
                x: tenth(self.x(time)),
                text: SECONDS.show(time, step),
            })
            .collect()
    }
}

/// Bars on their way into the picture.
struct Strips {
    gap: f64,
    /// The last bar of each row and class.
    last: BTreeMap<(u32, String), Bar>,
    done: Vec<Bar>,
    merged: u64,
}

impl Strips {
    fn new(gap: f64) -> Self {
        Self {
            gap,
            last: BTreeMap::new(),
            done: Vec::new(),
            merged: 0,
        }
    }

    /// Adds a bar at least one unit wide; those of one row and class come in the order of their
    /// beginnings.
    fn add(&mut self, row: u32, bar: Bar) {
        let place = (row, bar.class.clone());
        let Some(last) = self.last.get_mut(&place) else {
            self.last.insert(place, bar);
            return;
        };
        let end = last.x + last.width;
        if bar.x - end < self.gap {
            last.width = (bar.x + bar.width).max(end) - last.x;
            last.title = None;
            self.merged += 1;
        } else {
            self.done.push(std::mem::replace(last, bar));
        }
    }

    /// All bars, the broad ones first, so that the others lie on top.
    fn finish(mut self) -> (Vec<Bar>, u64) {
        self.done.extend(self.last.into_values());
        for bar in &mut self.done {
            bar.x = tenth(bar.x);
            bar.width = tenth(bar.width);
        }
        let rank = |bar: &Bar| {
            (
                bar.class.starts_with("confirmed"),
                bar.class.starts_with("flight"),
            )
        };
        self.done.sort_by_key(rank);
        (self.done, self.merged)
    }
}

fn add_holds(frame: &Frame<'_>, scene: &Scene, strips: &mut Strips) {
    let shown = || {
        scene
            .holds
            .iter()
            .filter(|hold| frame.shows(hold.worker, hold.begin, hold.end))
    };
    let titled = shown().take(TITLED_MAX + 1).count() <= TITLED_MAX;
    for hold in shown() {
        let title = titled.then(|| hold_title(scene, hold));
        add_hold_part(frame, hold, "believed", hold.end, title, strips);
        if hold.confirmed > hold.begin && hold.confirmed >= frame.view.begin {
            add_hold_part(frame, hold, "confirmed", hold.confirmed, None, strips);
        }
    }
}

fn add_hold_part(
    frame: &Frame<'_>,
    hold: &Hold,
    class: &str,
    end: u64,
    title: Option<String>,
    strips: &mut Strips,
) {
    let x = frame.x(hold.begin);
    let bar = Bar {
        x,
        y: frame.top(hold.worker) + 3.0,
        width: (frame.x(end) - x).max(1.0),
        height: frame.row - 12.0,
        class: format!("{class} hue-{}", hold.key % COLOURS),
        title,
    };
    strips.add(hold.worker, bar);
}

fn hold_title(scene: &Scene, hold: &Hold) -> String {
    let confirmed = match hold.confirmed - hold.begin {
        0 => "never confirmed".to_owned(),
        length => format!("confirmed for {}", show_ns(length)),
    };
    let believed = show_ns(hold.end - hold.begin);
    format!(
        "process {} on {}: believed for {believed}, {confirmed}",
        hold.process,
        key_text(scene, hold.key)
    )
}

/// The name of a lock; a history of a single lock may have none.
pub(crate) fn key_text(scene: &Scene, key: usize) -> &str {
    scene
        .keys
        .get(key)
        .and_then(Option::as_deref)
        .unwrap_or("the lock")
}

fn add_flights(frame: &Frame<'_>, scene: &Scene, strips: &mut Strips) {
    for flight in &scene.flights {
        if !frame.shows(flight.worker, flight.begin, flight.end) {
            continue;
        }
        let x = frame.x(flight.begin);
        let bar = Bar {
            x,
            y: frame.top(flight.worker) + frame.row - 7.0,
            width: (frame.x(flight.end) - x).max(1.0),
            height: 4.0,
            class: format!("flight {}", flight_class(flight.ending)),
            title: None,
        };
        strips.add(flight.worker, bar);
    }
}

fn flight_class(ending: Ending) -> &'static str {
    match ending {
        Ending::Ok => "ok",
        Ending::Refused | Ending::Failed => "no",
        Ending::Unknown | Ending::Open => "unknown",
    }
}

/// At most one mark for each unit of a row.
fn losses(frame: &Frame<'_>, scene: &Scene) -> Vec<Point> {
    let shown = scene
        .losses
        .iter()
        .filter(|loss| frame.shows(loss.worker, loss.at, loss.at));
    let places: BTreeSet<(u32, u64)> = shown
        .map(|loss| (loss.worker, frame.x(loss.at).round() as u64))
        .collect();
    places
        .into_iter()
        .map(|(worker, x)| Point {
            x: x as f64,
            y: frame.top(worker) + 3.0,
        })
        .collect()
}

/// The kinds of fault in the order in which they first struck.
pub(crate) fn fault_kinds(scene: &Scene) -> Vec<&str> {
    let mut kinds: Vec<&str> = Vec::new();
    for window in &scene.windows {
        if !kinds.contains(&&*window.fault) {
            kinds.push(&window.fault);
        }
    }
    kinds
}

/// The windows of faults on the rows of their targets; windows that touch are drawn as one.
fn shades(frame: &Frame<'_>, scene: &Scene) -> Vec<Bar> {
    let mut strips = Strips::new(1.0);
    for window in &scene.windows {
        let end = window.end.unwrap_or(scene.end);
        let workers: BTreeSet<u32> = window
            .targets
            .iter()
            .map(|process| scene.worker(*process))
            .collect();
        for worker in workers
            .into_iter()
            .filter(|worker| frame.shows(*worker, window.begin, end))
        {
            let x = frame.x(window.begin);
            let bar = Bar {
                x,
                y: frame.top(worker),
                width: (frame.x(end) - x).max(1.0),
                height: frame.row,
                class: scene.fault_class(&window.fault),
                title: Some(format!(
                    "{} for {}",
                    window.fault,
                    show_ns(end - window.begin)
                )),
            };
            strips.add(worker, bar);
        }
    }
    strips.finish().0
}

/// Incidents at one place are drawn once, the one that lasts longest.
fn bands(frame: &Frame<'_>, incidents: &[Incident<'_>]) -> Vec<Band> {
    let View { begin, end, .. } = frame.view;
    let mut places: BTreeMap<u64, &Incident<'_>> = BTreeMap::new();
    for incident in incidents
        .iter()
        .filter(|incident| incident.begin <= end && incident.end >= begin)
    {
        let place = places
            .entry(frame.x(incident.begin).round() as u64)
            .or_insert(incident);
        if incident.end > place.end {
            *place = incident;
        }
    }
    places
        .into_values()
        .map(|incident| band(frame, incident))
        .collect()
}

fn band(frame: &Frame<'_>, incident: &Incident<'_>) -> Band {
    let x = frame.x(incident.begin);
    let width = (frame.x(incident.end) - x).max(2.0);
    let length = incident.violation.exposure_ns.map(show_ns);
    let title = match &length {
        Some(length) => format!("{} for {length}", incident.violation.anomaly),
        None => incident.violation.anomaly.to_string(),
    };
    let lasts = length.is_some();
    Band {
        x: tenth(x),
        width: tenth(width),
        title,
        lasts,
        label: length.filter(|_| width > 64.0),
    }
}

fn describe(frame: &Frame<'_>, scene: &Scene, incidents: &[Incident<'_>]) -> String {
    let View { begin, end, .. } = frame.view;
    let holds = scene
        .holds
        .iter()
        .filter(|hold| frame.shows(hold.worker, hold.begin, hold.end));
    let windows = scene
        .windows
        .iter()
        .filter(|window| window.begin <= end && window.end.unwrap_or(scene.end) >= begin);
    let found = bands(frame, incidents).len();
    format!(
        "From {} s to {} s of the run, {} of {}: {}, {}, {} of violations.",
        begin as f64 / 1e9,
        end as f64 / 1e9,
        frame.workers,
        counted(scene.workers as u64, "worker"),
        counted(holds.count() as u64, "hold"),
        counted(windows.count() as u64, "fault window"),
        counted(found as u64, "marked place"),
    )
}

/// What the colours and shapes mean, line by line.
fn legend(frame: &Frame<'_>, scene: &Scene) -> Vec<LegendText> {
    let mut entries = Vec::new();
    match scene.keys.len() {
        0 | 1 => entries.push((
            "confirmed hue-0".to_owned(),
            "held and confirmed".to_owned(),
        )),
        _ => {
            for key in 0..scene.keys.len().min(COLOURS) {
                let more = if scene.keys.len() > COLOURS {
                    ", …"
                } else {
                    ""
                };
                entries.push((
                    format!("confirmed hue-{key}"),
                    format!("{}{more}", short(key_text(scene, key))),
                ));
            }
        }
    }
    entries.push((
        "believed hue-0".to_owned(),
        "believed, not confirmed (pale)".to_owned(),
    ));
    for (class, text) in [
        ("ok", "in flight: ok"),
        ("no", "refused or failed"),
        ("unknown", "outcome unknown"),
    ] {
        entries.push((format!("flight {class}"), text.to_owned()));
    }
    entries.push(("loss".to_owned(), "hold given up as lost".to_owned()));
    for kind in fault_kinds(scene).into_iter().take(FAULT_COLOURS) {
        entries.push((scene.fault_class(kind), format!("fault: {}", short(kind))));
    }
    if frame.lane > 0.0 {
        entries.push((
            "incident".to_owned(),
            "overlap or other violation".to_owned(),
        ));
    }
    lay_out(frame, entries)
}

fn lay_out(frame: &Frame<'_>, entries: Vec<(String, String)>) -> Vec<LegendText> {
    let texts = entries.iter().map(|(_, text)| text.as_str());
    let places = flow(texts, frame.rows_bottom() + AXIS + 4.0);
    let placed = places.into_iter().zip(entries);
    placed
        .map(|((x, y), (class, text))| LegendText { x, y, class, text })
        .collect()
}
