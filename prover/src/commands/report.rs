//! `prover report`: the reports of stored runs, made again.
//!
//! Everything is judged again, through the same door as a run does; only what was tried beside the
//! run, its power, is taken as it was stored.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use checker::{Judgement, POWER, Row, Verdict};
use clap::ValueEnum;
use history::History;
use report::{Subject, verdict_text};
use serde::Deserialize;
use suite::{Criteria, within};

use crate::cli::ReportArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::reading;
use crate::schema::Schema;
use crate::store::file;
use crate::subject;

/// How far a search may go where a sweep does not decide.
const SEARCH_WITHIN: Duration = Duration::from_secs(60);
const SEARCH_BYTES: u64 = 4 << 30;

/// Where a trace is written if nobody says.
const TRACE: &str = "trace.json";

/// What a report is made as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// A page, with its plots beside it
    Html,
    /// A summary for documents and pull requests
    Markdown,
    /// One JSON object a line
    Json,
    /// A trace that Perfetto and Chrome open
    Trace,
}

/// Makes the reports.
pub(super) fn report(arguments: &ReportArgs) -> Result<Exit, Failure> {
    if arguments.folders.len() > 1 && arguments.output.is_some() {
        return Err(Failure::OneReport);
    }
    for folder in &arguments.folders {
        let told = Told::read(folder)?;
        match arguments.format {
            Form::Html => told.write_page(arguments.output.as_deref())?,
            Form::Markdown => {
                let text = told.markdown(arguments.output.as_deref());
                told.put(arguments.output.as_deref(), text.trim_end())?;
            }
            Form::Json => {
                let summary = report::summary(&told.subject, &told.history, &told.judgement);
                let line = Schema::REPORT.mark(&summary).to_string();
                told.put(arguments.output.as_deref(), &line)?;
            }
            Form::Trace => told.write_trace(arguments.output.as_deref())?,
        }
    }
    Ok(Exit::Valid)
}

/// What a stored run tells.
struct Told {
    /// Its folder, or where the history lies alone.
    folder: PathBuf,
    path: PathBuf,
    subject: Subject,
    history: History,
    judgement: Judgement,
}

/// What is read of a stored verdict.
#[derive(Deserialize)]
struct Stored {
    verdict: Verdict,
    guarantees: Vec<Row>,
}

impl Told {
    fn read(place: &Path) -> Result<Self, Failure> {
        let path = reading::located(place)?;
        let history = reading::history(&path)?;
        let manifest = reading::manifest_beside(&path)?;
        let recorded = match &manifest {
            Some(manifest) if manifest.recorded.is_some() => manifest.recorded.clone(),
            Some(_) => reading::recorded_beside(&path)?,
            None => None,
        };
        let criteria = match &manifest {
            Some(manifest) => Criteria::of_manifest(manifest)?,
            None => Criteria::bare(&history)?,
        };
        let criteria = criteria.of_record(recorded);
        let state = manifest.as_ref().map(|manifest| &manifest.state);
        let mut judgement = within(SEARCH_WITHIN, SEARCH_BYTES, |limits| {
            criteria.judge(&history, state, limits)
        })?;
        let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
        if manifest.is_some() {
            add_power(&mut judgement, &folder);
        }
        let subject = match &manifest {
            Some(manifest) => subject::of_manifest(manifest),
            None => subject::of_history(&path, &history, criteria.scope()),
        };
        let is_certified = manifest.is_some() && folder.join(file::CERTIFICATE).exists();
        Ok(Self {
            subject: Subject {
                certify: is_certified.then(|| subject::certify(&folder)),
                ..subject
            },
            folder,
            path,
            history,
            judgement,
        })
    }

    /// The page and its plots in the folder of the run; elsewhere the page alone.
    fn write_page(&self, output: Option<&Path>) -> Result<(), Failure> {
        let page = report::html(&self.subject, &self.history, &self.judgement)?;
        if output.is_some() {
            return self.put(output, page.trim_end());
        }
        let target = self.folder.join(file::REPORT);
        write(&target, |sink| sink.write_all(page.as_bytes()))?;
        for (name, svg) in report::plots(&self.subject, &self.history, &self.judgement)? {
            write(&self.folder.join(name), |sink| {
                sink.write_all(svg.as_bytes())
            })?;
        }
        Ok(output::result(&target.display().to_string())?)
    }

