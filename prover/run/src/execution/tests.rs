//! Whole runs with a scripted lock and a scripted system: how they end, and what is never a
//! verdict.

use std::sync::Arc;
use std::time::Duration;

use history::{History, Mark, Outline};
use locks::{Chosen, ErrorKind};
use nemesis::{Call, Planned, Request, Schedule, Target};
use tokio::time::{Instant, sleep};
use workloads::Params;

use super::{Ran, RunError, Stop, execute};
use crate::clock::Clock;
use crate::goal::Goal;
use crate::player::NemesisError;
use crate::recorder::Recording;
use crate::seed::Seed;
use crate::setup::{Setup, Stage};
use crate::testing::{FullDisk, Memory, Reaction, ScriptedLock, ScriptedSystem, Witness, client};

const SECOND: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(5);

const OPTIONS: locks::Options = locks::Options {
    verify: locks::Verify::PassiveDeclare,
    confirm: locks::ConfirmBy::Confirms,
    release: locks::ReleaseBy::Step,
    expiry: None,
    reconnect: locks::Reconnect::Never,
    queue: locks::QueueKind::Quorum,
};

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
        value: Vec::new(),
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
        parameters: Default::default(),
    }
}

/// A lock, held from 500 ms to 3 s, and a cut meanwhile.
fn ordinary() -> Schedule {
    Schedule {
        faults: vec![cut()],
        ..calls([(500, Request::Acquire), (3_000, Request::Release)])
    }
}

/// What a run is made of; by itself nothing goes wrong, and nobody interrupts.
#[derive(Default)]
struct Scene {
    lock: ScriptedLock,
    system: ScriptedSystem,
    memory: Memory,
    witness: Option<Arc<Witness>>,
    /// So many events find room.
    room: Option<usize>,
    interrupted_after: Option<Duration>,
    goal: Option<Arc<dyn Goal>>,
}

/// A goal that is reached whenever it is asked for, or never.
struct Asked(bool);

impl Goal for Asked {
    fn is_reached(&self, _history: &History) -> bool {
        self.0
    }
}

impl Scene {
    fn with(lock: ScriptedLock) -> Self {
        Self {
            lock,
            ..Self::default()
        }
    }

    fn recording(&self) -> Recording {
        let memory = self.memory.clone();
        let recording = match self.room {
            Some(room) => Recording::new(FullDisk { memory, room }),
            None => Recording::new(memory),
        };
        match &self.witness {
            Some(witness) => recording.observed_by(witness.clone()),
            None => recording,
        }
    }

    /// Runs for 4 s, and 2 s more for the last phase.
    async fn run(&self, schedule: &Schedule) -> Result<Ran, RunError> {
        let params = params();
        let setup = Setup {
            workload: workloads::find("mutex").expect("it is registered"),
            lock: Chosen {
                lock: Arc::new(self.lock.clone()),
                options: OPTIONS,
            },
            params: &params,
            schedule,
            seed: Seed(1),
            time_limit: 4 * SECOND,
            goal: self.goal.clone(),
            finish_within: 2 * SECOND,
            operation_timeout: PATIENCE,
            outline: Outline::default(),
        };
        let stage = Stage {
            clients: vec![client(), client()],
            system: &self.system,
            clock: Clock::of_runtime(),
            folder: None,
        };
        let interrupted = async {
            match self.interrupted_after {
                Some(time) => sleep(time).await,
                None => std::future::pending().await,
            }
        };
        execute(setup, stage, self.recording(), interrupted).await
    }

