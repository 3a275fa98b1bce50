//! The proof report of one run: one page that needs nothing but itself.
//!
//! It is read by those who look for a false claim in it, so everything it says stands in the
//! manifest, the history or the judgement, and what it leaves out it counts.

use std::cmp::Reverse;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use checker::{COVERAGE, Judgement, POWER, Row, Verdict, guarantee, show_ns};
use history::{History, Process};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::claim::{bounds, says, sentence};
use crate::close_up::{CloseUp, close_ups};
use crate::ending::Ending;
use crate::error::ReportError;
use crate::faults::{Faults, effects};
use crate::latency::{Latency, latencies};
use crate::overlaps::{Incident, exposed, incidents, listed_until};
use crate::plots::{exposures, lag_plot, latency, rate_plot, span_plot, whole_run};
use crate::rarity::{Rarity, rarities};
use crate::record::{EVENTS_MAX, Record};
use crate::scene::Scene;
use crate::spans::{self, Spans, differ};
use crate::subject::{Fact, Mistake, Subject};
use crate::table::verdict_text;
use crate::template;
use crate::timeline::{Timeline, fault_kinds};

const TEMPLATE: &str = include_str!("report.html.j2");
const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("timeline.js");

/// How many overlaps are listed.
const EXPOSURES_MAX: usize = 50;

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
    let close_ups = close_ups(&scene, history, &incidents, subject.slots.get());
    let report = Report {
        title: format!(
            "{} under {}: {}",
            subject.lock,
            subject.workload,
            verdict_text(judgement.verdict)
        ),
        style: STYLE,
        palette: crate::PALETTE,
        script: SCRIPT,
        script_digest: STANDARD.encode(Sha256::digest(SCRIPT)),
        verdict: verdict_text(judgement.verdict),
        sentence: sentence(subject, judgement),
        says: says(judgement),
        bounds: bounds(subject, history, judgement),
        subject: facts(subject),
        guarantees: judgement
            .guarantees
            .iter()
            .map(|row| Guarantee::of(row, judgement))
            .collect(),
        coverage: about_the_run(judgement, COVERAGE),
        power: about_the_run(judgement, POWER),
        timeline: whole_run(&scene, history, judgement)?.into(),
        record: Record::of(&scene, history, &incidents).to_json(),
        is_clipped: history.events().len() > EVENTS_MAX,
        fault_key: fault_key(&scene),
        violations_listed: incidents.len(),
        close_ups,
        listed_until: listed_until(&incidents).map(seconds),
        overlaps: Overlaps::of(judgement, &incidents, &scene)?,
        faults: Faults::of(judgement, &scene, &effects(subject, history)),
        rarities: rarities(judgement, &scene),
        mistakes: subject.mistakes.as_deref(),
        latency_plot: latency(&latencies, &scene)?,
        latencies: latencies.iter().map(Timing::of).collect(),
        rate_plot: rate_plot(history, &scene)?,
        spans: Lengths::of(&spans::holds_and_waits(&scene, history), span_plot)?,
        lags: Lengths::of(
            &spans::lags(history, subject.slots, &subject.losses),
            lag_plot,
        )?,
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
        certify: subject.certify.as_deref(),
        plan: &subject.plan,
        origin: &subject.origin,
    };
    Ok(template::render(TEMPLATE, &report)?)
}

/// What the template shows.
#[derive(Serialize)]
struct Report<'a> {
    title: String,
    style: &'static str,
    palette: &'static str,
    script: &'static str,
    /// No other script may run in the page.
    script_digest: String,
    verdict: &'static str,
    /// What was tested.
    sentence: String,
    /// What the verdict means.
    says: String,
    /// What it does not mean.
    bounds: Vec<String>,
    subject: Vec<Fact>,
    guarantees: Vec<Guarantee<'a>>,
    coverage: Option<Guarantee<'a>>,
    power: Option<Guarantee<'a>>,
    timeline: Drawing,
    /// JSON.
    record: String,
    /// Whether the record is longer than what the page embeds.
    is_clipped: bool,
    fault_key: Vec<FaultKey<'a>>,
    close_ups: Vec<CloseUp>,
    violations_listed: usize,
    /// From this time on there may be more violations than are listed.
    listed_until: Option<String>,
    overlaps: Option<Overlaps>,
    faults: Faults,
    rarities: Vec<Rarity>,
    mistakes: Option<&'a [Mistake]>,
    latency_plot: String,
    latencies: Vec<Timing>,
    rate_plot: String,
    spans: Lengths,
    lags: Lengths,
    without_end: usize,
    skew: Option<Skew>,
    is_run: bool,
    repeat: &'a str,
    certify: Option<&'a str>,
    plan: &'a [Fact],
    origin: &'a [Fact],
}

#[derive(Serialize)]
struct Guarantee<'a> {
    name: &'a str,
    meaning: String,
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

/// A fault and its colour.
#[derive(Serialize)]
struct FaultKey<'a> {
    name: &'a str,
    class: String,
}

