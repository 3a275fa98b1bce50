//! The matrix as a table: a row a cell, those of one workload together.

use std::collections::BTreeSet;

use checker::Verdict;
use report::{list_table, verdict_text};

use super::cell::CellRecord;
use crate::experiment::document::markdown;

const COLUMNS: usize = 8;

/// For people.
pub(super) fn human(records: &[CellRecord]) -> String {
    let tables = sections(records);
    let tables = tables.map(|records| list_table(header(records), records.iter().map(row)));
    tables.collect::<Vec<_>>().join("\n\n")
}

/// For the documentation: the tables, and what they stand on.
pub(super) fn document(records: &[CellRecord], command: &str) -> String {
    let tables = sections(records);
    let tables = tables.map(|records| markdown(header(records), records.iter().map(row)));
    let tables = tables.collect::<Vec<_>>().join("\n");
    format!("```sh\n{command}\n```\n{}\n\n{tables}", origin(records))
}

/// When, where and at which commits the cells were run.
fn origin(records: &[CellRecord]) -> String {
    let all = |of: &dyn Fn(&CellRecord) -> String| {
        let distinct: BTreeSet<_> = records.iter().map(of).collect();
        Vec::from_iter(distinct).join("; ")
    };
    let days = all(&|one| one.at.strftime("%Y-%m-%d").to_string());
    let testbeds = all(&|one| one.testbed.clone());
    let commits = all(&|one| match &one.git {
        Some(git) => {
            let short: String = git.commit.chars().take(8).collect();
            let changes = match git.dirty {
                Some(true) => " with changes",
                _ => "",
            };
            format!("{short}{changes}")
        }
        None => "no commit".to_owned(),
    });
    format!("Cells run on {days}, at {commits}. {testbeds}.")
}

fn sections(records: &[CellRecord]) -> impl Iterator<Item = &[CellRecord]> {
    records.chunk_by(|one, next| one.cell.workload == next.cell.workload)
}

fn header(records: &[CellRecord]) -> [&str; COLUMNS] {
    [
        &records[0].cell.workload,
        "nemesis",
        "testbed",
        "verdict",
        "grants",
        "faults landed",
        "longest overlap",
        "seed",
    ]
}

fn row(record: &CellRecord) -> [String; COLUMNS] {
    let CellRecord { cell, figures, .. } = record;
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
        verdict(record),
        figures.grants.to_string(),
        landed,
        overlap,
        seed(record),
    ]
}

fn verdict(record: &CellRecord) -> String {
    let text = verdict_text(record.verdict);
    match (&record.because, record.verdict) {
        (Some(because), Verdict::Violated | Verdict::Unknown) => format!("{text}: {because}"),
        _ => text.to_owned(),
    }
}

/// The seed of the last run, and how many others said nothing before.
fn seed(record: &CellRecord) -> String {
    match record.seeds.as_slice() {
        [] => String::new(),
        [only] => only.to_string(),
        [before @ .., last] => format!("{last}, after {} unknown", before.len()),
    }
}
