//! `prover check`: judges stored histories, through the same door as a run does.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use checker::Judgement;
use history::History;
use plan::PROGRESS;
use plan::manifest::Manifest;
use report::{guarantees_table, verdict_text, violation_text};
use serde_json::json;
use suite::Criteria;
use suite::within;

use crate::causes::with_causes;
use crate::cli::CheckArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::reading;
use crate::store::file;

/// Judges every file and prints what was found; the worst verdict decides the exit code.
pub(super) fn check(arguments: &CheckArgs) -> Result<Exit, Failure> {
    // Wrong names are found before the first file is read; a bare `progress` is right where the
    // file is that of a run.
    for model in &arguments.models {
        checker::model::named(model)?;
    }
    for name in arguments.guarantees.iter().filter(|name| *name != PROGRESS) {
        checker::parse(name)?;
    }
    if arguments.certificate.is_some() && arguments.files.len() > 1 {
        return Err(Failure::OneCertificate);
    }
    let mut exits = Vec::new();
    for path in &arguments.files {
        exits.push(match check_file(path, arguments) {
            Ok(exit) => exit,
            Err(Failure::Output(error)) => return Err(error.into()),
            Err(failure) => tell(path, &failure, arguments.format)?,
        });
    }
    Ok(Exit::worst(exits))
}

/// Tells why a file could not be judged: whoever reads the results learns it too.
fn tell(path: &Path, failure: &Failure, format: Format) -> io::Result<Exit> {
    let why = with_causes(failure);
    if format == Format::Json {
        let line = json!({"file": history_path(path), "error": why});
        output::result(&line.to_string())?;
    }
    output::note(&format!("error: {why}"));
    Ok(failure.exit())
}

fn check_file(path: &Path, arguments: &CheckArgs) -> Result<Exit, Failure> {
    let path = history_path(path);
    let history = reading::history(&path)?;
    let manifest = reading::manifest_beside(&path)?;
    let criteria = criteria(manifest.as_ref(), arguments)?;
    let state = manifest.as_ref().map(|manifest| &manifest.state);
    let (judgement, certificate) =
        within(arguments.timeout, arguments.memory.as_u64(), |limits| {
            let judgement = criteria.judge(&history, state, limits)?;
            let issue = || criteria.certificate(&history, &judgement, limits);
            let certificate = arguments.certificate.as_ref().map(|_| issue());
            Ok::<_, Failure>((judgement, certificate))
        })?;
    match arguments.format {
        Format::Human => print_human(&path, &history, &judgement)?,
        Format::Json => print_json(&path, &judgement)?,
    }
    let verdict: Exit = judgement.verdict.into();
    let (Some(target), Some(certificate)) = (&arguments.certificate, certificate) else {
        return Ok(verdict);
    };
    match fs::write(target, certificate.to_bytes()) {
        Ok(()) => Ok(verdict),
        Err(source) => {
            output::note(&format!(
                "error: cannot write {}: {source}",
                target.display()
            ));
            Ok(Exit::worst([verdict, Exit::Harness]))
        }
    }
}

fn criteria(manifest: Option<&Manifest>, arguments: &CheckArgs) -> Result<Criteria, Failure> {
    let criteria = match manifest {
        Some(manifest) => Criteria::of_manifest(manifest)?,
        None => Criteria::bare()?,
    };
    if arguments.guarantees.is_empty() && arguments.models.is_empty() {
        return Ok(criteria);
    }
    Ok(criteria.chosen(&arguments.guarantees, &arguments.models)?)
}

/// The history in the folder of a run, or the file itself.
fn history_path(path: &Path) -> PathBuf {
    if path.is_dir() {
        path.join(file::HISTORY)
    } else {
        path.to_owned()
    }
}

fn print_human(path: &Path, history: &History, judgement: &Judgement) -> io::Result<()> {
    output::result(&format!("{}\n", path.display()))?;
    print_judgement(history, judgement)
}

/// The table, the first violation of what was judged, and the verdict.
pub(super) fn print_judgement(history: &History, judgement: &Judgement) -> io::Result<()> {
    output::result(&guarantees_table(judgement))?;
    let violated = judgement.guarantees.iter().filter(|row| row.judged);
    for finding in violated.map(|row| &row.finding) {
        if let Some(violation) = finding.violations.first() {
            output::result(&violation_text(finding, violation, history))?;
        }
    }
    if judgement.incomplete {
        let last = history
            .events()
            .last()
            .map_or("nothing".to_owned(), |last| format!("event {}", last.index));
        output::result(&format!(
            "\nthe history is incomplete: the verdict speaks of what was recorded, up to {last}"
        ))?;
    }
    if let Some(why) = &judgement.unfinished {
        output::result(&format!("\n{why}: such a run proves nothing"))?;
    }
    if let Some(index) = judgement.missing_event {
        output::result(&format!(
            "\nevent {index} is missing from the history of this run: nothing follows from the rest"
        ))?;
    }
    output::result(&format!("\nverdict: {}", verdict_text(judgement.verdict)))
}

fn print_json(path: &Path, judgement: &Judgement) -> io::Result<()> {
    let mut line = json!(judgement);
    line["file"] = json!(path);
    output::result(&line.to_string())
}
