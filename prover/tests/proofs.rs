//! Proofs of several machines, what is attested of them, and what a flipped byte changes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use claims::{Proof, Shard, Tested};
use serde_json::{Value, json};
use tempfile::TempDir;
use testbed::testing::shared_broker;

/// The folder of a test.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn path(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    /// What a command does here, by itself: no CI server has started it.
    fn prover(&self, words: &str, variables: &[(&str, &str)]) -> Output {
        let mut prover = assert_cmd::Command::cargo_bin("prover").expect("it is built");
        for name in [
            "GITHUB_ACTIONS",
            "GITHUB_STEP_SUMMARY",
            "GITHUB_SERVER_URL",
            "CI_JOB_URL",
        ] {
            prover.env_remove(name);
        }
        prover.envs(variables.iter().copied());
        prover
            .current_dir(self.0.path())
            .args(words.split_whitespace())
            .output()
            .expect("it runs")
    }

    /// What it prints, if it ends so.
    fn says(&self, words: &str, code: i32) -> String {
        let output = self.prover(words, &[]);
        let [out, err] = [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it));
        assert_eq!(output.status.code(), Some(code), "{words}: {out}{err}");
        format!("{out}{err}")
    }

    fn store(&self, folder: &str, proof: &Proof) {
        let mut json = json!(proof);
        json["schema"] = "proof/1".into();
        fs::create_dir_all(self.path(folder)).expect("writable");
        fs::write(self.path(folder).join("proof.json"), json.to_string()).expect("writable");
    }

    /// The newest proof of `results`.
    fn merged(&self) -> (PathBuf, Proof) {
        let folders = fs::read_dir(self.path("results/prove")).expect("a folder");
        let folders = folders.map(|entry| entry.expect("one").path());
        let newest = folders.max().expect("a proof");
        let text = fs::read_to_string(newest.join("proof.json")).expect("it is there");
        (newest, serde_json::from_str(&text).expect("a proof"))
    }
}

/// What one run of this seed shows.
fn summary(seed: u64, violated: bool) -> Value {
    json!({
        "runs": 1, "verdicts": {"valid": u64::from(!violated), "violated": u64::from(violated), "unknown": 0},
        "events": 10 + seed, "operations": 5, "holds": 3, "contended": 1, "must_take": true, "taken": 1,
        "guarantees": {"exclusion": {"judged": true, "verdicts": {"valid": 1, "violated": 0, "unknown": 0}, "overlaps": seed, "exposure_ns_max": seed}},
        "faults": {"cut": {"due": "revoked", "windows": 2, "landed": 1, "revoked": 1, "delayed": 0}},
        "failing": if violated { vec![seed] } else { vec![] }, "open": [], "broken": [],
    })
}

/// A claim about these seeds, of which these were run.
fn case(id: &str, seeds: std::ops::Range<u64>, runs: &[(u64, bool)]) -> Tested {
    let mut case: Tested = serde_json::from_value(json!({
        "claim": {"id": id, "says": "at most one client holds the lock", "expected": "holds", "line": 3},
        "testbed": "sim", "lock": "no-lock", "workload": "mutex", "nemesis": "cut",
        "standing": "not-run", "why": "", "seeds": format!("{}..{}", seeds.start, seeds.end),
        "summary": suite::Summary::default(), "repeat": "prover prove",
    }))
    .expect("a case");
    for (seed, violated) in runs {
        let run = serde_json::from_value(summary(*seed, *violated)).expect("a summary");
        case.summary.merge(run);
        case.measures.exposures.add(seed * 1_000_000);
    }
    case
}

fn proof(shard: Shard, cases: Vec<Tested>) -> Proof {
    let mut proof: Proof = serde_json::from_value(json!({
        "prover": "0.1.0", "source": {"path": "claims.toml", "sha256": "0".repeat(64)}, "profile": "full",
        "shard": shard, "began": "2026-11-30T08:00:00Z", "state": "finished", "cases": [],
        "left_out": [{"claim": "another", "testbed": "docker", "why": "not selected"}],
    }))
    .expect("a proof");
    proof.cases = cases;
    for case in &mut proof.cases {
        case.decide(shard);
    }
    proof
}

