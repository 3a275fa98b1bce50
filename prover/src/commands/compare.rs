//! `prover compare`: what the same faults did in several runs, side by side.

use std::path::Path;

use report::{Hit, hits, list_table};

use crate::cli::CompareArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::reading;
use crate::store::file;

/// Prints a row for each fault that struck a holder, run by run.
pub(super) fn compare(arguments: &CompareArgs) -> Result<Exit, Failure> {
    let mut rows = Vec::new();
    for folder in &arguments.folders {
        let path = folder.join(file::HISTORY);
        let place = place(&path)?;
        let found = hits(&reading::history(&path)?);
        rows.extend(found.into_iter().map(|hit| (hit, place.clone())));
    }
    if rows.is_empty() {
        output::note("no fault struck a holder in any of these runs");
        return Ok(Exit::NothingSelected);
    }
    rows.sort_by_key(|(hit, _)| hit.id);
    let header = [
        "fault",
        "lasted",
        "run",
        "noticed after",
        "granted to another after",
        "both believed for",
    ];
    output::result(&list_table(
        header,
        rows.iter().map(|(hit, place)| row(hit, place)),
    ))?;
    Ok(Exit::Valid)
}

/// Where a run happened.
fn place(history: &Path) -> Result<String, Failure> {
    let manifest = reading::manifest_beside(history)?;
    let testbed = manifest.and_then(|manifest| manifest.testbed);
    Ok(testbed.map_or("unknown".to_owned(), |testbed| testbed.kind))
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
