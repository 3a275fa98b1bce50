//! The results store: one folder a run, made before the run begins, so that a disk that is full or
//! not writable is noticed in time.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

/// Where results are stored if nobody says.
pub const RESULTS: &str = "results";

/// The folder of one run.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    history: Option<File>,
}

/// A file or folder of the store could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {source}; choose another place with --results")]
pub struct StoreError {
    path: PathBuf,
    source: io::Error,
}

/// The names of the files in a run's folder.
pub mod file {
    /// Versions, plan, seed, testbed, and how the run ended.
    pub const MANIFEST: &str = "manifest.json";
    /// What happened.
    pub const HISTORY: &str = "history.jsonl";
    /// What was to break when.
    pub const SCHEDULE: &str = "schedule.json";
    /// What is left of the schedule where the run was shrunk.
    pub const SHRUNK: &str = "shrunk.json";
    /// What was found out.
    pub const VERDICT: &str = "verdict.json";
    /// The evidence for it.
    pub const CERTIFICATE: &str = "certificate.json";
    /// All of it for people.
    pub const REPORT: &str = "report.html";
    /// What many runs showed together, in the folder of a campaign.
    pub const CAMPAIGN: &str = "campaign.json";
    /// The prover's own log.
    pub const LOG: &str = "run.log";
    /// What a run has that was judged.
    pub const OF_WHOLE_RUN: [&str; 4] = [MANIFEST, HISTORY, VERDICT, CERTIFICATE];
    /// All of them.
    pub const OF_A_RUN: [&str; 8] = [
        MANIFEST,
        HISTORY,
        SCHEDULE,
        SHRUNK,
        VERDICT,
        CERTIFICATE,
        REPORT,
        LOG,
    ];
}

impl Store {
    /// Makes `<results>/<name>/<time>/` with the files that grow during the run.
    ///
    /// # Errors
    /// Something cannot be written there.
    pub fn open(results: &Path, name: &str, now: Timestamp) -> Result<Self, StoreError> {
        let store = Self::open_among(results, name, now)?;
        point_latest(results, &store.folder);
        Ok(store)
    }

    /// The same without the link `latest`: one of many runs that are stored together. Who copies them
    /// may follow links, and a run that is there twice is one that nobody counted.
    ///
    /// # Errors
    /// Something cannot be written there.
    pub fn open_among(results: &Path, name: &str, now: Timestamp) -> Result<Self, StoreError> {
        Self::beginning(fresh_folder(&results.join(name), now)?)
    }

    /// The same in a folder that is made here; no link leads there.
    ///
    /// # Errors
    /// Something cannot be written there.
    pub fn make(folder: &Path) -> Result<Self, StoreError> {
        fs::create_dir(folder).map_err(|source| StoreError {
            path: folder.to_owned(),
            source,
        })?;
        Self::beginning(folder.to_owned())
    }

    /// Makes `<results>/campaign/<name>/<time>/`, for what many runs show together.
    ///
    /// # Errors
    /// Something cannot be written there.
    pub fn open_campaign(results: &Path, name: &str, now: Timestamp) -> Result<Self, StoreError> {
        let folder = fresh_folder(&results.join("campaign").join(name), now)?;
        Ok(Self {
            folder,
            history: None,
        })
    }

    /// Makes the files that grow during a run.
    fn beginning(folder: PathBuf) -> Result<Self, StoreError> {
        let mut store = Self {
            folder,
            history: None,
        };
        store.history = Some(store.create(file::HISTORY)?);
        store.create(file::LOG)?;
        Ok(store)
    }

    /// Where everything is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The path of one file.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The file that the history grows in; there is only one to take.
    pub fn take_history(&mut self) -> Option<File> {
        self.history.take()
    }