/// One of four that divided four seeds; the third sees a violation of the second claim.
fn shard(index: u64) -> Proof {
    let seed = index - 1;
    let cases = vec![
        case("holds", 0..4, &[(seed, false)]),
        case("breaks", 0..4, &[(seed, seed == 2)]),
    ];
    proof(Shard { index, count: 4 }, cases)
}

fn whole() -> Proof {
    let runs = |breaks| [0, 1, 2, 3].map(|seed| (seed, breaks && seed == 2));
    let cases = vec![
        case("holds", 0..4, &runs(false)),
        case("breaks", 0..4, &runs(true)),
    ];
    proof(Shard::WHOLE, cases)
}

#[test]
fn shards_merge_into_what_one_machine_finds() {
    let place = Place::new();
    for index in 1..=4 {
        place.store(&format!("shards/{index}/deep"), &shard(index));
    }
    let said = place.says(
        "merge shards/1 shards --report junit=out/junit.xml --report sarif=prover.sarif",
        1,
    );
    for part in [
        "claim",
        "confirmed",
        "contradicted",
        "violated in 1 of 4 runs, first with seed 2",
        "left out: another on docker: not selected",
        "proof: not as claimed: 2 cases: 1 confirmed, 1 contradicted",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let (_, merged) = place.merged();
    assert_eq!(merged, whole());
    let junit = fs::read_to_string(place.path("out/junit.xml")).expect("a report");
    assert!(junit.contains("<failure") && place.path("prover.sarif").exists());
}

#[test]
fn what_is_missing_leaves_it_open_and_what_is_foreign_is_refused() {
    let place = Place::new();
    for index in [1, 2, 4] {
        place.store(&format!("{index}"), &shard(index));
    }
    let said = place.says("merge 1 2 4", 2);
    assert!(said.contains("time was up before 1 seed more"), "{said}");
    assert_eq!(place.merged().1.state, claims::State::Interrupted);
    place.store("again", &shard(2));
    assert!(
        place
            .says("merge 1 2 again", 254)
            .contains("the shard 2/4 is there twice")
    );
    let mut foreign = shard(3);
    foreign.source.sha256 = "1".repeat(64);
    place.store("foreign", &foreign);
    assert!(
        place
            .says("merge 1 foreign", 254)
            .contains("their claims files differ")
    );
    fs::create_dir(place.path("empty")).expect("writable");
    assert!(
        place
            .says("merge empty", 254)
            .contains("no proof.json in empty")
    );
    fs::write(place.path("empty/proof.json"), "{\"schema\": \"proof/2\"}").expect("writable");
    assert!(place.says("merge empty", 254).contains("proof/2"));
    let unknown = place.says("merge 1 --report junti=x", 254);
    assert!(unknown.contains("did you mean junit?"), "{unknown}");
}

#[test]
fn the_runs_of_shards_are_kept_and_none_takes_the_place_of_another() {
    let place = Place::new();
    let stored = "runs/holds/sim/no-lock-mutex/20261130T080000.000Z";
    for index in [1, 2] {
        let mut proof = shard(index);
        proof.shard.count = 2;
        let folder = format!("{index}/{stored}");
        fs::create_dir_all(place.path(&folder)).expect("writable");
        fs::write(place.path(&folder).join("history.jsonl"), index.to_string()).expect("writable");
        proof.cases[0].stored = vec![claims::Stored {
            seed: index - 1,
            folder: stored.to_owned(),
        }];
        place.store(&index.to_string(), &proof);
    }
    place.says("merge 1 2", 2);
    let (folder, merged) = place.merged();
    let kept = merged.cases[0].stored.iter();
    let kept: Vec<_> = kept
        .map(|it| fs::read_to_string(folder.join(&it.folder).join("history.jsonl")).expect("kept"))
        .collect();
    assert_eq!(kept, ["1", "2"]);
    let mut outside = shard(1);
    outside.cases[0].stored = vec![claims::Stored {
        seed: 0,
        folder: "../2".to_owned(),
    }];
    place.store("outside", &outside);
    assert!(
        place
            .says("merge outside", 254)
            .contains("no folder of its proof")
    );
}

#[test]
fn github_is_told_at_the_lines_of_the_claims() {
    let place = Place::new();
    for index in 1..=4 {
        place.store(&format!("shards/{index}"), &shard(index));
    }
    let page = place.path("summary.md");
    fs::write(&page, "before\n").expect("writable");
    let page_name = page.to_str().expect("text").to_owned();
    let output = place.prover(
        "merge shards --format json",
        &[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_STEP_SUMMARY", &page_name),
        ],
    );
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains("::error file=claims.toml,line=3,title=breaks on sim%3A contradicted::"),
        "{told}"
    );
    let page = fs::read_to_string(page).expect("it is there");
    assert!(
        page.starts_with("before\n## Proof of claims.toml"),
        "{page}"
    );
    let line = String::from_utf8_lossy(&output.stdout);
    assert_eq!(line.lines().count(), 1);
    let line: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(line["schema"], "proof/1");
}

