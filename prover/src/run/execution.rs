//! One run from its first event to its last.

use std::sync::Arc;
use std::time::Duration;

use ::nemesis::{Request, Schedule, System};
use history::Function;
use history::jsonl::LogError;
use locks::Chosen;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use workloads::{Needs, Params, Workload};

use super::burst::Skew;
use super::clock::Clock;
use super::crew::{Reach, unless_paused};
use super::nemesis::{NemesisError, play};
use super::phase::Phase;
use super::recorder::Recording;
use super::shared::Shared;
use super::worker::{CLOSE_WITHIN, Equipment, work};
use crate::plan::Plan;
use crate::seed::{Seed, Stream};

/// What a run is made of.
pub struct Execution<'a> {
    /// What the clients do.
    pub workload: &'static dyn Workload,
    /// The lock they do it to.
    pub lock: Chosen,
    /// In which numbers.
    pub params: &'a Params,
    /// What breaks.
    pub schedule: &'a Schedule,
    /// What the testbed offers.
    pub stage: Stage<'a>,
    /// Decides all chance.
    pub seed: Seed,
    /// How long the workload runs.
    pub time_limit: Duration,
    /// How long the last phase, in which every lock is granted once more, may take after that.
    pub finish_within: Duration,
    /// How long an operation may take before nobody knows what became of it.
    pub operation_timeout: Duration,
}

/// What a testbed offers to a run.
pub struct Stage<'a> {
    /// How each worker reaches the broker: one entry a worker.
    pub clients: Vec<locks::Client>,
    /// What the nemesis can break.
    pub system: &'a dyn System,
    /// Whose time it is.
    pub clock: Clock,
}

impl<'a> Execution<'a> {
    /// Carries out a plan on the stage that a testbed offers.
    #[must_use]
    pub fn of(plan: &'a Plan, stage: Stage<'a>) -> Self {
        Self {
            workload: plan.workload,
            lock: plan.lock.clone(),
            params: &plan.params,
            schedule: &plan.schedule,
            stage,
            seed: plan.seed,
            time_limit: plan.time_limit,
            finish_within: plan.finish_within,
            operation_timeout: plan.operation_timeout,
        }
    }
}

/// How a run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// All phases were run through.
    Done,
    /// The last phase took too long: some lock could not be had any more.
    Stuck,
    /// Somebody interrupted it.
    Interrupted,
}

/// What is known of a run besides its history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ran {
    /// How it came to its end.
    pub stop: Stop,
    /// How close to simultaneous its bursts were.
    pub skew: Option<Skew>,
}

