//! Reads what is stored: histories in every form, and manifests.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use history::{History, form};
use nemesis::Schedule;
use plan::manifest::{Manifest, Recorded};
use serde::de::Error;

use crate::failure::Failure;
use crate::output;
use crate::schema::Schema;
use crate::store::file;

/// Stands for standard input, and for standard output where something is written.
const STANDARD: &str = "-";

/// Whether a path stands for standard input or output.
pub(super) fn is_standard(path: &Path) -> bool {
    path.as_os_str() == STANDARD
}

/// The history of a folder, in the order of preference: ours, and Jepsen's.
const HISTORIES: [&str; 4] = [
    file::HISTORY,
    "history.edn",
    "history.jsonl.gz",
    "history.edn.gz",
];

/// Where a history is: the file itself, or the one in the folder of a run, ours or Jepsen's.
pub(super) fn located(path: &Path) -> Result<PathBuf, Failure> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let mut files = HISTORIES.iter().map(|name| path.join(name));
    files
        .find(|file| file.exists())
        .ok_or_else(|| Failure::NoHistory(path.to_owned()))
}

/// Reads a history.
pub(super) fn history(path: &Path) -> Result<History, Failure> {
    read(path, form::read)
}

/// Reads a history, if asked to one of `jepsen.independent`.
pub(super) fn history_by_key(path: &Path, is_independent: bool) -> Result<History, Failure> {
    if is_independent {
        read(path, form::read_independent)
    } else {
        history(path)
    }
}

fn read(
    path: &Path,
    reader: impl Fn(Box<dyn Read>) -> Result<History, form::ReadError>,
) -> Result<History, Failure> {
    let path = located(path)?;
    let source: Box<dyn Read> = if is_standard(&path) {
        Box::new(io::stdin())
    } else {
        match File::open(&path) {
            Ok(file) => Box::new(file),
            Err(source) => return Err(Failure::Open { path, source }),
        }
    };
    unpacked(source)
        .map_err(form::ReadError::Io)
        .and_then(reader)
        .map_err(|source| Failure::History { path, source })
}

/// What was packed with gzip, whatever it is called, and everything else as it is.
fn unpacked(source: Box<dyn Read>) -> io::Result<Box<dyn Read>> {
    const MAGIC: [u8; 2] = [0x1f, 0x8b];
    let mut source = BufReader::new(source);
    let mut beginning = Vec::new();
    let length = MAGIC.len() as u64;
    source.by_ref().take(length).read_to_end(&mut beginning)?;
    let is_packed = beginning == MAGIC;
    let whole = Cursor::new(beginning).chain(source);
    if is_packed {
        Ok(Box::new(BufReader::new(MultiGzDecoder::new(whole))))
    } else {
        Ok(Box::new(whole))
    }
}

/// The manifest beside a history, if there is one. What another program calls so is left aside.
pub(super) fn manifest_beside(history: &Path) -> Result<Option<Manifest>, Failure> {
    if is_standard(history) {
        return Ok(None);
    }
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

/// Fails where a file of a run stands by this name: nothing may take its place.
pub(super) fn ensure_no_part_of_a_run(target: &Path) -> Result<(), Failure> {
    let name = target.file_name().and_then(OsStr::to_str);
    let is_named = name.is_some_and(|name| file::OF_A_RUN.contains(&name));
    if is_named && target.exists() && target.with_file_name(file::MANIFEST).exists() {
        return Err(Failure::OverRun(target.to_owned()));
    }
    Ok(())
}

/// What the certificate beside the history of a run says that was recorded, if there is one.
pub(super) fn recorded_beside(history: &Path) -> Result<Option<Recorded>, Failure> {
    let path = history.with_file_name(file::CERTIFICATE);
    match fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text)
            .map(Some)
            .map_err(|source| Failure::Recorded { path, source }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Failure::Open { path, source }),
    }
}

/// A manifest that is no JSON at all may be one of ours that was damaged, so that is an error.
fn is_ours(manifest: &str) -> serde_json::Result<bool> {
    let json: serde_json::Value = serde_json::from_str(manifest)?;
    Schema::MANIFEST.check(&json).map_err(|form| {
        serde_json::Error::custom(format!(
            "it has the form {form}, which this program does not read: use the prover that made it"
        ))
    })?;
    Ok(json.get("prover").is_some())
}

/// The schedule of a stored run.
pub(super) fn schedule_in(folder: &Path) -> Result<Schedule, Failure> {
    let path = folder.join(file::SCHEDULE);
    let text = fs::read_to_string(&path).map_err(|source| Failure::Open { path, source })?;
    Ok(Schedule::parse(&text).map_err(plan::PlanError::Schedule)?)
}
