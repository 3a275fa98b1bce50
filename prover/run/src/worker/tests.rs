//! Workers with a scripted lock: what each answer, each fault and each end of a run makes of them.

use std::sync::Arc;
use std::time::Duration;

use history::jsonl::LogError;
use history::{Event, Function, Kind, Process, Value};
use locks::{Answer, Error, ErrorKind, Grant, Loss};
use nemesis::System;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};
use workloads::{Feedback, Step};

use super::{CLOSE_WITHIN, Equipment, REOPEN_AFTER, work};
use crate::clock::Clock;
use crate::crew::{Reach, unless_paused};
use crate::phase::Phase;
use crate::recorder::Recording;
use crate::shared::Shared;
use crate::testing::{
    Feedbacks, FullDisk, Memory, Reaction, ScriptedLock, ScriptedSystem, client, invoke, steps,
};

/// Workers of each run here, of which only the first does anything; the others have nothing to do.
const WORKERS: u32 = 3;

/// How long an operation may take.
const PATIENCE: Duration = Duration::from_secs(5);

const SECOND: Duration = Duration::from_secs(1);

/// One worker at work.
struct Scene {
    lock: ScriptedLock,
    shared: Arc<Shared>,
    memory: Memory,
    feedbacks: Feedbacks,
    began: Instant,
    working: JoinHandle<Result<(), LogError>>,
}

/// What is left when the worker has left.
struct Left {
    lock: ScriptedLock,
    memory: Memory,
    feedbacks: Feedbacks,
    after: Duration,
}

impl Scene {
    fn begin(lock: ScriptedLock, taken: impl IntoIterator<Item = Step>) -> Self {
        let memory = Memory::default();
        let shared = shared(Recording::new(memory.clone()));
        let (generator, feedbacks) = steps(taken);
        let equipment = equipment(&lock, generator, false);
        let condition = shared.crew.condition(0);
        let work = unless_paused(condition, work(0, equipment, shared.clone()));
        Self {
            lock,
            shared,
            memory,
            feedbacks,
            began: Instant::now(),
            working: tokio::spawn(work),
        }
    }

    /// Waits until so long after the beginning.
    async fn at(&self, time: Duration) {
        sleep_until(self.began + time).await;
    }

    async fn crash(&self) {
        self.reach(async |reach| reach.crash(0).await).await;
    }

    async fn restart(&self) {
        self.reach(async |reach| reach.restart(0).await).await;
    }

