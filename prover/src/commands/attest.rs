//! `prover attest`: an in-toto statement about the folder of a run or of a proof.

use std::collections::BTreeMap;
use std::fs;

use checker::counted;
use gate::attestation::{self, Outcome, Statement};

use crate::cli::AttestArgs;
use crate::evidence::{self, digest};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Format};

/// States what the files of a folder show, if it follows from what was recorded.
pub(super) fn attest(arguments: &AttestArgs) -> Result<Exit, Failure> {
    let folder = &arguments.folder;
    let evidence = evidence::examine(folder)?;
    for what in evidence.problems.iter().chain(&evidence.open) {
        output::note(&format!("not attested: {what}"));
    }
    if !evidence.problems.is_empty() {
        return Ok(Exit::Violation);
    }
    if !evidence.open.is_empty() {
        return Ok(Exit::Unknown);
    }
    let mut configuration = evidence.configuration;
    let itself = std::env::current_exe().map_err(Failure::Itself)?;
    let tool = digest(&itself).map_err(|source| Failure::Open {
        path: itself.clone(),
        source,
    })?;
    let version = env!("CARGO_PKG_VERSION");
    configuration.insert(format!("prover {version} (executable)"), tool);
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let url = arguments.url.clone().or_else(|| url(&variables.collect()));
    let statement = Statement::of(&evidence.files, &configuration, url, evidence.tests);
    let json = serde_json::json!(statement);
    let path = folder.join(attestation::FILE);
    fs::write(&path, format!("{json:#}\n")).map_err(|source| Failure::Write {
        path: path.clone(),
        source,
    })?;
    match arguments.format {
        Format::Json => output::result(&json.to_string())?,
        Format::Human => {
            let files = counted(evidence.files.len() as u64, "file");
            let runs = counted(evidence.runs as u64, "run");
            let word = word(statement.outcome());
            output::result(&format!(
                "attested: {word}, by {files} of {runs}, in {}",
                path.display()
            ))?;
            output::result("sign it with a tool of yours: it says nothing of who made it")?;
        }
    }
    Ok(Exit::Valid)
}

/// As it stands in the statement.
pub(super) const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "PASSED",
        Outcome::Warned => "WARNED",
        Outcome::Failed => "FAILED",
    }
}

/// The page of the job that runs this, on GitHub and GitLab.
fn url(variables: &BTreeMap<String, String>) -> Option<String> {
    let of = |name: &str| variables.get(name).filter(|value| !value.is_empty());
    let server = of("GITHUB_SERVER_URL");
    let github = server.zip(of("GITHUB_REPOSITORY")).zip(of("GITHUB_RUN_ID"));
    let github = github
        .map(|((server, repository), run)| format!("{server}/{repository}/actions/runs/{run}"));
    github.or_else(|| of("CI_JOB_URL").cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_has_a_page() {
        let of = |pairs: &[(&str, &str)]| {
            let pairs = pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            url(&pairs.collect())
        };
        assert_eq!(of(&[]), None);
        let github = [
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", "a/b"),
            ("GITHUB_RUN_ID", "7"),
        ];
        assert_eq!(
            of(&github).as_deref(),
            Some("https://github.com/a/b/actions/runs/7")
        );
        assert_eq!(of(&github[..2]), None);
        assert_eq!(
            of(&[("CI_JOB_URL", "https://x/1")]).as_deref(),
            Some("https://x/1")
        );
    }
}
