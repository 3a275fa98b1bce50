//! The matrix as a table: a row a cell, those of one workload together.

use std::collections::BTreeSet;

use checker::Verdict;
use report::{list_table, verdict_text};

use super::cell::Outcome;
use crate::experiment::document::markdown;

const COLUMNS: usize = 8;

/// For people.
pub(super) fn human(outcomes: &[Outcome]) -> String {
    let tables = sections(outcomes);
    let tables = tables.map(|outcomes| list_table(header(outcomes), outcomes.iter().map(row)));
    tables.collect::<Vec<_>>().join("\n\n")
}

/// For the documentation: the tables, and what they stand on.
pub(super) fn document(outcomes: &[Outcome], command: &str) -> String {
    let tables = sections(outcomes);
    let tables = tables.map(|outcomes| markdown(header(outcomes), outcomes.iter().map(row)));
    let tables = tables.collect::<Vec<_>>().join("\n");
    format!("```sh\n{command}\n```\n{}\n\n{tables}", origin(outcomes))
}

/// When, where and at which commits the cells were run.
fn origin(outcomes: &[Outcome]) -> String {
    let all = |of: &dyn Fn(&Outcome) -> String| {
        let distinct: BTreeSet<_> = outcomes.iter().map(of).collect();
        Vec::from_iter(distinct).join("; ")
    };
    let days = all(&|one| one.at.strftime("%Y-%m-%d").to_string());
    let testbeds = all(&|one| one.testbed.clone());
    let commits = all(&|one| match &one.git {
        Some(git) => {
            let short: String = git.commit.chars().take(8).collect();
            let changes = if git.dirty { " with changes" } else { "" };
            format!("{short}{changes}")
        }
        None => "no commit".to_owned(),
    });
    format!("Cells run on {days}, at {commits}. {testbeds}.")
}

fn sections(outcomes: &[Outcome]) -> impl Iterator<Item = &[Outcome]> {
    outcomes.chunk_by(|one, next| one.cell.workload == next.cell.workload)
}

fn header(outcomes: &[Outcome]) -> [&str; COLUMNS] {
    [
        &outcomes[0].cell.workload,
        "nemesis",
        "testbed",
        "verdict",
        "grants",
        "faults landed",
        "longest overlap",
        "seed",
    ]
}

fn row(outcome: &Outcome) -> [String; COLUMNS] {
    let Outcome { cell, figures, .. } = outcome;
    let lock = if cell.is_broken_on_purpose() {
        format!("{} (broken on purpose)", cell.lock)
    } else {
        cell.lock.clone()
    };
    let landed = if figures.faults == 0 {
        "-".to_owned()
    } else {
        format!("{} of {}", figures.landed, figures.faults)
    };
    let overlap = if figures.longest_overlap_ns == 0 {
        "-".to_owned()
    } else {
        checker::show_ns(figures.longest_overlap_ns)
    };
    [
        lock,
        cell.nemesis.clone(),
        cell.place.to_string(),
        verdict(outcome),
        figures.grants.to_string(),
        landed,
        overlap,
        seed(outcome),
    ]
}

fn verdict(outcome: &Outcome) -> String {
    let text = verdict_text(outcome.verdict);
    match (&outcome.because, outcome.verdict) {
        (Some(because), Verdict::Violated | Verdict::Unknown) => format!("{text}: {because}"),
        _ => text.to_owned(),
    }
}

/// The seed of the last run, and how many others said nothing before.
fn seed(outcome: &Outcome) -> String {
    match outcome.seeds.as_slice() {
        [] => String::new(),
        [only] => only.to_string(),
        [before @ .., last] => format!("{last}, after {} unknown", before.len()),
    }
}
