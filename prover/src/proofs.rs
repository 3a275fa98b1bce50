//! Proofs as they are stored: `proof.json` in a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};

use claims::Proof;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::failure::Failure;
use crate::schema::Schema;
use crate::store::{StoreError, fresh_folder};

/// What its file is called.
pub(crate) const FILE: &str = "proof.json";

/// Where proofs are, in the folder of all results.
const FOLDER: &str = "prove";

/// Reads a proof.
pub(crate) fn read(path: &Path) -> Result<Proof, Failure> {
    let text = fs::read_to_string(path).map_err(|source| Failure::Open {
        path: path.to_owned(),
        source,
    })?;
    let wrong = |source| Failure::Proof {
        path: path.to_owned(),
        source,
    };
    let json: serde_json::Value = serde_json::from_str(&text).map_err(wrong)?;
    Schema::PROOF.check(&json).map_err(|form| {
        wrong(serde::de::Error::custom(format!(
            "it has the form {form}: use the prover that made it"
        )))
    })?;
    serde_json::from_value(json).map_err(wrong)
}

/// The proofs in a folder: its own, else all below it. A link is not followed.
pub(crate) fn below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let own = folder.join(FILE);
        if own.is_file() {
            found.push(own);
            continue;
        }
        let failed = |source| Failure::Open {
            path: folder.clone(),
            source,
        };
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_type().map_err(failed)?.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    found.sort();
    if found.is_empty() {
        return Err(Failure::NoProof(folder.to_owned()));
    }
    Ok(found)
}

/// The one proof in a folder.
pub(crate) fn the_one_in(folder: &Path) -> Result<Proof, Failure> {
    match &*below(folder)? {
        [one] => read(one),
        _ => Err(Failure::ManyProofs(folder.to_owned())),
    }
}

/// A new folder for a proof.
pub(crate) fn new_folder(results: &Path, now: Timestamp) -> Result<PathBuf, StoreError> {
    fresh_folder(&results.join(FOLDER), now)
}

/// Today, for what is accepted until a day: in UTC, so that it is the same on all machines.
pub(crate) fn today() -> Date {
    TimeZone::UTC.to_datetime(Timestamp::now()).date()
}
