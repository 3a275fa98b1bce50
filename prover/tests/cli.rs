//! The command line as people see it: `tests/cmd/*.trycmd`, each with the files of `*.in/`.

use assert_cmd::cargo::cargo_bin_cmd;

#[test]
fn what_is_said_and_how_it_exits() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd");
}

#[test]
fn a_history_comes_by_standard_input_too() {
    for (name, exit) in [("check.in/double.jsonl", 1), ("stored.in/packed", 0)] {
        let history = std::fs::read(format!("tests/cmd/{name}")).expect("it is there");
        cargo_bin_cmd!("prover")
            .args(["check", "-", "--guarantee", "exclusion"])
            .write_stdin(history)
            .assert()
            .code(exit);
    }
}
