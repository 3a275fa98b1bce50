//! All runs below the results. What has not changed is not read again.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use site::{FileEntry, Group, GroupKind, Run};

use super::folder::{self, Stamp};
use crate::failure::Failure;
use crate::store::file;

/// Folders that lie deeper are no results.
const DEPTH_MAX: usize = 16;

/// The folder of the results.
#[derive(Debug)]
pub(crate) struct Shelf {
    root: PathBuf,
    /// How the results are called in commands.
    pub(crate) called: String,
    read: Mutex<BTreeMap<String, Known>>,
}

/// A run that was read, and when it must be read again.
#[derive(Debug)]
struct Known {
    stamps: [Stamp; 3],
    files: Vec<FileEntry>,
    run: Option<Arc<Run>>,
}

/// What lies there now.
#[derive(Debug, Default)]
pub(crate) struct Shelved {
    /// The runs, in the order of their paths.
    pub(crate) runs: Vec<Arc<Run>>,
    /// What many of them were made for together, in the order of their paths.
    pub(crate) groups: Vec<Group>,
}

impl Shelf {
    /// Of these results.
    pub(crate) fn open(results: &Path) -> Result<Self, Failure> {
        let failed = |source| Failure::Open {
            path: results.to_owned(),
            source,
        };
        let root = fs::canonicalize(results).map_err(failed)?;
        fs::read_dir(&root).map_err(failed)?;
        Ok(Self {
            root,
            called: results.to_string_lossy().into_owned(),
            read: Mutex::default(),
        })
    }

    /// Whether a folder that is there lies in the results.
    pub(crate) fn holds(&self, folder: &Path) -> bool {
        fs::canonicalize(folder).is_ok_and(|real| real.starts_with(&self.root))
    }

    /// Everything that lies there.
    pub(crate) fn all(&self) -> Shelved {
        let mut all = Shelved::default();
        self.walk(&self.root, "", DEPTH_MAX, &mut all);
        all
    }

    fn walk(&self, folder: &Path, prefix: &str, depth: usize, all: &mut Shelved) {
        let mut entries = folder::entries(folder);
        entries.retain(|(_, there)| there.is_dir());
        entries.sort_by(|one, other| one.0.cmp(&other.0));
        for (name, _) in entries {
            let (inner, path) = (folder.join(&name), format!("{prefix}{name}"));
            all.runs.extend(self.run(&path));
            all.groups.extend(group(&inner, &path));
            if depth > 0 {
                self.walk(&inner, &format!("{path}/"), depth - 1, all);
            }
        }
    }

    /// The run at a path below the results, if there is one.
    pub(crate) fn run(&self, path: &str) -> Option<Arc<Run>> {
        let folder = self.located(path)?;
        folder::plain(&folder.join(file::MANIFEST))?;
        let (stamps, files) = (folder::stamps(&folder), folder::files(&folder));
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = read.get(path)
            && known.stamps == stamps
            && known.files == files
        {
            return known.run.clone();
        }
        let run = Run::of(folder::read(&folder, path, files.clone())).map(Arc::new);
        let known = Known {
            stamps,
            files,
            run: run.clone(),
        };
        read.insert(path.to_owned(), known);
        run
    }

    /// What many runs at a path below the results were made for together, if there is such a thing.
    pub(crate) fn group(&self, path: &str) -> Option<Group> {
        group(&self.located(path)?, path)
    }

    /// The folder or file at a path below the results. Nothing where it is no such path, or leads
    /// out of the results.
    pub(crate) fn located(&self, path: &str) -> Option<PathBuf> {
        let is_plain =
            |part: &str| !["", ".", ".."].contains(&part) && !part.contains(['\\', '\0']);
        if !path.split('/').all(is_plain) {
            return None;
        }
        let real = fs::canonicalize(self.root.join(path)).ok()?;
        real.starts_with(&self.root).then_some(real)
    }

