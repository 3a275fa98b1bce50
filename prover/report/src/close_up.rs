//! The incidents that a report shows from near, each once, however many guarantees it violates.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use checker::show_ns;
use history::{Event, Function, History, Kind};
use serde::Serialize;

use crate::ladder::Ladder;
use crate::overlaps::Incident;
use crate::proof::Evidence;
use crate::scene::Scene;
use crate::story::story;

/// How many incidents are shown from near.
const CLOSE_UPS_MAX: usize = 6;

/// An incident from near.
#[derive(Debug, Serialize)]
pub(crate) struct CloseUp {
    pub(crate) heading: String,
    /// The guarantees that it violates.
    pub(crate) violates: Vec<String>,
    /// Whether one of them decides the verdict.
    pub(crate) decides: bool,
    pub(crate) story: Vec<String>,
    pub(crate) ladder: Ladder,
    /// The index of the event to look at in the timeline.
    pub(crate) event: Option<u64>,
}

/// The first and the longest incident of every violated guarantee, those that decide the verdict
/// first.
pub(crate) fn close_ups(
    scene: &Scene,
    history: &History,
    incidents: &[Incident<'_>],
    slots: u32,
) -> Vec<CloseUp> {
    let chosen = chosen(history, incidents);
    if chosen.is_empty() {
        return Vec::new();
    }
    let locks = checker::locks(history);
    let near = |group: &Vec<&Incident<'_>>| {
        let violation = group[0].violation;
        let evidence = Evidence::new(history, scene, &locks, violation, slots);
        close_up(&evidence, group)
    };
    chosen.iter().take(CLOSE_UPS_MAX).map(near).collect()
}

/// Groups of incidents that are one and the same.
fn chosen<'a, 'b>(history: &History, incidents: &'b [Incident<'a>]) -> Vec<Vec<&'b Incident<'a>>> {
    let mut chosen: Vec<Vec<&Incident<'_>>> = Vec::new();
    for of_row in incidents.chunk_by(|one, other| std::ptr::eq(one.row, other.row)) {
        let longest = of_row
            .iter()
            .min_by_key(|incident| Reverse(incident.violation.exposure_ns));
        for incident in of_row.first().into_iter().chain(longest) {
            match chosen
                .iter_mut()
                .find(|group| is_same(history, group[0], incident))
            {
                Some(group) => group.push(incident),
                None => chosen.push(vec![incident]),
            }
        }
    }
    chosen
}

fn is_same(history: &History, one: &Incident<'_>, other: &Incident<'_>) -> bool {
    one.violation.key == other.violation.key
        && one.violation.anomaly == other.violation.anomaly
        && proof(history, one) == proof(history, other)
}

/// The grants that it is about, or else its events.
fn proof(history: &History, incident: &Incident<'_>) -> BTreeSet<u64> {
    let is_grant = |event: &&Event| event.function == Function::Acquire && event.kind == Kind::Ok;
    let grants = incident.events.iter().filter_map(|event| {
        let events = history.events();
        let place = events.partition_point(|other| other.index < event.index);
        let other = history.partner(place).map(|place| &events[place]);
        [Some(*event), other].into_iter().flatten().find(is_grant)
    });
    let grants: BTreeSet<u64> = grants.map(|event| event.index).collect();
    if grants.is_empty() {
        incident.violation.events.iter().copied().collect()
    } else {
        grants
    }
}

fn close_up(evidence: &Evidence<'_>, group: &[&Incident<'_>]) -> CloseUp {
    let mut violates: Vec<String> = Vec::new();
    for incident in group {
        let name = &incident.row.finding.guarantee;
        if !violates.contains(name) {
            violates.push(name.clone());
        }
    }
    CloseUp {
        heading: heading(evidence, group[0]),
        violates,
        decides: group.iter().any(|incident| incident.row.judged),
        story: story(evidence),
        ladder: Ladder::of(evidence),
        event: group[0].at().map(|event| event.index),
    }
}

/// `double hold of lock-0 for 4.93 s, from 11.000 s on`.
fn heading(evidence: &Evidence<'_>, incident: &Incident<'_>) -> String {
    let length = incident
        .violation
        .exposure_ns
        .map(|length| format!(" for {}", show_ns(length)))
        .unwrap_or_default();
    format!(
        "{} of {}{length}, from {:.3} s on",
        incident.violation.anomaly,
        evidence.key(),
        incident.begin as f64 / 1e9
    )
}
