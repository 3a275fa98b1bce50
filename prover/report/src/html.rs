//! The proof report of one run: one page that needs nothing but itself.
//!
//! It is read by those who look for a false claim in it, so everything it says stands in the
//! manifest, the history or the judgement, and what it leaves out it counts.

use std::cmp::Reverse;
use std::num::NonZeroU32;
use std::time::Duration;

use checker::search::Limits;
use checker::{COVERAGE, Case, Impact, Judgement, Row, Scope, Verdict, counted, show_ns};
use history::{Event, History, Process};
use serde::Serialize;

use crate::ending::Ending;
use crate::error::ReportError;
use crate::latency::{Latency, latencies};
use crate::overlaps::{Incident, exposed, incidents, listed_until};
use crate::plots::{exposures, latency, whole_run};
use crate::scene::{Scene, Window};
use crate::subject::{Fact, Mistake, Subject};
use crate::table::verdict_text;
use crate::template;
use crate::timeline::{Timeline, View, draw};

const TEMPLATE: &str = include_str!("report.html.j2");

/// How many incidents are shown from near, how many overlaps and fault windows are listed, and how
/// many events of an incident.
const CLOSE_UPS_MAX: usize = 6;
const EXPOSURES_MAX: usize = 50;
const WINDOWS_MAX: usize = 100;
const EVENTS_MAX: usize = 20;

/// What a picture from near shows before and after the incident, as a multiple of its length, and
/// at least.
const MARGIN_MIN_NS: u64 = 1_000;

/// The report of a run. The same arguments give the same bytes.
///
/// # Errors
/// Never, unless a template of the prover is broken.
pub fn html(
    subject: &Subject,
    history: &History,
    judgement: &Judgement,
) -> Result<String, ReportError> {
    let scene = Scene::of(history, subject.workers);
    let incidents = incidents(history, judgement);
    let latencies = latencies(history);
    let report = Report {
        title: format!(
            "{} under {}: {}",
            subject.lock,
            subject.workload,
            verdict_text(judgement.verdict)
        ),
        verdict: verdict_text(judgement.verdict),
        says: says(judgement),
        bounds: bounds(subject, history, judgement),
        subject: facts(subject),
        guarantees: judgement
            .guarantees
            .iter()
            .map(|row| Guarantee::of(row, judgement))
            .collect(),
        timeline: whole_run(&scene, history, judgement)?.into(),
        close_ups: close_ups(&scene, &incidents)?,
        violations_listed: incidents.len(),
        listed_until: listed_until(&incidents).map(seconds),
        overlaps: Overlaps::of(judgement, &incidents, &scene)?,
        faults: Faults::of(judgement, &scene, &effects(subject, history)),
        mistakes: subject.mistakes.as_deref(),
        latency_plot: latency(&latencies, &scene)?,
        latencies: latencies.iter().map(Timing::of).collect(),
        without_end: history
            .operations()
            .filter(|operation| operation.end.is_none())
            .count(),
        skew: subject.skew.map(|skew| Skew {
            bursts: skew.bursts,
            median: show_ns(skew.median_ns),
            p99: show_ns(skew.p99_ns),
        }),
        is_run: subject.is_run,
        repeat: &subject.repeat,
        plan: &subject.plan,
        origin: &subject.origin,
    };
    Ok(template::render(TEMPLATE, &report)?)
}

/// What the template shows.
#[derive(Serialize)]
struct Report<'a> {
    title: String,
    verdict: &'static str,
    /// What the verdict means.
    says: String,
    /// What it does not mean.
    bounds: Vec<String>,
    subject: Vec<Fact>,
    guarantees: Vec<Guarantee<'a>>,
    timeline: Drawing,
    close_ups: Vec<CloseUp>,
    violations_listed: usize,
    /// From this time on there may be more violations than are listed.
    listed_until: Option<String>,
    overlaps: Option<Overlaps>,
    faults: Faults,
    mistakes: Option<&'a [Mistake]>,
    latency_plot: String,
    latencies: Vec<Timing>,
    without_end: usize,
    skew: Option<Skew>,
    is_run: bool,
    repeat: &'a str,
    plan: &'a [Fact],
    origin: &'a [Fact],
}

