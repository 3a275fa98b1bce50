//! The end of a proof: it is told to people and to other tools, and decides the exit code.

use std::path::Path;

use claims::Proof;
use gate::text::{line, logged};
use gate::{Decision, Subject, Worse, decide, worse};
use serde_json::json;

use crate::exit::Exit;
use crate::exports::{self, ReportTo};
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
    /// The files for other tools.
    pub(crate) reports: &'a [ReportTo],
    /// How it is printed.
    pub(crate) format: Format,
}

/// Tells a proof, and what it means; its report is left in its folder.
pub(crate) fn tell(subject: Subject<'_>, ending: &Ending<'_>) -> Result<Exit, Failure> {
    let page = site::claims_page(subject).map_err(Failure::Site)?;
    write_whole(&ending.folder.join(file::REPORT), page.as_bytes())?;
    let before = ending.before;
    let worse = before.map(|before| worse(before, subject.proof, subject.today));
    match ending.format {
        Format::Human => print(subject, worse.as_deref(), ending.folder)?,
        Format::Json => {
            let mut line = json!(subject.proof);
            line["folder"] = json!(ending.folder.to_string_lossy());
            if let Some(worse) = &worse {
                line["worse"] = json!(worse);
            }
            output::json(Schema::PROOF, &line)?;
        }
    }
    exports::tell_github(subject);
    exports::write(ending.reports, subject)?;
    Ok(exit(subject, worse.as_deref()))
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
