//! `prover replay`: a stored run once more.

use std::path::Path;

use super::{Failure, reading, run};
use crate::cli::{ReplayArgs, RunArgs};
use crate::exit::Exit;
use crate::store::file;
use crate::words::arguments;

/// Runs again what is stored in a folder, with the same plan and the same schedule.
pub(super) async fn replay(replay: &ReplayArgs) -> Result<Exit, Failure> {
    let stored = stored(&replay.folder)?;
    let arguments = RunArgs {
        testbed: replay.testbed.clone().unwrap_or(stored.testbed.clone()),
        results: replay.results.clone(),
        format: replay.format,
        quiet: replay.quiet,
        ..stored
    };
    run::run_with(&arguments, Some(reading::schedule_in(&replay.folder)?)).await
}

/// The options of a stored run.
pub(super) fn stored(folder: &Path) -> Result<RunArgs, Failure> {
    let history = folder.join(file::HISTORY);
    let manifest = reading::manifest_beside(&history)?;
    let manifest = manifest.ok_or_else(|| Failure::NoRun(folder.to_owned()))?;
    if manifest.words.is_empty() {
        return Err(Failure::NoRun(folder.to_owned()));
    }
    let mut arguments = arguments(&manifest.words).map_err(|error| Failure::StoredOptions {
        path: folder.join(file::MANIFEST),
        reason: error.kind().to_string(),
    })?;
    // Where `auto` found no Docker the run was a simulated one, and is again.
    if manifest
        .testbed
        .is_some_and(|testbed| testbed.caveat().is_some())
    {
        arguments.testbed = "sim".to_owned();
        (arguments.rabbitmq, arguments.toxiproxy, arguments.keep) = (None, None, false);
    }
    Ok(arguments)
}