#[derive(Serialize)]
struct Guarantee<'a> {
    name: &'a str,
    role: &'static str,
    verdict: &'static str,
    judged: bool,
    evidence: &'a str,
    reason: Option<&'a str>,
    /// Whose promise a violation does not break.
    not_promised_by: Option<&'a str>,
}

#[derive(Serialize)]
struct Drawing {
    svg: String,
    merged: u64,
    hidden_workers: u32,
}

impl From<Timeline> for Drawing {
    fn from(
        Timeline {
            svg,
            merged,
            hidden_workers,
        }: Timeline,
    ) -> Self {
        Self {
            svg,
            merged,
            hidden_workers,
        }
    }
}

/// An incident from near.
#[derive(Serialize)]
struct CloseUp {
    heading: String,
    /// The guarantees that it violates.
    violates: Vec<String>,
    svg: String,
    events: Vec<EventRow>,
    events_left_out: usize,
}

#[derive(Serialize)]
struct EventRow {
    index: u64,
    time: String,
    process: String,
    worker: Option<u32>,
    kind: String,
    function: String,
    key: String,
    value: String,
    error: String,
}

#[derive(Serialize)]
struct Overlaps {
    guarantee: String,
    count: usize,
    longest: String,
    total: String,
    plot: String,
    listed: Vec<Exposure>,
}

#[derive(Serialize)]
struct Exposure {
    begin: String,
    length: String,
    key: String,
    processes: String,
}

#[derive(Serialize)]
struct Faults {
    counts: Vec<FaultCount>,
    windows: Vec<WindowRow>,
    count: usize,
}

#[derive(Serialize)]
struct FaultCount {
    fault: String,
    windows: u64,
    due: String,
    revoked: u64,
    delayed: u64,
    disproved: u64,
}

#[derive(Serialize)]
struct WindowRow {
    fault: String,
    begin: String,
    length: String,
    targets: String,
    holders: String,
    effect: String,
}

#[derive(Serialize)]
struct Timing {
    function: String,
    outcome: &'static str,
    count: u64,
    p50: String,
    p99: String,
    max: String,
}

#[derive(Serialize)]
struct Skew {
    bursts: u64,
    median: String,
    p99: String,
}

/// What the verdict means, in a sentence or two.
fn says(judgement: &Judgement) -> String {
    let whose = match &judgement.promised_by {
        Some(lock) => format!("what {lock} promises"),
        None => "what was asked for".to_owned(),
    };
    let names = judged_as(judgement, judgement.verdict);
    match judgement.verdict {
        Verdict::Valid => format!(
            "The recorded history contains no violation of {whose}: {names}. {}",
            test(judgement)
        ),
        Verdict::Violated => format!("The recorded history contradicts {whose}: {names}."),
        Verdict::Unknown => format!("The recorded history does not decide {whose}: {names}."),
    }
}

/// What was judged and came out like this. What is about the run is no promise, so it is named only
/// if it decides nothing.
fn judged_as(judgement: &Judgement, verdict: Verdict) -> String {
    let judged = judgement
        .guarantees
        .iter()
        .filter(|row| row.judged && row.finding.verdict == verdict);
    let named = judged.filter(|row| verdict != Verdict::Valid || !row.is_about_the_run());
    let name = |row: &Row| match &row.finding.reason {
        Some(reason) => format!("{} ({reason})", row.finding.guarantee),
        None => row.finding.guarantee.clone(),
    };
    named.map(name).collect::<Vec<_>>().join(", ")
}

/// How a valid run was put to the test.
fn test(judgement: &Judgement) -> String {
    let rows = judgement.guarantees.iter();
    let about = rows.filter(|row| row.judged && row.is_about_the_run());
    let evidence: Vec<_> = about.map(|row| row.finding.evidence.as_str()).collect();
    if evidence.is_empty() {
        return String::new();
    }
    format!("It was put to the test: {}.", evidence.join("; "))
}

