//! Programs that do at each message what no program should: no hang, nothing that a verdict could
//! rest on, nothing left running. `PROVER_PROGRAMS=10000` tries so many of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use history::{Kind, Outline};
use locks::{ClientConfig, Lock};
use nemesis::{Done, LinkHarm, Schedule, System, SystemError, Worker};
use process::{CommandLine, ProcessLock};
use run::seed::Seed;
use run::{Clock, Recording, RunError, Setup, Stage, execute};
use tokio::task::JoinSet;
use tokio::time::timeout;
use workloads::Params;

/// Each fault, and what must be said of it. An empty word: nothing is, the operation has no
/// answer.
const FAULTS: &[(&str, &str)] = &[
    ("no-json", "no JSON"),
    ("no-message", "no message"),
    ("no-text", "no UTF-8"),
    ("stray-print", "no JSON"),
    ("blank-line", "no JSON"),
    ("twice", "not open"),
    ("to-nothing", "not open"),
    ("out-of-order", "not open"),
    ("wrong-type", "with count_ok"),
    ("another-field", "no message"),
    ("another-name", "speaks to"),
    ("contradiction", "is not definite"),
    ("long-line", "more than"),
    ("endless", "more than"),
    ("endless-lines", "not open"),
    ("endless-stderr", ""),
    ("half-line", "without a line feed"),
    ("exit", "ended though nobody asked it to"),
    ("exit-1", "exit status: 1"),
    ("panic", "exit status: 101"),
    ("silence", ""),
    ("child", "ended though nobody asked it to"),
    ("daemon", "left processes behind"),
];

const MESSAGES: &[&str] = &["init", "create", "acquire", "verify", "release", "close"];

/// How long a whole run may take, whatever the programs do.
const BOUND: Duration = Duration::from_secs(60);

/// An operation is given up after this: soon, where it is known that it is not answered.
const UNANSWERED: Duration = Duration::from_millis(1500);
const ANSWERED: Duration = Duration::from_secs(20);

/// A system that nobody breaks.
struct Whole;

#[async_trait]
impl System for Whole {
    async fn harm_link(&self, _: Worker, _: &LinkHarm) -> Result<(), SystemError> {
        Ok(())
    }

    async fn heal(&self, _: Worker) -> Done {
        Ok(BTreeMap::new())
    }
}

/// The example of this name, which `cargo test` builds beside the tests.
fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a path");
    let folder = test.ancestors().nth(2).expect("target/debug");
    folder.join("examples").join(name)
}

struct Case {
    fault: &'static str,
    said: &'static str,
    message: &'static str,
    count: u32,
}

impl Case {
    /// The command of a program that makes this file when it misbehaves.
    fn command(&self, file: &Path) -> String {
        let program = example("misbehaving");
        let Self {
            fault,
            message,
            count,
            ..
        } = self;
        let (program, file) = (program.display(), file.display());
        format!("'{program}' {fault} {message} {count} '{file}'")
    }

    /// A whole run with two such programs.
    async fn run(&self, sign: &Path) -> (Result<(), RunError>, history::History) {
        let command = CommandLine::parse(&self.command(sign)).expect("words");
        let lock: Arc<dyn Lock> = Arc::new(ProcessLock::of_ours(&Model, command));
        let params = Params {
            concurrency: 2,
            slots: 1,
            files_decrements: false,
            rate_per_second: 100.0,
            keys: 1,
            hold: Duration::from_millis(20),
            verify_every: Duration::from_millis(5),
            burst: false,
        };
        let schedule = Schedule::default();
        let setup = Setup {
            workload: workloads::find("mutex").expect("it is there"),
            lock: lock.into(),
            params: &params,
            schedule: &schedule,
            seed: Seed(1),
            time_limit: Duration::from_millis(200),
            goal: None,
            finish_within: Duration::from_millis(600),
            operation_timeout: if self.said.is_empty() {
                UNANSWERED
            } else {
                ANSWERED
            },
            outline: Outline::default(),
        };
        let stage = Stage {
            clients: vec![ClientConfig::of_rabbitmq("", "prover-test"); 2],
            system: &Whole,
            clock: Clock::of_runtime(),
            folder: None,
        };
        let file = tempfile::NamedTempFile::new().expect("a file");
        let recording = Recording::new(file.reopen().expect("the same file"));
        let ran = execute(setup, stage, recording, std::future::pending()).await;
        let history = history::jsonl::read(file.reopen().expect("the same file"));
        (ran.map(drop), history.expect("a history"))
    }

    fn is_of_the_beginning(&self) -> bool {
        ["init", "create"].contains(&self.message)
    }

