//! The list of all runs, the newest first.

use std::cmp::Reverse;

use serde::Serialize;

use crate::badge::badge;
use crate::error::SiteError;
use crate::filter::Filter;
use crate::group::Group;
use crate::link::href;
use crate::page::{Place, page};
use crate::proof::Proof;
use crate::run::Run;
use crate::standing::{ALL, Standing};

const TEMPLATE: &str = include_str!("index.html.j2");

#[derive(Serialize)]
struct View {
    is_served: bool,
    results: String,
    /// Whether every run is listed, so that a script can filter them.
    is_whole: bool,
    text: String,
    standings: Vec<(&'static str, bool)>,
    shown: usize,
    count: usize,
    badges: Vec<String>,
    groups: Vec<GroupView>,
    runs: Vec<RunView>,
}

#[derive(Serialize)]
struct GroupView {
    href: String,
    kind: &'static str,
    standing: &'static str,
    reason: Option<String>,
    subject: String,
    faults: String,
    runs: String,
    commit: String,
    when: String,
    /// All of it, in lower case.
    text: String,
}

#[derive(Serialize)]
struct RunView {
    path: String,
    href: String,
    report: Option<String>,
    standing: &'static str,
    reason: Option<String>,
    lock: String,
    workload: String,
    faults: String,
    testbed: String,
    commit: String,
    when: String,
    lasted: String,
    /// All of it, in lower case.
    text: String,
}

/// The list of those that the filter takes.
///
/// # Errors
/// Never, unless a template of the prover is broken.
pub fn index(
    runs: &[&Run],
    groups: &[&Group],
    proofs: &[Proof],
    filter: &Filter,
    place: &Place<'_>,
) -> Result<String, SiteError> {
    let badges = proofs.iter().map(|proof| badge(&proof.badge()));
    let mut runs = runs.to_vec();
    runs.sort_by_key(|run| Reverse((run.time(), &run.path)));
    let mut groups = groups.to_vec();
    groups.sort_by_key(|group| Reverse((group.time(), &group.path)));
    let count = runs.len() + groups.len();
    let taken = |standing: Standing, text: &str| filter.takes(standing, text);
    let runs = runs.into_iter().map(|run| (run.standing, RunView::of(run)));
    let runs: Vec<_> = runs
        .filter(|(standing, view)| taken(*standing, &view.text))
        .map(|(_, view)| view)
        .collect();
    let groups = groups
        .into_iter()
        .map(|group| (group.standing, GroupView::of(group)));
    let groups: Vec<_> = groups
        .filter(|(standing, view)| taken(*standing, &view.text))
        .map(|(_, view)| view)
        .collect();
    let standings = ALL.map(|one| (one.word(), filter.standing == Some(one)));
    let view = View {
        is_served: place.is_served,
        results: place.results.to_owned(),
        is_whole: *filter == Filter::default(),
        text: filter.text.clone(),
        standings: standings.to_vec(),
        shown: runs.len() + groups.len(),
        count,
        badges: badges.collect::<Result<_, _>>()?,
        groups,
        runs,
    };
    page("Runs of the prover", TEMPLATE, &view)
}

impl RunView {
    fn of(run: &Run) -> Self {
        let (lock, workload) = run.subject();
        let folder = href(&run.path);
        let mut view = Self {
            href: format!("runs/{folder}/index.html"),
            report: run.report().map(|report| format!("runs/{folder}/{report}")),
            path: run.path.clone(),
            standing: run.standing.word(),
            reason: run.reason.clone(),
            lock,
            workload,
            faults: run.faults(),
            testbed: run.testbed(),
            commit: run.commit(),
            when: run.when(),
            lasted: run.lasted(),
            text: String::new(),
        };
        view.text = said(&[
            &view.path,
            view.standing,
            &view.lock,
            &view.workload,
            &view.faults,
            &view.testbed,
            &view.commit,
            &view.when,
            view.reason.as_deref().unwrap_or_default(),
        ]);
        view
    }
}

impl GroupView {
    fn of(group: &Group) -> Self {
        let mut view = Self {
            href: format!("runs/{}/{}", href(&group.path), group.opens()),
            kind: group.kind.word(),
            standing: group.standing.word(),
            reason: group.reason.clone(),
            subject: group.title(),
            faults: group.faults(),
            runs: group.runs(),
            commit: group.commit(),
            when: group.when(),
            text: String::new(),
        };
        view.text = said(&[
            &group.path,
            view.kind,
            view.standing,
            &view.subject,
            &view.faults,
            &view.runs,
            &view.commit,
            &view.when,
            view.reason.as_deref().unwrap_or_default(),
        ]);
        view
    }
}

fn said(parts: &[&str]) -> String {
    parts.join(" ").to_lowercase()
}
