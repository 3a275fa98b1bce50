//! `prover prove`: what it says of claims, its exit codes, and what it leaves.

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use claims::{Proof, Standing, State};

/// Claims of three sorts, simulated in a blink.
const CLAIMS: &str = r#"
[run]
time-limit = "10s"
nemesis = "cut"
nemesis-interval = "2s"
nemesis-duration = "1s"

[[claim]]
id = "excludes"
says = "Two never have a confirmed hold."
testbeds = ["sim"]
seeds = "0..12"
needs = { landed = { cut = 12 } }
run = { lock = "exclusive-queue", guarantee = ["confirmed-exclusion"] }

[[claim]]
id = "no-lock-excludes-nobody"
says = "A lock that grants everything does not."
expected = "violated"
reason = "it grants everything"
testbeds = ["sim"]
seeds = "0..5"
run = { lock = "no-lock", guarantee = ["exclusion"] }
"#;

/// One more that comes out otherwise than it says.
const WRONG: &str = r#"
[[claim]]
id = "no-lock-excludes"
says = "A lock that grants everything excludes."
testbeds = ["sim"]
seeds = "0..5"
run = { lock = "no-lock", guarantee = ["exclusion"] }
"#;

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(claims: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("claims.toml"), claims).expect("writable");
        Self(folder)
    }

    fn prover(&self, words: &[&str]) -> Assert {
        let mut command = Command::cargo_bin("prover").expect("it is built");
        for name in [
            "GITHUB_ACTIONS",
            "GITHUB_STEP_SUMMARY",
            "CI_NODE_INDEX",
            "CI_NODE_TOTAL",
        ] {
            command.env_remove(name);
        }
        command.current_dir(self.0.path()).args(words).assert()
    }

    /// The proofs that were left, the newest last.
    fn proofs(&self) -> Vec<(PathBuf, Proof)> {
        let folders = fs::read_dir(self.0.path().join("results/prove")).expect("there is one");
        let mut folders: Vec<_> = folders.map(|one| one.expect("readable").path()).collect();
        folders.sort();
        let read = |folder: PathBuf| {
            let text = fs::read_to_string(folder.join("proof.json")).expect("it is there");
            let proof = serde_json::from_str(&text).expect("a proof");
            (folder, proof)
        };
        folders.into_iter().map(read).collect()
    }

    fn proof(&self) -> (PathBuf, Proof) {
        self.proofs().pop().expect("there is one")
    }
}

fn out(assert: &Assert) -> String {
    String::from_utf8_lossy(&assert.get_output().stdout).into_owned()
}

fn error(assert: &Assert) -> String {
    String::from_utf8_lossy(&assert.get_output().stderr).into_owned()
}

/// What the proof of a machine and that of another have in common: all but when, where and how long.
fn timeless(mut proof: Proof) -> Proof {
    proof.began = jiff::Timestamp::UNIX_EPOCH;
    for tested in &mut proof.cases {
        tested.spent_ms = 0;
        tested.stored.clear();
    }
    proof
}

#[test]
fn claims_that_come_out_as_they_say_pass_and_leave_their_evidence() {
    let folder = Folder::with(CLAIMS);
    let done = folder.prover(&["prove", "-q"]).code(0);
    assert!(out(&done).contains("passed: 2 cases"), "{}", out(&done));
    let (path, proof) = folder.proof();
    assert_eq!(proof.state, State::Finished);
    let standings: Vec<_> = proof.cases.iter().map(|case| case.standing).collect();
    assert_eq!(standings, [Standing::Confirmed, Standing::Confirmed]);
    let [holds, violated] = proof.cases.as_slice() else {
        panic!("{proof:?}");
    };
    assert_eq!((holds.summary.runs, violated.summary.runs), (12, 5));
    assert!(holds.summary.revoked() >= 12 && holds.counterexample.is_none());
    let found = violated.counterexample.as_ref().expect("it is violated");
    assert!(found.text.contains("double hold"), "{}", found.text);
    assert_eq!(violated.measures.first_violation.count, 5);
    assert!(violated.measures.exposures.count > 0);
    for case in &proof.cases {
        let stored = &case.stored[0];
        let run = path.join(&stored.folder);
        assert!(run.join("certificate.json").is_file(), "{run:?}");
        folder.prover(&["certify", &run.to_string_lossy()]).code(0);
    }
    assert_eq!(violated.stored[0].seed, found.seed);
    // Who copies it may follow links: what they lead to would be there twice.
    assert_eq!(links_below(&path), Vec::<PathBuf>::new());
}