/// What the verdict does not mean.
fn bounds(subject: &Subject, history: &History, judgement: &Judgement) -> Vec<String> {
    let mut bounds = vec![format!(
        "It speaks of this one run, as recorded in {} over {}; of runs that did not happen it says nothing.",
        counted(history.events().len() as u64, "event"),
        show_ns(history.events().last().map_or(0, |last| last.time)),
    )];
    bounds.extend(subject.bounds.iter().cloned());
    bounds.extend(about_record(history, judgement));
    bounds.extend(about_criteria(judgement));
    bounds
}

fn about_record(history: &History, judgement: &Judgement) -> Option<String> {
    let upto = history
        .events()
        .last()
        .map_or("nothing".to_owned(), |last| {
            format!("event {} at {} s", last.index, seconds(last.time))
        });
    let text = "The record is incomplete: the verdict speaks of what was recorded, up to";
    judgement.incomplete.then(|| format!("{text} {upto}."))
}

fn about_criteria(judgement: &Judgement) -> Vec<String> {
    let mut texts = Vec::new();
    let coverage = judgement
        .guarantees
        .iter()
        .find(|row| row.finding.guarantee == COVERAGE);
    if coverage.is_none_or(|row| !row.judged) {
        texts.push(
            "Whether the run proves anything (coverage) was not part of the verdict.".to_owned(),
        );
    }
    let beside: Vec<&str> = judgement
        .guarantees
        .iter()
        .filter(|row| !row.judged)
        .filter_map(violated)
        .collect();
    if !beside.is_empty() {
        texts.push(format!(
            "Violated, but not part of the verdict: {}.",
            beside.join(", ")
        ));
    }
    texts
}

fn violated(row: &Row) -> Option<&str> {
    (row.finding.verdict == Verdict::Violated).then_some(row.finding.guarantee.as_str())
}

fn facts(subject: &Subject) -> Vec<Fact> {
    let faults = if subject.faults.is_empty() {
        "none".to_owned()
    } else {
        subject.faults.join(", ")
    };
    let mut facts = vec![
        Fact::new("lock", &subject.lock),
        Fact::new("workload", &subject.workload),
        Fact::new("faults", faults),
    ];
    facts.extend(subject.setting.iter().cloned());
    facts
}

impl<'a> Guarantee<'a> {
    fn of(row: &'a Row, judgement: &'a Judgement) -> Self {
        let finding = &row.finding;
        let beside = !row.judged && finding.verdict == Verdict::Violated;
        Self {
            name: &finding.guarantee,
            role: role(row, judgement),
            verdict: verdict_text(finding.verdict),
            judged: row.judged,
            evidence: &finding.evidence,
            reason: finding.reason.as_deref(),
            not_promised_by: judgement.promised_by.as_deref().filter(|_| beside),
        }
    }
}

fn role(row: &Row, judgement: &Judgement) -> &'static str {
    match (row.judged, &judgement.promised_by) {
        (false, _) => "only shown",
        (true, _) if row.is_about_the_run() => "asked of the run",
        (true, Some(_)) => "promised",
        (true, None) => "asked for",
    }
}

