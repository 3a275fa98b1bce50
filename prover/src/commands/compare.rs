//! `prover compare`: what the same faults did in several runs, side by side.

use std::path::Path;

use report::{Effect, effects, list_table};

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
        let found = effects(&reading::history(&path)?);
        rows.extend(found.into_iter().map(|effect| (effect, place.clone())));
    }
    if rows.is_empty() {
        output::note("no fault struck a holder in any of these runs");
        return Ok(Exit::NothingSelected);
    }
    rows.sort_by_key(|(effect, _)| effect.id);
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
        rows.iter().map(|(effect, place)| row(effect, place)),
    ))?;
    Ok(Exit::Valid)
}

/// Where a run happened.
fn place(history: &Path) -> Result<String, Failure> {
    let manifest = reading::manifest_beside(history)?;
    let testbed = manifest.and_then(|manifest| manifest.testbed);
    Ok(testbed.map_or("unknown".to_owned(), |testbed| testbed.kind))
}

fn row(effect: &Effect, place: &str) -> [String; 6] {
    let time = |time: Option<u64>| time.map_or("-".to_owned(), checker::show_ns);
    [
        format!("{} {}", effect.id, effect.fault),
        time(effect.lasted),
        place.to_owned(),
        time(effect.noticed),
        time(effect.granted),
        time((effect.exposure > 0).then_some(effect.exposure)),
    ]
}