fn links_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("readable").path());
    let below = paths.flat_map(|path| match path.is_dir() && !path.is_symlink() {
        true => links_below(&path),
        false => vec![path],
    });
    below.filter(|path| path.is_symlink()).collect()
}

/// A shard and a selection know nothing of the claims that are not theirs.
#[test]
fn only_all_of_the_claims_pass() {
    let folder = Folder::with(&CLAIMS.replace("12", "1"));
    let said = |words: &[&str]| {
        let done = folder.prover(&[&["prove", "-q"], words].concat()).code(0);
        let last = out(&done)
            .lines()
            .find(|it| it.starts_with("proof:"))
            .map(str::to_owned);
        last.expect("a line")
    };
    assert_eq!(
        said(&["--shard", "2/2", "--only", "excludes"]),
        "proof: nothing of this shard is otherwise than claimed: 1 case: 1 left to the whole, 1 not selected (shard 2/2 alone; `prover merge` decides)"
    );
    assert_eq!(
        said(&["--only", "no-lock-*"]),
        "proof: what was put to the test is as claimed: 1 case: 1 confirmed, 1 not selected"
    );
    let page = folder.0.path().join("page.md");
    let page_name = format!("markdown={}", page.display());
    said(&["--shard", "2/2", "--report", &page_name]);
    let text = fs::read_to_string(page).expect("it is there");
    let head = text.lines().next().expect("a line");
    assert!(
        head.contains("nothing of this shard is otherwise than claimed"),
        "{head}"
    );
}

#[test]
fn a_claim_that_comes_out_otherwise_fails_until_it_is_accepted() {
    let accepted = |until: &str| {
        format!("{CLAIMS}{WRONG}accepted = {{ reason = \"we know\", until = \"{until}\" }}\n")
    };
    let folder = Folder::with(&format!("{CLAIMS}{WRONG}"));
    let done = folder.prover(&["prove", "-q"]).code(1);
    assert!(out(&done).contains("contradicted"), "{}", out(&done));
    Folder::with(&accepted("9999-12-31"))
        .prover(&["prove", "-q"])
        .code(0);
    let done = Folder::with(&accepted("2020-01-01"))
        .prover(&["prove", "-q"])
        .code(1);
    assert!(out(&done).contains("2020-01-01"), "{}", out(&done));
}

#[test]
fn what_should_be_violated_and_is_not_fails_once_it_was_put_to_the_test() {
    let claims = CLAIMS
        .replace("\"no-lock\"", "\"exclusive-queue\"")
        .replace("[\"exclusion\"]", "[\"confirmed-exclusion\"]");
    let folder = Folder::with(&claims);
    let done = folder.prover(&["prove", "-q"]).code(1);
    assert!(
        out(&done).contains("expected to be violated, and was not in 5 runs"),
        "{}",
        out(&done)
    );
    let more = claims.replace(
        "it grants everything\"",
        "it grants everything\"\nneeds = { runs = 500 }",
    );
    let folder = Folder::with(&more);
    let done = folder.prover(&["prove", "-q"]).code(2);
    assert!(out(&done).contains("5 of 500 runs"), "{}", out(&done));
}

