//! How a run is carried out, and how it ends.

use std::sync::Arc;
use std::time::Duration;

use history::jsonl::LogError;
use history::{Draft, Mark};
use nemesis::{Clients, Notice, Schedule, SystemError};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use workloads::Needs;

use crate::burst::Skew;
use crate::clock::Clock;
use crate::crew::{Reach, process_of, unless_paused};
use crate::phase::Phase;
use crate::player::{LeftOut, NemesisError, play};
use crate::recorder::Recording;
use crate::seed::Stream;
use crate::setup::{Setup, Stage};
use crate::shared::Shared;
use crate::watch::Watch;
use crate::worker::{CLOSE_WITHIN, Equipment, work};

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

/// A client of which a service noticed that it is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticedLoss {
    /// When, in nanoseconds since the run began.
    pub time_ns: u64,
    /// The client's process.
    pub process: u32,
    /// Why, in the service's words.
    pub reason: String,
}

/// What is known of a run besides its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// How it came to its end.
    pub stop: Stop,
    /// How close to simultaneous its bursts were.
    pub skew: Option<Skew>,
    /// When services noticed that clients are gone, by their own word, in that order.
    pub losses: Vec<NoticedLoss>,
    /// The faults of the schedule that did not happen, by their places.
    pub left_out: Vec<LeftOut>,
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
    /// The service refused something to the account of the workers.
    #[error(
        "the service refuses that to the account, whoever holds the lock: {0}: give the account what it needs, or use another"
    )]
    Forbidden(locks::Error),
    /// The lock is a program, and did what no verdict may rest on.
    #[error(
        "{0}; a program that does that makes no verdict: mend it, `prover try-adapter` tries each message"
    )]
    Misconduct(locks::Error),
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
    setup: Setup<'_>,
    stage: Stage<'_>,
    recording: Recording,
    interrupted: impl Future<Output = ()>,
) -> Result<Ran, RunError> {
    let lock = setup.lock.lock.clone();
    let ran = carry_out(setup, stage, recording, interrupted).await;
    // Nothing of it is left running, whatever came of the run.
    let ended = lock.end().await.map_err(RunError::Misconduct);
    ran.and_then(|ran| ended.map(|()| ran))
}

async fn carry_out(
    setup: Setup<'_>,
    stage: Stage<'_>,
    recording: Recording,
    interrupted: impl Future<Output = ()>,
) -> Result<Ran, RunError> {
    let mut interrupted = std::pin::pin!(interrupted);
    tokio::select! {
        biased;
        () = &mut interrupted => return Ok(Ran::interrupted()),
        created = create(&setup, &stage) => created?,
    }
    let workers = setup.params.concurrency;
    let shared = Arc::new(Shared::begin(
        workers,
        setup.goal.clone(),
        recording,
        &stage.clock,
    ));
    shared
        .recorder
        .record(Draft::begin(setup.outline.clone()))?;
    let mut crew = JoinSet::new();
    let clients = stage.clients.iter();
    for ((number, client), generator) in clients.enumerate().zip(generators(&setup)) {
        let equipment = equip(&setup, knowing(&setup, &stage, number, client), generator);
        let condition = shared.crew.condition(number);
        let work = work(number, equipment, shared.clone());
        crew.spawn(unless_paused(condition, work));
    }
    let accompanied = accompany(&setup, &stage, &mut crew, &shared, interrupted).await;
    // Whoever is still at work is over with this.
    crew.shutdown().await;
    let stop = accompanied?;
    if stop == Stop::Done {
        shared.recorder.record(Draft::mark(Mark::End))?;
    }
    Ok(Ran {
        stop,
        skew: shared.start_line.skew(),
        losses: losses(&stage, shared.recorder.clock()).await,
        left_out: {
            let mut all = shared.left_out.see(Clone::clone);
            all.sort_by_key(|one| one.place);
            all
        },
    })
}

impl Ran {
    /// Somebody interrupted it before it had begun.
    #[must_use]
    pub fn interrupted() -> Self {
        Self {
            stop: Stop::Interrupted,
            skew: None,
            losses: Vec::new(),
            left_out: Vec::new(),
        }
    }
}

/// When services noticed that clients of this run are gone. A service that does not say so costs
/// figures, and no run.
async fn losses(stage: &Stage<'_>, clock: &Clock) -> Vec<NoticedLoss> {
    let noticed = stage.system.noticed().await.unwrap_or_else(|error| {
        tracing::warn!("when services noticed losses is not known: {error}");
        Vec::new()
    });
    // To ask takes a while, and they say how long ago it was when they answered.
    let now = clock.elapsed();
    let loss = |notice: Notice| {
        let at = now.checked_sub(notice.ago)?;
        let mut clients = stage.clients.iter();
        let process = clients.find_map(|config| process_of(config, &notice.connection))?;
        Some(NoticedLoss {
            time_ns: u64::try_from(at.as_nanos()).ok()?,
            process,
            reason: notice.reason,
        })
    };
    noticed.into_iter().filter_map(loss).collect()
}

/// Locks that do not come into being by being asked for must be there before, unless that is the
/// workload's own work.
async fn create(setup: &Setup<'_>, stage: &Stage<'_>) -> Result<(), RunError> {
    let Some(client) = stage.clients.first() else {
        return Ok(());
    };
    let client = &knowing(setup, stage, 0, client);
    if setup.workload.needs() == Needs::Administration {
        return Ok(());
    }
    for key in setup.params.key_names() {
        let creating = setup.lock.lock.create(client, &key, setup.params.slots);
        let late = |_| {
            Err(locks::Error::new(
                locks::ErrorKind::Timeout,
                "no answer in time",
            ))
        };
        let created = timeout(setup.operation_timeout, creating)
            .await
            .unwrap_or_else(late);
        created.map_err(|reason| match reason.kind {
            locks::ErrorKind::Misconduct => RunError::Misconduct(reason),
            _ => RunError::Create {
                key: key.to_string(),
                reason,
            },
        })?;
    }
    Ok(())
}

