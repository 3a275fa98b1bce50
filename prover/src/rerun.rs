//! A run of a campaign once more, to have it whole: its seed makes the same run again.

use std::path::Path;

use plan::Plan;
use plan::spec::RunSpec;
use suite::{recorded, simulate};
use testbed::Described;

use crate::conclusion::{begin_in, conclude, keep};
use crate::failure::Failure;
use crate::record;
use crate::schema::Schema;
use crate::store::{Store, file};

/// Makes the simulated run of a spec again, and stores it in this folder, which is new, like any
/// other run.
pub(crate) fn rerun(
    spec: &RunSpec,
    folder: &Path,
    commit: Option<&str>,
    repeat: &str,
) -> Result<(), Failure> {
    let mut plan = Plan::new(spec)?;
    let mut store = Store::make(folder)?;
    let mut manifest = begin_in(&store, &plan, commit)?;
    manifest.testbed = Some(Described::simulated());
    let recording = record::recording(&mut store);
    let ran = simulate(&plan, recording, std::future::pending()).map_err(Failure::from);
    record::note(&mut manifest, &ran);
    store.write_json(file::MANIFEST, &Schema::MANIFEST.mark(&manifest))?;
    ran?;
    let conclusion = conclude(&mut plan, &store, &manifest)?;
    manifest.recorded = Some(recorded(&conclusion.history));
    store.write_json(file::MANIFEST, &Schema::MANIFEST.mark(&manifest))?;
    keep(&store, &manifest, &conclusion, repeat)
}