    /// A file of a run, or of a campaign. Nothing else that lies around is shown.
    pub(crate) fn file(&self, path: &str) -> io::Result<PathBuf> {
        let nothing = || io::Error::from(io::ErrorKind::NotFound);
        let real = self.located(path).ok_or_else(nothing)?;
        let folders = real.ancestors().skip(1);
        let mut below = folders.take_while(|folder| **folder != *self.root);
        if folder::plain(&real).is_some() && below.any(folder::is_of_its_own) {
            return Ok(real);
        }
        Err(nothing())
    }
}

impl Shelved {
    /// The runs, as pages take them.
    pub(crate) fn runs(&self) -> Vec<&Run> {
        self.runs.iter().map(Arc::as_ref).collect()
    }

    /// The groups, as pages take them.
    pub(crate) fn groups(&self) -> Vec<&Group> {
        self.groups.iter().collect()
    }
}

fn group(folder: &Path, path: &str) -> Option<Group> {
    let mut kinds = GroupKind::ALL.into_iter();
    kinds.find_map(|kind| {
        let text = folder::text(&folder.join(kind.file()))?;
        Some(Group::of(
            path.to_owned(),
            kind,
            text,
            folder::files(folder),
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shelf() -> (tempfile::TempDir, Shelf) {
        let place = tempfile::tempdir().expect("a temporary folder");
        let run = place.path().join("results/lock-mutex/1");
        fs::create_dir_all(run.join("plots")).expect("writable");
        for (name, text) in [
            ("results/lock-mutex/1/manifest.json", "{"),
            ("results/lock-mutex/1/plots/a.svg", "<svg/>"),
            ("results/notes.txt", "mine"),
            ("secret.txt", "secret"),
        ] {
            fs::write(place.path().join(name), text).expect("writable");
        }
        let shelf = Shelf::open(&place.path().join("results")).expect("it is there");
        (place, shelf)
    }

    #[test]
    fn a_path_stays_below_the_results() {
        let (place, shelf) = shelf();
        #[cfg(unix)]
        {
            use std::os::unix::fs::symlink;
            let run = place.path().join("results/lock-mutex/1");
            symlink(place.path().join("secret.txt"), run.join("out.txt")).expect("writable");
            symlink(place.path(), run.join("up")).expect("writable");
            symlink("1", run.with_file_name("latest")).expect("writable");
        }
        for path in [
            "../secret.txt",
            "lock-mutex/../../secret.txt",
            "/etc/passwd",
            "",
            ".",
            "lock-mutex//1",
            "lock-mutex/1/out.txt",
            "lock-mutex/1/up/secret.txt",
            "notes.txt",
            "lock-mutex/1",
            "lock-mutex/1/plots",
            "lock-mutex/1/..\\..",
            "lock-mutex/1/a\0b",
        ] {
            assert!(shelf.file(path).is_err(), "{path}");
        }
        for path in ["lock-mutex/1/manifest.json", "lock-mutex/1/plots/a.svg"] {
            assert!(shelf.file(path).is_ok(), "{path}");
        }
        #[cfg(unix)]
        assert!(shelf.file("lock-mutex/latest/manifest.json").is_ok());
        drop(place);
    }

    #[test]
    fn a_run_is_read_again_when_its_files_change() {
        let (place, shelf) = shelf();
        let reason = |shelf: &Shelf| {
            let run = shelf.run("lock-mutex/1").expect("a run");
            assert_eq!(run.standing, site::Standing::Broken);
            run.reason.clone().expect("it says why")
        };
        let first = reason(&shelf);
        assert!(first.starts_with("manifest.json: "), "{first}");
        assert_eq!(reason(&shelf), first);
        let manifest = place.path().join("results/lock-mutex/1/manifest.json");
        fs::write(&manifest, r#"{"prover":"0.1.0"}"#).expect("writable");
        assert_ne!(reason(&shelf), first);
        // That of another program is none of ours.
        fs::write(&manifest, r#"{"name":"some-package"}"#).expect("writable");
        assert!(shelf.run("lock-mutex/1").is_none());
        assert!(shelf.all().runs.is_empty());
    }
}
