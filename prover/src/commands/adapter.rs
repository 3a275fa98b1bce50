//! `prover new-adapter` and `prover try-adapter`: the way to a lock in another language.

use std::sync::Arc;

use locks::{ClientConfig, Lock, RunContext};
use plan::Plan;
use plan::spec::RunSpec;
use testbed::{Demand, Site, StartError, Testbed};

use crate::adapter::{KEY, Remark, Trial};
use crate::cli::{NewAdapterArgs, TryAdapterArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::lock::introduced;
use crate::output::{self, Steps};

/// A trial has two clients.
const CLIENTS: u32 = 2;

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
    let lock = introduced(&arguments.command, &arguments.options).await?;
    output::result(&format!("the program says: {}", lock.introduction()))?;
    let lock: Arc<dyn Lock> = Arc::new(lock);
    let remarks = on_services(&lock, arguments).await?;
    for remark in &remarks {
        output::result(&remark.to_string())?;
    }
    let ended = lock.end().await;
    if let Err(misconduct) = &ended {
        output::result(&format!("wrong {misconduct}"))?;
    }
    if ended.is_err() || remarks.iter().any(Remark::is_wrong) {
        return Ok(Exit::Harness);
    }
    output::result("nothing is wrong with it: put it to the test")?;
    Ok(Exit::Valid)
}

/// What is to be remarked of a lock, with the services that it needs.
async fn on_services(
    lock: &Arc<dyn Lock>,
    arguments: &TryAdapterArgs,
) -> Result<Vec<Remark>, Failure> {
    let spec = RunSpec {
        service: arguments.service.clone(),
        ..RunSpec::default()
    };
    let plan = Plan::of(lock.clone().into(), &spec, None)?;
    let (Site::Real(site) | Site::Auto(site)) = &plan.testbed.site else {
        return Ok(Vec::new());
    };
    let steps = Steps::new(arguments.quiet);
    // Nothing is kept of a trial.
    let logs = tempfile::tempdir().map_err(Failure::Temporary)?;
    let demand = Demand {
        workers: CLIENTS,
        heartbeat: plan.heartbeat,
        proxy_seed: 0,
        logs: logs.path(),
    };
    let testbed = Testbed::start(site, &plan.testbed.proxy, demand, &steps).await?;
    let clients = testbed.clients(&testbed.prefix(), |_| 0);
    let remarks = match clients.map_err(StartError::Links) {
        Ok(clients) => Ok(played(lock, clients).await),
        Err(error) => Err(error),
    };
    testbed.stop().await?;
    steps.done();
    Ok(remarks?)
}

async fn played(lock: &Arc<dyn Lock>, clients: Vec<ClientConfig>) -> Vec<Remark> {
    let slots = if lock.kind().has_slots() { 2 } else { 1 };
    let knowing = |(worker, client): (u32, ClientConfig)| ClientConfig {
        run: RunContext {
            worker,
            workers: CLIENTS,
            keys: vec![KEY.to_owned()],
            slots,
            ..RunContext::default()
        },
        name: format!("{}-{worker}", client.name),
        ..client
    };
    let clients: Vec<_> = (0..).zip(clients).map(knowing).collect();
    match <[ClientConfig; 2]>::try_from(clients) {
        Ok(clients) => Trial::of(&**lock, clients).play().await,
        Err(_) => Vec::new(),
    }
}