#[test]
fn what_was_not_put_to_the_test_is_unknown_and_what_was_not_selected_is_named() {
    // Without a window that lands nothing is said.
    let folder = Folder::with(&CLAIMS.replace(
        "nemesis-duration = \"1s\"",
        "nemesis-duration = \"1s\"\nhold = \"0s\"",
    ));
    folder
        .prover(&["prove", "-q", "--only", "excludes"])
        .code(2);
    let folder = Folder::with(CLAIMS);
    let done = folder
        .prover(&["prove", "-q", "--only", "excludes"])
        .code(0);
    assert!(
        out(&done).contains("left out: no-lock-excludes-nobody on sim: not selected"),
        "{}",
        out(&done)
    );
    let none = folder.prover(&["prove", "-q", "--on", "docker"]).code(4);
    assert!(
        error(&none).contains("no claim is put to the test on \"docker\": known are sim"),
        "{}",
        error(&none)
    );
    let none = folder.prover(&["prove", "--only", "exclude"]).code(254);
    assert!(
        error(&none).contains("did you mean excludes?"),
        "{}",
        error(&none)
    );
    folder.prover(&["prove", "elsewhere.toml"]).code(254);
}

#[test]
fn a_mistake_is_said_with_its_file_line_and_column_before_anything_runs() {
    let folder = Folder::with(&CLAIMS.replace("nemesis = \"cut\"", "nemesis = \"cutt\""));
    let done = folder.prover(&["prove"]).code(254);
    assert!(
        error(&done).contains("claims.toml:4:1: there is no fault \"cutt\": did you mean cut?"),
        "{}",
        error(&done)
    );
    assert!(!folder.0.path().join("results").exists());
}

#[test]
fn shards_that_are_merged_say_what_one_machine_says() {
    let folder = Folder::with(CLAIMS);
    folder.prover(&["prove", "-q"]).code(0);
    let (_, whole) = folder.proof();
    let shards: Vec<PathBuf> = (1..=4)
        .map(|index| {
            let shard = format!("{index}/4");
            folder.prover(&["prove", "-q", "--shard", &shard]).code(0);
            folder.proof().0
        })
        .collect();
    let mut words = vec!["merge".to_owned()];
    words.extend(
        shards
            .iter()
            .map(|path| path.to_string_lossy().into_owned()),
    );
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    folder.prover(&words).code(0);
    let (_, merged) = folder.proof();
    assert_eq!(timeless(merged), timeless(whole));
    // Without one of them something was not run.
    folder.prover(&words[..4]).code(2);
}

#[test]
fn the_seeds_come_out_the_same_each_time() {
    let folder = Folder::with(CLAIMS);
    folder.prover(&["prove", "-q"]).code(0);
    folder
        .prover(&["prove", "-q", "--jobs", "3", "--profile", "full"])
        .code(0);
    let proofs = folder.proofs();
    let [(_, first), (_, second)] = proofs.as_slice() else {
        panic!("{}", proofs.len());
    };
    assert_eq!(timeless(first.clone()), timeless(second.clone()));
}

#[test]
fn a_folder_of_claims_is_proved_file_by_file_and_the_worst_counts() {
    let folder = Folder::with(CLAIMS);
    let more = folder.0.path().join("more");
    fs::create_dir(&more).expect("writable");
    for (name, text) in [
        ("a.toml", CLAIMS.to_owned()),
        ("b.toml", format!("{CLAIMS}{WRONG}")),
    ] {
        fs::write(more.join(name), text).expect("writable");
    }
    folder.prover(&["prove", "-q", "more"]).code(1);
    assert_eq!(folder.proofs().len(), 2);
    let none = Path::new("none");
    fs::create_dir(folder.0.path().join(none)).expect("writable");
    let done = folder.prover(&["prove", "none"]).code(254);
    assert!(
        error(&done).contains("no claims in none"),
        "{}",
        error(&done)
    );
}

#[test]
fn what_init_writes_can_be_proved_and_stays() {
    let folder = Folder(tempfile::tempdir().expect("a temporary folder"));
    let done = folder
        .prover(&["init", "--lock", "exclusive-queue"])
        .code(0);
    assert!(out(&done).contains("wrote ./claims.toml"), "{}", out(&done));
    let done = folder.prover(&["init"]).code(254);
    assert!(
        error(&done).contains("is there already"),
        "{}",
        error(&done)
    );
    folder.prover(&["prove", "--on", "sim"]).code(4);
}

