//! Help, lists, completions and manual pages as people see them: readable at 80 columns, and made
//! from one definition.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use plan::catalogue;
use prover::help;
use serde_json::Value;

const PROVER: &str = env!("CARGO_BIN_EXE_prover");

/// How wide lists and help are where there is no terminal.
const WIDTH: usize = 80;

/// What can be listed, and how the name of one is called there.
const KINDS: [(&str, &str); 7] = [
    ("locks", "lock"),
    ("workloads", "workload"),
    ("faults", "fault"),
    ("guarantees", "guarantee"),
    ("models", "model"),
    ("experiments", "experiment"),
    ("services", "service"),
];

/// By a short name, as it is called where it is installed.
fn called(arguments: &str) -> Output {
    let mut shell = Command::new("sh");
    let call = format!("PATH=\"$(dirname '{PROVER}'):$PATH\" exec prover {arguments}");
    shell.args(["-c", &call]).env_remove("CARGO_PKG_NAME");
    shell.output().expect("every POSIX system has a shell")
}

fn said(arguments: &str) -> String {
    let output = called(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments}");
    String::from_utf8(output.stdout).expect("text")
}

fn assert_fits(text: &str) {
    for line in text.lines() {
        let is_one_word = line.split_whitespace().count() == 1;
        assert!(line.chars().count() <= WIDTH || is_one_word, "{line}");
    }
}

/// Every command by the words that call it.
fn commands() -> Vec<String> {
    fn below(command: &clap::Command, path: &str) -> Vec<String> {
        let own = command.get_subcommands().flat_map(|command| {
            let path = format!("{path} {}", command.get_name());
            let below = below(command, &path);
            std::iter::once(path).chain(below)
        });
        own.collect()
    }
    let mut commands = below(&help::command(), "");
    commands.push(String::new());
    commands
}

#[test]
fn help_fits_and_breaks_no_name() {
    let commands = commands();
    assert!(commands.len() > 18, "{commands:?}");
    for command in &commands {
        let text = said(&format!("{command} --help"));
        assert_fits(&text);
        let mut definition = help::command();
        let definition = command
            .split_whitespace()
            .fold(&mut definition, |at, name| {
                at.find_subcommand_mut(name).expect("it is there")
            });
        let words: BTreeSet<&str> = text
            .split_whitespace()
            .map(|word| word.trim_end_matches(','))
            .collect();
        let shown = definition.get_arguments().filter(|arg| !arg.is_hide_set());
        for name in shown.filter_map(clap::Arg::get_long) {
            assert!(
                words.contains(format!("--{name}").as_str()),
                "{command}: {name}\n{text}"
            );
        }
    }
}

#[test]
fn the_options_of_a_run_stand_under_headings_in_order() {
    let text = said("run --help");
    let headings = [
        "Options:",
        "What is tested:",
        "How clients act:",
        "What breaks:",
        "What is left to chance:",
        "Where:",
        "How it is judged:",
        "Output:",
        "Examples:",
        "Environment variables:",
        "Exit codes:",
    ];
    let places = headings.map(|heading| {
        let line = text.lines().position(|line| line == heading);
        line.unwrap_or_else(|| panic!("{heading} is missing: {text}"))
    });
    assert!(places.is_sorted(), "{places:?}\n{text}");
    let general: Vec<_> = text
        .lines()
        .skip(places[0] + 1)
        .take_while(|line| !line.is_empty())
        .collect();
    assert_eq!(general.len(), 1, "{general:?}");
    let mut definition = help::command();
    let run = definition.find_subcommand_mut("run").expect("it is there");
    for arg in run.get_arguments() {
        assert!(arg.get_help_heading().is_some(), "{}", arg.get_id());
    }
}

#[test]
fn commands_stand_in_the_order_of_a_day() {
    let text = said("--help");
    let (_, commands) = text.split_once("Commands:\n").expect("they are listed");
    let (commands, _) = commands.split_once("\n\n").expect("something follows");
    let names = commands.lines().filter_map(|line| line.strip_prefix("  "));
    let names = names.filter(|line| !line.starts_with(' '));
    let names: Vec<_> = names
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let place = |name: &str| {
        names
            .iter()
            .position(|one| *one == name)
            .expect("it is listed")
    };
    let day = [
        "doctor", "list", "run", "replay", "shrink", "check", "certify", "power", "clean",
    ];
    assert!(day.map(place).is_sorted(), "{names:?}");
    assert!(
        text.contains("\n  254  wrong arguments or files\n"),
        "{text}"
    );
}

