//! Where a proof is told to other tools: files that were asked for, and GitHub.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use gate::{ALL, Export, Subject, attestation, named};
use plan::nearest;
use same_file::is_same_file;

use crate::cli::EndingArgs;
use crate::failure::Failure;
use crate::output;
use crate::proofs;
use crate::reading;

/// A form of a proof, and the file that it goes to: `junit=report.xml`.
#[derive(Clone, Debug)]
pub struct ReportTo {
    form: &'static dyn Export,
    path: PathBuf,
}

impl PartialEq for ReportTo {
    fn eq(&self, other: &Self) -> bool {
        (self.form.name(), &self.path) == (other.form.name(), &other.path)
    }
}

/// A text that names no form and file.
#[derive(Debug, thiserror::Error)]
#[error("write it as KIND=PATH, such as junit=junit.xml; kinds are {}{hint}", names().join(", "))]
pub struct NoReport {
    hint: String,
}

fn names() -> Vec<&'static str> {
    ALL.iter().map(|form| form.name()).collect()
}

impl FromStr for ReportTo {
    type Err = NoReport;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hint = |name: &str| {
            let near = nearest(name, &names());
            near.map_or(String::new(), |near| format!(": did you mean {near}?"))
        };
        let (name, path) = text.split_once('=').unwrap_or((text, ""));
        match named(name) {
            Some(form) if !path.is_empty() => Ok(Self {
                form,
                path: path.into(),
            }),
            Some(_) => Err(NoReport {
                hint: String::new(),
            }),
            None => Err(NoReport { hint: hint(name) }),
        }
    }
}

/// What the files that are written at the end must not be written over.
pub(crate) struct Kept<'a> {
    /// What is read.
    pub(crate) files: &'a [PathBuf],
    /// The folders of proofs that are read.
    pub(crate) proofs: &'a [PathBuf],
}

/// The files that say what a proof is, and that it is the one that was attested.
const OF_PROOFS: [&str; 2] = [proofs::FILE, attestation::FILE];

/// Makes sure, before anything runs, that each of these has a file of its own that can be written and
/// is none of those that are kept.
pub(crate) fn check(ending: &EndingArgs, kept: &Kept<'_>) -> Result<(), Failure> {
    let reports = ending.reports.iter().map(|report| &report.path);
    let written: Vec<&PathBuf> = reports.chain(&ending.folder_to).collect();
    // Not before all are known to be harmless: this makes folders, and a path may lead elsewhere by them.
    check_places(&written, kept)?;
    written.iter().try_for_each(|path| ensure_writable(path))?;
    check_places(&written, kept)
}

fn check_places(written: &[&PathBuf], kept: &Kept<'_>) -> Result<(), Failure> {
    for (place, path) in written.iter().enumerate() {
        reading::ensure_no_part_of_a_run(path)?;
        let is = |other: &PathBuf| other == *path || is_same_file(other, path).unwrap_or(false);
        let mut others = written[..place].iter().copied().chain(kept.files);
        if others.any(is) || is_of_a_proof(path, kept.proofs) {
            return Err(Failure::ReportOver(path.to_path_buf()));
        }
    }
    Ok(())
}

/// Whether a file is in one of these folders, or one of those by which a proof is known.
fn is_of_a_proof(path: &Path, proofs: &[PathBuf]) -> bool {
    let name = path.file_name().and_then(OsStr::to_str);
    let is_named = name.is_some_and(|name| OF_PROOFS.contains(&name));
    let place = real(path);
    let is_in = |folder: &PathBuf| {
        real(folder)
            .zip(place.as_ref())
            .is_some_and(|(folder, place)| place.starts_with(folder))
    };
    (is_named && path.exists()) || proofs.iter().any(is_in)
}

/// Where a path leads, through all links: of what is not there yet, where its folder is.
fn real(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    path.ancestors().find_map(|above| above.canonicalize().ok())
}

fn ensure_writable(path: &Path) -> Result<(), Failure> {
    let opened = make_folder(path).and_then(|()| match path.exists() {
        true => OpenOptions::new().append(true).open(path).map(drop),
        false => Ok(()),
    });
    opened.map_err(|source| Failure::Write {
        path: path.to_owned(),
        source,
    })
}

fn make_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent();
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    folder.map_or(Ok(()), fs::create_dir_all)
}

/// Writes a report to its file.
pub(crate) fn write(report: &ReportTo, subject: Subject<'_>) -> Result<(), Failure> {
    write_text(&report.path, &report.form.text(subject))
}

/// Says in a file which folder the proof is in: a script that guesses it may take that of another.
pub(crate) fn write_folder(path: &Path, folder: &Path) -> Result<(), Failure> {
    write_text(path, &format!("{}\n", folder.display()))
}

fn write_text(path: &Path, text: &str) -> Result<(), Failure> {
    make_folder(path)
        .and_then(|()| fs::write(path, text))
        .map_err(|source| Failure::Write {
            path: path.to_owned(),
            source,
        })
}

/// Where GitHub runs this program: shows what there is to say at the lines of the claims file, and on
/// the page of the job. What a proof shows stands even if that cannot be written.
pub(crate) fn tell_github(subject: Subject<'_>) {
    if std::env::var("GITHUB_ACTIONS").is_ok_and(|it| it == "true") {
        let text = text_of("annotations", subject);
        // The runner reads both streams; results are for whoever reads stdout.
        let _ = io::stderr().write_all(text.as_bytes());
    }
    let Some(page) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else {
        return;
    };
    let text = text_of("markdown", subject);
    let opened = OpenOptions::new().append(true).create(true).open(&page);
    if let Err(error) = opened.and_then(|mut file| file.write_all(text.as_bytes())) {
        output::note(&format!(
            "note: no step summary in {}: {error}",
            page.display()
        ));
    }
}

fn text_of(name: &str, subject: Subject<'_>) -> String {
    named(name).map_or(String::new(), |form| form.text(subject))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_a_kind_and_a_path() {
        let read = "junit=a=b.xml".parse::<ReportTo>().expect("one");
        assert_eq!((read.form.name(), read.path), ("junit", "a=b.xml".into()));
        let error = |text: &str| text.parse::<ReportTo>().expect_err(text).to_string();
        assert!(
            error("junti=x").ends_with("did you mean junit?"),
            "{}",
            error("junti=x")
        );
        assert!(error("junit").contains("KIND=PATH"));
        assert!(error("junit=").contains("json, junit, ctrf, sarif, markdown, annotations"));
    }
}
