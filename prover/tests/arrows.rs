//! The table of crates in CONTRIBUTING.md and the manifests say the same: which crate may use
//! which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// For each crate of the workspace those that it uses.
type Arrows = BTreeMap<String, BTreeSet<String>>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace is around the crate")
}

/// What the manifests say. What only tests use is no arrow: nobody who builds a crate builds that.
fn built() -> Arrows {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs this test");
    assert!(output.status.success(), "{output:?}");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("a list");
    packages.iter().map(arrows_of).collect()
}

fn arrows_of(package: &Value) -> (String, BTreeSet<String>) {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let dependencies = package["dependencies"].as_array().expect("a list");
    let used = dependencies
        .iter()
        .filter(|one| one["path"].is_string() && one["kind"] != "dev")
        .map(|one| text(&one["name"]))
        .collect();
    (text(&package["name"]), used)
}

/// What the rows `| folder | `crate` | what lives there | uses |` of the table say.
fn told() -> Arrows {
    let text = std::fs::read_to_string(root().join("CONTRIBUTING.md")).expect("it is there");
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [_, name, _, uses] = cells.as_slice() else {
            return None;
        };
        let name = name.strip_prefix('`')?.strip_suffix('`')?;
        let quoted = uses.split('`').skip(1).step_by(2).map(str::to_owned);
        Some((name.to_owned(), quoted.collect()))
    });
    rows.collect()
}

/// The crates that can be reached from one.
fn below<'a>(arrows: &'a Arrows, from: &'a str, seen: &mut BTreeSet<&'a str>) {
    for used in &arrows[from] {
        if seen.insert(used) {
            below(arrows, used, seen);
        }
    }
}

#[test]
fn every_arrow_stands_in_the_table() {
    assert_eq!(built(), told(), "left the manifests, right CONTRIBUTING.md");
}

#[test]
fn whoever_checks_certificates_again_knows_the_record_alone() {
    let arrows = built();
    let mut seen = BTreeSet::new();
    below(&arrows, "certify", &mut seen);
    assert_eq!(seen, BTreeSet::from(["history"]));
}
