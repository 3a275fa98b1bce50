//! What the program and its documentation tell people to type can be typed, and does what is said
//! of it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use clap::Command as Definition;
use prover::help;

const PROVER: &str = env!("CARGO_BIN_EXE_prover");

/// How the documentation calls the program.
const IN_WORKSPACE: &str = "cargo run -p prover -- ";

/// Exit codes of a run that was judged, whatever came of it.
const JUDGED: [i32; 3] = [0, 1, 2];

/// Types a line. Docker is out of reach: who asks for it by name learns that only after all that
/// was typed was found to be right.
fn typed(line: &str, folder: &Path) -> Output {
    let mut shell = Command::new("sh");
    shell.args(["-c", line]).current_dir(folder);
    shell.env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    shell.output().expect("every POSIX system has a shell")
}

fn run(arguments: &str, folder: &Path) -> Output {
    typed(&format!("'{PROVER}' {arguments}"), folder)
}

fn text(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{out}{err}")
}

/// Types a line that must end in one of these ways.
fn ends(line: &str, folder: &Path, codes: &[i32]) -> Output {
    let output = typed(line, folder);
    let code = output.status.code().expect("it was not killed");
    assert!(codes.contains(&code), "{line}: {code}\n{}", text(&output));
    output
}

/// Every command of this program in a text: in backticks, which a line may end in, or a line of its
/// own, which a backslash continues.
fn commands(text: &str) -> Vec<String> {
    let whole = text.replace("\\\n", " ");
    let quoted = whole.split('`').skip(1).step_by(2);
    let quoted = quoted.filter(|words| words.starts_with(PROVER));
    let lines = whole.lines().map(str::trim_start);
    let lines = lines.filter(|line| line.starts_with(PROVER) && !line.contains('`'));
    let commands = quoted.chain(lines).map(|command| {
        let words: Vec<&str> = command.split_whitespace().collect();
        words.join(" ")
    });
    commands.collect()
}

/// The command behind a label.
fn labelled(output: &Output, label: &str) -> String {
    let said = text(output);
    let mut lines = said.lines();
    let command = lines.find_map(|line| line.strip_prefix(label));
    command
        .unwrap_or_else(|| panic!("no {label}: {said}"))
        .trim()
        .to_owned()
}

/// The newest history of a results folder.
fn history(results: &Path) -> String {
    fs::read_to_string(results.join("latest/history.jsonl")).expect("the run has left it")
}

#[test]
fn what_repeats_a_run_stores_the_same_in_the_same_place() {
    let runs = [
        (
            "results",
            "--lock no-lock --testbed sim --seed 3 --time-limit 5s",
        ),
        (
            "r s",
            "--lock no-lock --testbed sim --seed 3 --time-limit 5s --results 'r s'",
        ),
        (
            "-dash",
            "--lock no-lock --testbed sim --seed 3 --time-limit 5s --results=-dash",
        ),
        // Without Docker this one is simulated, with the faults that Docker has.
        (
            "results",
            "--nemesis all --seed 2 --time-limit 12s --nemesis-interval 1s --nemesis-duration 4s --heartbeat 1s --power-within 0s",
        ),
        (
            "results",
            "--nemesis all --swarm --seed 2 --time-limit 12s --power-within 0s",
        ),
    ];
    for (results, options) in runs {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let ran = run(options, folder.path());
        let first = history(&folder.path().join(results));
        let command = labelled(&ran, "repeat:");
        let code = ran.status.code().expect("it was not killed");
        // Known mistakes, which a valid run is followed by, are not what is repeated.
        let again = typed(&format!("{command} --power-within 0s"), folder.path());
        assert_eq!(
            again.status.code(),
            Some(code),
            "{command}\n{}",
            text(&again)
        );
        assert_eq!(history(&folder.path().join(results)), first, "{command}");
        let replayed = run(&replay_of(results), folder.path());
        let command = labelled(&replayed, "repeat:");
        ends(&command, folder.path(), &[code]);
        assert_eq!(history(&folder.path().join(results)), first, "{command}");
    }
}

/// Replays the newest run of a results folder into that folder.
fn replay_of(results: &str) -> String {
    format!("replay './{results}/latest' '--results={results}' -q")
}

#[test]
fn what_shrink_prints_outlives_the_link_it_was_given() {
    for results in ["r s", "-dash"] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let options = "--lock silent-reconnect --nemesis partition,cut --testbed sim --seed 10";
        run(
            &format!("{options} '--results={results}' -q"),
            folder.path(),
        );
        let shrink = format!("shrink '--results={results}' -q -- '{results}/latest'");
        let shrunk = ends(&format!("'{PROVER}' {shrink}"), folder.path(), &[1]);
        let first = history(&folder.path().join(results));
        let elsewhere = labelled(&shrunk, "on RabbitMQ:");
        ends(&elsewhere, folder.path(), &[3]);
        let again = labelled(&shrunk, "repeat:");
        ends(&again, folder.path(), &[1]);
        assert_eq!(history(&folder.path().join(results)), first);
    }
}

