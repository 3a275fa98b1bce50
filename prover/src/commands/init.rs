//! `prover init`: a claims file to begin with, and a workflow that puts it to the test.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

use plan::PROGRAM;

use crate::cli::InitArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::result;

const CLAIMS: &str = include_str!("../init/claims.toml");
const WORKFLOW: &str = include_str!("../init/locks.yml");

/// Writes both into the folder. What is there already stays.
pub(super) fn init(arguments: &InitArgs) -> Result<Exit, Failure> {
    let files = [
        ("claims.toml", claims(arguments)),
        (".github/workflows/locks.yml", WORKFLOW.to_owned()),
    ];
    for (name, text) in files {
        let path = arguments.folder.join(name);
        write(&path, &text)?;
        result(&format!("wrote {}", path.display()))?;
    }
    result("next: prover prove --profile quick (it writes below results: add that to .gitignore)")?;
    Ok(Exit::Valid)
}

fn claims(arguments: &InitArgs) -> String {
    let command = arguments
        .lock
        .strip_prefix(PROGRAM)
        .unwrap_or(&arguments.lock);
    let services: Vec<String> = arguments
        .service
        .iter()
        .map(|one| toml::Value::from(one.as_str()).to_string())
        .collect();
    let service = if services.is_empty() {
        "# What it talks to, in Docker or where it runs: `prover list services`.\n# service = [\"redis\"]".to_owned()
    } else {
        format!("service = [{}]", services.join(", "))
    };
    let lock = toml::Value::from(arguments.lock.as_str()).to_string();
    CLAIMS
        .replace(
            "\"@TITLE@\"",
            &toml::Value::from(format!("What {command} keeps")).to_string(),
        )
        .replace("'@LOCK@'", &lock)
        .replace("@SERVICE@", &service)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |source| Failure::Write {
        path: path.to_owned(),
        source,
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    match File::create_new(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map_err(failed),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(Failure::Exists(path.to_owned()))
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use claims::Profile;

    use super::*;

    #[test]
    fn what_is_written_is_a_claims_file_whatever_the_lock_is_called() {
        let redis = "redis=127.0.0.1:6379";
        for (lock, service) in [
            ("process:python3 my_lock.py", Some(redis)),
            ("exclusive-queue", None),
            ("process:sh -c 'a \"b\" \\ c'", Some(redis)),
        ] {
            let arguments = InitArgs {
                lock: lock.to_owned(),
                service: service.into_iter().map(str::to_owned).collect(),
                folder: ".".into(),
            };
            let text = claims(&arguments);
            let file = claims::File::read("claims.toml", &text, Profile::Quick).expect(&text);
            assert_eq!(file.claims.len(), 2);
            assert_eq!(file.cases[0].spec.lock.as_deref(), Some(lock));
            assert_eq!(file.cases[0].spec.service, arguments.service);
        }
    }
}
