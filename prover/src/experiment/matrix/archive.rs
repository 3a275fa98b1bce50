//! What came of the cells so far, in one file that only grows: a matrix can be made in several
//! goes.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use checker::Verdict;

use super::cell::{Cell, CellRecord};

const CELLS: &str = "cells.jsonl";

/// The records that can be taken over, the oldest first.
pub(super) struct Archive {
    path: PathBuf,
    file: File,
    records: Vec<CellRecord>,
}

impl Archive {
    /// Opens the archive in a folder, which is made if it is not there; reads what is in it if that
    /// is to be taken over.
    ///
    /// # Errors
    /// It cannot be read or written, or contains what is no record.
    pub(super) fn open(folder: &Path, resume: bool) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let path = folder.join(CELLS);
        let file = File::options().append(true).create(true).open(&path)?;
        let records = if resume { read(&path)? } else { Vec::new() };
        Ok(Self {
            path,
            file,
            records,
        })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The newest record of a cell that says something.
    pub(super) fn find(&self, cell: &Cell) -> Option<&CellRecord> {
        let own = self.records.iter().rev().filter(|one| one.cell == *cell);
        own.into_iter().find(|one| one.verdict != Verdict::Unknown)
    }

    /// Adds a record.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn add(&mut self, record: &CellRecord) -> io::Result<()> {
        let line = serde_json::to_string(record)? + "\n";
        self.file.write_all(line.as_bytes())
    }
}

fn read(path: &Path) -> io::Result<Vec<CellRecord>> {
    let text = fs::read_to_string(path)?;
    let record = |(number, line)| {
        let wrong = |error| {
            let text = format!(
                "line {number} of {CELLS} is not the record of a cell ({error}): remove it, or leave --resume out"
            );
            io::Error::other(text)
        };
        serde_json::from_str(line).map_err(wrong)
    };
    (1..).zip(text.lines()).map(record).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::matrix::cell::tests::record;

    #[test]
    fn the_newest_record_that_says_something_is_taken_over_if_that_is_wanted() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let valid = record("exclusive-queue", Verdict::Valid);
        let violated = record("exclusive-queue", Verdict::Violated);
        let unknown = record("exclusive-queue", Verdict::Unknown);
        let mut archive = Archive::open(folder.path(), false).expect("writable");
        for record in [&violated, &valid, &unknown] {
            archive.add(record).expect("written");
        }
        let found = |resume: bool| {
            let archive = Archive::open(folder.path(), resume).expect("it is ours");
            archive.find(&valid.cell).map(|one| one.verdict)
        };
        assert_eq!(found(true), Some(Verdict::Valid));
        assert_eq!(found(false), None);
        let archive = Archive::open(folder.path(), true).expect("it is ours");
        assert!(
            archive
                .find(&record("no-lock", Verdict::Valid).cell)
                .is_none()
        );
    }

    #[test]
    fn what_is_no_record_is_refused_with_its_line() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join(CELLS), "{}\n").expect("written");
        let error = Archive::open(folder.path(), true).err().expect("no record");
        assert!(error.to_string().starts_with("line 1 of"), "{error}");
    }
}
