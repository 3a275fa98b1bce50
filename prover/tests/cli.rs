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

#[cfg(unix)]
#[test]
fn a_path_that_is_no_text_is_printed_as_well_as_it_can_be() {
    use std::os::unix::ffi::OsStringExt;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let name = std::ffi::OsString::from_vec(b"caf\xe9.jsonl".to_vec());
    let history = folder.path().join(name);
    std::fs::copy("tests/cmd/check.in/double.jsonl", &history).expect("writable");
    let missing = folder.path().join("none");
    for (path, code) in [(&history, 1), (&missing, 254)] {
        let checked = cargo_bin_cmd!("prover")
            .args(["check", "--format", "json"])
            .arg(path)
            .assert()
            .code(code);
        let said = String::from_utf8_lossy(&checked.get_output().stdout).into_owned();
        assert!(said.contains("\"file\":\"/"), "{said}");
    }
}

#[test]
fn who_has_seen_enough_of_a_history_ends_it_quietly() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let mut generating = Command::new(env!("CARGO_BIN_EXE_prover"))
        .args(["generate", "--ops", "200000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut line = String::new();
    let out = generating.stdout.take().expect("it is piped");
    BufReader::new(out).read_line(&mut line).expect("a line");
    let ended = generating.wait_with_output().expect("it ends");
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
}