/// What the workers do: what the schedule has them do, else what the workload makes up.
fn generators(setup: &Setup<'_>) -> Vec<Box<dyn workloads::Client>> {
    let workers = 0..setup.params.concurrency;
    if !setup.schedule.calls.is_empty() {
        let script = |process| script_of(setup.schedule, process);
        return workers.map(script).collect();
    }
    let random = |process| ChaCha8Rng::from_seed(setup.seed.stream(Stream::Worker(process)));
    let randoms = workers.map(random).collect();
    setup.workload.crew(setup.params, randoms)
}

/// The client of a worker, with what it knows of the run and how it uses the lock. Whoever makes the
/// lock has to know that too: a lock may be another sort of queue.
fn knowing(
    setup: &Setup<'_>,
    stage: &Stage<'_>,
    worker: usize,
    client: &locks::ClientConfig,
) -> locks::ClientConfig {
    let keys = setup.params.key_names();
    locks::ClientConfig {
        run: locks::RunContext {
            worker: u32::try_from(worker).unwrap_or(u32::MAX),
            workers: setup.params.concurrency,
            keys: keys.iter().map(ToString::to_string).collect(),
            slots: setup.params.slots,
            operation_timeout: setup.operation_timeout,
            folder: stage.folder.clone(),
        },
        options: setup.lock.options,
        ..client.clone()
    }
}

/// What the clients of a lock are to the operating system.
fn clients_of(lock: &dyn locks::Lock) -> Clients {
    if lock.has_processes() {
        Clients::Processes
    } else {
        Clients::Tasks
    }
}

fn equip(
    setup: &Setup<'_>,
    client: locks::ClientConfig,
    generator: Box<dyn workloads::Client>,
) -> Equipment {
    Equipment {
        lock: setup.lock.lock.clone(),
        client,
        generator,
        is_fenced: setup.workload.needs() == Needs::Tokens,
        operation_timeout: setup.operation_timeout,
    }
}

/// What the schedule has a worker do.
fn script_of(schedule: &Schedule, process: u32) -> Box<dyn workloads::Client> {
    let own = schedule.calls.iter().filter(|call| call.worker == process);
    let lines = own.map(|call| workloads::DueOperation {
        at: Duration::from_millis(call.at_ms),
        function: call.f.into(),
        key: call.key.as_str().into(),
        slots: call.value.clone(),
    });
    workloads::script(lines)
}

/// Leads the crew through the phases of the run.
async fn accompany(
    setup: &Setup<'_>,
    stage: &Stage<'_>,
    crew: &mut JoinSet<Result<(), LogError>>,
    shared: &Arc<Shared>,
    interrupted: impl Future<Output = ()>,
) -> Result<Stop, RunError> {
    let has_healed = Watch::new(false);
    let clock = async {
        enough(setup.time_limit, shared).await;
        shared.phases.advance(Phase::Healing);
        // A cluster may take a minute to be whole again, and the last phase is about what comes then.
        has_healed.when(|healed| *healed).await;
        // Recorded first, so that nothing of the last phase stands before it.
        shared.recorder.record(Draft::mark(Mark::Settle))?;
        shared.phases.advance(Phase::Finishing);
        sleep(setup.finish_within).await;
        Ok::<_, LogError>(())
    };
    let reach = Reach {
        testbed: stage.system,
        crew: &shared.crew,
        clients: clients_of(&*setup.lock.lock),
        configs: &stage.clients,
    };
    let nemesis = play(
        setup.schedule,
        &reach,
        stage.clients.len(),
        setup.time_limit,
        shared,
    );
    let work = async {
        let nemesis = async {
            nemesis.await?;
            has_healed.change(|healed| *healed = true);
            Ok::<_, RunError>(())
        };
        tokio::try_join!(nemesis, all_done(crew)).map(|_| ())
    };
    let stop = tokio::select! {
        biased;
        () = interrupted => Stop::Interrupted,
        error = setup.lock.lock.misconduct() => return Err(RunError::Misconduct(error)),
        error = shared.forbidden() => return Err(RunError::Forbidden(error)),
        result = work => return result.map(|()| Stop::Done),
        settled = clock => settled.map(|()| Stop::Stuck)?,
    };
    shared.phases.advance(Phase::Stopping);
    let woken = shared.crew.wake().await;
    woken.map_err(|error| NemesisError::System(SystemError(error.into())))?;
    let patience = setup.operation_timeout + CLOSE_WITHIN;
    match timeout(2 * patience, all_done(crew)).await {
        Ok(done) => done?,
        // Whoever does not leave is made to: the record then lacks the end of an operation.
        Err(_) => crew.shutdown().await,
    }
    Ok(stop)
}

/// Returns when the workload has run for long enough.
async fn enough(time_limit: Duration, shared: &Shared) {
    let reached = async {
        match &shared.pursuit {
            Some(pursuit) => pursuit.reached().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = reached => {}
        () = shared.recorder.clock().sleep_until(time_limit) => {}
    }
}

async fn all_done(crew: &mut JoinSet<Result<(), LogError>>) -> Result<(), RunError> {
    while let Some(done) = crew.join_next().await {
        done??;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
