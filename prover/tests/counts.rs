//! Whatever is counted is counted in words that fit the number.

use std::fs;
use std::path::Path;
use std::process::Command;

/// What one of is no `…s`.
const NOUNS: [&str; 18] = [
    "bars",
    "bursts",
    "events",
    "faults",
    "holds",
    "keys",
    "locks",
    "mistakes",
    "operations",
    "overlaps",
    "places",
    "rounds",
    "runs",
    "seeds",
    "slots",
    "violations",
    "windows",
    "workers",
];

fn said(arguments: &str, folder: &Path) -> String {
    let mut prover = Command::new(env!("CARGO_BIN_EXE_prover"));
    prover
        .current_dir(folder)
        .args(arguments.split_whitespace());
    let output = prover.output().expect("the program runs");
    let [out, err] = [output.stdout, output.stderr].map(String::from_utf8);
    format!("{}{}", out.expect("text"), err.expect("text"))
}

/// The lines in which a number and its noun do not fit, or a figure is one of nothing.
fn slips(text: &str) -> Vec<&str> {
    let is_slip = |line: &&str| {
        let words = line.split(|c: char| c.is_whitespace() || "<>();:,".contains(c));
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        words.windows(2).any(|pair| match pair {
            ["1", noun] => NOUNS.contains(noun),
            ["0.00", "ns"] | ["0", "holds"] => true,
            _ => false,
        })
    };
    text.lines().filter(is_slip).collect()
}

#[test]
fn one_of_a_thing_is_one_thing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let told = [
        "--testbed sim --seed 1 --concurrency 1 --keys 1 --time-limit 1s",
        "--testbed sim --seed 1 --concurrency 2 --rate 1 --time-limit 1s",
        "--testbed sim --seed 1 --time-limit 0s",
        "--testbed sim --seed 1 --burst --concurrency 1 --time-limit 1s",
        "--testbed sim --seed 3 --lock no-lock --concurrency 2 --time-limit 2s",
        "--testbed sim --seed 1 --nemesis cut --time-limit 8s --nemesis-interval 1s --nemesis-duration 4s",
        "--seeds 0..1 --time-limit 1s",
        "--seeds 0..1 --lock no-lock --time-limit 1s --concurrency 2",
        "--testbed sim --seed 1 -w semaphore --slots 1 --concurrency 1 --time-limit 1s",
        "--testbed sim --seed 1 -w resize --slots 1 --time-limit 2s",
        "--testbed sim --seed 1 -w guarded --concurrency 1 --time-limit 1s",
        "power --seed 1 --concurrency 1 --time-limit 1s --power-within 1s",
        "experiment matrix --testbed sim --only no-lock -w mutex --time-limit 1s --tries 1",
        "generate --ops 1 -o one.jsonl",
        "check one.jsonl --certificate one.json",
        "certify one.jsonl one.json",
        "clean",
    ];
    for arguments in told {
        let text = said(arguments, folder.path());
        let report = fs::read_to_string(folder.path().join("results/latest/report.html"));
        let text = text + &report.unwrap_or_default();
        assert_eq!(slips(&text), [""; 0], "{arguments}");
    }
    let no_lock = "--testbed sim --seed 3 --lock no-lock --concurrency 2 --time-limit 2s";
    said(no_lock, folder.path());
    let shrunk = said("shrink results/latest", folder.path());
    assert_eq!(slips(&shrunk), [""; 0]);
}
