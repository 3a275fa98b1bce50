//! `prover certify`: checks a certificate again.

use std::fs;
use std::path::PathBuf;

use certify::{Certified, CertifyError, Claim, Standing, certify as recheck};
use checker::counted;
use report::list_table;

use crate::cli::CertifyArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::reading;
use crate::store::file;

/// Says of every claim whether its proof holds.
pub(super) fn certify(arguments: &CertifyArgs) -> Result<Exit, Failure> {
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
