//! `prover check`: judges stored histories, through the same door as a run does.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use checker::model::{self, REVOCABLE};
use checker::{Judgement, Verdict};
use history::History;
use plan::PROGRESS;
use plan::manifest::Manifest;
use report::{guarantees_table, verdict_text, violation_text};
use serde_json::json;
use suite::{Criteria, Said, within};

use crate::causes::with_causes;
use crate::cli::CheckArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::reading;
use crate::schema::Schema;
use crate::subject;

/// Judges every file and prints what was found; the worst verdict decides the exit code.
pub(super) fn check(arguments: &CheckArgs) -> Result<Exit, Failure> {
    // Wrong names are found before the first file is read; a bare `progress` is right where the
    // file is that of a run.
    for model in &arguments.models {
        model::named(model)?;
    }
    for name in arguments.guarantees.iter().filter(|name| *name != PROGRESS) {
        checker::parse(name)?;
    }
    ensure_targets(arguments)?;
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

/// What is to be written about a history, by the names of the options.
fn targets(arguments: &CheckArgs) -> impl Iterator<Item = (&'static str, &PathBuf)> {
    let certificate = arguments
        .certificate
        .iter()
        .map(|path| ("certificate", path));
    let report = arguments.report.iter().map(|path| ("report", path));
    certificate.chain(report)
}

fn ensure_targets(arguments: &CheckArgs) -> Result<(), Failure> {
    if arguments.files.len() > 1
        && let Some((option, _)) = targets(arguments).next()
    {
        return Err(Failure::OneHistory(option));
    }
    if arguments.certificate.is_some() && arguments.certificate == arguments.report {
        return Err(Failure::OneFile);
    }
    let inputs = arguments
        .files
        .iter()
        .filter(|path| reading::is_standard(path));
    if inputs.count() > 1 {
        return Err(Failure::OneInput);
    }
    let revocable = arguments
        .models
        .iter()
        .find(|model| model.starts_with(REVOCABLE));
    match revocable {
        Some(model) if arguments.certificate.is_some() => Err(Failure::NotCertified(model.clone())),
        _ => Ok(()),
    }
}

/// Tells why a file could not be judged: whoever reads the results learns it too.
fn tell(path: &Path, failure: &Failure, format: Format) -> io::Result<Exit> {
    let why = with_causes(failure);
    if format == Format::Json {
        let line = json!({"file": path.to_string_lossy(), "error": why});
        output::json(Schema::UNREAD, &line)?;
    }
    output::note(&format!("error: {why}"));
    Ok(failure.exit())
}

fn check_file(path: &Path, arguments: &CheckArgs) -> Result<Exit, Failure> {
    let path = reading::located(path)?;
    for (option, target) in targets(arguments) {
        if is_same_file(&path, target) {
            let history = path;
            return Err(Failure::OverHistory { option, history });
        }
        reading::ensure_no_part_of_a_run(target)?;
    }
    let history = reading::history_by_key(&path, arguments.keys.independent)?;
    let manifest = reading::manifest_beside(&path)?;
    let recorded = match &manifest {
        Some(manifest) if manifest.recorded.is_some() => manifest.recorded.clone(),
        Some(_) => reading::recorded_beside(&path)?,
        None => None,
    };
    let criteria = criteria(&history, manifest.as_ref(), arguments)?.of_record(recorded);
    let taken_for_granted = criteria.taken_for_granted();
    let state = manifest.as_ref().map(|manifest| &manifest.state);
    let (judgement, certificate) =
        within(arguments.timeout, arguments.memory.as_u64(), |limits| {
            let judgement = criteria.judge(&history, state, limits)?;
            let issue = || criteria.certificate(&history, &judgement, limits);
            let certificate = arguments.certificate.as_ref().map(|_| issue());
            Ok::<_, Failure>((judgement, certificate))
        })?;
    match arguments.format {
        Format::Human => {
            output::result(&format!("{}\n", path.display()))?;
            if let Some(words) = &taken_for_granted {
                output::result(&format!("judged as it stands: {words}\n"))?;
            }
            print_judgement(&history, &judgement, Explained::All, None)?;
        }
        Format::Json => print_json(&path, &judgement, taken_for_granted)?,
    }
    let mut exits = vec![judgement.verdict.into()];
    if let (Some(target), Some(certificate)) = (&arguments.certificate, certificate) {
        exits.extend(keep(target, &certificate.to_bytes()));
    }
    if let Some(target) = &arguments.report {
        let subject = match &manifest {
            Some(manifest) => subject::of_manifest(manifest),
            None => subject::of_history(&path, &history, criteria.scope()),
        };
        let page = report::html(&subject, &history, &judgement)?;
        // By another name it may be the certificate all the same, which is there by now.
        if arguments
            .certificate
            .iter()
            .any(|other| is_same_file(other, target))
        {
            return Err(Failure::OneFile);
        }
        exits.extend(keep(target, page.as_bytes()));
    }
    Ok(Exit::worst(exits))
}

/// Writes what was asked for. What was found was said before, whatever becomes of this.
fn keep(target: &Path, bytes: &[u8]) -> Option<Exit> {
    let source = fs::write(target, bytes).err()?;
    output::note(&format!(
        "error: cannot write {}: {source}",
        target.display()
    ));
    Some(Exit::Harness)
}

/// Whether both are there and one, by whatever names.
fn is_same_file(one: &Path, other: &Path) -> bool {
    same_file::is_same_file(one, other).unwrap_or(false)
}

fn criteria(
    history: &History,
    manifest: Option<&Manifest>,
    arguments: &CheckArgs,
) -> Result<Criteria, Failure> {
    let criteria = match manifest {
        Some(manifest) => Criteria::of_manifest(manifest)?,
        None => Criteria::bare(history)?,
    };
    let said = Said {
        slots: arguments.slots.or_else(|| slots_of(&arguments.models)),
        workers: arguments.concurrency,
        faults: arguments.faults.clone().map(named),
    };
    let criteria = criteria.said(said);
    if arguments.guarantees.is_empty() && arguments.models.is_empty() {
        return Ok(criteria);
    }
    Ok(criteria.chosen(&arguments.guarantees, &arguments.models)?)
}

/// How many may hold a lock that is linearizable under these models, if they agree.
fn slots_of(models: &[String]) -> Option<NonZeroU32> {
    let of_model = |model: &String| match model.split_once(':') {
        Some(("semaphore" | "owner-semaphore", slots)) => slots.parse().ok(),
        None if matches!(model.as_str(), "mutex" | "owner-mutex" | "fenced") => {
            Some(NonZeroU32::MIN)
        }
        _ => None,
    };
    let slots: BTreeSet<NonZeroU32> = models.iter().filter_map(of_model).collect();
    slots.first().copied().filter(|_| slots.len() == 1)
}

/// The word `none` names no fault.
fn named(mut faults: Vec<String>) -> Vec<String> {
    faults.retain(|fault| fault != "none");
    faults
}

/// How many violated guarantees are explained: all, or as many as fit one screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Explained {
    /// The first violation of each that was judged.
    All,
    /// That of the first one; on a small screen without its events, which the report has.
    First,
}

