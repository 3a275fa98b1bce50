//! Locks that are programs: the skeletons, what programs do wrong, the page for newcomers as it
//! stands, and the subjects on their real services.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use clap::ValueEnum;
use prover::adapter::Language;
use tempfile::TempDir;
use testbed::testing::{REQUIRE_VARIABLE, docker_or_skip, shared_broker};

const PROVER: &str = env!("CARGO_BIN_EXE_prover");

fn root() -> &'static Path {
    let parent = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    parent.expect("the workspace is around the crate")
}

/// Whether a program is there; where not, the test that asks says so.
#[expect(clippy::print_stderr, reason = "a skipped test says why")]
fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        eprintln!("skipped: there is no {program} here");
    }
    found
}

fn text(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{out}{err}")
}

/// A folder as a user's: the repository's locks are in it.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let locks = folder.path().join("locks");
    std::os::unix::fs::symlink(root().join("locks"), locks).expect("a link");
    folder
}

/// Types a line into a shell that finds the prover, and Python with what the subjects need.
fn typed(line: &str, folder: &Path, bins: &[PathBuf]) -> Output {
    let program = Path::new(PROVER).parent().expect("a folder");
    let usual = std::env::var_os("PATH").unwrap_or_default();
    let all = bins.iter().cloned().chain([program.to_owned()]);
    let all = all.chain(std::env::split_paths(&usual));
    let path = std::env::join_paths(all).expect("no colons");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", line])
        .current_dir(folder)
        .env("PATH", path);
    shell.output().expect("every POSIX system has a shell")
}

/// Types a line that must end so.
fn ends(line: &str, folder: &Path, bins: &[PathBuf], code: i32) -> String {
    let output = typed(line, folder, bins);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(code), "{line}\n{said}");
    said
}

/// The programs of a Python with what the subjects need, made once; nothing where there is no
/// Python, or nothing can be fetched.
#[expect(clippy::print_stderr, reason = "a skipped test says why")]
fn python() -> Option<PathBuf> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let made = PYTHON.get_or_init(|| {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python");
        let bin = place.join("bin");
        let requirements = root().join("locks/adapters/requirements.txt");
        let (place, requirements) = (place.display(), requirements.display());
        let line = format!(
            "python3 -m venv '{place}' && '{place}/bin/python3' -m pip install -q -r '{requirements}'"
        );
        let made = typed(&line, root(), &[]);
        if made.status.success() {
            return Some(bin);
        }
        let why = text(&made);
        assert!(
            std::env::var_os(REQUIRE_VARIABLE).is_none(),
            "the subjects need python3 with venv, and PyPI:\n{why}"
        );
        eprintln!("skipped: the subjects need python3 with venv, and PyPI:\n{why}");
        None
    });
    made.clone()
}

#[test]
fn each_skeleton_works_as_it_stands() {
    for language in Language::value_variants() {
        let skeleton = language.skeleton();
        let name = language.to_possible_value().expect("it has a name");
        let needed: &[&str] = match language {
            Language::Python => &["python3"],
            Language::Rust => &["rustc"],
            Language::Go => &["go"],
            Language::Java => &["java", "javac"],
            Language::Node => &["node"],
            Language::Shell => &["flock"],
        };
        if !needed.iter().all(|program| is_there(program)) {
            continue;
        }
        let folder = folder();
        let file = skeleton.file;
        let made = format!("prover new-adapter {} > {file}", name.get_name());
        ends(&made, folder.path(), &[], 0);
        for step in skeleton.steps {
            ends(step, folder.path(), &[], 0);
        }
        let tried = format!("prover try-adapter '{}'", skeleton.command);
        let said = ends(&tried, folder.path(), &[], 0);
        assert!(said.contains("nothing is wrong with it"), "{said}");
    }
}

/// A program that answers init, and then does this.
fn after_init(then: &str) -> String {
    let init = r#"{"src":"n0","dest":"c0","body":{"type":"init_ok","in_reply_to":1,"name":"x","kind":"mutex","operations":["acquire","release"]}}"#;
    format!("read line\necho '{init}'\n{then}\n")
}