    /// Writes a file whole: a kill leaves the old one or the new one, never half of it.
    ///
    /// # Errors
    /// It could not be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
        write_whole(&self.path(name), bytes)
    }

    /// Writes a value as JSON for people and programs.
    ///
    /// # Errors
    /// It could not be written.
    pub fn write_json(&self, name: &str, value: &impl serde::Serialize) -> Result<(), StoreError> {
        let mut text = serde_json::to_string_pretty(value).map_err(|error| StoreError {
            path: self.path(name),
            source: error.into(),
        })?;
        text.push('\n');
        self.write(name, text.as_bytes())
    }

    fn create(&self, name: &str) -> Result<File, StoreError> {
        let path = self.path(name);
        File::options()
            .append(true)
            .create_new(true)
            .open(&path)
            .map_err(|source| StoreError { path, source })
    }
}

/// Writes a file whole: a kill leaves the old one or the new one, never half of it.
///
/// # Errors
/// It could not be written.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let unfinished = path.with_added_extension("unfinished");
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&unfinished, bytes))
        .and_then(|()| fs::rename(&unfinished, path))
        .map_err(|source| StoreError {
            path: path.to_owned(),
            source,
        })
}

/// A new folder in `parent`, named after the time. Two runs that begin in the same millisecond
/// still get a folder each.
pub(crate) fn fresh_folder(parent: &Path, now: Timestamp) -> Result<PathBuf, StoreError> {
    let failed = |path: &Path, source| StoreError {
        path: path.to_owned(),
        source,
    };
    fs::create_dir_all(parent).map_err(|error| failed(parent, error))?;
    let stamp = now.strftime("%Y%m%dT%H%M%S.%3fZ").to_string();
    for attempt in 0_u32.. {
        let name = if attempt == 0 {
            stamp.clone()
        } else {
            format!("{stamp}-{attempt}")
        };
        let folder = parent.join(name);
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(&folder, error)),
        }
    }
    unreachable!("some number is free")
}

/// `results/latest` is a convenience: a file system without links does without it, and what
/// somebody else has put there stays.
fn point_latest(results: &Path, folder: &Path) {
    let link = results.join("latest");
    if fs::symlink_metadata(&link).is_ok_and(|there| !there.is_symlink()) {
        return;
    }
    let Ok(target) = folder.strip_prefix(results) else {
        return;
    };
    #[cfg(unix)]
    {
        let fresh = results.join(format!(".latest.{}", std::process::id()));
        if std::os::unix::fs::symlink(target, &fresh).is_ok() && fs::rename(&fresh, &link).is_err()
        {
            let _ = fs::remove_file(&fresh);
        }
    }
    #[cfg(not(unix))]
    let _ = (link, target);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_has_its_own_folder_and_latest_is_the_newest() {
        let results = tempfile::tempdir().expect("a temporary folder");
        let now: Timestamp = "2026-02-03T04:05:06.789Z".parse().expect("a time");
        let first = Store::open(results.path(), "lock-mutex", now).expect("writable");
        let second = Store::open(results.path(), "lock-mutex", now).expect("writable");
        assert!(
            first.folder().ends_with("lock-mutex/20260203T040506.789Z"),
            "{:?}",
            first.folder()
        );
        assert!(
            second
                .folder()
                .ends_with("lock-mutex/20260203T040506.789Z-1")
        );
        let latest = fs::canonicalize(results.path().join("latest")).expect("a link");
        assert_eq!(latest, fs::canonicalize(second.folder()).expect("a folder"));
    }

    #[test]
    fn what_is_called_latest_and_is_no_link_stays() {
        let results = tempfile::tempdir().expect("a temporary folder");
        let file = results.path().join("latest");
        fs::write(&file, "mine").expect("writable");
        Store::open(results.path(), "lock-mutex", Timestamp::now()).expect("writable");
        assert_eq!(fs::read_to_string(&file).expect("it stays"), "mine");
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let results = tempfile::tempdir().expect("a temporary folder");
        let occupied = results.path().join("taken");
        fs::write(&occupied, "a file").expect("writable");
        let error = Store::open(&occupied, "lock-mutex", Timestamp::now())
            .expect_err("a file is no folder");
        assert!(error.to_string().contains("--results"), "{error}");
    }
}