/// Why a run broke down: a harness error, never a finding about the lock.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The record could not be written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The nemesis could not do its work.
    #[error(transparent)]
    Nemesis(#[from] NemesisError),
    /// The locks could not be made before the run.
    #[error("cannot make the lock {key}: {reason}")]
    Create {
        /// Its key.
        key: String,
        /// Why.
        reason: locks::Error,
    },
    /// A simulation could not begin.
    #[error("cannot start the simulation's runtime: {0}")]
    Runtime(#[source] std::io::Error),
    /// A worker panicked.
    #[error("a worker panicked: this is a bug of the prover")]
    Panic(#[from] tokio::task::JoinError),
}

/// Runs a workload, and the nemesis with it, into the history of `recording`, until its time is up,
/// `interrupted` resolves or something breaks down.
///
/// # Errors
/// The harness broke down; what was recorded until then is in the history.
pub async fn execute(
    execution: Execution<'_>,
    recording: Recording,
    interrupted: impl Future<Output = ()>,
) -> Result<Ran, RunError> {
    let mut interrupted = std::pin::pin!(interrupted);
    tokio::select! {
        biased;
        () = &mut interrupted => return Ok(Ran { stop: Stop::Interrupted, skew: None }),
        created = create(&execution) => created?,
    }
    let stage = &execution.stage;
    let workers = execution.params.concurrency;
    let shared = Arc::new(Shared::begin(workers, recording, &stage.clock));
    let mut crew = JoinSet::new();
    let clients = execution.stage.clients.iter();
    for ((number, client), generator) in clients.enumerate().zip(generators(&execution)) {
        let equipment = equip(&execution, client, generator);
        let condition = shared.crew.condition(number);
        let work = work(number, equipment, shared.clone());
        crew.spawn(unless_paused(condition, work));
    }
    let stop = accompany(&execution, &mut crew, &shared, interrupted).await?;
    let skew = shared.start_line.skew();
    Ok(Ran { stop, skew })
}

/// Locks that do not come into being by being asked for must be there before, unless that is the
/// workload's own work.
async fn create(execution: &Execution<'_>) -> Result<(), RunError> {
    let Some(client) = execution.stage.clients.first() else {
        return Ok(());
    };
    if execution.workload.needs() == Needs::Administration {
        return Ok(());
    }
    for key in execution.params.key_names() {
        let creating = execution
            .lock
            .lock
            .create(client, &key, execution.params.slots);
        let late = |_| {
            Err(locks::Error::new(
                locks::ErrorKind::Timeout,
                "no answer in time",
            ))
        };
        let created = timeout(execution.operation_timeout, creating)
            .await
            .unwrap_or_else(late);
        created.map_err(|reason| RunError::Create {
            key: key.to_string(),
            reason,
        })?;
    }
    Ok(())
}

/// What the workers do: what the schedule has them do, else what the workload makes up.
fn generators(execution: &Execution<'_>) -> Vec<Box<dyn workloads::Client>> {
    let workers = 0..execution.params.concurrency;
    if !execution.schedule.calls.is_empty() {
        let script = |process| script_of(execution.schedule, process);
        return workers.map(script).collect();
    }
    let random = |process| ChaCha8Rng::from_seed(execution.seed.stream(Stream::Worker(process)));
    let randoms = workers.map(random).collect();
    execution.workload.crew(execution.params, randoms)
}

fn equip(
    execution: &Execution<'_>,
    client: &locks::Client,
    generator: Box<dyn workloads::Client>,
) -> Equipment {
    Equipment {
        lock: execution.lock.lock.clone(),
        client: locks::Client {
            options: execution.lock.options,
            ..client.clone()
        },
        generator,
        is_fenced: execution.workload.needs() == Needs::Tokens,
        operation_timeout: execution.operation_timeout,
    }
}

/// What the schedule has a worker do.
fn script_of(schedule: &Schedule, process: u32) -> Box<dyn workloads::Client> {
    let own = schedule.calls.iter().filter(|call| call.worker == process);
    let lines = own.map(|call| workloads::Line {
        at: Duration::from_millis(call.at_ms),
        function: match call.f {
            Request::Acquire => Function::Acquire,
            Request::Verify => Function::Verify,
            Request::Release => Function::Release,
        },
        key: call.key.as_str().into(),
    });
    workloads::script(lines)
}

/// Leads the crew through the phases of the run.
async fn accompany(
    execution: &Execution<'_>,
    crew: &mut JoinSet<Result<(), LogError>>,
    shared: &Arc<Shared>,
    interrupted: impl Future<Output = ()>,
) -> Result<Stop, RunError> {
    let clock = async {
        shared
            .recorder
            .clock()
            .sleep_until(execution.time_limit)
            .await;
        shared.phases.advance(Phase::Finishing);
        sleep(execution.finish_within).await;
    };
    let reach = Reach {
        testbed: execution.stage.system,
        crew: &shared.crew,
    };
    let nemesis = play(
        execution.schedule,
        &reach,
        execution.stage.clients.len(),
        shared,
    );
    let work = async {
        let nemesis = async { nemesis.await.map_err(RunError::from) };
        tokio::try_join!(nemesis, all_done(crew)).map(|_| ())
    };
    let stop = tokio::select! {
        biased;
        () = interrupted => Stop::Interrupted,
        result = work => return result.map(|()| Stop::Done),
        () = clock => Stop::Stuck,
    };
    shared.phases.advance(Phase::Stopping);
    shared.crew.wake();
    let patience = execution.operation_timeout + CLOSE_WITHIN;
    match timeout(2 * patience, all_done(crew)).await {
        Ok(done) => done?,
        // Whoever does not leave is made to: the record then lacks the end of an operation.
        Err(_) => crew.shutdown().await,
    }
    Ok(stop)
}

async fn all_done(crew: &mut JoinSet<Result<(), LogError>>) -> Result<(), RunError> {
    while let Some(done) = crew.join_next().await {
        done??;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
