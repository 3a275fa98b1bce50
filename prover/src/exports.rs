//! Where a proof is told to other tools: files that were asked for, and GitHub.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use gate::{ALL, Export, Subject, named};
use plan::nearest;
use same_file::is_same_file;

use crate::failure::Failure;
use crate::output;
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

/// Makes sure, before anything runs, that each report has a file of its own that can be written and is
/// not one of these, which are read.
pub(crate) fn check(reports: &[ReportTo], read: &[PathBuf]) -> Result<(), Failure> {
    for (place, report) in reports.iter().enumerate() {
        let path = &report.path;
        reading::ensure_no_part_of_a_run(path)?;
        let is = |other: &PathBuf| other == path || is_same_file(other, path).unwrap_or(false);
        let mut others = reports[..place].iter().map(|it| &it.path).chain(read);
        if others.any(is) {
            return Err(Failure::ReportOver(path.clone()));
        }
        let opened = make_folder(path).and_then(|()| match path.exists() {
            true => OpenOptions::new().append(true).open(path).map(drop),
            false => Ok(()),
        });
        opened.map_err(|source| Failure::Write {
            path: path.clone(),
            source,
        })?;
    }
    Ok(())
}

fn make_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent();
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    folder.map_or(Ok(()), fs::create_dir_all)
}

/// Writes each report to its file.
pub(crate) fn write(reports: &[ReportTo], subject: Subject<'_>) -> Result<(), Failure> {
    for report in reports {
        let path = &report.path;
        make_folder(path)
            .and_then(|()| fs::write(path, report.form.text(subject)))
            .map_err(|source| Failure::Write {
                path: path.clone(),
                source,
            })?;
    }
    Ok(())
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
