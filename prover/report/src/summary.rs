//! What a report says, as data for programs.

use checker::{Judgement, Row, Verdict};
use history::History;
use serde::Serialize;

use crate::claim::{bounds, says, sentence};
use crate::close_up::close_ups;
use crate::html::meaning;
use crate::latency::latencies;
use crate::overlaps::incidents;
use crate::rarity::{Rarity, rarities};
use crate::scene::Scene;
use crate::spans::{self, Spans};
use crate::subject::{Fact, Mistake, Subject};

/// A report as data.
#[derive(Debug, Serialize)]
pub struct Summary<'a> {
    verdict: Verdict,
    sentence: String,
    says: String,
    bounds: Vec<String>,
    lock: &'a str,
    workload: &'a str,
    faults: &'a [String],
    facts: Vec<&'a Fact>,
    guarantees: Vec<Told<'a>>,
    violations: Vec<Incident>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rarities: Vec<Rarity>,
    latencies: Vec<Latency>,
    lengths: Vec<Lengths>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mistakes: Option<&'a [Mistake]>,
    repeat: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    certify: Option<&'a str>,
}

/// A guarantee with what it means.
#[derive(Debug, Serialize)]
struct Told<'a> {
    guarantee: &'a str,
    meaning: String,
    judged: bool,
    verdict: Verdict,
    evidence: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// A violation in words.
#[derive(Debug, Serialize)]
struct Incident {
    heading: String,
    violates: Vec<String>,
    judged: bool,
    story: Vec<String>,
    events: Vec<u64>,
}

#[derive(Debug, Serialize)]
struct Latency {
    function: String,
    outcome: &'static str,
    count: u64,
    p50_ns: u64,
    p99_ns: u64,
    max_ns: u64,
}

#[derive(Debug, Serialize)]
struct Lengths {
    name: &'static str,
    meaning: &'static str,
    count: u64,
    /// How many there could have been.
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<u64>,
    p50_ns: Option<u64>,
    p90_ns: Option<u64>,
    p99_ns: Option<u64>,
    max_ns: Option<u64>,
}

/// What the report of a run says, as data.
#[must_use]
pub fn summary<'a>(
    subject: &'a Subject,
    history: &History,
    judgement: &'a Judgement,
) -> Summary<'a> {
    let scene = Scene::of(history, subject.workers);
    let listed = incidents(history, judgement);
    let mut lengths = spans::holds_and_waits(&scene, history);
    lengths.extend(spans::lags(history, subject.slots, &subject.losses));
    let facts = subject
        .setting
        .iter()
        .chain(&subject.plan)
        .chain(&subject.origin);
    Summary {
        verdict: judgement.verdict,
        sentence: sentence(subject, judgement),
        says: says(judgement),
        bounds: bounds(subject, history, judgement),
        lock: &subject.lock,
        workload: &subject.workload,
        faults: &subject.faults,
        facts: facts.collect(),
        guarantees: judgement.guarantees.iter().map(Told::of).collect(),
        violations: close_ups(&scene, history, &listed, subject.slots.get())
            .into_iter()
            .map(|near| Incident {
                events: near
                    .ladder
                    .steps
                    .iter()
                    .filter_map(|step| step.index)
                    .collect(),
                heading: near.heading,
                violates: near.violates,
                judged: near.decides,
                story: near.story,
            })
            .collect(),
        rarities: rarities(judgement, &scene),
        latencies: latencies(history).iter().map(Latency::of).collect(),
        lengths: lengths.iter().map(Lengths::of).collect(),
        mistakes: subject.mistakes.as_deref(),
        repeat: &subject.repeat,
        certify: subject.certify.as_deref(),
    }
}

impl<'a> Told<'a> {
    fn of(row: &'a Row) -> Self {
        let finding = &row.finding;
        Self {
            guarantee: &finding.guarantee,
            meaning: meaning(&finding.guarantee),
            judged: row.judged,
            verdict: finding.verdict,
            evidence: &finding.evidence,
            reason: finding.reason.as_deref(),
        }
    }
}

impl Latency {
    fn of(latency: &crate::latency::Latency) -> Self {
        Self {
            function: latency.function.to_string(),
            outcome: latency.ending.name(),
            count: latency.count(),
            p50_ns: latency.quantile_ns(0.5),
            p99_ns: latency.quantile_ns(0.99),
            max_ns: latency.max_ns,
        }
    }
}

impl Lengths {
    fn of(spans: &Spans) -> Self {
        Self {
            name: spans.name,
            meaning: spans.meaning,
            count: spans.lengths.len() as u64,
            of: spans.of,
            p50_ns: spans.quantile(500),
            p90_ns: spans.quantile(900),
            p99_ns: spans.quantile(990),
            max_ns: spans.quantile(1_000),
        }
    }
}
