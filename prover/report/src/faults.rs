//! What the nemesis did, fault by fault and window by window.

use std::num::NonZeroU32;

use checker::search::Limits;
use checker::{COVERAGE, Case, Impact, Judgement, Scope, show_ns};
use history::fault::Effect;
use history::{History, Process};
use serde::Serialize;

use crate::html::{seconds, worker_text};
use crate::scene::{Scene, Window};
use crate::subject::Subject;

/// How many windows are listed.
const WINDOWS_MAX: usize = 100;

#[derive(Serialize)]
pub(crate) struct Faults {
    pub(crate) counts: Vec<FaultCount>,
    pub(crate) roles: Vec<RoleRow>,
    pub(crate) windows: Vec<WindowRow>,
    pub(crate) count: usize,
    /// Whether anything shows some window from outside.
    pub(crate) shown: bool,
}

#[derive(Serialize)]
pub(crate) struct FaultCount {
    fault: String,
    class: String,
    windows: u64,
    due: String,
    revoked: u64,
    delayed: u64,
    disproved: u64,
}

#[derive(Serialize)]
pub(crate) struct WindowRow {
    fault: String,
    class: String,
    begin: String,
    length: String,
    targets: String,
    holders: String,
    effect: String,
    /// What shows it from outside.
    evidence: String,
    /// The index of the event that it begins with.
    event: u64,
}

/// How often a fault struck targets that were about the same.
#[derive(Serialize)]
pub(crate) struct RoleRow {
    fault: String,
    class: String,
    role: String,
    struck: u64,
    revoked: u64,
    delayed: u64,
    /// How often it was asked to, where it was.
    least: Option<u64>,
}

impl Faults {
    /// `effects` are those of the first windows.
    pub(crate) fn of(judgement: &Judgement, scene: &Scene, effects: &[String]) -> Self {
        let coverage = judgement
            .guarantees
            .iter()
            .find(|row| row.finding.guarantee == COVERAGE);
        let counts = coverage.map_or(&[][..], |row| &row.finding.counts.faults);
        let count = |count: &checker::FaultCount| FaultCount {
            fault: count.fault.clone(),
            class: scene.fault_class(&count.fault),
            windows: count.windows,
            due: due(count),
            revoked: count.revoked,
            delayed: count.delayed,
            disproved: count.disproved,
        };
        Self {
            counts: counts.iter().map(count).collect(),
            roles: counts
                .iter()
                .flat_map(|count| role_rows(count, scene))
                .collect(),
            windows: scene
                .windows
                .iter()
                .enumerate()
                .take(WINDOWS_MAX)
                .map(|(place, window)| window_row(window, effects.get(place), scene))
                .collect(),
            count: scene.windows.len(),
            shown: scene.windows.iter().any(|it| !it.evidence.is_empty()),
        }
    }
}

/// What each fault did that was injected before the last phase, in the order of the injections.
pub(crate) fn effects(subject: &Subject, history: &History) -> Vec<String> {
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

/// The effect that is due of a fault; one that no other number shows, with how often it had it.
fn due(count: &checker::FaultCount) -> String {
    let due = match count.asked {
        true => format!("{}, as asked for", count.due),
        false => count.due.to_string(),
    };
    match count.due {
        Effect::Changed => format!("{due}, seen in {}", count.changed),
        _ => due,
    }
}

fn role_rows(count: &checker::FaultCount, scene: &Scene) -> impl Iterator<Item = RoleRow> {
    count.roles.iter().map(|(role, times)| RoleRow {
        fault: count.fault.clone(),
        class: scene.fault_class(&count.fault),
        role: role.to_string(),
        struck: times.struck,
        revoked: times.revoked,
        delayed: times.delayed,
        least: (times.least > 0).then_some(times.least),
    })
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
        class: scene.fault_class(&window.fault),
        begin: seconds(window.begin),
        length: window.end.map_or("not healed on record".to_owned(), |end| {
            show_ns(end - window.begin)
        }),
        targets: names(&window.targets),
        holders: names(&window.holders),
        event: window.event,
        evidence: window.evidence.clone(),
        effect: effect.map_or("-", String::as_str).to_owned(),
    }
}