#[test]
fn what_got_worse_is_said_and_a_worse_standing_decides() {
    let place = Place::new();
    place.store(
        "before",
        &proof(
            Shard::WHOLE,
            vec![case(
                "breaks",
                0..4,
                &[0, 1, 2, 3].map(|seed| (seed, false)),
            )],
        ),
    );
    place.store("now", &whole());
    let said = place.says("merge now --against before", 1);
    assert!(said.contains("1 claim stands worse"), "{said}");
    assert!(said.contains("contradicted, was confirmed"), "{said}");
    place.store(
        "fewer",
        &proof(
            Shard::WHOLE,
            vec![case("breaks", 0..2, &[(0, false), (1, false)])],
        ),
    );
    let said = place.says("merge fewer --against before", 0);
    assert!(
        said.contains("runs: 2, was 4") && said.contains("no claim stands worse"),
        "{said}"
    );
}

/// What there is no room for is another matter than what the claims are.
#[cfg(target_os = "linux")]
#[test]
fn a_report_that_cannot_be_written_hides_no_verdict() {
    let place = Place::new();
    place.store("contradicted", &whole());
    let reports = "--report junit=/dev/full --report ctrf=ctrf.json --folder-to folder.txt";
    let said = place.says(&format!("merge contradicted {reports}"), 1);
    assert!(
        said.contains("error: cannot write /dev/full") && said.contains("not as claimed"),
        "{said}"
    );
    assert!(place.path("ctrf.json").exists(), "the next is written");
    let folder = fs::read_to_string(place.path("folder.txt")).expect("it is there");
    assert_eq!(place.path(folder.trim_end()), place.merged().0);
    let full = [("GITHUB_STEP_SUMMARY", "/dev/full")];
    let ended = place.prover("merge contradicted", &full);
    assert_eq!(ended.status.code(), Some(1));
    let ended = place.prover("merge contradicted --folder-to /dev/full", &[]);
    assert_eq!(ended.status.code(), Some(1));
    let confirmed = vec![case("holds", 0..1, &[(0, false)])];
    place.store("confirmed", &proof(Shard::WHOLE, confirmed));
    place.says("merge confirmed", 0);
    place.says(&format!("merge confirmed {reports}"), 3);
}

