//! Histories whose file name is the verdict:
//! `golden/<guarantee>/<what happens>[.slots-N].<verdict>.jsonl`.
//!
//! `-at-most-` in a folder's name stands for `<=`, and a folder `model-M` is for the model M.

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use checker::search::Limits;
use checker::{Finding, Scope, Verdict, guarantee, judge, linearize, parse};
use history::History;

fn children(folder: &Path) -> Vec<PathBuf> {
    let mut children: Vec<PathBuf> = fs::read_dir(folder)
        .expect("it is a folder")
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    children.sort();
    children
}

fn folders() -> Vec<PathBuf> {
    children(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"))
}

fn name(path: &Path) -> String {
    path.file_name()
        .expect("it has a name")
        .to_string_lossy()
        .into_owned()
}

/// What the history itself does not say: every fault in it was selected, by two workers; the slots
/// are in the file's name.
fn scope(history: &History, file: &str) -> Scope {
    let mut faults: Vec<String> = history
        .faults()
        .map(|event| event.function.to_string())
        .collect();
    faults.sort();
    faults.dedup();
    let slots = file
        .split('.')
        .find_map(|part| part.strip_prefix("slots-"))
        .unwrap_or("1");
    Scope {
        slots: slots.parse().expect("slots-N"),
        workers: NonZeroU32::new(2),
        faults,
        ..Scope::default()
    }
}

fn finding(folder: &str, file: &Path) -> Finding {
    let text = fs::read(file).expect("it can be read");
    let history = history::jsonl::read(text.as_slice())
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    if let Some(model) = folder.strip_prefix("model-") {
        return linearize(&history, model, Limits::none())
            .expect("the folder names a model")
            .finding;
    }
    let guarantee =
        parse(&folder.replace("-at-most-", "<=")).expect("the folder names a guarantee");
    judge(
        &history,
        &scope(&history, &name(file)),
        Limits::none(),
        &[guarantee],
    )
    .remove(0)
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
        let stem = entry
            .pattern
            .split("<=")
            .next()
            .expect("a pattern has a stem");
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
