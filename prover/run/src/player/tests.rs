//! The player of schedules with a scripted system: whom it strikes, when, and what it notes in
//! which order.

use std::sync::Arc;
use std::time::Duration;

use history::fault::{Class, Parameters};
use history::{Draft, Function, Kind, Process};
use nemesis::{Planned, Schedule, Selected, Target};

use super::{NemesisError, play};
use crate::clock::Clock;
use crate::phase::Phase;
use crate::recorder::Recording;
use crate::shared::Shared;
use crate::testing::{FullDisk, Memory, ScriptedSystem};

/// Workers of each run here.
const WORKERS: u32 = 3;
/// How long they may last.
const TIME_LIMIT: Duration = Duration::from_secs(20);

/// A run in which only the nemesis does something.
struct Scene {
    system: ScriptedSystem,
    memory: Memory,
    shared: Arc<Shared>,
}

impl Scene {
    fn new(system: ScriptedSystem) -> Self {
        let memory = Memory::default();
        let recording = Recording::new(memory.clone()).observed_by(Arc::new(system.clone()));
        let shared = Shared::begin(WORKERS, None, recording, &Clock::of_runtime());
        Self {
            system,
            memory,
            shared: Arc::new(shared),
        }
    }

    async fn play(&self, faults: Vec<Planned>) -> Result<(), NemesisError> {
        let schedule = Schedule {
            faults,
            ..Schedule::default()
        };
        let workers = WORKERS as usize;
        play(&schedule, &self.system, workers, TIME_LIMIT, &self.shared).await
    }

    /// A process invokes something, or ends it.
    fn record(&self, process: u32, kind: Kind, function: Function) {
        let draft = Draft::new(Process::Client(process), kind, function);
        let recorded = self.shared.recorder.record(draft);
        recorded.expect("the memory is large enough");
    }

    fn grant(&self, process: u32) {
        self.record(process, Kind::Invoke, Function::Acquire);
        self.record(process, Kind::Ok, Function::Acquire);
    }

    async fn at(&self, ms: u64) {
        let clock = self.shared.recorder.clock();
        clock.sleep_until(Duration::from_millis(ms)).await;
    }

    /// When the nemesis noted something, in milliseconds.
    fn noted_ms(&self) -> Vec<u64> {
        let history = self.memory.history();
        history
            .faults()
            .map(|event| event.time / 1_000_000)
            .collect()
    }

    /// Who was struck first, as noted.
    fn struck(&self) -> String {
        self.system.diary()[0].replace("inject ", "")
    }
}

/// From 1 s to 3 s.
fn planned(fault: &str, target: Target) -> Planned {
    Planned {
        at_ms: 1_000,
        for_ms: 2_000,
        fault: fault.to_owned(),
        target,
        parameters: parameters(fault),
    }
}

/// What is assumed of a fault, if it is one.
fn parameters(fault: &str) -> Parameters {
    let known = nemesis::find(fault).map(|fault| Selected::plain(fault).parameters);
    known.unwrap_or_default()
}

fn cut(target: Target) -> Vec<Planned> {
    vec![planned("cut", target)]
}

#[tokio::test(start_paused = true)]
async fn a_note_stands_before_each_deed_and_after_it() {
    let scene = Scene::new(ScriptedSystem::default());
    let played = scene.play(cut(Target::Workers(vec![0, 2]))).await;
    played.expect("the system does all that it is asked for");
    let diary = [
        "inject [0, 2]",
        "cut 0",
        "cut 2",
        "on",
        "heal",
        "heal 0",
        "heal 2",
        "healed",
    ];
    assert_eq!(scene.system.diary(), diary);
    assert_eq!(scene.noted_ms(), [1_000, 1_000, 3_000, 3_000]);
}

#[tokio::test(start_paused = true)]
async fn faults_come_one_after_the_other_and_each_has_its_number() {
    let scene = Scene::new(ScriptedSystem::default());
    let first = planned("cut", Target::Workers(vec![0]));
    let second = Planned {
        at_ms: 5_000,
        ..planned("partition", Target::Workers(vec![1]))
    };
    let played = scene.play(vec![first, second]).await;
    played.expect("the system does all that it is asked for");
    let windows = scene.memory.history().windows();
    let seen: Vec<_> = windows
        .iter()
        .map(|window| (&*window.name, window.id, window.inject, window.healed))
        .collect();
    assert_eq!(seen, [("cut", 0, 0, Some(3)), ("partition", 1, 4, Some(7))]);
    assert_eq!(windows[0].class, Class::Breaking);
    assert_eq!(windows[0].parameters["for_ms"], 2_000);
}