/// So many lines has a screen that takes an explanation whole.
const LARGE: u16 = 40;

/// An explanation as it fits the screen: what it is called, and its picture.
fn fitting(text: String) -> String {
    let is_small = output::height().is_some_and(|lines| lines < LARGE);
    let parts: Vec<&str> = text.split("\n\n").collect();
    match parts.as_slice() {
        [title, _, .., picture] if is_small => format!("{title}\n{picture}"),
        _ => text,
    }
}

/// The table, what was violated, and the verdict, with what is to stand beside it if it is `valid`.
pub(super) fn print_judgement(
    history: &History,
    judgement: &Judgement,
    explained: Explained,
    beside: Option<&str>,
) -> io::Result<()> {
    output::result(&guarantees_table(judgement, output::terminal()))?;
    let judged = judgement.guarantees.iter().filter(|row| row.judged);
    let violated = judged.filter(|row| !row.finding.violations.is_empty());
    for finding in violated.map(|row| &row.finding) {
        let text = violation_text(finding, &finding.violations[0], history);
        if explained == Explained::First {
            output::result(&fitting(text))?;
            break;
        }
        output::result(&text)?;
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
        let worth = match judgement.verdict {
            Verdict::Violated => "what was recorded until then shows the violation",
            _ => "such a run proves nothing",
        };
        output::result(&format!("\n{why}: {worth}"))?;
    }
    if let Some(index) = judgement.missing_event {
        output::result(&format!(
            "\nevent {index} is missing from the history of this run: nothing follows from the rest"
        ))?;
    }
    output::result(&format!("\n{}", verdict_line(judgement.verdict, beside)))
}

/// What is to stand beside a verdict does so if that is `valid`: the others have reasons of their
/// own.
pub(super) fn verdict_line(verdict: Verdict, beside: Option<&str>) -> String {
    let beside = beside.filter(|_| verdict == Verdict::Valid);
    let beside = beside.map_or_else(String::new, |words| format!(" ({words})"));
    format!("verdict: {}{beside}", verdict_text(verdict))
}

fn print_json(path: &Path, judgement: &Judgement, granted: Option<String>) -> io::Result<()> {
    let mut line = json!(judgement);
    if let Some(words) = granted {
        line["taken_for_granted"] = json!(words);
    }
    line["file"] = json!(path.to_string_lossy());
    output::json(Schema::CHECK, &line)
}
