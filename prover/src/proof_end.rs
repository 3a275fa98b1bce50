//! The end of a proof: it is told to people and to other tools, and decides the exit code.

use std::path::Path;

use claims::Proof;
use gate::text::{line, logged};
use gate::{Decision, Subject, Worse, decide, worse};
use serde_json::json;

use crate::causes::with_causes;
use crate::cli::EndingArgs;
use crate::exit::Exit;
use crate::exports;
use crate::failure::Failure;
use crate::output::{self, Format};
use crate::proof_table;
use crate::schema::Schema;
use crate::store::{file, write_whole};

/// To whom a proof is told, and beside what.
pub(crate) struct Ending<'a> {
    /// Where it is stored.
    pub(crate) folder: &'a Path,
    /// The proof that it is compared with.
    pub(crate) before: Option<&'a Proof>,
    /// Who learns of it.
    pub(crate) to: &'a EndingArgs,
    /// How it is printed.
    pub(crate) format: Format,
}

/// Tells a proof, and what it means; its report is left in its folder. What cannot be written is said,
/// hinders nothing else, and hides no verdict: the worst counts.
pub(crate) fn tell(subject: Subject<'_>, ending: &Ending<'_>) -> Exit {
    let before = ending.before;
    let worse = before.map(|before| worse(before, subject.proof, subject.today));
    let worse = worse.as_deref();
    let folder = ending.folder;
    let mut told = vec![leave_page(subject, folder)];
    told.extend(
        ending
            .to
            .folder_to
            .as_ref()
            .map(|file| exports::write_folder(file, folder)),
    );
    told.push(match ending.format {
        Format::Human => print(subject, worse, folder).map_err(Failure::from),
        Format::Json => print_json(subject, worse, folder).map_err(Failure::from),
    });
    exports::tell_github(subject);
    told.extend(
        ending
            .to
            .reports
            .iter()
            .map(|report| exports::write(report, subject)),
    );
    let failures = told.into_iter().filter_map(Result::err);
    Exit::worst(
        failures
            .map(|failure| admit(&failure))
            .chain([exit(subject, worse)]),
    )
}

/// Says what could not be done.
pub(crate) fn admit(failure: &Failure) -> Exit {
    output::error(&with_causes(failure));
    failure.exit()
}

fn leave_page(subject: Subject<'_>, folder: &Path) -> Result<(), Failure> {
    let page = site::claims_page(subject).map_err(Failure::Site)?;
    Ok(write_whole(&folder.join(file::REPORT), page.as_bytes())?)
}

fn print_json(subject: Subject<'_>, worse: Option<&[Worse]>, folder: &Path) -> std::io::Result<()> {
    let mut line = json!(subject.proof);
    line["folder"] = json!(folder.to_string_lossy());
    if let Some(worse) = worse {
        line["worse"] = json!(worse);
    }
    output::json(Schema::PROOF, &line)
}

/// What a proof means for a release, and what got worse against an earlier one.
pub(crate) fn exit(subject: Subject<'_>, worse: Option<&[Worse]>) -> Exit {
    let mut worse = worse.unwrap_or_default().iter();
    if worse.any(|it| it.what.decides()) {
        return Exit::Violation;
    }
    decide(subject.proof, subject.today).into()
}

impl From<Decision> for Exit {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Passed => Self::Valid,
            Decision::Nothing => Self::NothingSelected,
            Decision::Open => Self::Unknown,
            Decision::Broken => Self::Harness,
            Decision::Failed => Self::Violation,
        }
    }
}

fn print(subject: Subject<'_>, worse: Option<&[Worse]>, folder: &Path) -> std::io::Result<()> {
    if let Some(title) = &subject.proof.source.title {
        output::result(&logged(&line(title)))?;
    }
    output::wide_table(proof_table::HEADER, proof_table::rows(subject))?;
    for shown in proof_table::shown(subject) {
        output::advice(&shown)?;
    }
    output::result(&format!("\n{}", proof_table::conclusion(subject)))?;
    if let Some(worse) = worse {
        output::result("")?;
        if !worse.is_empty() {
            output::wide_table(proof_table::WORSE_HEADER, proof_table::worse_rows(worse))?;
        }
        output::result(&proof_table::worse_conclusion(worse))?;
    }
    let report = folder.join(file::REPORT);
    output::result(&format!("results: {}", folder.display()))?;
    output::result(&format!("report:  {}", report.display()))
}