    async fn reach(&self, act: impl AsyncFnOnce(&Reach<'_>) -> Result<(), nemesis::SystemError>) {
        let reach = Reach {
            testbed: &ScriptedSystem::default(),
            crew: &self.shared.crew,
            clients: nemesis::Clients::Tasks,
            configs: &[],
        };
        act(&reach).await.expect("workers can always be reached");
    }

    async fn end(self) -> Left {
        let worked = self.working.await.expect("no worker panics");
        worked.expect("the memory is large enough");
        Left {
            lock: self.lock,
            memory: self.memory,
            feedbacks: self.feedbacks,
            after: self.began.elapsed(),
        }
    }
}

impl Left {
    /// When an event happened, and its words.
    fn timed_events(&self) -> Vec<(Duration, String)> {
        let history = self.memory.history();
        let times = history.events().iter().map(|event| event.time);
        times
            .map(Duration::from_nanos)
            .zip(self.memory.events())
            .collect()
    }
}

fn shared(recording: Recording) -> Arc<Shared> {
    let shared = Shared::begin(WORKERS, None, recording, &Clock::of_runtime());
    shared.done.change(|done| *done = WORKERS - 1);
    Arc::new(shared)
}

fn equipment(
    lock: &ScriptedLock,
    generator: Box<dyn workloads::Client>,
    is_fenced: bool,
) -> Equipment {
    Equipment {
        lock: Arc::new(lock.clone()),
        client: client(),
        generator,
        is_fenced,
        operation_timeout: PATIENCE,
    }
}

/// One worker that nothing happens to.
async fn undisturbed(lock: ScriptedLock, taken: impl IntoIterator<Item = Step>) -> Left {
    Scene::begin(lock, taken).end().await
}

/// What each kind of error that a lock can meet makes of the operation: how it ends, and whether
/// the server itself has said so.
const ENDS: &[(ErrorKind, Kind, bool)] = &[
    (ErrorKind::Busy, Kind::Fail, true),
    (ErrorKind::NoSlot, Kind::Fail, false),
    (ErrorKind::Lost, Kind::Fail, true),
    (ErrorKind::NothingRequested, Kind::Fail, true),
    (ErrorKind::NotHeld, Kind::Fail, false),
    (ErrorKind::AlreadyHeld, Kind::Fail, false),
    (ErrorKind::NotSent, Kind::Fail, false),
    (ErrorKind::Invalid, Kind::Fail, false),
    (ErrorKind::ConnectionRefused, Kind::Fail, false),
    (ErrorKind::ContentTooLarge, Kind::Info, false),
    (ErrorKind::NoRoute, Kind::Fail, false),
    (ErrorKind::NoConsumers, Kind::Fail, false),
    (ErrorKind::ConnectionForced, Kind::Info, false),
    (ErrorKind::InvalidPath, Kind::Info, false),
    (ErrorKind::AccessRefused, Kind::Fail, false),
    (ErrorKind::NotFound, Kind::Fail, false),
    (ErrorKind::ResourceLocked, Kind::Fail, true),
    (ErrorKind::PreconditionFailed, Kind::Fail, false),
    (ErrorKind::FrameError, Kind::Info, false),
    (ErrorKind::SyntaxError, Kind::Info, false),
    (ErrorKind::CommandInvalid, Kind::Info, false),
    (ErrorKind::ChannelError, Kind::Info, false),
    (ErrorKind::UnexpectedFrame, Kind::Info, false),
    (ErrorKind::ResourceError, Kind::Info, false),
    (ErrorKind::NotAllowed, Kind::Info, false),
    (ErrorKind::NotImplemented, Kind::Info, false),
    (ErrorKind::InternalError, Kind::Info, false),
    (ErrorKind::Forbidden, Kind::Info, false),
    (ErrorKind::Nacked, Kind::Fail, false),
    (ErrorKind::Io, Kind::Info, false),
    (ErrorKind::HeartbeatMissed, Kind::Info, false),
    (ErrorKind::ConnectionClosed, Kind::Info, false),
    (ErrorKind::ChannelClosed, Kind::Info, false),
    (ErrorKind::ConsumerCancelled, Kind::Info, false),
    (ErrorKind::TooManyChannels, Kind::Fail, false),
    (ErrorKind::Abandoned, Kind::Fail, false),
    (ErrorKind::GivenUp, Kind::Info, false),
    (ErrorKind::Timeout, Kind::Info, false),
    (ErrorKind::Crashed, Kind::Info, false),
    (ErrorKind::Declined, Kind::Fail, false),
    (ErrorKind::Undecided, Kind::Info, false),
    (ErrorKind::LostMeanwhile, Kind::Fail, false),
    (ErrorKind::Misconduct, Kind::Info, false),
    (ErrorKind::Protocol, Kind::Info, false),
    (ErrorKind::ExecutorGone, Kind::Info, false),
];

#[tokio::test(start_paused = true)]
async fn each_kind_of_error_ends_an_operation_as_the_table_says() {
    let listed: Vec<_> = ENDS.iter().map(|(kind, ..)| *kind).collect();
    assert_eq!(listed, ErrorKind::ALL, "a kind has no row, or two");
    for (error, end, is_observed) in ENDS {
        for function in [
            Function::Acquire,
            Function::Verify,
            Function::Release,
            Function::Count,
        ] {
            let lock = ScriptedLock::default().operating([Reaction::Fails(*error)]);
            let taken = [invoke(function.clone()), invoke(Function::Verify)];
            let left = undisturbed(lock, taken).await;
            let history = left.memory.history();
            let (ended, next) = (&history.events()[1], &history.events()[2]);
            assert_eq!(ended.kind, *end, "{function} that met {error}");
            assert_eq!(ended.observed, *is_observed, "{function} that met {error}");
            let failure = ended.error.as_ref().expect("it failed");
            assert_eq!(failure.kind, error.name());
            // Only a process whose operation may still take effect is retired.
            let is_retired = *end == Kind::Info;
            let process = if is_retired { WORKERS } else { 0 };
            assert_eq!(next.process, Process::Client(process), "after {error}");
            let told = if is_retired {
                Feedback::Lost
            } else {
                Feedback::Fail
            };
            assert_eq!(left.feedbacks.of_steps()[0], told, "after {error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_answered_is_ok_and_carries_what_was_brought() {
    let grant = Grant {
        slot: Some(2),
        token: Some(41),
        lease: None,
    };
    let lock = ScriptedLock::default().operating([
        Reaction::Granted(grant),
        Reaction::Answered(Answer::Held),
        Reaction::Done,
        Reaction::Done,
    ]);
    use Function::{Acquire, Count, Release, Verify};
    let left = undisturbed(lock, [Acquire, Verify, Release, Count].map(invoke)).await;
    let history = left.memory.history();
    let ends = history
        .events()
        .iter()
        .filter(|event| event.kind != Kind::Invoke);
    let values: Vec<_> = ends
        .map(|event| (event.kind, event.value.clone()))
        .collect();
    let brought = [
        Value::Grant(history::Grant {
            slot: Some(2),
            token: 41,
            lease: None,
        }),
        Value::Answer(history::Answer::Held),
        Value::None,
        Value::Slots(vec![1]),
    ];
    assert_eq!(values, brought.clone().map(|value| (Kind::Ok, value)));
    assert_eq!(
        left.feedbacks.values(),
        brought,
        "the generator is told the same"
    );
    assert_eq!(left.feedbacks.of_steps(), [Feedback::Ok; 4]);
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_is_lost_during_a_wait_is_given_up_at_that_moment() {
    let (key, other) = ("k".to_owned(), "other".to_owned());
    let error = || Error::new(ErrorKind::Lost, "gone");
    let table = [
        // The session goes on where only the lock is lost.
        (Loss::Key(key, error()), Feedback::Lost, 0, true),
        (Loss::All(error()), Feedback::Lost, WORKERS, true),
        // What it does not hold it cannot lose.
        (Loss::Key(other, error()), Feedback::Ready, 0, false),
    ];
    for (loss, feedback, process, is_lost) in table {
        let wait = Step::Wait(10 * SECOND);
        let taken = [invoke(Function::Acquire), wait, invoke(Function::Verify)];
        let scene = Scene::begin(ScriptedLock::default(), taken);
        scene.at(3 * SECOND).await;
        scene.lock.lose(loss.clone());
        let left = scene.end().await;
        assert_eq!(left.feedbacks.of_steps()[1], feedback, "{loss:?}");
        let events = left.timed_events();
        let next = events
            .iter()
            .position(|(_, event)| event.ends_with("invoke verify"));
        let next = next.expect("it goes on");
        assert_eq!(
            events[next].1,
            format!("{process} invoke verify"),
            "{loss:?}"
        );
        let told = events[2..next].to_vec();
        let lost = ["0 invoke lost", "0 ok lost"].map(|event| (3 * SECOND, event.to_owned()));
        assert_eq!(
            told,
            if is_lost { lost.to_vec() } else { Vec::new() },
            "{loss:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_session_that_is_over_is_followed_by_another_one() {
    let wait = Step::Wait(10 * SECOND);
    let scene = Scene::begin(
        ScriptedLock::default(),
        [invoke(Function::Acquire), wait, invoke(Function::Acquire)],
    );
    scene.at(SECOND).await;
    scene
        .lock
        .lose(Loss::All(Error::new(ErrorKind::Io, "gone")));
    let left = scene.end().await;
    // It was dropped: nobody closes politely what is over.
    let sessions = ["open worker-0", "open worker-3", "close worker-3"];
    assert_eq!(left.lock.sessions(), sessions);
}

#[tokio::test(start_paused = true)]
async fn who_works_hears_of_a_loss_afterwards() {
    let taken = [
        invoke(Function::Acquire),
        Step::Work(4 * SECOND),
        Step::Wait(SECOND),
    ];
    let scene = Scene::begin(ScriptedLock::default(), taken);
    scene.at(SECOND).await;
    let error = Error::new(ErrorKind::Lost, "gone");
    scene.lock.lose(Loss::Key("k".to_owned(), error));
    let left = scene.end().await;
    let feedbacks = [Feedback::Ok, Feedback::Ready, Feedback::Lost];
    assert_eq!(left.feedbacks.of_steps(), feedbacks);
    assert_eq!(
        left.timed_events()[2],
        (4 * SECOND, "0 invoke lost".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn who_gathers_hears_of_a_loss() {
    let scene = Scene::begin(
        ScriptedLock::default(),
        [invoke(Function::Acquire), Step::Gather],
    );
    let error = Error::new(ErrorKind::Lost, "gone");
    scene.at(SECOND / 2).await;
    scene.lock.lose(Loss::Key("k".to_owned(), error));
    let left = scene.end().await;
    assert_eq!(left.feedbacks.of_steps(), [Feedback::Ok, Feedback::Lost]);
    assert_eq!(left.timed_events()[2].0, SECOND / 2);
}

#[tokio::test(start_paused = true)]
async fn what_a_verify_says_is_lost_is_not_held_any_more() {
    let lock =
        ScriptedLock::default().operating([Reaction::Done, Reaction::Answered(Answer::Lost)]);
    let left = undisturbed(lock, [Function::Acquire, Function::Verify].map(invoke)).await;
    assert_eq!(left.feedbacks.of_steps(), [Feedback::Ok, Feedback::Lost]);
    // Nothing is left to be given up at the end, and the session is a good one.
    let events = [
        "0 invoke acquire",
        "0 ok acquire",
        "0 invoke verify",
        "0 ok verify",
    ];
    assert_eq!(left.memory.events(), events);
    assert_eq!(left.lock.sessions(), ["open worker-0", "close worker-0"]);
}

#[tokio::test(start_paused = true)]
async fn a_release_that_fails_ends_the_hold_all_the_same() {
    let lock =
        ScriptedLock::default().operating([Reaction::Done, Reaction::Fails(ErrorKind::Lost)]);
    let left = undisturbed(lock, [Function::Acquire, Function::Release].map(invoke)).await;
    assert_eq!(
        left.memory.events().last().map(String::as_str),
        Some("0 fail release")
    );
}

#[tokio::test(start_paused = true)]
async fn a_crash_in_the_middle_of_a_call_leaves_its_outcome_unknown() {
    let lock = ScriptedLock::default().operating([Reaction::Done, Reaction::Hangs]);
    use Function::{Acquire, Release, Verify};
    let scene = Scene::begin(lock, [Acquire, Release, Verify].map(invoke));
    scene.at(SECOND).await;
    scene.crash().await;
    scene.at(4 * SECOND).await;
    scene.restart().await;
    let left = scene.end().await;
    let history = left.memory.history();
    let crashed = history.events()[3].error.as_ref().expect("it failed");
    assert_eq!(crashed.kind, "crashed");
    let events = left.timed_events();
    let after = [
        (SECOND, "0 info release".to_owned()),
        // The new process begins when it may, in a session of its own.
        (4 * SECOND, "3 invoke verify".to_owned()),
        (4 * SECOND, "3 ok verify".to_owned()),
    ];
    assert_eq!(events[3..], after);
    let sessions = ["open worker-0", "open worker-3", "close worker-3"];
    assert_eq!(left.lock.sessions(), sessions);
    let feedbacks = [Feedback::Ok, Feedback::Lost, Feedback::Ok];
    assert_eq!(left.feedbacks.of_steps(), feedbacks);
}

#[tokio::test(start_paused = true)]
async fn a_crash_loses_what_was_held() {
    for pastime in [
        Step::Wait(10 * SECOND),
        Step::Work(10 * SECOND),
        Step::Gather,
    ] {
        let taken = [
            invoke(Function::Acquire),
            pastime.clone(),
            invoke(Function::Acquire),
        ];
        let scene = Scene::begin(ScriptedLock::default(), taken);
        scene.at(SECOND / 2).await;
        scene.crash().await;
        scene.at(SECOND).await;
        scene.restart().await;
        let left = scene.end().await;
        let lost = ["0 invoke lost", "0 ok lost"].map(|event| (SECOND / 2, event.to_owned()));
        assert_eq!(left.timed_events()[2..4], lost, "{pastime:?}");
        let next = (SECOND, "3 invoke acquire".to_owned());
        assert_eq!(left.timed_events()[4], next, "{pastime:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_knows_what_became_of_a_call_without_an_answer() {
    let lock = ScriptedLock::default().operating([Reaction::Hangs]);
    let left = undisturbed(lock, [Function::Acquire, Function::Acquire].map(invoke)).await;
    let events = left.timed_events();
    assert_eq!(events[1], (PATIENCE, "0 info acquire".to_owned()));
    let history = left.memory.history();
    let late = history.events()[1].error.as_ref().expect("it failed");
    assert_eq!(
        (late.kind.as_ref(), late.text.as_str()),
        ("timeout", "no answer within 5s")
    );
    assert_eq!(events[2].1, "3 invoke acquire");
}

#[tokio::test(start_paused = true)]
async fn a_retired_process_never_acts_again() {
    let unknown = [ErrorKind::Timeout, ErrorKind::Io, ErrorKind::ChannelClosed];
    let mut reactions = vec![Reaction::Done];
    reactions.extend(unknown.map(Reaction::Fails));
    use Function::{Acquire, Release, Verify};
    let taken = [Acquire, Verify, Acquire, Release, Acquire, Verify].map(invoke);
    let left = undisturbed(ScriptedLock::default().operating(reactions), taken).await;
    let history = left.memory.history();
    let number = |event: &Event| match event.process {
        Process::Client(number) => number,
        Process::Nemesis | Process::Run => panic!("nothing breaks here"),
    };
    let retired = history
        .events()
        .iter()
        .filter(|event| event.kind == Kind::Info);
    assert_eq!(retired.map(number).collect::<Vec<_>>(), [0, 3, 6]);
    for (place, event) in history.events().iter().enumerate() {
        let after = &history.events()[place + 1..];
        if event.kind == Kind::Info {
            assert!(after.iter().all(|later| later.process != event.process));
            let next = after.first().expect("the worker goes on");
            assert_eq!(number(next), number(event) + WORKERS);
        }
    }
    assert_eq!(history.events().last().map(number), Some(9));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_cannot_be_had_is_asked_for_again() {
    let openings = [
        Reaction::Fails(ErrorKind::ConnectionRefused),
        Reaction::Hangs,
    ];
    let lock = ScriptedLock::default().opening(openings);
    let left = undisturbed(lock, [invoke(Function::Acquire)]).await;
    // What was never sent is not in the record.
    let began = (PATIENCE + 2 * REOPEN_AFTER, "0 invoke acquire".to_owned());
    assert_eq!(left.timed_events()[0], began);
}

#[tokio::test(start_paused = true)]
async fn only_a_fenced_resource_asks_for_the_token_of_the_grant() {
    for (is_fenced, end) in [(true, "0 fail write"), (false, "0 ok write")] {
        let grant = Grant {
            slot: None,
            token: Some(4),
            lease: None,
        };
        let lock = ScriptedLock::default().operating([Reaction::Granted(grant)]);
        let memory = Memory::default();
        let shared = shared(Recording::new(memory.clone()));
        let newer = shared.resource.read(&"k".into(), Some(5));
        assert_eq!(newer, Ok(0));
        let write = Step::InvokeWith(Function::Write, "k".into(), Value::data(1.into()));
        let (generator, _) = steps([invoke(Function::Acquire), write]);
        let worked = work(0, equipment(&lock, generator, is_fenced), shared).await;
        worked.expect("the memory is large enough");
        assert_eq!(memory.events()[3], end);
    }
}

#[tokio::test(start_paused = true)]
async fn who_has_outlived_its_lease_writes_nothing() {
    let grant = Grant {
        lease: Some(SECOND),
        ..Grant::default()
    };
    let write = || Step::InvokeWith(Function::Write, "k".into(), Value::data(1.into()));
    let wait = Step::Wait(SECOND);
    let lock = ScriptedLock::default().operating([Reaction::Granted(grant)]);
    let left = undisturbed(lock, [invoke(Function::Acquire), write(), wait, write()]).await;
    let events = left.memory.events();
    assert_eq!((&*events[3], &*events[5]), ("0 ok write", "0 fail write"));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_held_cannot_be_lost() {
    let scene = Scene::begin(
        ScriptedLock::default(),
        [invoke(Function::Acquire), Step::Wait(2 * SECOND)],
    );
    scene.at(SECOND).await;
    let error = Error::new(ErrorKind::Lost, "said so");
    scene.lock.lose(Loss::Key("another".to_owned(), error));
    let left = scene.end().await;
    // The wait is not cut short, and nothing of it stands in the record.
    assert_eq!(left.after, 2 * SECOND);
    assert_eq!(
        left.memory.events()[..2],
        ["0 invoke acquire", "0 ok acquire"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_worker_leaves_when_its_record_cannot_be_written() {
    for room in 0..3 {
        let memory = Memory::default();
        let disk = FullDisk {
            memory: memory.clone(),
            room,
        };
        let (generator, _) = steps([Function::Acquire, Function::Release].map(invoke));
        let lock = ScriptedLock::default();
        let equipment = equipment(&lock, generator, false);
        let worked = work(0, equipment, shared(Recording::new(disk))).await;
        assert!(matches!(worked, Err(LogError::Io(_))), "{worked:?}");
        assert_eq!(memory.events().len(), room);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_does_not_close_is_left() {
    let left = undisturbed(
        ScriptedLock::default().never_closing(),
        [invoke(Function::Verify)],
    )
    .await;
    assert_eq!(left.after, CLOSE_WITHIN);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_done_stays_until_all_are() {
    let scene = Scene::begin(ScriptedLock::default(), [invoke(Function::Verify)]);
    scene.shared.done.change(|done| *done -= 1);
    scene.at(SECOND).await;
    assert_eq!(scene.lock.sessions(), ["open worker-0"]);
    scene.shared.done.change(|done| *done += 1);
    let left = scene.end().await;
    assert_eq!(left.after, SECOND);
    assert_eq!(left.lock.sessions(), ["open worker-0", "close worker-0"]);
}

/// When a worker that is doing this leaves after the run stops at 1 s, and what it records from
/// then on.
async fn stopped(
    lock: ScriptedLock,
    taken: impl IntoIterator<Item = Step>,
) -> (Duration, Vec<String>) {
    let scene = Scene::begin(lock, taken);
    scene.at(SECOND).await;
    let before = scene.memory.events().len();
    scene.shared.phases.advance(Phase::Stopping);
    let left = scene.end().await;
    (left.after, left.memory.events().split_off(before))
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_leaves_at_once_and_gives_up_what_it_holds() {
    let wait = Step::Wait(10 * SECOND);
    let taken = [invoke(Function::Acquire), wait, invoke(Function::Verify)];
    let (after, events) = stopped(ScriptedLock::default(), taken).await;
    assert_eq!(after, SECOND);
    assert_eq!(events, ["0 invoke lost", "0 ok lost"]);
}

#[tokio::test(start_paused = true)]
async fn whoever_calls_leaves_with_the_end_of_the_call() {
    let lock = ScriptedLock::default().operating([Reaction::Hangs]);
    let (after, events) = stopped(lock, [Function::Acquire, Function::Verify].map(invoke)).await;
    assert_eq!(after, PATIENCE);
    assert_eq!(events, ["0 info acquire"]);
}

#[tokio::test(start_paused = true)]
async fn whoever_has_no_session_leaves_at_once() {
    let lock = ScriptedLock::default().opening([Reaction::Hangs]);
    let (after, events) = stopped(lock, [invoke(Function::Acquire)]).await;
    assert_eq!((after, events.len()), (SECOND, 0));
}

#[tokio::test(start_paused = true)]
async fn whoever_gathers_leaves_at_once() {
    let scene = Scene::begin(
        ScriptedLock::default(),
        [Step::Gather, invoke(Function::Acquire)],
    );
    scene.at(SECOND / 2).await;
    scene.shared.phases.advance(Phase::Stopping);
    let left = scene.end().await;
    assert_eq!(left.after, SECOND / 2);
    assert_eq!(left.memory.events().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_down_leaves_at_once() {
    let scene = Scene::begin(ScriptedLock::default(), [Step::Wait(10 * SECOND)]);
    scene.at(SECOND / 2).await;
    scene.crash().await;
    scene.at(SECOND).await;
    scene.shared.phases.advance(Phase::Stopping);
    assert_eq!(scene.end().await.after, SECOND);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_paused_leaves_when_it_is_woken() {
    let scene = Scene::begin(ScriptedLock::default(), [Step::Wait(10 * SECOND)]);
    scene.at(SECOND / 2).await;
    scene
        .reach(async |reach| reach.pause(0).await.map(drop))
        .await;
    scene.shared.phases.advance(Phase::Stopping);
    sleep(SECOND).await;
    assert!(!scene.working.is_finished(), "it is given no time");
    scene.shared.crew.wake().await.expect("there is no process");
    assert_eq!(scene.end().await.after, SECOND / 2 + SECOND);
}

#[tokio::test(start_paused = true)]
async fn whoever_stays_leaves_at_once() {
    let scene = Scene::begin(ScriptedLock::default(), [invoke(Function::Verify)]);
    scene.shared.done.change(|done| *done -= 1);
    scene.at(SECOND).await;
    scene.shared.phases.advance(Phase::Stopping);
    let left = scene.end().await;
    assert_eq!(left.after, SECOND);
    assert_eq!(left.lock.sessions(), ["open worker-0", "close worker-0"]);
}

#[tokio::test(start_paused = true)]
async fn the_finish_cuts_a_wait_short_and_reaches_the_generator() {
    let wait = Step::Wait(10 * SECOND);
    let taken = [wait, invoke(Function::Acquire)];
    let scene = Scene::begin(ScriptedLock::default(), taken);
    scene.at(SECOND).await;
    scene.shared.phases.advance(Phase::Finishing);
    let left = scene.end().await;
    assert_eq!(left.after, SECOND);
    assert_eq!(
        left.memory.events().len(),
        0,
        "what was to come is left out"
    );
}