#[test]
fn each_experiment_has_its_own_help() {
    for experiment in prover::experiment::ALL {
        let text = said(&format!("experiment {} --help", experiment.name()));
        let about: Vec<&str> = experiment.summary().split_whitespace().collect();
        let begin: Vec<&str> = text.split_whitespace().take(about.len()).collect();
        assert_eq!(begin, about);
        assert!(text.contains("Examples:\n"), "{text}");
    }
}

/// The names that a list begins its lines with.
fn listed(text: &str) -> Vec<&str> {
    let rows = text.lines().skip(1).take_while(|line| !line.is_empty());
    let first = rows.filter(|line| !line.starts_with(' '));
    first
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

#[test]
fn lists_fit_and_break_no_name() {
    for (kind, noun) in KINDS {
        let text = said(&format!("list {kind}"));
        let (table, _) = text.split_once("\n\n").unwrap_or((&text, ""));
        assert_fits(table);
        let json = said(&format!("list {kind} --format json"));
        let json = json
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        let names: Vec<String> = json
            .map(|one| one[noun].as_str().expect("a name").to_owned())
            .collect();
        assert!(!names.is_empty());
        let broken = if kind == "locks" {
            said("list locks --broken")
        } else {
            String::new()
        };
        assert_fits(broken.split("\n\n").next().unwrap_or_default());
        let all: Vec<&str> = [listed(&text), listed(&broken)].concat();
        assert_eq!(all, names, "{text}");
        for name in &names {
            let whole = said(&format!("list {kind} '{name}'"));
            assert!(whole.starts_with(noun) && whole.contains(name), "{whole}");
            assert_fits(&whole);
        }
    }
}

#[test]
fn correct_locks_are_listed_and_the_others_on_demand() {
    let correct: Vec<&str> = locks::ALL.iter().map(|lock| lock.name()).collect();
    let text = said("list locks");
    assert_eq!(listed(&text), correct);
    assert!(text.contains("`prover list locks --broken`"), "{text}");
    let broken = said("list locks --broken");
    assert_eq!(
        listed(&broken).len(),
        catalogue::LOCKS.len() - correct.len()
    );
    let one = said("list locks exclusive-queue");
    for fact in [
        "promises    confirmed-exclusion",
        "verify=     publish-confirm, ",
    ] {
        assert!(one.contains(fact), "{one}");
    }
    let json = said("list locks exclusive-queue --format json");
    let json: Value = serde_json::from_str(&json).expect("JSON");
    let fields = [
        "kind",
        "lock",
        "needs",
        "options",
        "promises",
        "schema",
        "what it is",
    ];
    assert!(
        json.as_object().expect("an object").keys().eq(fields),
        "{json}"
    );
}

/// A terminal is as wide as it says; `script` makes one.
#[cfg(target_os = "linux")]
#[test]
fn lists_are_as_wide_as_the_terminal() {
    for width in [60, 132] {
        let call = format!("stty cols {width} rows 24; '{PROVER}' list locks --broken");
        let output = Command::new("script")
            .args(["-qec", &call, "/dev/null"])
            .output();
        let text = String::from_utf8(output.expect("it runs").stdout).expect("text");
        let (table, _) = text.split_once("\r\n\r\n").expect("something follows");
        let widest = table.lines().map(|line| line.trim_end().len()).max();
        let widest = widest.expect("it has lines");
        assert!(
            (width - 12..=width).contains(&widest),
            "{widest} of {width}\n{text}"
        );
    }
}

#[test]
fn shells_and_manuals_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = said(&format!("completions {shell}"));
        for word in ["nemesis", "certify", "selftest"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let checked = Command::new("sh")
        .args(["-c", &format!("'{PROVER}' completions bash | bash -n")])
        .status();
    assert!(checked.expect("a shell").success());
    let folder = tempfile::tempdir().expect("a temporary folder");
    said(&format!("man '{}'", folder.path().display()));
    for command in commands() {
        let name = format!("prover{}.1", command.replace(' ', "-"));
        let page = std::fs::read_to_string(folder.path().join(&name));
        assert!(page.expect(&name).contains(".SH NAME"), "{name}");
    }
    assert!(said("man").contains("WHAT BREAKS"));
}