/// A fault from one millisecond to another.
fn from_to(fault: &str, from: u64, to: u64, target: Target) -> Planned {
    Planned {
        at_ms: from,
        for_ms: to - from,
        ..planned(fault, target)
    }
}

#[tokio::test(start_paused = true)]
async fn faults_that_overlap_are_on_at_the_same_time() {
    let scene = Scene::new(ScriptedSystem::default());
    let faults = vec![
        from_to("cut", 1_000, 3_000, Target::Workers(vec![0])),
        from_to("partition", 2_000, 4_000, Target::Workers(vec![1])),
        from_to("cut", 3_000, 5_000, Target::Workers(vec![0])),
    ];
    let played = scene.play(faults).await;
    played.expect("the system does all that it is asked for");
    let diary = [
        "inject [0]",
        "cut 0",
        "on",
        "inject [1]",
        "hold-upstream 1",
        "hold-downstream 1",
        "on",
        "heal",
        "heal 0",
        "healed",
        "inject [0]",
        "cut 0",
        "on",
        "heal",
        "heal 1",
        "healed",
        "heal",
        "heal 0",
        "healed",
    ];
    assert_eq!(scene.system.diary(), diary);
    let windows = scene.memory.history().windows();
    let ids: Vec<_> = windows.iter().map(|window| window.id).collect();
    assert_eq!(ids, [0, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_struck_by_two_faults_of_which_one_would_heal_the_other() {
    let scene = Scene::new(ScriptedSystem::default());
    scene.grant(1);
    let faults = vec![
        from_to("partition", 1_000, 6_000, Target::Workers(vec![1, 2])),
        from_to("cut", 2_000, 3_000, Target::Holder { draw: 0 }),
        from_to("cut", 2_500, 4_000, Target::Any { draw: 0 }),
    ];
    let played = scene.play(faults).await;
    played.expect("the system does all that it is asked for");
    let windows = scene.memory.history().windows();
    let struck: Vec<_> = windows
        .iter()
        .map(|window| window.targets.processes().to_vec())
        .collect();
    // The third waits until the second has healed: nobody else is left.
    assert_eq!(struck, [vec![1, 2], vec![0], vec![0]]);
    assert_eq!(
        scene.noted_ms(),
        [
            1_000, 1_000, 2_000, 2_000, 3_000, 3_000, 3_000, 3_000, 4_500, 4_500, 6_000, 6_000
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_holder_is_struck_as_the_board_says() {
    for (holders, draw, struck) in [
        (vec![1], 7, "[1]"),
        (vec![0, 2], 0, "[0]"),
        (vec![0, 2], 1, "[2]"),
    ] {
        let scene = Scene::new(ScriptedSystem::default());
        for holder in &holders {
            scene.grant(*holder);
        }
        let played = scene.play(cut(Target::Holder { draw })).await;
        played.expect("the system does all that it is asked for");
        assert_eq!(scene.struck(), struck, "{holders:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_has_given_the_lock_back_is_no_holder() {
    let scene = Scene::new(ScriptedSystem::default());
    scene.grant(0);
    scene.record(0, Kind::Invoke, Function::Release);
    scene.record(0, Kind::Ok, Function::Release);
    scene.grant(2);
    let played = scene.play(cut(Target::Holder { draw: 0 })).await;
    played.expect("the system does all that it is asked for");
    assert_eq!(scene.struck(), "[2]");
}

#[tokio::test(start_paused = true)]
async fn a_fault_waits_for_a_holder_but_not_for_long() {
    let scene = Scene::new(ScriptedSystem::default());
    let granting = async {
        scene.at(2_500).await;
        scene.grant(2);
    };
    let (played, ()) = tokio::join!(scene.play(cut(Target::Holder { draw: 0 })), granting);
    played.expect("the system does all that it is asked for");
    assert_eq!(
        (scene.struck().as_str(), scene.noted_ms()[0]),
        ("[2]", 2_500)
    );

    let scene = Scene::new(ScriptedSystem::default());
    let played = scene.play(cut(Target::Holder { draw: 7 })).await;
    played.expect("the system does all that it is asked for");
    // Nobody held it: somebody is struck all the same.
    assert_eq!(
        (scene.struck().as_str(), scene.noted_ms()[0]),
        ("[1]", 3_000)
    );
}

#[tokio::test(start_paused = true)]
async fn a_late_fault_lasts_as_long_as_planned_or_is_left_out() {
    for (at_ms, noted_ms) in [
        (17_000, vec![18_000, 18_000, 20_000, 20_000]),
        (17_001, vec![]),
        (19_999, vec![]),
    ] {
        let scene = Scene::new(ScriptedSystem::default());
        let late = Planned {
            at_ms,
            ..planned("cut", Target::Holder { draw: 0 })
        };
        let granting = async {
            scene.at(at_ms + 1_000).await;
            scene.grant(0);
        };
        let (played, ()) = tokio::join!(scene.play(vec![late]), granting);
        played.expect("the system does all that it is asked for");
        assert_eq!(scene.noted_ms(), noted_ms);
    }
}

#[tokio::test(start_paused = true)]
async fn what_does_not_happen_is_told_and_the_rest_goes_on() {
    let scene = Scene::new(ScriptedSystem::default());
    let faults = vec![
        planned("cut", Target::Workers(vec![9])),
        from_to("cut", 4_000, 5_000, Target::Workers(vec![1])),
        from_to("cut", 19_000, 30_000, Target::Workers(vec![1])),
    ];
    scene.play(faults).await.expect("the system does it");
    assert_eq!(scene.noted_ms(), [4_000, 4_000, 5_000, 5_000]);
    let told = scene.shared.left_out.see(|all| {
        let lines = all.iter().map(ToString::to_string);
        lines.collect::<Vec<_>>()
    });
    assert_eq!(
        told,
        [
            "fault 0 of the schedule (cut) was left out: it names no worker of this run",
            "fault 2 of the schedule (cut) was left out: it could not last as long as planned any more",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_else_is_meant_is_struck_at_once() {
    let table = [
        (Target::Any { draw: 5 }, "[2]"),
        (Target::Random { draw: 0b101 }, "[0, 2]"),
        (Target::Random { draw: 0b1000 }, "[2]"),
        (Target::Workers(vec![1]), "[1]"),
    ];
    for (target, struck) in table {
        let scene = Scene::new(ScriptedSystem::default());
        scene.grant(0);
        let played = scene.play(cut(target)).await;
        played.expect("the system does all that it is asked for");
        assert_eq!(
            (scene.struck().as_str(), scene.noted_ms()[0]),
            (struck, 1_000)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn all_are_struck_where_all_are_meant_and_a_waiter_where_one_is() {
    let scene = Scene::new(ScriptedSystem::default());
    scene.grant(0);
    scene.record(2, Kind::Invoke, Function::Acquire);
    let waiter = Planned {
        at_ms: 4_000,
        ..planned("cut", Target::Waiter { draw: 0 })
    };
    let mut faults = cut(Target::All);
    faults.push(waiter);
    let played = scene.play(faults).await;
    played.expect("the system does all that it is asked for");
    let windows = scene.memory.history().windows();
    let struck: Vec<_> = windows
        .iter()
        .map(|window| window.targets.processes().to_vec())
        .collect();
    assert_eq!(struck, [vec![0, 1, 2], vec![2]]);
}

#[tokio::test(start_paused = true)]
async fn a_link_that_flaps_is_held_and_let_go_until_its_time_is_over() {
    let scene = Scene::new(ScriptedSystem::default());
    let flap = Planned {
        for_ms: 1_500,
        ..planned("flap", Target::Workers(vec![1]))
    };
    scene.play(vec![flap]).await.expect("the system does it");
    let (down, up) = (["hold-upstream 1", "hold-downstream 1"], "heal 1");
    let mut diary = vec!["inject [1]"];
    diary.extend(down);
    diary.extend(["on", up]);
    diary.extend(down);
    diary.extend(["heal", up, "healed"]);
    assert_eq!(scene.system.diary(), diary);
    // Held at 1 s, let go at 1.7 s, held at 2 s until it is over.
    assert_eq!(scene.noted_ms(), [1_000, 1_000, 2_500, 2_500]);
}

#[tokio::test(start_paused = true)]
async fn a_trap_is_on_from_when_it_springs_and_misses_where_it_does_not() {
    let trap = || planned("hold-after", Target::Workers(vec![1]));
    let sprung = Scene::new(ScriptedSystem::springing());
    sprung.play(vec![trap()]).await.expect("the system does it");
    let diary = ["trap 1", "inject [1]", "on", "heal", "heal 1", "healed"];
    assert_eq!(sprung.system.diary(), diary);
    let still = Scene::new(ScriptedSystem::default());
    still.play(vec![trap()]).await.expect("the system does it");
    let diary = ["trap 1", "inject [1]", "missed", "heal 1", "healed"];
    assert_eq!(still.system.diary(), diary);
    // It waits for 10 s.
    assert_eq!(still.noted_ms(), [11_000, 11_000, 11_000]);
    let window = &still.memory.history().windows()[0];
    assert!(window.missed && window.on.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_administrator_is_struck_in_the_middle_of_its_action() {
    let scene = Scene::new(ScriptedSystem::default());
    let administering = async {
        scene.at(2_000).await;
        scene.grant(0);
        scene.record(1, Kind::Invoke, Function::Grow);
    };
    let target = Target::Administrator { draw: 0x8000_0000 };
    let (played, ()) = tokio::join!(scene.play(cut(target)), administering);
    played.expect("the system does all that it is asked for");
    // The draw decides how far into the action: half of the longest.
    assert_eq!(
        (scene.struck().as_str(), scene.noted_ms()[0]),
        ("[1]", 2_020)
    );
}

#[tokio::test(start_paused = true)]
async fn a_target_is_noted_by_the_number_under_which_it_acts_now() {
    let scene = Scene::new(ScriptedSystem::default());
    scene.shared.crew.retire(1);
    let played = scene.play(cut(Target::Workers(vec![0, 1]))).await;
    played.expect("the system does all that it is asked for");
    assert_eq!(
        scene.system.diary()[..3],
        ["inject [0, 4]", "cut 0", "cut 1"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_strikes_all_does_so_whomever_it_is_aimed_at() {
    let scene = Scene::new(ScriptedSystem::default());
    let played = scene
        .play(vec![planned("restart", Target::Any { draw: 0 })])
        .await;
    played.expect("the system does all that it is asked for");
    let diary = [
        "inject [0, 1, 2]",
        "Stop",
        "on",
        "heal",
        "mend Stop",
        "healed",
    ];
    assert_eq!(scene.system.diary(), diary);
}

#[tokio::test(start_paused = true)]
async fn everything_has_healed_when_the_time_is_up_and_nothing_more_breaks() {
    let scene = Scene::new(ScriptedSystem::default());
    let second = Planned {
        at_ms: 4_000,
        ..planned("cut", Target::Workers(vec![1]))
    };
    let first = planned("cut", Target::Workers(vec![0]));
    let ending = async {
        scene.at(1_500).await;
        scene.shared.phases.advance(Phase::Finishing);
    };
    let (played, ()) = tokio::join!(scene.play(vec![first, second]), ending);
    played.expect("the system does all that it is asked for");
    let diary = ["inject [0]", "cut 0", "on", "heal", "heal 0", "healed"];
    assert_eq!(scene.system.diary(), diary);
    assert_eq!(scene.noted_ms(), [1_000, 1_000, 1_500, 1_500]);
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_does_not_land_is_never_noted_as_being_in_force() {
    let scene = Scene::new(ScriptedSystem::failing("cut 2"));
    let played = scene.play(cut(Target::Workers(vec![0, 2]))).await;
    let said = played.expect_err("it failed").to_string();
    assert_eq!(said, "fault injection failed: said so");
    assert_eq!(scene.system.diary(), ["inject [0, 2]", "cut 0", "cut 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_does_not_heal_is_never_noted_as_healed() {
    let scene = Scene::new(ScriptedSystem::failing("heal 0"));
    let played = scene.play(cut(Target::Workers(vec![0]))).await;
    assert!(matches!(played, Err(NemesisError::System(_))), "{played:?}");
    assert_eq!(
        scene.system.diary(),
        ["inject [0]", "cut 0", "on", "heal", "heal 0"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_noted_is_not_done() {
    let system = ScriptedSystem::default();
    let disk = FullDisk {
        memory: Memory::default(),
        room: 0,
    };
    let scene = Scene {
        shared: Arc::new(Shared::begin(
            WORKERS,
            None,
            Recording::new(disk),
            &Clock::of_runtime(),
        )),
        ..Scene::new(system)
    };
    let played = scene.play(cut(Target::Workers(vec![0]))).await;
    assert!(matches!(played, Err(NemesisError::Log(_))), "{played:?}");
    assert_eq!(scene.system.diary().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_fault_is_refused() {
    let scene = Scene::new(ScriptedSystem::default());
    let played = scene
        .play(vec![planned("flood", Target::Any { draw: 0 })])
        .await;
    let said = played.expect_err("there is none").to_string();
    assert_eq!(said, "\"flood\" is not a fault");
}
