//! Whole runs with a scripted lock and a scripted system: how they end, and what is never a
//! verdict.

use std::sync::Arc;
use std::time::Duration;

use locks::{Chosen, ErrorKind};
use nemesis::{Call, Planned, Request, Schedule, Target};
use tokio::time::{Instant, sleep};
use workloads::Params;

use super::{Ran, RunError, Stop, execute};
use crate::clock::Clock;
use crate::player::NemesisError;
use crate::recorder::Recording;
use crate::seed::Seed;
use crate::setup::{Setup, Stage};
use crate::testing::{FullDisk, Memory, Reaction, ScriptedLock, ScriptedSystem, Witness, client};

const SECOND: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(5);

fn params() -> Params {
    Params {
        concurrency: 2,
        rate_per_second: 10.0,
        keys: 1,
        hold: SECOND,
        verify_every: SECOND,
        slots: 1,
        files_decrements: false,
        burst: false,
    }
}

/// What the first worker does, and when, in milliseconds.
fn calls(calls: impl IntoIterator<Item = (u64, Request)>) -> Schedule {
    let call = |(at_ms, f)| Call {
        at_ms,
        worker: 0,
        f,
        key: "lock-0".to_owned(),
    };
    Schedule {
        faults: Vec::new(),
        calls: calls.into_iter().map(call).collect(),
    }
}

/// A cut from 1 s to 2 s.
fn cut() -> Planned {
    Planned {
        at_ms: 1_000,
        for_ms: 1_000,
        fault: "cut".to_owned(),
        target: Target::Workers(vec![1]),
    }
}

/// A lock, held from 500 ms to 3 s, and a cut meanwhile.
fn ordinary() -> Schedule {
    Schedule {
        faults: vec![cut()],
        ..calls([(500, Request::Acquire), (3_000, Request::Release)])
    }
}

/// Runs for 4 s, and 2 s more for the last phase.
async fn run(
    lock: &ScriptedLock,
    system: &ScriptedSystem,
    schedule: &Schedule,
    recording: Recording,
    interrupted: impl Future<Output = ()>,
) -> Result<Ran, RunError> {
    let params = params();
    let setup = Setup {
        workload: workloads::find("mutex").expect("it is registered"),
        lock: Chosen {
            lock: Arc::new(lock.clone()),
            options: locks::Options::default(),
        },
        params: &params,
        schedule,
        seed: Seed(1),
        time_limit: 4 * SECOND,
        finish_within: 2 * SECOND,
        operation_timeout: PATIENCE,
    };
    let stage = Stage {
        clients: vec![client(), client()],
        system,
        clock: Clock::of_runtime(),
    };
    execute(setup, stage, recording, interrupted).await
}

/// A run that nobody interrupts, with a system that does what it is asked for.
async fn uninterrupted(
    lock: &ScriptedLock,
    schedule: &Schedule,
    memory: &Memory,
) -> Result<Ran, RunError> {
    let recording = Recording::new(memory.clone());
    run(
        lock,
        &ScriptedSystem::default(),
        schedule,
        recording,
        std::future::pending(),
    )
    .await
}