/// The proofs that are merged are evidence, and so is a proof that lies elsewhere.
#[test]
fn no_report_is_written_over_a_proof() {
    let place = Place::new();
    place.store("shards/1", &shard(1));
    place.store("shards/2/deep", &shard(2));
    place.store("other", &shard(3));
    fs::write(place.path("other/attestation.json"), "{}").expect("writable");
    #[cfg(unix)]
    std::os::unix::fs::symlink("shards/1", place.path("link")).expect("writable");
    let before = files(&place.path("."));
    for target in [
        "shards/1/proof.json",
        "shards/2/deep/new/junit.xml",
        "shards/1/../1/junit.xml",
        "other/proof.json",
        "other/attestation.json",
        #[cfg(unix)]
        "link/junit.xml",
    ] {
        for option in [
            "--report junit=",
            "--report ctrf=fresh/ctrf.json --folder-to ",
        ] {
            let said = place.says(&format!("merge shards {option}{target}"), 254);
            assert!(said.contains("a file of its own"), "{target}: {said}");
        }
    }
    assert_eq!(files(&place.path(".")), before);
    let roundabout = "merge shards --report junit=new/../shards/1/proof.json";
    place.says(roundabout, 254);
    let text = fs::read_to_string(place.path("shards/1/proof.json")).expect("it is there");
    assert_eq!(
        serde_json::from_str::<Proof>(&text).expect("a proof"),
        shard(1)
    );
    place.says("merge shards --report junit=shards/junit.xml", 2);
}

/// A run in a simulation, of a lock that is none or of one that keeps what it promises.
fn run(place: &Place, results: &str, lock: &str, seed: u64, code: i32) -> String {
    place.says(&format!("run --lock {lock} --testbed sim --nemesis cut --time-limit 20s --seed {seed} --power-within 0s --quiet --results {results}"), code);
    let latest = fs::canonicalize(place.path(results).join("latest")).expect("a link");
    let folder = latest
        .strip_prefix(fs::canonicalize(place.0.path()).expect("it is there"))
        .expect("below");
    folder.to_str().expect("text").to_owned()
}

/// What a run was judged by, as it is counted.
fn judged(verdict: &Path) -> BTreeMap<String, suite::Tally> {
    let text = fs::read_to_string(verdict).expect("it is there");
    let verdict: Value = serde_json::from_str(&text).expect("JSON");
    let rows = verdict["guarantees"].as_array().expect("rows").iter();
    let judged = rows.filter(|row| row["judged"] == true && row["guarantee"] != "coverage");
    let tally = suite::Tally {
        judged: true,
        ..Default::default()
    };
    let names = judged.map(|row| row["guarantee"].as_str().expect("a name"));
    names
        .map(|name| (suite::tallied(name).to_owned(), tally.clone()))
        .collect()
}

/// The files of a folder, from it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let all = entries.flat_map(|entry| {
        let path = entry.expect("one").path();
        if path.is_symlink() {
            return Vec::new();
        }
        let name = PathBuf::from(path.file_name().expect("a name"));
        if path.is_dir() {
            files(&path)
                .into_iter()
                .map(|below| name.join(below))
                .collect()
        } else {
            vec![name]
        }
    });
    all.collect()
}

/// Every file in turn has one byte flipped: `certify` must fail and name it.
fn flip_each(place: &Place, folder: &str, least: usize) {
    let files = files(&place.path(folder));
    assert!(files.len() > least, "{files:?}");
    for file in files
        .iter()
        .filter(|it| *it != Path::new("attestation.json"))
    {
        let path = place.path(folder).join(file);
        let bytes = fs::read(&path).expect("it is there");
        let mut flipped = bytes.clone();
        match flipped.len() {
            0 => flipped.push(b'\n'),
            length => flipped[length / 2] ^= 1,
        }
        fs::write(&path, flipped).expect("writable");
        let output = place.prover(&format!("certify {folder}"), &[]);
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let code = output.status.code().expect("a code");
        assert!([1, 254].contains(&code), "{file:?}: {code} {said}");
        assert!(
            said.contains(file.to_str().expect("text")),
            "{file:?}: {said}"
        );
        fs::write(&path, bytes).expect("writable");
    }
    place.says(&format!("certify {folder}"), 0);
}

