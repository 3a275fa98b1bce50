//! `prover certify`: checks a certificate again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use certify::{Certified, CertifyError, Claim, Standing, certify as recheck};
use checker::counted;
use gate::attestation::{self, Statement};
use gate::text::line;
use report::list_table;

use super::attest::word;
use crate::cli::CertifyArgs;
use crate::evidence;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::proofs;
use crate::reading;
use crate::store::file;

/// Checks again what can be: a certificate, or all of a folder that holds a whole run or a proof.
pub(super) fn certify(arguments: &CertifyArgs) -> Result<Exit, Failure> {
    let folder = &arguments.history;
    let has = |name: &str| folder.join(name).is_file();
    let is_run = file::OF_WHOLE_RUN.iter().all(|name| has(name));
    let is_kept = has(attestation::FILE) || has(proofs::FILE) || is_run;
    if arguments.certificate.is_some() || !is_kept {
        return of_history(arguments);
    }
    let exit = of_folder(folder)?;
    if folder.join(proofs::FILE).is_file() || exit == Exit::Violation {
        return Ok(exit);
    }
    Ok(Exit::worst([exit, of_history(arguments)?]))
}

/// Whether a folder is as it was attested, and what it says follows from what was recorded.
fn of_folder(folder: &Path) -> Result<Exit, Failure> {
    let evidence = evidence::examine(folder)?;
    let statement = statement(folder)?;
    let differences = statement.as_ref().map(|statement| {
        statement.differences(&evidence.files, &evidence.configuration, &evidence.tests)
    });
    let mut refusals: Vec<String> = evidence.problems;
    refusals.extend(differences.iter().flatten().map(ToString::to_string));
    for refusal in &refusals {
        output::result(&format!("refused: {}", line(refusal)))?;
    }
    if !refusals.is_empty() {
        return Ok(Exit::Violation);
    }
    for open in &evidence.open {
        output::result(&format!("not re-checked: {}", line(open)))?;
    }
    let (files, runs) = (
        counted(evidence.files.len() as u64, "file"),
        counted(evidence.runs as u64, "run"),
    );
    output::result(&format!(
        "{runs} re-checked: what is said follows from what was recorded"
    ))?;
    output::result(&match &statement {
        Some(statement) => format!(
            "attested: {}, by {files}, each as it was",
            word(statement.outcome())
        ),
        None => format!("not attested: {files} that may have been changed together"),
    })?;
    Ok(if evidence.open.is_empty() {
        Exit::Valid
    } else {
        Exit::Unknown
    })
}

/// The statement in a folder, if there is one.
fn statement(folder: &Path) -> Result<Option<Statement>, Failure> {
    let path = folder.join(attestation::FILE);
    match fs::read_to_string(&path) {
        Ok(text) => serde_json::from_str(&text)
            .map(Some)
            .map_err(|source| Failure::Statement { path, source }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Failure::Open { path, source }),
    }
}

/// Says of every claim of one certificate whether its proof holds.
fn of_history(arguments: &CertifyArgs) -> Result<Exit, Failure> {
    let path = certificate(arguments)?;
    let history = reading::history_by_key(&arguments.history, arguments.keys.independent)?;
    let bytes = fs::read(&path).map_err(|source| Failure::Open {
        path: path.clone(),
        source,
    })?;
    match recheck(&history, &bytes) {
        Ok(certified) => {
            output::result(&list_table(
                ["claim", "verdict", "proof"],
                certified.claims.iter().map(row),
            ))?;
            output::result(&scope_line(&certified))?;
            Ok(if certified.is_complete() {
                Exit::Valid
            } else {
                Exit::Unknown
            })
        }
        Err(error @ CertifyError::Unreadable(_)) => Err(Failure::Certificate {
            path,
            source: error,
        }),
        Err(error) => {
            output::result(&format!("refused: {error}"))?;
            Ok(Exit::Violation)
        }
    }
}

/// The certificate that was named, or the one in the folder of the run.
fn certificate(arguments: &CertifyArgs) -> Result<PathBuf, Failure> {
    if let Some(path) = &arguments.certificate {
        return Ok(path.clone());
    }
    let history = &arguments.history;
    let beside = history.join(file::CERTIFICATE);
    if history.is_dir() && beside.exists() {
        return Ok(beside);
    }
    Err(match fs::metadata(history) {
        Err(source) if !reading::is_standard(history) => Failure::Open {
            path: history.clone(),
            source,
        },
        _ => Failure::NoCertificate(history.clone()),
    })
}

fn row(claim: &Claim) -> [String; 3] {
    let proof = match claim.standing {
        Standing::Proved => "holds".to_owned(),
        Standing::NothingClaimed => "nothing is claimed".to_owned(),
        Standing::NotRechecked(why) => format!("not re-checked: {why}"),
    };
    [claim.of.clone(), claim.verdict.to_string(), proof]
}

/// What the certificate takes for granted: it was not derived from the history.
fn scope_line(certified: &Certified) -> String {
    let scope = &certified.scope;
    let workers = scope
        .workers
        .map_or("an unknown number of workers".to_owned(), |workers| {
            counted(workers.get().into(), "worker")
        });
    let faults = if scope.faults.is_empty() {
        "no fault".to_owned()
    } else {
        let named = scope
            .faults
            .iter()
            .map(|fault| match scope.effects.get(fault) {
                Some(effect) => format!("{fault} (asked for {effect})"),
                None => fault.clone(),
            });
        named.collect::<Vec<_>>().join(", ")
    };
    format!(
        "\ntaken for granted: {}, {workers}, {faults} selected",
        counted(scope.slots.get().into(), "slot")
    )
}