#[tokio::test(start_paused = true)]
async fn a_run_is_done_when_all_phases_were_run_through() {
    let (lock, memory) = (ScriptedLock::default(), Memory::default());
    let ran = uninterrupted(&lock, &ordinary(), &memory).await;
    assert_eq!(ran.expect("nothing breaks down").stop, Stop::Done);
    let clients = [
        "0 invoke acquire",
        "0 ok acquire",
        "0 invoke release",
        "0 ok release",
    ];
    let events = memory.events();
    let of_clients: Vec<_> = events
        .iter()
        .filter(|event| !event.starts_with("nemesis"))
        .collect();
    assert_eq!(of_clients, clients);
    assert_eq!(
        events.first().map(String::as_str),
        Some(clients[0]),
        "nothing else came before"
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_last_phase_does_not_end_is_stuck() {
    let lock = ScriptedLock::default().operating([Reaction::Hangs]);
    let memory = Memory::default();
    let began = Instant::now();
    let ran = uninterrupted(&lock, &calls([(3_000, Request::Acquire)]), &memory).await;
    assert_eq!(ran.expect("nothing breaks down").stop, Stop::Stuck);
    // At 6 s it is stuck; the call is waited for until nobody knows what became of it.
    assert_eq!(began.elapsed(), 3 * SECOND + PATIENCE);
    assert_eq!(memory.events(), ["0 invoke acquire", "0 info acquire"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_interrupted_gives_up_what_is_held() {
    let (lock, memory) = (ScriptedLock::default(), Memory::default());
    let recording = Recording::new(memory.clone());
    let system = ScriptedSystem::default();
    let ran = run(
        &lock,
        &system,
        &ordinary(),
        recording,
        sleep(SECOND / 2 + SECOND / 4),
    )
    .await;
    assert_eq!(ran.expect("nothing breaks down").stop, Stop::Interrupted);
    let events = [
        "0 invoke acquire",
        "0 ok acquire",
        "0 invoke lost",
        "0 ok lost",
    ];
    assert_eq!(memory.events(), events);
    assert_eq!(lock.sessions(), ["open worker-0", "close worker-0"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_can_be_interrupted_before_it_begins() {
    let lock = ScriptedLock::default().creating(Reaction::Hangs);
    let memory = Memory::default();
    let recording = Recording::new(memory.clone());
    let ran = run(
        &lock,
        &ScriptedSystem::default(),
        &ordinary(),
        recording,
        sleep(SECOND),
    )
    .await;
    assert_eq!(ran.expect("nothing breaks down").stop, Stop::Interrupted);
    assert_eq!(memory.events().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_cannot_be_made_is_a_harness_error() {
    for (creating, kind) in [
        (
            Reaction::Fails(ErrorKind::AccessRefused),
            ErrorKind::AccessRefused,
        ),
        (Reaction::Hangs, ErrorKind::Timeout),
    ] {
        let lock = ScriptedLock::default().creating(creating);
        let ran = uninterrupted(&lock, &ordinary(), &Memory::default()).await;
        match ran {
            Err(RunError::Create { key, reason }) => {
                assert_eq!((key.as_str(), reason.kind), ("lock-0", kind));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_a_harness_error_wherever_it_fills_up() {
    let memory = Memory::default();
    let lock = ScriptedLock::default();
    let ran = uninterrupted(&lock, &ordinary(), &memory).await;
    ran.expect("there is room enough");
    for room in 0..memory.events().len() {
        let memory = Memory::default();
        let disk = FullDisk {
            memory: memory.clone(),
            room,
        };
        let system = ScriptedSystem::default();
        let recording = Recording::new(disk);
        let ran = run(
            &lock,
            &system,
            &ordinary(),
            recording,
            std::future::pending(),
        )
        .await;
        let is_log = matches!(
            ran,
            Err(RunError::Log(_) | RunError::Nemesis(NemesisError::Log(_)))
        );
        assert!(is_log, "room for {room}: {ran:?}");
        assert_eq!(memory.events().len(), room);
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_cannot_be_injected_or_healed_is_a_harness_error() {
    for failing in ["cut 1", "heal 1"] {
        let system = ScriptedSystem::failing(failing);
        let recording = Recording::new(Memory::default());
        let lock = ScriptedLock::default();
        let ran = run(
            &lock,
            &system,
            &ordinary(),
            recording,
            std::future::pending(),
        )
        .await;
        let is_nemesis = matches!(ran, Err(RunError::Nemesis(NemesisError::System(_))));
        assert!(is_nemesis, "{failing}: {ran:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_panics_is_a_bug_of_ours() {
    let lock = ScriptedLock::default().operating([Reaction::Panics]);
    let ran = uninterrupted(&lock, &ordinary(), &Memory::default()).await;
    assert!(matches!(ran, Err(RunError::Panic(_))), "{ran:?}");
}

#[tokio::test(start_paused = true)]
async fn observers_see_all_of_a_run_in_the_order_of_its_record() {
    let (lock, memory) = (ScriptedLock::default(), Memory::default());
    let witness = Arc::new(Witness::default());
    let recording = Recording::new(memory.clone()).observed_by(witness.clone());
    let system = ScriptedSystem::default();
    let ran = run(
        &lock,
        &system,
        &ordinary(),
        recording,
        std::future::pending(),
    )
    .await;
    ran.expect("nothing breaks down");
    let seen = witness.events();
    assert_eq!(seen, memory.history().events());
    assert!(seen.iter().any(|event| event.function.name() == "cut"));
}