    /// What was wrong, if anything was.
    async fn judge(&self) -> Result<Reached, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let sign = folder.path().join("misbehaved");
        let (ran, history) = timeout(BOUND, self.run(&sign))
            .await
            .map_err(|_| "it hangs".to_owned())?;
        if !sign.exists() && ran.is_ok() {
            return Ok(Reached::Not);
        }
        match (&ran, self.said) {
            (Err(RunError::Misconduct(error)), said) if !said.is_empty() => {
                // At the end it shows otherwise.
                if self.message != "close" && !error.text.contains(said) {
                    return Err(format!("said otherwise: {}", error.text));
                }
            }
            (Ok(()), "") => {}
            // Who never begins cannot make the lock.
            (Err(RunError::Create { .. }), "") if self.is_of_the_beginning() => {}
            (ran, _) => return Err(format!("{ran:?}")),
        }
        let mut unanswered = history.events().iter().filter(|event| {
            event.kind == Kind::Info && matches!(event.process, history::Process::Client(_))
        });
        let is_recorded = !self.is_of_the_beginning() && self.message != "close";
        if self.said.is_empty() && is_recorded && unanswered.next().is_none() {
            return Err("an operation without an answer is no info".to_owned());
        }
        Ok(Reached::Yes)
    }
}

/// Whether a run was long enough for a program to misbehave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    Yes,
    Not,
}

/// What the programs say of themselves.
struct Model;

#[async_trait]
impl Lock for Model {
    fn name(&self) -> &str {
        "misbehaving"
    }

    fn summary(&self) -> &str {
        "misbehaves"
    }

    fn kind(&self) -> locks::Kind {
        locks::Kind::TrueMutex
    }

    fn promises(&self) -> Vec<&str> {
        vec!["confirmed-exclusion", "progress"]
    }

    fn services(&self) -> Vec<&str> {
        Vec::new()
    }

    fn needs(&self) -> Vec<&str> {
        Vec::new()
    }

    async fn open(&self, _: &ClientConfig) -> Result<Box<dyn locks::Session>, locks::Error> {
        unreachable!("it only says what the programs say")
    }
}

/// So many cases, each fault at each message in turn, ever later.
fn cases(many: usize) -> Vec<Case> {
    let pairs = || {
        let faults = FAULTS.iter();
        faults.flat_map(|fault| MESSAGES.iter().map(move |message| (fault, *message)))
    };
    let rounds = (1..).flat_map(|count| pairs().map(move |pair| (pair, count)));
    let case =
        |((&(fault, said), message), count): ((&(&'static str, &'static str), _), u32)| Case {
            fault,
            said,
            message,
            // Each session begins and ends once.
            count: if ["init", "create", "close"].contains(&message) {
                1
            } else {
                (count - 1) % 3 + 1
            },
        };
    rounds.map(case).take(many).collect()
}

/// The processes that bear the mark of this test's programs.
fn left_running() -> Vec<String> {
    let mark = format!("PROVER_PROGRAM={}-", std::process::id());
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let bears = |entry: &std::fs::DirEntry| {
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        let mut variables = environment.split(|byte| *byte == 0);
        variables.any(|it| it.starts_with(mark.as_bytes()))
    };
    let names = processes
        .filter(bears)
        .map(|it| it.path().display().to_string());
    names.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_cannot_hurt_the_verdict() {
    let asked = std::env::var("PROVER_PROGRAMS").ok();
    // Two programs a run.
    let runs = asked.map_or(FAULTS.len() * MESSAGES.len(), |many| {
        many.parse::<usize>().expect("a number").div_ceil(2)
    });
    let mut going = JoinSet::new();
    let mut judged = Vec::new();
    for case in cases(runs) {
        if going.len() == 8
            && let Some(done) = going.join_next().await
        {
            judged.push(done.expect("no panic"));
        }
        going.spawn(async move {
            let name = format!("{} {} {}", case.fault, case.message, case.count);
            case.judge().await.map_err(|why| format!("{name}: {why}"))
        });
    }
    while let Some(done) = going.join_next().await {
        judged.push(done.expect("no panic"));
    }
    let reached = judged.iter().filter(|it| **it == Ok(Reached::Yes)).count();
    let wrong: Vec<_> = judged.into_iter().filter_map(Result::err).collect();
    assert!(reached * 10 >= runs * 9, "{reached} of {runs} reached");
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    let gone = async {
        while !left_running().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let is_gone = timeout(Duration::from_secs(10), gone).await;
    assert!(is_gone.is_ok(), "left running: {:?}", left_running());
}