#[test]
fn a_program_that_does_not_start_breaks_its_claim_and_no_other() {
    let folder = Folder::with(&format!(
        "{CLAIMS}\n[[claim]]\nid = \"gone\"\nsays = \"It excludes.\"\nwithin = \"10s\"\nrun = {{ lock = \"process:/nonexistent/lock\" }}\n"
    ));
    let done = folder
        .prover(&["prove", "-q", "--report", "junit=junit.xml"])
        .code(3);
    assert!(
        out(&done).contains("could not be started"),
        "{}",
        out(&done)
    );
    assert!(folder.0.path().join("junit.xml").exists());
    let (_, proof) = folder.proofs().pop().expect("a proof");
    let standings: Vec<_> = proof.cases.iter().map(|case| case.standing).collect();
    assert_eq!(standings.len(), 3);
    assert!(proof.programs.is_empty());
    let confirmed = standings.iter().filter(|it| **it == Standing::Confirmed);
    assert_eq!(confirmed.count(), 2);
}

/// What an operation costs is counted; more than is claimed contradicts, and `certify` counts again.
#[test]
fn costs_are_counted_and_counted_again() {
    let folder = Folder::with(
        r#"
[[claim]]
id = "cheap"
says = "Verifying is one round trip."
testbeds = ["sim"]
cost = { operation = "verify", round-trips = 1 }
run = { lock = "exclusive-queue" }
[[claim]]
id = "dear"
says = "The last of eight slots is one round trip."
testbeds = ["sim"]
needs = { runs = 5 }
cost = { operation = "acquire", slots = 8, round-trips = 1 }
run = { lock = "persistent-semaphore" }
[[claim]]
id = "wrong"
says = "A lock that grants everything refuses for nothing."
testbeds = ["sim"]
cost = { operation = "refused-acquire", round-trips = 1 }
run = { lock = "no-lock" }
"#,
    );
    let done = folder.prover(&["prove", "-q"]).code(1);
    let said = out(&done);
    for part in [
        "never more than 1 round trip in 20 rounds",
        "more than 1 round trip in 5 of 5 rounds",
        "acquire of persistent-semaphore with 8 slots: 18 round trips for 18 methods, at most 1 claimed",
        "it said granted, where it must be refused",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let (proof_folder, proof) = folder.proofs().pop().expect("a proof");
    let standings: Vec<_> = proof.cases.iter().map(|case| case.standing).collect();
    let expected = [
        Standing::Confirmed,
        Standing::Contradicted,
        Standing::Broken,
    ];
    assert_eq!(standings, expected);
    let proof = proof_folder.to_str().expect("a path");
    folder.prover(&["certify", proof]).code(0);
    // Another bound with other verdicts does not make it cheap.
    let path = proof_folder.join("proof.json");
    let stored = fs::read_to_string(&path).expect("it is there");
    let mut forged: serde_json::Value = serde_json::from_str(&stored).expect("JSON");
    let case = &mut forged["cases"][1];
    case["measured"]["cost"]["round-trips"] = 30.into();
    case["summary"]["failing"] = serde_json::json!([]);
    case["summary"]["verdicts"] = serde_json::json!({"valid": 5, "violated": 0, "unknown": 0});
    case["standing"] = "confirmed".into();
    case.as_object_mut()
        .expect("an object")
        .remove("counterexample");
    fs::write(&path, forged.to_string()).expect("writable");
    let done = folder.prover(&["certify", proof]).code(1);
    assert!(
        out(&done).contains("another bound than the one that is claimed"),
        "{}",
        out(&done)
    );
    fs::write(&path, stored).expect("writable");
    let stray = proof_folder.join("runs/gone/sim/cost");
    fs::create_dir_all(&stray).expect("writable");
    fs::write(stray.join("samples.jsonl"), "").expect("writable");
    let done = folder.prover(&["certify", proof]).code(1);
    assert!(
        out(&done).contains("no claim speaks of it"),
        "{}",
        out(&done)
    );
    fs::remove_dir_all(stray).expect("writable");
    let samples = proof_folder.join("runs/dear/sim/cost/samples.jsonl");
    let text = fs::read_to_string(&samples).expect("they are there");
    let cheaper = text.replacen("\"round_trips\":18", "\"round_trips\":1", 1);
    assert_ne!(text, cheaper);
    fs::write(&samples, cheaper).expect("writable");
    let done = folder.prover(&["certify", proof]).code(1);
    assert!(out(&done).contains("shows something else than is counted"));
    let done = folder.prover(&["merge", proof]).code(254);
    assert!(
        error(&done).contains("run this shard again"),
        "{}",
        error(&done)
    );
}

/// Whatever a lock does, coverage alone is valid: it says nothing of it.
#[test]
fn coverage_alone_is_no_claim() {
    let only = CLAIMS.replace("[\"confirmed-exclusion\"]", "[\"coverage\"]");
    let folder = Folder::with(&only);
    let done = folder.prover(&["prove", "-q"]).code(254);
    assert!(
        error(&done).contains("name a guarantee beside it"),
        "{}",
        error(&done)
    );
}

#[test]
fn a_report_that_cannot_be_written_is_told_before_anything_runs() {
    let folder = Folder::with(CLAIMS);
    fs::write(folder.0.path().join("file"), "").expect("writable");
    for (reports, part) in [
        (vec!["junit=claims.toml"], "a file of its own"),
        (vec!["junit=one.xml", "ctrf=one.xml"], "a file of its own"),
        (vec!["junit=file/one.xml"], "file/one.xml"),
    ] {
        let mut words = vec!["prove", "-q"];
        words.extend(reports.iter().flat_map(|report| ["--report", report]));
        let done = folder.prover(&words);
        let said = error(&done);
        assert!(said.contains(part), "{said}");
        assert!(!folder.0.path().join("results").exists());
    }
    let text = fs::read_to_string(folder.0.path().join("claims.toml")).expect("it is there");
    assert_eq!(text, CLAIMS);
}

/// A file whose name begins like an option is repeated by a command that takes it for a file.
#[test]
fn the_command_that_repeats_a_claim_does_so_whatever_its_file_is_called() {
    let folder = Folder::with("");
    let wrong = CLAIMS
        .split("[[claim]]")
        .next()
        .expect("its head")
        .to_owned()
        + WRONG;
    fs::write(folder.0.path().join("-s.toml"), wrong).expect("writable");
    folder.prover(&["prove", "-q", "--", "-s.toml"]).code(1);
    let (_, proof) = folder.proof();
    let repeat = &proof.cases[0].repeat;
    let words: Vec<&str> = repeat.split_whitespace().skip(1).collect();
    assert_eq!(words[1], "./-s.toml", "{repeat}");
    folder.prover(&words).code(1);
}

/// Two proofs of one claims file may be about two locks: each says which files its program was.
#[test]
fn a_proof_names_the_files_of_the_program_under_test() {
    let folder = Folder::with(
        "[[claim]]\nid = \"mute\"\nsays = \"It excludes.\"\nwithin = \"5s\"\nrun = { lock = \"process:sh mute.sh\" }\n",
    );
    fs::write(folder.0.path().join("mute.sh"), "exit 0\n").expect("writable");
    folder.prover(&["prove", "-q"]).code(3);
    let (path, proof) = folder.proofs().pop().expect("a proof");
    assert_eq!(proof.programs.keys().collect::<Vec<_>>(), ["mute.sh"]);
    let path = path.to_str().expect("a path");
    folder.prover(&["attest", path]).code(0);
    let stored = fs::read_to_string(Path::new(path).join("attestation.json")).expect("there");
    assert!(stored.contains(&proof.programs["mute.sh"]), "{stored}");
}

/// Two bounds of progress, and the usual one beside them, are one guarantee of each run.
#[test]
fn several_bounds_of_progress_count_once_a_run() {
    let folder = Folder::with(&CLAIMS.replace(
        "[\"confirmed-exclusion\"]",
        "[\"progress<=20s\", \"progress<=12s\", \"confirmed-exclusion\"]",
    ));
    folder
        .prover(&["prove", "-q", "--only", "excludes"])
        .code(0);
    let (path, proof) = folder.proofs().pop().expect("a proof");
    let progress = &proof.cases[0].summary.guarantees["progress"];
    assert_eq!((progress.judged, progress.verdicts.valid), (true, 12));
    folder
        .prover(&["certify", path.to_str().expect("a path")])
        .code(0);
}
