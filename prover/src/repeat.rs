//! The commands that do once more what was done, as they can be typed now: what is a link today may
//! lead elsewhere tomorrow.

use std::path::{Path, PathBuf};

use plan::manifest::Manifest;
use plan::spec::{RunSpec, command_line, program, typed};
use run::seed::Seeds;
use serde::Serialize;

use crate::store::RESULTS;

/// A run, and where it is stored, by the names of the options.
#[derive(Serialize)]
struct Stored<'a> {
    #[serde(flatten)]
    spec: &'a RunSpec,
    results: String,
}

/// The run of a manifest, where it was.
pub(crate) fn of_manifest(manifest: &Manifest, results: &Path) -> String {
    of_spec(&manifest.ran(), results)
}

/// A run that is stored there.
pub(crate) fn of_spec(spec: &RunSpec, results: &Path) -> String {
    let results = text(results);
    let assumed = Stored {
        spec: &RunSpec::default(),
        results: RESULTS.to_owned(),
    };
    command_line(&[], &Stored { spec, results }, &assumed)
}

/// A campaign, by the names of its options.
#[derive(Serialize)]
struct Seeded<'a> {
    #[serde(flatten)]
    run: Stored<'a>,
    seeds: Option<String>,
    #[serde(rename = "keep-going")]
    keep_going: bool,
}

/// A campaign of these seeds, whose run would be stored there.
pub(crate) fn of_seeds(spec: &RunSpec, seeds: &Seeds, keep_going: bool, results: &Path) -> String {
    let asked = Seeded {
        run: Stored {
            spec,
            results: text(results),
        },
        seeds: Some(seeds.to_string()),
        keep_going,
    };
    let assumed = Seeded {
        run: Stored {
            spec: &RunSpec::default(),
            results: RESULTS.to_owned(),
        },
        seeds: None,
        keep_going: false,
    };
    command_line(&[], &asked, &assumed)
}

/// The run in a folder, with its own schedule.
pub(crate) fn of_folder(folder: &Path, results: &Path) -> String {
    let mut words = vec!["replay".to_owned(), operand(folder)];
    words.extend(in_results(results, RESULTS));
    typed(program(), &words)
}

/// The option that stores results there, where that is not done without it.
pub(crate) fn in_results(results: &Path, assumed: &str) -> Option<String> {
    (results != Path::new(assumed)).then(|| format!("--results={}", text(results)))
}

/// The file or folder by a name that still leads there tomorrow: `results/latest` soon leads
/// elsewhere. From here, if it is below.
pub(crate) fn lasting(path: &Path) -> PathBuf {
    let real = match std::fs::canonicalize(path) {
        Ok(real) if real.is_file() || real.is_dir() => real,
        _ => return path.to_owned(),
    };
    let here = std::env::current_dir().and_then(std::fs::canonicalize);
    let below = here.ok().and_then(|here| real.strip_prefix(here).ok());
    match below {
        Some(below) if below.as_os_str().is_empty() => PathBuf::from("."),
        Some(below) => below.to_owned(),
        None => real.clone(),
    }
}

/// A file or folder as an operand: what begins with a dash would be taken for an option.
pub(crate) fn operand(path: &Path) -> String {
    let text = text(path);
    if text.starts_with('-') {
        return format!("./{text}");
    }
    text
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
