//! The lock that a run is about: one of ours, one of ours in processes of its own, or a program.

use std::collections::BTreeMap;
use std::sync::Arc;

use locks::{Chosen, Lock};
use plan::PROGRAM;
use plan::spec::RunSpec;
use process::{CommandLine, ProcessLock};

use crate::failure::Failure;

/// Whether a spec asks for a program.
pub(crate) fn is_program(spec: &RunSpec) -> bool {
    let named = spec.lock.as_deref().unwrap_or_default();
    named.starts_with(PROGRAM)
}

/// The lock that a spec asks for. A program is started once, to be asked what it is.
pub(crate) async fn chosen(spec: &RunSpec) -> Result<Chosen, Failure> {
    let named = spec.lock.as_deref().unwrap_or_default();
    if let Some(command) = named.strip_prefix(PROGRAM) {
        let lock: Arc<dyn Lock> = Arc::new(introduced(command, &spec.options).await?);
        return Ok(lock.into());
    }
    if !spec.options.is_empty() {
        return Err(Failure::NoProgram);
    }
    let ours = plan::named_lock(spec)?;
    if spec.isolate {
        isolated(ours)
    } else {
        Ok(ours)
    }
}

/// A program that is a lock: it is started once, to be asked what it is.
pub(crate) async fn introduced(command: &str, words: &[String]) -> Result<ProcessLock, Failure> {
    let lock = ProcessLock::introduce(command, options(words)?).await?;
    plan::check_promises(&lock).map_err(|reason| Failure::Promises {
        program: command.to_owned(),
        reason,
    })?;
    Ok(lock)
}

/// The same lock, each client of which is a process: this very program.
fn isolated(ours: Chosen) -> Result<Chosen, Failure> {
    let program = std::env::current_exe().map_err(Failure::Itself)?;
    let command = CommandLine {
        program: program.to_string_lossy().into_owned(),
        arguments: vec!["worker".to_owned(), "--lock".to_owned(), ours.to_string()],
    };
    Ok(Chosen {
        lock: Arc::new(ProcessLock::of_ours(&*ours.lock, command)),
        options: ours.options,
    })
}

/// What is said to a program, by name.
fn options(words: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let mut options = BTreeMap::new();
    for word in words {
        let (name, value) = word
            .split_once('=')
            .filter(|(name, _)| !name.is_empty())
            .ok_or_else(|| Failure::Option(word.clone()))?;
        if options.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(Failure::OptionTwice(name.to_owned()));
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_have_a_name_and_are_said_once() {
        let read = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            options(&words).map_err(|failure| failure.to_string())
        };
        let good = read(&["lease=5s", "url=a=b", "empty="]).expect("options");
        assert_eq!(good["url"], "a=b");
        assert_eq!(good["empty"], "");
        assert!(
            read(&["lease"])
                .expect_err("no value")
                .contains("NAME=VALUE")
        );
        assert!(read(&["=5"]).is_err());
        assert!(read(&["a=1", "a=2"]).expect_err("twice").contains("twice"));
    }
}