/// A schedule that was named by a link is repeated by its own name.
#[test]
fn a_schedule_that_a_link_led_to_is_still_found() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path();
    run(
        "--nemesis cut --testbed sim --seed 1 --time-limit 20s -q --power-within 0s",
        path,
    );
    let schedule = "--schedule results/latest/schedule.json --testbed sim --seed 1";
    let ran = run(
        &format!("{schedule} --time-limit 20s -q --power-within 0s"),
        path,
    );
    let first = history(&path.join("results"));
    run("--testbed sim --time-limit 5s -q --power-within 0s", path);
    let command = labelled(&ran, "repeat:");
    ends(&format!("{command} --power-within 0s"), path, &JUDGED);
    assert_eq!(history(&path.join("results")), first, "{command}");
}

#[test]
fn every_seed_that_a_campaign_names_shows_the_violation() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = "--lock silent-reconnect --nemesis partition,cut --seeds 0..32";
    let ran = run(&format!("{options} --results 'r s'"), folder.path());
    let said = text(&ran);
    let commands = commands(&said);
    assert!(!commands.is_empty(), "{said}");
    for command in commands {
        ends(&command, folder.path(), &[1]);
        assert!(folder.path().join("r s/latest").exists(), "{command}");
    }
}

#[test]
fn what_errors_lists_and_help_advise_can_be_typed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let told = [
        "--lock exclusive-queu",
        "--nemesis partitio",
        "--workload mutx",
        "--guarantee exclusio",
        "check none.jsonl --model mutx",
        "selftest --only no-loc",
        "experiment matrix --only no-loc",
        "list locks",
        "list locks --broken",
        "list locks no-loc",
        "list workloads",
        "--testbed docker",
        "--testbed auto --time-limit 1s",
        "--help",
        "run --help",
        "check --help",
        "selftest --help",
        "experiment --help",
        "experiment cost --help",
    ];
    let mut lines: Vec<String> = Vec::new();
    for arguments in told {
        let said = text(&run(arguments, folder.path()));
        lines.extend(commands(&said));
    }
    lines.retain(|line| !is_usage(line));
    lines.sort();
    lines.dedup();
    assert!(lines.len() > 15, "{lines:#?}");
    for line in &lines {
        // Who asks for Docker by name learns that it is out of reach; nothing else is wrong.
        let docker = ["--testbed docker", " doctor", " clean", "experiment cost"];
        let codes = if docker.iter().any(|word| line.contains(word)) {
            &[3][..]
        } else {
            &JUDGED
        };
        ends(line, folder.path(), codes);
    }
}

/// Patterns of commands stand in capitals and brackets.
fn is_usage(line: &str) -> bool {
    line.contains(['[', '<'])
}

/// The lines that a page has people type, with what a backslash continues, without the program.
fn lines(page: &str) -> Vec<String> {
    let whole = page.replace("\\\n", " ");
    let typed = whole.lines().filter_map(|line| {
        let line = line.strip_prefix("$ ").unwrap_or(line);
        let line = line.split(" #").next().unwrap_or(line).trim();
        let options = line.strip_prefix(IN_WORKSPACE);
        options.or_else(|| line.strip_prefix("prover "))
    });
    let quoted = whole.split('`').skip(1).step_by(2);
    let quoted = quoted.filter_map(|words| words.strip_prefix(IN_WORKSPACE));
    typed.chain(quoted).map(str::to_owned).collect()
}

fn pages() -> Vec<std::path::PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let docs = fs::read_dir(root.join("docs")).expect("it is there");
    let docs = docs.map(|page| page.expect("readable").path());
    let mut pages: Vec<_> = docs
        .filter(|page| page.extension().is_some_and(|it| it == "md"))
        .collect();
    pages.extend(["README.md", "CONTRIBUTING.md", "docker/README.md"].map(|page| root.join(page)));
    pages.sort();
    pages
}

/// Each line of the documentation in its order, page by page, in one folder a page. What asks for
/// Docker is simulated here; what only a real broker can do must be understood, and be found to lack
/// nothing but Docker.
#[test]
fn every_line_of_the_documentation_can_be_typed() {
    let mut count = 0;
    for page in pages() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join("docs")).expect("writable");
        let text = fs::read_to_string(&page).expect("readable");
        for line in lines(&text) {
            count += 1;
            let what = format!("{}: {line}", page.display());
            match line.split_whitespace().next().unwrap_or_default() {
                // These take long, or need services and languages, and have tests of their own.
                "experiment" | "prove" | "selftest" | "try-adapter" => {
                    assert!(is_understood(&line), "{what}");
                }
                _ if line.contains("process:") || line.contains("--nodes") => {
                    assert!(is_understood(&line), "{what}");
                }
                "conform" | "doctor" => {
                    ends(&format!("'{PROVER}' {line}"), folder.path(), &[3]);
                }
                first => {
                    let line = line.replace("--testbed docker", "--testbed sim");
                    let is_run = first.starts_with('-');
                    // Which known mistakes a plan catches is another test's.
                    let quick = if is_run { "--power-within 0s" } else { "" };
                    ends(
                        &format!("'{PROVER}' {line} {quick}"),
                        folder.path(),
                        &JUDGED,
                    );
                }
            }
        }
    }
    assert!(count >= 15, "{count} lines");
}

fn is_understood(line: &str) -> bool {
    let words = shell_words::split(line).expect("quotes are closed");
    let words = std::iter::once("prover".to_owned()).chain(words);
    let definition: Definition = help::command();
    definition.try_get_matches_from(words).is_ok()
}