    /// With those plots that are there, as they are reached from where it is written.
    fn markdown(&self, output: Option<&Path>) -> String {
        let beside = output.and_then(Path::parent).is_some_and(|parent| {
            let parent = if parent.as_os_str().is_empty() {
                Path::new(".")
            } else {
                parent
            };
            same_file::is_same_file(parent, &self.folder).unwrap_or(false)
        });
        let plots = ["timeline", "latency", "rate", "spans", "lags", "exposures"].map(|name| {
            let place = format!("plots/{name}.svg");
            let path = self.folder.join(&place);
            let shown = if beside {
                place
            } else {
                path.display().to_string()
            };
            (name, shown, path.exists())
        });
        let there: Vec<(&str, &str)> = plots
            .iter()
            .filter(|(_, _, exists)| *exists)
            .map(|(name, place, _)| (*name, place.as_str()))
            .collect();
        report::markdown(&self.subject, &self.history, &self.judgement, &there)
    }

    fn write_trace(&self, output: Option<&Path>) -> Result<(), Failure> {
        if output.is_some_and(reading::is_standard) {
            let sink = BufWriter::new(io::stdout().lock());
            return match report::trace(&self.subject, &self.history, sink) {
                // Whoever read it has seen enough.
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
                _ => Ok(()),
            };
        }
        let target = output.map_or_else(|| self.folder.join(TRACE), Path::to_owned);
        self.ensure_free(&target)?;
        write(&target, |sink| {
            report::trace(&self.subject, &self.history, sink)
        })?;
        Ok(output::result(&target.display().to_string())?)
    }

    /// Prints a text, or writes it where it was asked for.
    fn put(&self, output: Option<&Path>, text: &str) -> Result<(), Failure> {
        let Some(target) = output.filter(|target| !reading::is_standard(target)) else {
            return Ok(output::result(text)?);
        };
        self.ensure_free(target)?;
        write(target, |sink| writeln!(sink, "{text}"))?;
        Ok(output::result(&target.display().to_string())?)
    }

    /// Nothing may take the place of the history, or of another file of a run but its report.
    fn ensure_free(&self, target: &Path) -> Result<(), Failure> {
        if same_file::is_same_file(&self.path, target).unwrap_or(false) {
            let history = self.path.clone();
            return Err(Failure::OverHistory {
                option: "output",
                history,
            });
        }
        if target.file_name().is_some_and(|name| name == file::REPORT) {
            return Ok(());
        }
        reading::ensure_no_part_of_a_run(target)
    }
}

/// Takes over what was stored about the power of the plan, and says where the verdicts differ.
fn add_power(judgement: &mut Judgement, folder: &Path) {
    let text = fs::read_to_string(folder.join(file::VERDICT)).unwrap_or_default();
    let Ok(stored) = serde_json::from_str::<Stored>(&text) else {
        return;
    };
    let power = |row: &Row| row.finding.guarantee == POWER;
    if let Some(row) = stored.guarantees.into_iter().find(power) {
        judgement.verdict = judgement.verdict.max(row.finding.verdict);
        let judged = judgement.guarantees.iter().rposition(|row| row.judged);
        let place = judged.map_or(0, |last| last + 1);
        judgement.guarantees.insert(place, row);
    }
    if judgement.verdict != stored.verdict {
        output::note(&format!(
            "note: {} was judged {} when it was stored, and is {} now",
            folder.display(),
            verdict_text(stored.verdict),
            verdict_text(judgement.verdict)
        ));
    }
}

/// Writes a file whole, or leaves the old one.
fn write(
    target: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), Failure> {
    let unfinished = target.with_added_extension("unfinished");
    let written = target
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| File::create(&unfinished))
        .and_then(|file| {
            let mut sink = BufWriter::with_capacity(1 << 20, file);
            fill(&mut sink)?;
            sink.flush()
        })
        .and_then(|()| fs::rename(&unfinished, target));
    written.map_err(|source| Failure::Write {
        path: target.to_owned(),
        source,
    })
}
