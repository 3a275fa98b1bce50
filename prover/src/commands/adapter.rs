//! `prover new-adapter` and `prover try-adapter`: the way to a lock in another language.

use locks::{ClientConfig, Lock, RunContext};
use process::ProcessLock;

use crate::adapter::{KEY, Trial};
use crate::cli::{NewAdapterArgs, TryAdapterArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::lock::options;
use crate::output;

/// Writes a skeleton to standard output.
pub(super) fn new_adapter(arguments: &NewAdapterArgs) -> Result<Exit, Failure> {
    let skeleton = arguments.language.skeleton();
    output::result(skeleton.text.trim_end())?;
    let then = skeleton.steps.iter().map(|step| format!("`{step}`, then "));
    output::note(&format!(
        "save it as {}, {}`prover try-adapter '{}'`",
        skeleton.file,
        then.collect::<String>(),
        skeleton.command
    ));
    Ok(Exit::Valid)
}

/// Starts what the program needs, and plays each message once.
pub(super) async fn try_adapter(arguments: &TryAdapterArgs) -> Result<Exit, Failure> {
    let lock = ProcessLock::introduce(&arguments.command, options(&arguments.options)?).await?;
    output::result(&format!("the program says: {}", lock.introduction()))?;
    let clients = [0, 1].map(|worker| client(worker, &lock));
    let remarks = Trial::of(&lock, clients).play().await;
    for remark in &remarks {
        output::result(&remark.to_string())?;
    }
    let ended = lock.end().await;
    if let Err(misconduct) = &ended {
        output::result(&format!("wrong {misconduct}"))?;
    }
    let wrong = remarks.iter().filter(|remark| remark.is_wrong()).count();
    Ok(if wrong == 0 && ended.is_ok() {
        output::result("nothing is wrong with it: put it to the test")?;
        Exit::Valid
    } else {
        Exit::Harness
    })
}

/// A client of the trial.
fn client(worker: u32, lock: &ProcessLock) -> ClientConfig {
    let slots = if lock.kind().has_slots() { 2 } else { 1 };
    ClientConfig {
        run: RunContext {
            worker,
            workers: 2,
            keys: vec![KEY.to_owned()],
            slots,
            ..RunContext::default()
        },
        ..ClientConfig::of_rabbitmq("", "prover-try")
    }
}