#[test]
fn a_run_that_was_attested_is_certified_until_a_byte_is_flipped() {
    let place = Place::new();
    let folder = run(&place, "results", "no-lock", 1, 1);
    let said = place.says(&format!("attest {folder}"), 0);
    assert!(said.contains("attested: FAILED"), "{said}");
    let said = place.says(&format!("certify {folder}"), 0);
    assert!(
        said.contains("1 run re-checked") && said.contains("exclusion"),
        "{said}"
    );
    flip_each(&place, &folder, 7);
    let added = place.path(&folder).join("added.txt");
    fs::write(&added, "").expect("writable");
    assert!(
        place
            .says(&format!("certify {folder}"), 1)
            .contains("added.txt is attested by nobody")
    );
    fs::remove_file(added).expect("it is there");
    fs::write(place.path(&folder).join("attestation.sigstore.json"), "{}").expect("writable");
    place.says(&format!("certify {folder}"), 0);
    #[cfg(unix)]
    {
        let link = place.path(&folder).join("latest");
        for (target, code) in [("history.jsonl", 0), ("/etc", 1), ("..", 1), ("gone", 1)] {
            std::os::unix::fs::symlink(target, &link).expect("writable");
            place.says(&format!("certify {folder}"), code);
            fs::remove_file(&link).expect("it is there");
        }
    }
    fs::remove_file(place.path(&folder).join("run.log")).expect("it is there");
    assert!(
        place
            .says(&format!("certify {folder}"), 1)
            .contains("run.log is missing")
    );
}

#[test]
fn a_verdict_that_its_certificate_does_not_prove_is_not_attested() {
    let place = Place::new();
    let folder = run(&place, "results", "no-lock", 1, 1);
    let path = place.path(&folder).join("verdict.json");
    let said = fs::read_to_string(&path).expect("it is there");
    for (word, other) in [
        ("\"violated\"", "\"valid\""),
        ("\"verdict\": \"violated\"", "\"verdict\": \"valid\""),
    ] {
        fs::write(&path, said.replacen(word, other, 1)).expect("writable");
        let refused = place.says(&format!("attest {folder}"), 1);
        assert!(refused.contains("not attested: verdict.json"), "{refused}");
    }
    fs::remove_file(path).expect("it is there");
    assert!(
        place
            .says(&format!("attest {folder}"), 1)
            .contains("verdict.json")
    );
    assert!(!place.path(&folder).join("attestation.json").exists());
    assert!(
        place
            .says("attest results", 254)
            .contains("no manifest.json and no proof.json")
    );
}

#[test]
fn a_verdict_that_leaves_out_what_its_run_was_to_be_judged_by_is_not_attested() {
    let place = Place::new();
    let folder = run(&place, "results", "no-lock", 1, 1);
    let path = place.path(&format!("{folder}/verdict.json"));
    let text = fs::read_to_string(&path).expect("it is there");
    let verdict: Value = serde_json::from_str(&text).expect("JSON");
    let without = |change: &dyn Fn(&mut Vec<Value>)| {
        let mut other = verdict.clone();
        change(other["guarantees"].as_array_mut().expect("rows"));
        other["verdict"] = json!("unknown");
        fs::write(&path, other.to_string()).expect("writable");
        let certified = place.says(&format!("certify {folder}"), 1);
        assert!(certified.contains("refused: verdict.json"), "{certified}");
        place.says(&format!("attest {folder}"), 1)
    };
    let is_violated = |row: &Value| row["verdict"] == "violated";
    for said in [
        without(&|rows| rows.retain(|row| !is_violated(row))),
        without(&|rows| {
            let violated = rows.iter_mut().filter(|row| is_violated(row));
            violated.for_each(|row| row["judged"] = json!(false));
        }),
    ] {
        assert!(said.contains("the run was to be judged by"), "{said}");
    }
}