    /// The same, where the harness does not break down.
    async fn stop(&self, schedule: &Schedule) -> Stop {
        let ran = self.run(schedule).await;
        ran.expect("nothing breaks down").stop
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_is_done_when_all_phases_were_run_through() {
    let scene = Scene::default();
    assert_eq!(scene.stop(&ordinary()).await, Stop::Done);
    let clients = [
        "0 invoke acquire",
        "0 ok acquire",
        "0 invoke release",
        "0 ok release",
    ];
    let events = scene.memory.events();
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
async fn a_record_says_where_it_begins_settles_and_ends_if_it_does() {
    let marks = async |scene: Scene, schedule: &Schedule| {
        scene.stop(schedule).await;
        let history = scene.memory.history();
        let last = history.events().len() - 1;
        assert_eq!(history.mark(Mark::Begin), Some(0));
        let at = |mark| history.mark(mark).map(|place| history.events()[place].time);
        let ends = history.mark(Mark::End).map(|end| end == last);
        (at(Mark::Settle), ends, history.is_unfinished())
    };
    let four_seconds = Some(4_000_000_000);
    let done = marks(Scene::default(), &ordinary()).await;
    assert_eq!(
        done,
        (None, Some(true), false),
        "the schedule was over before the time was"
    );
    let hangs = Scene::with(ScriptedLock::default().operating([Reaction::Hangs]));
    let stuck = marks(hangs, &calls([(3_000, Request::Acquire)])).await;
    assert_eq!(stuck, (four_seconds, None, true));
    let scene = Scene {
        interrupted_after: Some(SECOND),
        ..Scene::default()
    };
    assert_eq!(marks(scene, &ordinary()).await, (None, None, true));
}

#[tokio::test(start_paused = true)]
async fn a_run_with_a_goal_settles_when_it_is_reached_or_its_time_is_up() {
    for (is_reached, settles) in [(true, 2), (false, 4)] {
        let scene = Scene {
            goal: Some(Arc::new(Asked(is_reached))),
            ..Scene::default()
        };
        let schedule = Schedule {
            faults: vec![cut()],
            ..Schedule::default()
        };
        assert_eq!(scene.stop(&schedule).await, Stop::Done);
        let history = scene.memory.history();
        let settled = history.mark(Mark::Settle).expect("it is recorded");
        let time = Duration::from_nanos(history.events()[settled].time);
        // It is asked for when the cut has healed.
        assert_eq!(time, settles * SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_phase_begins_when_all_has_healed_however_long_that_takes() {
    let scene = Scene {
        system: ScriptedSystem::healing_in(10 * SECOND),
        ..Scene::default()
    };
    let schedule = Schedule {
        faults: vec![cut()],
        ..Schedule::default()
    };
    assert_eq!(scene.stop(&schedule).await, Stop::Done);
    let history = scene.memory.history();
    let settled = history.mark(Mark::Settle).expect("it is recorded");
    let time = Duration::from_nanos(history.events()[settled].time);
    // The cut ends at 2 s, the workload's time at 4 s.
    assert_eq!(time, 12 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_last_phase_does_not_end_is_stuck() {
    let scene = Scene::with(ScriptedLock::default().operating([Reaction::Hangs]));
    let began = Instant::now();
    let schedule = calls([(3_000, Request::Acquire)]);
    assert_eq!(scene.stop(&schedule).await, Stop::Stuck);
    // At 6 s it is stuck; the call is waited for until nobody knows what became of it.
    assert_eq!(began.elapsed(), 3 * SECOND + PATIENCE);
    assert_eq!(
        scene.memory.events(),
        ["0 invoke acquire", "0 info acquire"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_interrupted_gives_up_what_is_held() {
    let scene = Scene {
        interrupted_after: Some(SECOND / 2 + SECOND / 4),
        ..Scene::default()
    };
    assert_eq!(scene.stop(&ordinary()).await, Stop::Interrupted);
    let events = [
        "0 invoke acquire",
        "0 ok acquire",
        "0 invoke lost",
        "0 ok lost",
    ];
    assert_eq!(scene.memory.events(), events);
    assert_eq!(scene.lock.sessions(), ["open worker-0", "close worker-0"]);
}

#[tokio::test(start_paused = true)]
async fn whoever_makes_the_lock_knows_how_it_is_used() {
    let scene = Scene::default();
    scene.stop(&ordinary()).await;
    assert_eq!(scene.lock.made_with(), [OPTIONS]);
}

#[tokio::test(start_paused = true)]
async fn a_run_can_be_interrupted_before_it_begins() {
    let scene = Scene {
        interrupted_after: Some(SECOND),
        ..Scene::with(ScriptedLock::default().creating(Reaction::Hangs))
    };
    assert_eq!(scene.stop(&ordinary()).await, Stop::Interrupted);
    assert_eq!(scene.memory.events().len(), 0);
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
        let scene = Scene::with(ScriptedLock::default().creating(creating));
        match scene.run(&ordinary()).await {
            Err(RunError::Create { key, reason }) => {
                assert_eq!((key.as_str(), reason.kind), ("lock-0", kind));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_to_the_account_is_a_harness_error() {
    let forbidden = [Reaction::Fails(ErrorKind::Forbidden)];
    let locks = [
        ScriptedLock::default().operating(forbidden),
        ScriptedLock::default().opening(forbidden),
    ];
    for lock in locks {
        let scene = Scene::with(lock);
        match scene.run(&ordinary()).await {
            Err(RunError::Forbidden(error)) => assert_eq!(error.text, "said so"),
            other => panic!("{other:?}"),
        }
        assert!(scene.memory.history().is_unfinished());
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_a_harness_error_wherever_it_fills_up() {
    let whole = Scene::default();
    whole.stop(&ordinary()).await;
    for room in 0..whole.memory.history().events().len() {
        let scene = Scene {
            room: Some(room),
            ..Scene::default()
        };
        let ran = scene.run(&ordinary()).await;
        let is_log = matches!(
            ran,
            Err(RunError::Log(_) | RunError::Nemesis(NemesisError::Log(_)))
        );
        assert!(is_log, "room for {room}: {ran:?}");
        assert_eq!(scene.memory.history().events().len(), room);
    }
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_cannot_be_injected_or_healed_is_a_harness_error() {
    for failing in ["cut 1", "heal 1"] {
        let scene = Scene {
            system: ScriptedSystem::failing(failing),
            ..Scene::default()
        };
        let ran = scene.run(&ordinary()).await;
        let is_nemesis = matches!(ran, Err(RunError::Nemesis(NemesisError::System(_))));
        assert!(is_nemesis, "{failing}: {ran:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_panics_is_a_bug_of_ours() {
    let scene = Scene::with(ScriptedLock::default().operating([Reaction::Panics]));
    let ran = scene.run(&ordinary()).await;
    assert!(matches!(ran, Err(RunError::Panic(_))), "{ran:?}");
}

#[tokio::test(start_paused = true)]
async fn observers_see_all_of_a_run_in_the_order_of_its_record() {
    let witness = Arc::new(Witness::default());
    let scene = Scene {
        witness: Some(Arc::clone(&witness)),
        ..Scene::default()
    };
    scene.stop(&ordinary()).await;
    let seen = witness.events();
    assert_eq!(seen, scene.memory.history().events());
    assert!(seen.iter().any(|event| event.function.name() == "cut"));
}
