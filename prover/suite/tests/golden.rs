//! Histories whose file name is the verdict:
//! `checker/tests/golden/<guarantee>/<what happens>[.slots-N].<verdict>.jsonl`.
//!
//! `-at-most-` in a folder's name stands for `<=`, and a folder `model-M` is for the model M.

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use checker::search::Limits;
use checker::{Finding, Verdict, guarantee};
use suite::{Criteria, Said};

fn children(folder: &Path) -> Vec<PathBuf> {
    let mut children: Vec<PathBuf> = fs::read_dir(folder)
        .expect("it is a folder")
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    children.sort();
    children
}

fn folders() -> Vec<PathBuf> {
    children(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../checker/tests/golden"))
}

fn name(path: &Path) -> String {
    path.file_name()
        .expect("it has a name")
        .to_string_lossy()
        .into_owned()
}

/// What is found in a history of two workers, through the door of `prover check`: its faults are
/// those that its nemesis names, and the slots stand in the file's name.
fn finding(folder: &str, file: &Path) -> Finding {
    let text = fs::read(file).expect("it can be read");
    let history = history::form::read(text.as_slice())
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let name = name(file);
    let slots = name.split('.').find_map(|part| part.strip_prefix("slots-"));
    let said = Said {
        slots: slots.map(|slots| slots.parse().expect("slots-N")),
        workers: NonZeroU32::new(2),
        faults: None,
    };
    let name = folder.replace("-at-most-", "<=");
    let (guarantees, models) = match name.strip_prefix("model-") {
        Some(model) => (vec![], vec![model.to_owned()]),
        None => (vec![name], vec![]),
    };
    let criteria = Criteria::bare(&history).expect("known").said(said);
    let criteria = criteria
        .chosen(&guarantees, &models)
        .expect("the folder names a guarantee");
    let judgement = criteria.judge(&history, None, Limits::none());
    let mut rows = judgement.expect("the folder names a model").guarantees;
    rows.remove(0).finding
}

#[test]
fn the_file_name_is_the_verdict() {
    let mut wrong = Vec::new();
    for folder in folders() {
        for file in children(&folder) {
            let found = finding(&name(&folder), &file);
            let expected = name(&file)
                .rsplit('.')
                .nth(1)
                .expect("a verdict stands in the name")
                .to_owned();
            if found.verdict.to_string() != expected {
                wrong.push(format!(
                    "{}: {} ({:?})",
                    file.display(),
                    found.verdict,
                    found.reason
                ));
            }
            assert_eq!(
                found.verdict == Verdict::Unknown,
                found.reason.is_some(),
                "{}",
                file.display()
            );
            assert_eq!(
                found.verdict == Verdict::Violated,
                !found.violations.is_empty(),
                "{}",
                file.display()
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_guarantee_has_histories_of_each_verdict_that_it_can_have() {
    for entry in guarantee::ALL {
        let stem = checker::stem(entry.pattern);
        let files: Vec<String> = folders()
            .iter()
            .filter(|folder| {
                name(folder) == stem || name(folder).starts_with(&format!("{stem}-at-most-"))
            })
            .flat_map(|folder| {
                children(folder)
                    .iter()
                    .map(|file| name(file))
                    .collect::<Vec<_>>()
            })
            .collect();
        let bad = if stem == "coverage" {
            "unknown"
        } else {
            "violated"
        };
        for verdict in ["valid", bad] {
            let is_there = files
                .iter()
                .any(|file| file.ends_with(&format!(".{verdict}.jsonl")));
            assert!(is_there, "{stem} has no {verdict} history");
        }
    }
}
