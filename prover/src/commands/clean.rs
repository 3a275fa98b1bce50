//! `prover clean` and `prover doctor`: what killed runs left, and what this machine can do.

use plan::PlanError;
use plan::spec::as_called;
use testbed::clean::{Which, clean as remove};
use testbed::doctor::{Check, Status, examine};
use testbed::leftover::sweep;
use testbed::{Asked, Choice, ChoiceError, RealSite, Site};

use crate::cli::CleanArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Removes what killed runs left.
pub(super) async fn clean(arguments: &CleanArgs) -> Result<Exit, Failure> {
    let which = if arguments.all {
        Which::All
    } else {
        Which::Dead
    };
    if let Some(site) = site(arguments)? {
        let management = arguments.management.as_deref();
        for swept in sweep(&site, management, which).await? {
            output::result(&swept.to_string())?;
        }
        return Ok(Exit::Valid);
    }
    let cleaned = remove(which).await?;
    output::result(&cleaned.to_string())?;
    Ok(Exit::Valid)
}

/// The services to be cleaned in place of Docker, if any are named; each must be there already.
fn site(arguments: &CleanArgs) -> Result<Option<RealSite>, PlanError> {
    let broker = arguments
        .testbed
        .iter()
        .map(|url| format!("rabbitmq={url}"));
    let services: Vec<String> = broker.chain(arguments.service.clone()).collect();
    if services.is_empty() {
        return Ok(None);
    }
    let asked = Asked {
        services: &services,
        needed: &[],
        ..Asked::broker("docker")
    };
    match Choice::parse(&asked)?.site {
        Site::Real(site) if !site.needs_docker() => Ok(Some(site)),
        _ => Err(ChoiceError::NotThere.into()),
    }
}

/// Shows what this machine can run.
pub(super) async fn doctor() -> Result<Exit, Failure> {
    let checks = examine().await;
    let row = |check: &Check| {
        let remedy = check.remedy.as_ref().map(|remedy| format!("; {remedy}"));
        let detail = format!("{}{}", check.detail, remedy.unwrap_or_default());
        [check.name.clone(), check.status.to_string(), detail]
    };
    let rows = checks
        .iter()
        .map(row)
        .map(|cells| cells.map(|cell| as_called(&cell)));
    output::wide_table(["check", "status", "detail"], rows)?;
    let works = checks.iter().all(|check| check.status != Status::Fail);
    Ok(if works { Exit::Valid } else { Exit::Harness })
}