fn fault_key(scene: &Scene) -> Vec<FaultKey<'_>> {
    let key = |name| FaultKey {
        name,
        class: scene.fault_class(name),
    };
    fault_kinds(scene).into_iter().map(key).collect()
}

#[derive(Serialize)]
struct Overlaps {
    guarantee: String,
    count: usize,
    longest: String,
    total: String,
    /// Nothing where all are of one length.
    plot: Option<String>,
    listed: Vec<Exposure>,
}

#[derive(Serialize)]
struct Exposure {
    begin: String,
    length: String,
    key: String,
    processes: String,
    event: Option<u64>,
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

/// Lengths of several sorts, as a plot and as a table.
#[derive(Serialize)]
struct Lengths {
    /// Nothing where a curve would be a line: then words say it.
    plot: Option<String>,
    words: String,
    rows: Vec<LengthRow>,
    /// How many lengths there are, of all sorts.
    count: usize,
}

#[derive(Serialize)]
struct LengthRow {
    name: &'static str,
    meaning: &'static str,
    count: String,
    p50: String,
    p90: String,
    p99: String,
    max: String,
}

#[derive(Serialize)]
struct Skew {
    bursts: u64,
    median: String,
    p99: String,
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
            meaning: meaning(&finding.guarantee),
            role: role(row, judgement),
            verdict: verdict_text(finding.verdict),
            judged: row.judged,
            evidence: &finding.evidence,
            reason: finding.reason.as_deref(),
            not_promised_by: judgement.promised_by.as_deref().filter(|_| beside),
        }
    }
}

fn about_the_run<'a>(judgement: &'a Judgement, name: &str) -> Option<Guarantee<'a>> {
    let mut rows = judgement.guarantees.iter();
    let row = rows.find(|row| row.finding.guarantee == name)?;
    Some(Guarantee::of(row, judgement))
}

/// When a guarantee holds, in one line that can be read alone.
pub(crate) fn meaning(name: &str) -> String {
    let bound = |pattern: &str| match pattern.strip_suffix('D') {
        Some(beginning) => name.strip_prefix(beginning),
        None => (name == pattern).then_some(""),
    };
    let known = guarantee::ALL
        .iter()
        .find_map(|entry| Some((entry.meaning, bound(entry.pattern)?)));
    match known {
        Some((meaning, bound)) => {
            let words = meaning
                .split(' ')
                .map(|word| if word == "D" { bound } else { word });
            let text = words.collect::<Vec<_>>().join(" ");
            match text.strip_prefix("the same, ") {
                Some(rest) => format!("never more clients than the lock has slots hold it, {rest}"),
                None => text,
            }
        }
        None if name == POWER => {
            "the plan would have caught known mistakes in place of the lock".to_owned()
        }
        None => "the operations have an order that the model allows, each between its two events"
            .to_owned(),
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

pub(crate) fn worker_text(process: Process, scene: &Scene) -> String {
    match process {
        Process::Client(number) => format!("worker {} (process {number})", scene.worker(number)),
        Process::Nemesis | Process::Run => process.to_string(),
    }
}

/// A time of the run in seconds, to the microsecond.
pub(crate) fn seconds(time: u64) -> String {
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
            plot: differ(lengths).then(|| exposures(lengths)).transpose()?,
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
        let key = incident.violation.key.as_deref();
        Exposure {
            begin: seconds(incident.begin),
            length: show_ns(*length),
            key: key.unwrap_or("the lock").to_owned(),
            processes: processes.join(", "),
            event: incident.at().map(|event| event.index),
        }
    };
    measured.iter().take(EXPOSURES_MAX).map(exposure).collect()
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

impl Lengths {
    fn of(
        spans: &[Spans],
        plot: fn(&[Spans]) -> Result<String, ReportError>,
    ) -> Result<Self, ReportError> {
        let is_curve = spans.iter().any(Spans::differ);
        Ok(Self {
            plot: is_curve.then(|| plot(spans)).transpose()?,
            words: in_words(spans),
            rows: spans.iter().map(LengthRow::of).collect(),
            count: spans.iter().map(|spans| spans.lengths.len()).sum(),
        })
    }
}

/// `holder noticed: 59.34 µs (once); granted to another: never`.
fn in_words(spans: &[Spans]) -> String {
    let told = spans.iter().map(|spans| {
        let often = match spans.lengths.len() {
            0 => return format!("{}: never", spans.name),
            1 => "once".to_owned(),
            count => format!("{count} times"),
        };
        format!("{}: {} ({often})", spans.name, spans.show(1_000))
    });
    told.collect::<Vec<_>>().join("; ")
}

impl LengthRow {
    fn of(spans: &Spans) -> Self {
        let count = spans.lengths.len();
        Self {
            name: spans.name,
            meaning: spans.meaning,
            count: spans
                .of
                .map_or(count.to_string(), |of| format!("{count} of {of}")),
            p50: spans.show(500),
            p90: spans.show(900),
            p99: spans.show(990),
            max: spans.show(1_000),
        }
    }
}
