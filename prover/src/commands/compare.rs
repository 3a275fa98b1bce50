//! `prover compare`: what the same faults did in several runs, side by side.

use std::path::{Path, PathBuf};

use checker::{Hit, hits};
use history::History;
use plan::manifest::Manifest;
use report::list_table;

use crate::cli::CompareArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::reading;
use crate::store::file;

/// What is said of each fault that struck a holder.
pub(crate) const HEADER: [&str; 6] = [
    "fault",
    "lasted",
    "run",
    "noticed after",
    "granted to another after",
    "both believed for",
];

/// Prints a row for each fault that struck a holder, run by run.
pub(super) fn compare(arguments: &CompareArgs) -> Result<Exit, Failure> {
    let rows = struck(arguments.folders.iter().map(PathBuf::as_path))?;
    if rows.is_empty() {
        output::note("no fault struck a holder in any of these runs");
        return Ok(Exit::NothingSelected);
    }
    output::result(&list_table(HEADER, rows))?;
    Ok(Exit::Valid)
}

/// A row for each fault that struck a holder in the runs of these folders.
pub(crate) fn struck<'a>(
    folders: impl IntoIterator<Item = &'a Path>,
) -> Result<Vec<[String; 6]>, Failure> {
    let mut rows = Vec::new();
    for folder in folders {
        let path = folder.join(file::HISTORY);
        let manifest = reading::manifest_beside(&path)?;
        let place = place(manifest.as_ref());
        let history = reading::history(&path)?;
        let found = hits(&history, slots(manifest.as_ref(), &history));
        rows.extend(found.into_iter().map(|hit| (hit, place.clone())));
    }
    rows.sort_by_key(|(hit, _)| hit.id);
    Ok(rows.iter().map(|(hit, place)| row(hit, place)).collect())
}

/// Where a run happened.
fn place(manifest: Option<&Manifest>) -> String {
    let testbed = manifest.and_then(|manifest| manifest.testbed.as_ref());
    testbed.map_or("unknown".to_owned(), |testbed| testbed.kind.clone())
}

/// How many clients may hold a lock at one time; one, where nothing says so.
fn slots(manifest: Option<&Manifest>, history: &History) -> u32 {
    let planned = manifest.map(|manifest| manifest.plan.most_slots);
    let said = planned.or_else(|| history.outline().map(|outline| outline.slots));
    said.unwrap_or(1)
}

fn row(hit: &Hit, place: &str) -> [String; 6] {
    let time = |time: Option<u64>| time.map_or("-".to_owned(), checker::show_ns);
    [
        format!("{} {}", hit.id, hit.fault),
        time(hit.lasted),
        place.to_owned(),
        time(hit.noticed),
        time(hit.granted),
        time((hit.exposure > 0).then_some(hit.exposure)),
    ]
}
