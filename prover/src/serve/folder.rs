//! Reads what lies in the folder of a run, without a judgement on it. Links are not followed:
//! whatever they lead to lies elsewhere.

use std::fs::{self, File, Metadata};
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::time::SystemTime;

use serde_json::Value;
use sha2::{Digest, Sha256};
use site::{FileEntry, Folder, GroupKind, Record};

use crate::store::file;

/// What changes when a file does.
pub(super) type Stamp = Option<(u64, SystemTime)>;

/// The stamps of what the standing of a run follows from.
pub(super) fn stamps(folder: &Path) -> [Stamp; 3] {
    [file::MANIFEST, file::VERDICT, file::HISTORY].map(|name| {
        let there = plain(&folder.join(name))?;
        Some((there.len(), there.modified().ok()?))
    })
}

/// Whether many runs lie below this folder, or one lies in it.
pub(super) fn is_of_its_own(folder: &Path) -> bool {
    let kinds = GroupKind::ALL.map(GroupKind::file);
    let marks = [file::MANIFEST].into_iter().chain(kinds);
    marks
        .into_iter()
        .any(|mark| plain(&folder.join(mark)).is_some())
}

/// What a path leads to, if that is a file and no link.
pub(super) fn plain(path: &Path) -> Option<Metadata> {
    let there = fs::symlink_metadata(path).ok()?;
    there.is_file().then_some(there)
}

/// The folder of a run, by its path below the results.
pub(super) fn read(folder: &Path, path: &str, files: Vec<FileEntry>) -> Folder {
    Folder {
        path: path.to_owned(),
        manifest: text(&folder.join(file::MANIFEST)),
        verdict: text(&folder.join(file::VERDICT)),
        record: record(&folder.join(file::HISTORY)),
        files,
    }
}

/// The text of a file, if there is one.
pub(super) fn text(path: &Path) -> Option<Result<String, String>> {
    plain(path)?;
    Some(fs::read_to_string(path).map_err(|error| error.to_string()))
}

fn record(path: &Path) -> Record {
    if plain(path).is_none() {
        return Record::Missing;
    }
    let read = File::open(path).and_then(|file| of_lines(BufReader::new(file)));
    read.unwrap_or_else(|error| Record::Unreadable(error.to_string()))
}

fn of_lines(mut lines: impl BufRead) -> io::Result<Record> {
    let mut digest = Sha256::new();
    let (mut line, mut last) = (Vec::new(), Vec::new());
    let mut events = 0;
    while lines.read_until(b'\n', &mut line)? > 0 {
        digest.update(&line);
        events += 1;
        // What a kill has torn is no event.
        if line.ends_with(b"\n") {
            std::mem::swap(&mut last, &mut line);
        }
        line.clear();
    }
    let last: Option<Value> = serde_json::from_slice(&last).ok();
    let digest = digest.finalize();
    Ok(Record::Read {
        events,
        digest: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        lasted_ns: last.and_then(|event| event["time"].as_u64()),
    })
}

/// All files of a folder by their paths in it, in the order of the names; what lies in the folder of
/// another run is left to that one.
pub(super) fn files(folder: &Path) -> Vec<FileEntry> {
    let mut files = Vec::new();
    collect(folder, "", &mut files);
    files.sort_by(|one, other| one.name.cmp(&other.name));
    files
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<FileEntry>) {
    for (name, there) in entries(folder) {
        let path = folder.join(&name);
        let name = format!("{prefix}{name}");
        if there.is_file() {
            files.push(FileEntry {
                name,
                bytes: there.len(),
            });
        } else if there.is_dir() && !is_of_its_own(&path) {
            collect(&path, &format!("{name}/"), files);
        }
    }
}

/// What lies in a folder by names that are text; links have nothing behind them.
pub(super) fn entries(folder: &Path) -> Vec<(String, Metadata)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let entry = |entry: fs::DirEntry| {
        let there = entry.metadata().ok()?;
        Some((entry.file_name().into_string().ok()?, there))
    };
    entries.filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_counted_and_what_was_torn_has_no_time() {
        let whole = of_lines(&b"{\"time\":1}\n{\"time\":7}\n"[..]).expect("it reads");
        let torn = of_lines(&b"{\"time\":1}\n{\"time\":7"[..]).expect("it reads");
        let time = |record: &Record| match record {
            Record::Read {
                events, lasted_ns, ..
            } => (*events, *lasted_ns),
            other => panic!("{other:?}"),
        };
        assert_eq!((time(&whole), time(&torn)), ((2, Some(7)), (2, Some(1))));
        assert_ne!(whole, torn);
    }

    #[test]
    fn the_files_of_another_run_are_its_own() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path();
        for inner in ["plots", "run"] {
            fs::create_dir(path.join(inner)).expect("writable");
        }
        for name in ["plots/a.svg", "manifest.json", "run/manifest.json", "run/b"] {
            fs::write(path.join(name), "x").expect("writable");
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc/passwd", path.join("link")).expect("writable");
        let names: Vec<_> = files(path).into_iter().map(|file| file.name).collect();
        assert_eq!(names, ["manifest.json", "plots/a.svg"]);
    }
}
