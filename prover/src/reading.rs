//! Reads what is stored: histories in either format, and manifests.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::Path;

use history::{History, edn, jsonl};
use nemesis::Schedule;
use plan::manifest::Manifest;

use crate::failure::Failure;
use crate::output;
use crate::store::file;

/// The format of a history's file, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One JSON object a line.
    JsonLines,
    /// Jepsen's.
    Edn,
}

impl Form {
    /// `*.edn` is EDN, everything else JSON Lines.
    pub(super) fn of(path: &Path) -> Self {
        let is_edn = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("edn"));
        if is_edn { Self::Edn } else { Self::JsonLines }
    }
}

/// Reads a history.
pub(super) fn history(path: &Path) -> Result<History, Failure> {
    let opened = File::open(path).map_err(|source| Failure::Open {
        path: path.to_owned(),
        source,
    })?;
    let path = path.to_owned();
    match Form::of(&path) {
        Form::JsonLines => {
            jsonl::read(BufReader::new(opened)).map_err(|source| Failure::History { path, source })
        }
        Form::Edn => {
            edn::read(BufReader::new(opened)).map_err(|source| Failure::Edn { path, source })
        }
    }
}

/// The manifest beside a history, if there is one. What another program calls so is left aside.
pub(super) fn manifest_beside(history: &Path) -> Result<Option<Manifest>, Failure> {
    let path = history.with_file_name(file::MANIFEST);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Failure::Open { path, source }),
    };
    let parsed =
        is_ours(&text).and_then(|is_ours| is_ours.then(|| serde_json::from_str(&text)).transpose());
    if let Ok(None) = parsed {
        output::note(&format!(
            "note: {} is no manifest of the prover (it has no field \"prover\"), so it is left aside",
            path.display()
        ));
    }
    parsed.map_err(|source| Failure::Manifest { path, source })
}

/// A manifest that is no JSON at all may be one of ours that was damaged, so that is an error.
fn is_ours(manifest: &str) -> serde_json::Result<bool> {
    let json: serde_json::Value = serde_json::from_str(manifest)?;
    Ok(json.get("prover").is_some())
}

/// The schedule of a stored run.
pub(super) fn schedule_in(folder: &Path) -> Result<Schedule, Failure> {
    let path = folder.join(file::SCHEDULE);
    let text = fs::read_to_string(&path).map_err(|source| Failure::Open { path, source })?;
    Ok(Schedule::parse(&text).map_err(plan::PlanError::Schedule)?)
}