/// A program that promises this.
fn promising(promises: &str) -> String {
    let closes =
        r#"read line; echo '{"src":"n0","dest":"c0","body":{"type":"close_ok","in_reply_to":2}}'"#;
    let operations = r#""operations":["acquire","release"]"#;
    let promised = format!(r#"{operations},"promises":{promises}"#);
    after_init(closes).replace(operations, &promised)
}

#[test]
fn what_a_program_does_wrong_ends_the_run_without_a_verdict() {
    let closes =
        r#"read line; echo '{"src":"n0","dest":"c0","body":{"type":"close_ok","in_reply_to":2}}'"#;
    for (program, said) in [
        ("echo hello".to_owned(), "no JSON"),
        ("exit 7".to_owned(), "exit status: 7"),
        ("echo oops >&2; exit 1".to_owned(), "oops"),
        (promising(r#"["exclusoin","progress"]"#), "exclusoin"),
        (promising("[]"), "promises nothing"),
        (promising(r#"["progress"]"#), "no exclusion"),
        (promising(r#"["coverage"]"#), "coverage"),
        (after_init("echo stray"), "stray"),
        (after_init("exit 1"), "ended though nobody asked it to"),
        (
            after_init(&format!("sleep 600 >/dev/null & {closes}")),
            "left processes behind",
        ),
        (
            after_init(&format!(
                "setsid sleep 600 </dev/null >/dev/null 2>&1 & {closes}"
            )),
            "left processes behind",
        ),
        (
            // It behaves when it is asked what it is, and not in the run.
            after_init(&format!(
                "if [ -e asked ]; then echo later; else touch asked; {closes}; fi"
            )),
            "later",
        ),
    ] {
        let folder = folder();
        fs::write(folder.path().join("lock.sh"), &program).expect("there is a place");
        let line = "prover --lock 'process:sh lock.sh' -c 1 --time-limit 2s --power-within 0s";
        let output = typed(line, folder.path(), &[]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{program}\n{errors}");
        assert!(errors.contains(said), "{program}\n{errors}");
        let results = String::from_utf8_lossy(&output.stdout);
        assert!(!results.contains("verdict"), "{program}\n{results}");
    }
}

#[test]
fn what_cannot_be_is_said_before_anything_starts() {
    let folder = folder();
    for (arguments, code, said) in [
        ("--lock process: --nemesis none", 254, "names no program"),
        ("--lock \"process:a 'b\"", 254, "not closed"),
        (
            "--lock process:nosuchprogram",
            3,
            "cannot start nosuchprogram",
        ),
        ("--option a=b", 254, "is said to a lock that is a program"),
        ("--lock 'process:sh x' --option a", 254, "NAME=VALUE"),
        ("--isolate --testbed sim", 254, "leave --testbed sim out"),
        (
            "--nemesis freeze --testbed docker",
            254,
            "add --isolate, or choose --testbed sim",
        ),
        ("--seeds 1..3 --lock 'process:sh x'", 254, "is simulated"),
    ] {
        let said_so = ends(&format!("prover {arguments}"), folder.path(), &[], code);
        assert!(said_so.contains(said), "{arguments}\n{said_so}");
    }
}

/// The commands of a page: its blocks of shell, and what each must end with.
fn blocks(page: &str) -> Vec<String> {
    let parts = page.split("```sh\n").skip(1);
    let blocks = parts.map(|part| part.split("```").next().unwrap_or_default());
    blocks.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_for_newcomers_works_as_it_stands() {
    let (true, Some(python)) = (docker_or_skip().await, python()) else {
        return;
    };
    let page = fs::read_to_string(root().join("docs/your-lock.md")).expect("it is there");
    let folder = folder();
    for block in blocks(&page) {
        let code = match &block {
            granting if granting.contains("no_op.py' --") => 1,
            stays if stays.contains("my_lock.py' --nemesis") => 1,
            silent if silent.contains("says=off") => 1,
            _ => 0,
        };
        ends(&block, folder.path(), std::slice::from_ref(&python), code);
    }
}

/// The commands of `docs/subjects.md` and the exit codes that its table expects.
fn known() -> BTreeMap<String, i32> {
    let page = fs::read_to_string(root().join("docs/subjects.md")).expect("it is there");
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.trim_matches('|').split(" | ").map(str::trim);
        let command = cells.next()?.strip_prefix("`prover --lock ")?;
        let command = command.strip_suffix('`')?;
        let code = match cells.next()? {
            valid if valid.starts_with("`valid`") => 0,
            violated if violated.starts_with("`violated`") => 1,
            other => panic!("{other} is no verdict"),
        };
        Some((format!("prover --lock {command}"), code))
    });
    rows.collect()
}

/// The subjects whose service is quickly there and whose verdict comes soon; the others are run by
/// hand, and docs/subjects.md says what was seen.
const TESTED: &[&str] = &[
    "rabbitmq_pika.py' --nemesis partition,pause,crash",
    "rabbitmq_pika_reconnects.py'",
    "redis_set.py' --option token=off",
    "redlock.py'",
    "postgres_advisory.py' --nemesis crash",
    "postgres_row.py' --option says=off",
    "etcd_lease.py' --nemesis partition,pause,crash",
    "flock.sh'",
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_of_the_subjects_comes_out() {
    let (true, Some(python)) = (docker_or_skip().await, python()) else {
        return;
    };
    let known = known();
    let rows = TESTED.iter().map(|part| {
        let mut found = known.iter().filter(|(command, _)| command.contains(part));
        let row = found.next().unwrap_or_else(|| panic!("no row has {part}"));
        assert!(found.next().is_none(), "several rows have {part}");
        (row.0.clone(), *row.1)
    });
    // They wait for most of the time.
    let runs: Vec<_> = rows
        .map(|(command, code)| {
            let bins = [python.clone()];
            std::thread::spawn(move || {
                let folder = folder();
                ends(
                    &format!("{command} --power-within 0s"),
                    folder.path(),
                    &bins,
                    code,
                )
            })
        })
        .collect();
    for run in runs {
        run.join().expect("it ended as it is known to");
    }
}

/// The lock of `locks/process/examples/rust_adapter.rs`, which a test of the whole workspace builds.
#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stderr, reason = "a skipped test says why")]
async fn a_lock_of_our_library_is_a_program() {
    let beside = Path::new(PROVER).with_file_name("examples");
    let program = beside.join("rust_adapter");
    if !program.exists() {
        assert!(
            std::env::var_os(REQUIRE_VARIABLE).is_none(),
            "build it first: cargo build -p process --examples"
        );
        eprintln!(
            "skipped: cargo build -p process --examples makes {}",
            program.display()
        );
        return;
    }
    let Some(broker) = shared_broker().await else {
        return;
    };
    let folder = folder();
    let line = format!(
        "prover --lock 'process:{}' --nemesis crash --until-covered --at-most 2m --testbed amqp://guest:guest@{}",
        program.display(),
        broker.amqp
    );
    ends(&line, folder.path(), &[], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_locks_are_stopped_and_killed_as_processes() {
    let Some(broker) = shared_broker().await else {
        return;
    };
    let folder = folder();
    let line = format!(
        "prover --isolate --nemesis pause,freeze,crash --nemesis-interval 2s --nemesis-duration 10s --heartbeat 1s --until-covered --at-most 3m --testbed amqp://guest:guest@{} --power-within 0s",
        broker.amqp
    );
    ends(&line, folder.path(), &[], 0);
    let history = folder.path().join("results/latest/history.jsonl");
    let history = fs::read_to_string(history).expect("the run has left it");
    let paused = |line: &&str| line.contains("\"pause\"") && line.contains("inject");
    let mut pauses = history.lines().filter(paused);
    let pause = pauses.next().expect("something was paused");
    assert!(pause.contains(r#""connection":"stands""#), "{pause}");
}
