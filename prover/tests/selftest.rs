//! The self-test as the docs show it, and their table of broken locks.

use std::fs;

/// A table without what hangs on the exact draws: which seed catches a lock, how many runs prove
/// something.
fn without_draws(table: &str) -> Vec<String> {
    let line = |line: &str| {
        let mut before = "";
        let words = line.split_whitespace().map(|word| {
            let is_drawn = ["seed", "by"].contains(&before) && word.parse::<u64>().is_ok();
            before = word;
            if is_drawn { "N" } else { word }
        });
        words.collect::<Vec<_>>().join(" ")
    };
    table.trim().lines().map(line).collect()
}

/// Every broken lock is caught on the promise it breaks, and every correct one kept.
#[test]
fn the_docs_show_what_the_self_test_shows() {
    let docs = fs::read_to_string("../docs/mutants.md").expect("the docs");
    let (_, shown) = docs
        .split_once("$ prover selftest\n")
        .expect("the docs show it");
    let (shown, _) = shown.split_once("```").expect("a block ends");
    let mut command = assert_cmd::Command::cargo_bin("prover").expect("it is built");
    let output = command
        .arg("selftest")
        .assert()
        .code(0)
        .get_output()
        .clone();
    let said = String::from_utf8(output.stdout).expect("it is text");
    assert_eq!(without_draws(shown), without_draws(&said));
}

#[test]
fn the_docs_tell_of_every_broken_lock() {
    let docs = fs::read_to_string("../docs/mutants.md").expect("the docs");
    let rows: Vec<_> = docs
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let broken = broken::ALL.iter().map(|lock| {
        let mistake = lock.summary().strip_prefix("broken: ");
        let mistake = mistake.expect("the summary of a broken lock says so");
        let promise = lock.breaks().expect("a broken lock breaks a promise");
        format!("| `{}` | {mistake} | `{promise}` |", lock.name())
    });
    assert_eq!(rows, broken.collect::<Vec<_>>());
}

#[test]
fn no_correct_lock_is_called_broken() {
    for lock in locks::ALL.iter() {
        assert!(!lock.summary().starts_with("broken"), "{}", lock.name());
    }
}