#[test]
fn a_history_that_another_run_recorded_is_not_attested() {
    let place = Place::new();
    let first = run(&place, "results", "exclusive-queue", 1, 0);
    let other = run(&place, "results", "exclusive-queue", 2, 0);
    for name in ["history.jsonl", "certificate.json", "verdict.json"] {
        let [from, to] = [&other, &first].map(|folder| place.path(&format!("{folder}/{name}")));
        fs::copy(from, to).expect("writable");
    }
    let said = place.says(&format!("attest {first}"), 1);
    assert!(said.contains("not the one that its run recorded"), "{said}");
}

#[test]
fn a_proof_is_certified_with_all_its_runs() {
    let place = Place::new();
    let broken = run(&place, "p/runs/breaks/sim", "no-lock", 1, 1);
    let stored = |folder: &str, seed| claims::Stored {
        seed,
        folder: folder.strip_prefix("p/").expect("below").to_owned(),
    };
    let valid = run(&place, "p/runs/holds/sim", "exclusive-queue", 3, 0);
    let mut cases = vec![
        case("holds", 3..4, &[(3, false)]),
        case("breaks", 1..2, &[(1, true)]),
    ];
    cases[0].lock = "exclusive-queue".to_owned();
    for (case, folder) in cases.iter_mut().zip([&valid, &broken]) {
        case.summary.guarantees = judged(&place.path(&format!("{folder}/verdict.json")));
    }
    let other = std::mem::take(&mut cases[1].summary.guarantees);
    cases[0].stored = vec![stored(&valid, 3)];
    cases[1].stored = vec![stored(&broken, 1)];
    cases[1].counterexample = Some(claims::Counterexample {
        seed: 1,
        operations: 4,
        guarantee: "exclusion".to_owned(),
        text: "two held it".to_owned(),
    });
    place.store("p", &proof(Shard::WHOLE, cases.clone()));
    let said = place.says("certify p", 1);
    assert!(
        said.contains("is not judged by what its counts say"),
        "{said}"
    );
    cases[1].summary.guarantees = other;
    let proof = proof(Shard::WHOLE, cases);
    place.store("p", &proof);
    assert!(place.says("certify p", 0).contains("not attested"));
    let said = place.says("attest p --format json", 0);
    let statement: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(
        statement["predicate"]["failedTests"],
        json!(["breaks on sim"])
    );
    assert_eq!(
        statement["predicate"]["configuration"][0]["name"],
        "claims.toml"
    );
    assert!(place.says("certify p", 0).contains("2 runs re-checked"));
    flip_each(&place, "p", 14);
    // What the proof says must follow from its runs, even where the digests are those of today.
    fs::remove_file(place.path("p/attestation.json")).expect("it is there");
    let with = |change: &dyn Fn(&mut Proof)| {
        let mut other = proof.clone();
        change(&mut other);
        place.store("p", &other);
        place.says("certify p", 1)
    };
    let said = with(&|it| it.cases[0].lock = "no-lock".to_owned());
    assert!(said.contains("is of another lock or workload"), "{said}");
    let said = with(&|it| drop(it.cases.remove(1)));
    assert!(said.contains("no claim speaks of this run"), "{said}");
    let said = with(&|it| it.cases[1].standing = claims::Standing::Confirmed);
    assert!(
        said.contains("breaks on sim: how it stands does not follow"),
        "{said}"
    );
    let said = with(&|it| it.cases[1].summary.failing.clear());
    assert!(
        said.contains("shows something else than is counted"),
        "{said}"
    );
    let said = with(&|it| it.cases[0].stored[0].seed = 4);
    assert!(said.contains("has the seed 3, not 4"), "{said}");
    let said = with(&|it| {
        it.cases[1].counterexample.as_mut().expect("one").guarantee = "fencing".to_owned();
    });
    assert!(
        said.contains("no stored run of seed 1 violates fencing"),
        "{said}"
    );
}