/// The first and the longest incident of every violated guarantee, each place once, those that
/// decide the verdict first.
fn close_ups(scene: &Scene, incidents: &[Incident<'_>]) -> Result<Vec<CloseUp>, ReportError> {
    let mut chosen: Vec<Vec<&Incident<'_>>> = Vec::new();
    for of_row in incidents.chunk_by(|one, other| std::ptr::eq(one.row, other.row)) {
        let longest = of_row
            .iter()
            .min_by_key(|incident| Reverse(incident.violation.exposure_ns));
        for incident in of_row.first().into_iter().chain(longest) {
            match chosen.iter_mut().find(|group| is_same(group[0], incident)) {
                Some(group)
                    if group
                        .iter()
                        .any(|known| std::ptr::eq(known.row, incident.row)) => {}
                Some(group) => group.push(incident),
                None => chosen.push(vec![incident]),
            }
        }
    }
    let nearby = chosen.iter().take(CLOSE_UPS_MAX).enumerate();
    nearby
        .map(|(place, group)| close_up(scene, incidents, place, group))
        .collect()
}

fn is_same(one: &Incident<'_>, other: &Incident<'_>) -> bool {
    one.violation.events == other.violation.events && one.violation.key == other.violation.key
}

fn close_up(
    scene: &Scene,
    incidents: &[Incident<'_>],
    place: usize,
    group: &[&Incident<'_>],
) -> Result<CloseUp, ReportError> {
    let incident = group[0];
    let heading = heading(incident, scene);
    let key = scene.key(incident.violation.key.as_ref());
    let (begin, end) = surroundings(incident, scene);
    let id = format!("close-up-{place}");
    let near: Vec<Incident<'_>> = incidents
        .iter()
        .filter(|other| other.violation.key == incident.violation.key)
        .cloned()
        .collect();
    let drawn = draw(
        scene,
        &near,
        View {
            id: &id,
            title: &heading,
            begin,
            end,
            key,
        },
    )?;
    let violates = group
        .iter()
        .map(|incident| incident.row.finding.guarantee.clone())
        .collect();
    Ok(CloseUp {
        violates,
        svg: drawn.svg,
        events: incident
            .events
            .iter()
            .take(EVENTS_MAX)
            .map(|event| event_row(event, scene))
            .collect(),
        events_left_out: incident.events.len().saturating_sub(EVENTS_MAX),
        heading,
    })
}

/// The incident with as much time around it; all of its events if they are not much farther away.
fn surroundings(incident: &Incident<'_>, scene: &Scene) -> (u64, u64) {
    let length = (incident.end - incident.begin).max(MARGIN_MIN_NS);
    let times = || incident.events.iter().map(|event| event.time);
    let (first, last) = (
        times().min().unwrap_or(incident.begin),
        times().max().unwrap_or(incident.end),
    );
    let (begin, end) = if last - first <= length.saturating_mul(10) {
        (first.min(incident.begin), last.max(incident.end))
    } else {
        (incident.begin, incident.end)
    };
    (
        begin.saturating_sub(length / 2),
        end.saturating_add(length / 2).min(scene.end.max(end)),
    )
}

fn heading(incident: &Incident<'_>, scene: &Scene) -> String {
    let key = incident.violation.key.as_deref().unwrap_or("the lock");
    let workers: std::collections::BTreeSet<String> = incident
        .holders()
        .iter()
        .map(|process| worker_text(*process, scene))
        .collect();
    let workers: Vec<String> = workers.into_iter().collect();
    let length = incident
        .violation
        .exposure_ns
        .map(|length| format!(" for {}", show_ns(length)))
        .unwrap_or_default();
    let at = seconds(incident.begin);
    format!(
        "{} of {key}{length}, from {at} s{}",
        incident.violation.anomaly,
        if workers.is_empty() { "" } else { ": " }
    ) + &workers.join(" and ")
}

fn worker_text(process: Process, scene: &Scene) -> String {
    match process {
        Process::Client(number) => format!("worker {} (process {number})", scene.worker(number)),
        Process::Nemesis | Process::Run => process.to_string(),
    }
}

fn event_row(event: &Event, scene: &Scene) -> EventRow {
    let worker = if let Process::Client(number) = event.process {
        Some(scene.worker(number))
    } else {
        None
    };
    let error = event
        .error
        .as_ref()
        .map(|error| format!("{}: {}", error.kind, error.text))
        .unwrap_or_default();
    EventRow {
        index: event.index,
        time: seconds(event.time),
        process: event.process.to_string(),
        worker,
        kind: format!("{:?}", event.kind).to_lowercase(),
        function: event.function.to_string(),
        key: event.key.as_deref().unwrap_or_default().to_owned(),
        value: serde_json::to_string(&event.value).unwrap_or_default(),
        error,
    }
}

/// A time of the run in seconds, to the microsecond.
fn seconds(time: u64) -> String {
    format!("{:.6}", Duration::from_nanos(time).as_secs_f64())
}

impl Overlaps {
    fn of(
        judgement: &Judgement,
        incidents: &[Incident<'_>],
        scene: &Scene,
    ) -> Result<Option<Self>, ReportError> {
        let Some(row) = exposed(judgement) else {
            return Ok(None);
        };
        let lengths = &row.finding.exposures_ns;
        let total = lengths
            .iter()
            .fold(0_u64, |total, length| total.saturating_add(*length));
        Ok(Some(Self {
            guarantee: row.finding.guarantee.clone(),
            count: lengths.len(),
            longest: show_ns(lengths.iter().max().copied().unwrap_or(0)),
            total: show_ns(total),
            plot: exposures(lengths)?,
            listed: longest(row, incidents, scene),
        }))
    }
}

/// The longest of those whose place in the history is known.
fn longest(row: &Row, incidents: &[Incident<'_>], scene: &Scene) -> Vec<Exposure> {
    let of_row = incidents
        .iter()
        .filter(|incident| std::ptr::eq(incident.row, row));
    let mut measured: Vec<_> = of_row
        .filter_map(|incident| Some((incident.violation.exposure_ns?, incident)))
        .collect();
    measured.sort_by_key(|(length, _)| Reverse(*length));
    let exposure = |(length, incident): &(u64, &Incident<'_>)| {
        let processes: Vec<String> = incident
            .holders()
            .iter()
            .map(|process| worker_text(*process, scene))
            .collect();
        Exposure {
            begin: seconds(incident.begin),
            length: show_ns(*length),
            key: incident
                .violation
                .key
                .as_deref()
                .unwrap_or("the lock")
                .to_owned(),
            processes: processes.join(", "),
        }
    };
    measured.iter().take(EXPOSURES_MAX).map(exposure).collect()
}

impl Faults {
    /// `effects` are those of the first windows.
    fn of(judgement: &Judgement, scene: &Scene, effects: &[String]) -> Self {
        let coverage = judgement
            .guarantees
            .iter()
            .find(|row| row.finding.guarantee == COVERAGE);
        let counts = coverage.map_or(&[][..], |row| &row.finding.counts.faults);
        let count = |count: &checker::FaultCount| FaultCount {
            fault: count.fault.clone(),
            windows: count.windows,
            due: match count.asked {
                true => format!("{}, as asked for", count.due),
                false => count.due.to_string(),
            },
            revoked: count.revoked,
            delayed: count.delayed,
            disproved: count.disproved,
        };
        Self {
            counts: counts.iter().map(count).collect(),
            windows: scene
                .windows
                .iter()
                .enumerate()
                .take(WINDOWS_MAX)
                .map(|(place, window)| window_row(window, effects.get(place), scene))
                .collect(),
            count: scene.windows.len(),
        }
    }
}

/// What each fault did that was injected before the last phase, in the order of the injections.
fn effects(subject: &Subject, history: &History) -> Vec<String> {
    let scope = Scope {
        slots: subject.slots,
        workers: NonZeroU32::new(subject.workers),
        ..Scope::default()
    };
    let case = Case::new(history, &scope, Limits::none());
    let impacts = checker::impacts(&case).unwrap_or_default();
    let words = |impact: &Impact| match impact.effect {
        _ if impact.is_disproved => "not in force".to_owned(),
        effect if impact.took_what_others_wanted => format!("{effect}, others wanted it"),
        effect => effect.to_string(),
    };
    impacts.iter().map(words).collect()
}

fn window_row(window: &Window, effect: Option<&String>, scene: &Scene) -> WindowRow {
    let names = |processes: &[u32]| {
        let names = processes
            .iter()
            .map(|process| worker_text(Process::Client(*process), scene));
        names.collect::<Vec<_>>().join(", ")
    };
    WindowRow {
        fault: window.fault.to_string(),
        begin: seconds(window.begin),
        length: window.end.map_or("not healed on record".to_owned(), |end| {
            show_ns(end - window.begin)
        }),
        targets: names(&window.targets),
        holders: names(&window.holders),
        effect: effect.map_or("-", String::as_str).to_owned(),
    }
}

impl Timing {
    fn of(latency: &Latency) -> Self {
        Self {
            function: latency.function.to_string(),
            outcome: Ending::name(latency.ending),
            count: latency.count(),
            p50: show_ns(latency.quantile_ns(0.5)),
            p99: show_ns(latency.quantile_ns(0.99)),
            max: show_ns(latency.max_ns),
        }
    }
}
