//! Tests and benchmarks ask for no features of dependencies that the program itself does not ask
//! for. Otherwise `cargo test` would build these dependencies and all that stands on them, the
//! prover included, a second time after `cargo run`.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// What cargo would build: `name version [features]`, without what only macros and build scripts
/// use.
fn packages(selection: &[&str]) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "--prefix",
            "none",
            "--format",
            "{p} [{f}]",
        ])
        .args(selection)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output()
        .expect("cargo runs this test");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("names are UTF-8");
    let lines = text.lines().map(|line| line.trim_end_matches(" (*)"));
    lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn tests_build_the_dependencies_that_the_program_has_built() {
    let program = packages(&["--package", "prover", "--edges", "normal,no-proc-macro"]);
    let tests = packages(&["--workspace", "--edges", "normal,dev,no-proc-macro"]);
    let anew: Vec<_> = program.difference(&tests).collect();
    assert!(
        anew.is_empty(),
        "tests ask for more features of {anew:?}: name them in [workspace.dependencies], or below \"features that tests ask for\" in prover/Cargo.toml"
    );
}
