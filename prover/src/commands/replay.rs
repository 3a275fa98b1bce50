//! `prover replay`: a stored run once more.

use std::path::Path;

use plan::spec::RunSpec;

use super::{power, run};
use crate::cli::ReplayArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::reading;
use crate::store::file;

/// Runs again what is stored in a folder, with the same plan and the same schedule.
pub(super) async fn replay(replay: &ReplayArgs) -> Result<Exit, Failure> {
    let stored = stored(&replay.folder)?;
    let spec = RunSpec {
        testbed: replay.testbed.clone().unwrap_or(stored.testbed.clone()),
        ..stored
    };
    let schedule = reading::schedule_in(&replay.folder)?;
    run::run_with(&spec, Some(schedule), power::WITHIN, &replay.output).await
}

/// What was asked of a stored run.
pub(super) fn stored(folder: &Path) -> Result<RunSpec, Failure> {
    let history = folder.join(file::HISTORY);
    let manifest = reading::manifest_beside(&history)?;
    let manifest = manifest.ok_or_else(|| Failure::NoRun(folder.to_owned()))?;
    Ok(manifest.ran())
}