const CLAIMS: &str = r#"
[run]
nemesis = "cut"
time-limit = "10s"
[[claim]]
id = "breaks"
says = "a lock that is none is exclusive"
testbeds = ["sim"]
seeds = "0..10"
run = { lock = "no-lock" }
[[claim]]
id = "holds"
says = "the queue keeps what it promises"
testbeds = ["sim"]
seeds = "0..10"
run = { time-limit = "20s" }
"#;

/// What does not hang on where and when it was done.
fn comparable(mut proof: Proof, like: &Proof) -> Proof {
    proof.began = like.began;
    for (case, like) in proof.cases.iter_mut().zip(&like.cases) {
        assert!(!case.stored.is_empty());
        case.stored.clone_from(&like.stored);
        case.spent_ms = like.spent_ms;
        case.repeat.clone_from(&like.repeat);
    }
    proof
}

/// Four machines that know their part from the environment alone, as those of an Indexed Job do.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn four_containers_find_what_one_machine_finds() {
    use std::os::unix::fs::MetadataExt;
    // Any image will do that programs of this machine run in.
    let Some(broker) = shared_broker().await else {
        return;
    };
    let docker = |words: &[&str]| {
        let output = std::process::Command::new("docker")
            .args(words)
            .output()
            .expect("docker runs");
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (
            output.status.code(),
            said,
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )
    };
    let (_, image, _) = docker(&["inspect", "--format", "{{.Image}}", &broker.container]);
    let place = Place::new();
    fs::write(place.path("claims.toml"), CLAIMS).expect("writable");
    let owner = fs::metadata(place.0.path()).expect("it is there");
    let user = format!("{}:{}", owner.uid(), owner.gid());
    let program = format!("{}:/prover:ro", env!("CARGO_BIN_EXE_prover"));
    let here = format!("{}:/here", place.0.path().display());
    let shards: Vec<_> = (0..4)
        .map(|index| {
            let index = format!("JOB_COMPLETION_INDEX={index}");
            let words = [
                "run",
                "--detach",
                "--network",
                "none",
                "--user",
                &user,
                "--workdir",
                "/here",
                "--volume",
                &program,
                "--volume",
                &here,
                "--env",
                &index,
                "--env",
                "PROVER_SHARDS=4",
                "--entrypoint",
                "/prover",
                &image,
                "prove",
                "--quiet",
                "--commit",
                "tried",
                "--results",
                "shards",
            ];
            docker(&words).1
        })
        .collect();
    for shard in &shards {
        let ended = docker(&["wait", shard]).1;
        let (_, out, err) = docker(&["logs", shard]);
        docker(&["rm", "--force", shard]);
        assert_eq!(ended, "1", "{out}{err}");
    }
    place.says("merge shards", 1);
    let (_, merged) = place.merged();
    place.says("prove --quiet --commit tried --results whole", 1);
    fs::rename(place.path("results"), place.path("merged")).expect("writable");
    fs::rename(place.path("whole"), place.path("results")).expect("writable");
    let (_, whole) = place.merged();
    assert_eq!(merged.cases[0].standing, claims::Standing::Contradicted);
    assert_eq!(comparable(merged, &whole), whole);
}

#[test]
fn a_run_that_is_not_over_is_not_attested() {
    let place = Place::new();
    let folder = run(&place, "results", "exclusive-queue", 1, 0);
    let path = place.path(&format!("{folder}/manifest.json"));
    let text = fs::read_to_string(&path).expect("it is there");
    let mut manifest: Value = serde_json::from_str(&text).expect("JSON");
    manifest["state"] = json!("running");
    fs::write(&path, manifest.to_string()).expect("writable");
    let said = place.says(&format!("attest {folder}"), 1);
    assert!(said.contains("the verdict does not say so"), "{said}");
}
