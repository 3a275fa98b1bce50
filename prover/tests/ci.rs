//! What is handed out for CI servers and clusters: it is what their parsers take, and does what it says.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use saphyr::{LoadableYamlNode, Yaml};

const PROVER: &str = env!("CARGO_BIN_EXE_prover");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The one document of a file.
fn parsed(text: &str) -> Yaml<'_> {
    let mut documents = Yaml::load_from_str(text).expect("YAML");
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

fn names(mapping: &Yaml<'_>) -> BTreeSet<String> {
    let mapping = mapping.as_mapping().expect("a mapping");
    let keys = mapping
        .keys()
        .map(|key| key.as_str().expect("a text").to_owned());
    keys.collect()
}

/// The steps of the action that are scripts.
fn scripts<'a>(action: &'a Yaml<'_>) -> Vec<&'a Yaml<'a>> {
    let steps = action["runs"]["steps"].as_vec().expect("steps");
    steps.iter().collect()
}

#[test]
fn what_is_given_to_the_action_is_never_read_as_a_command() {
    let text = text("action.yml");
    let action = parsed(&text);
    for step in scripts(&action) {
        let script = step["run"].as_str().expect("a script");
        assert!(!script.contains("${{"), "{script}");
    }
    let declared = names(&action["inputs"]);
    let used = text.split("inputs.").skip(1);
    let used: BTreeSet<String> = used
        .map(|rest| {
            rest.chars()
                .take_while(char::is_ascii_alphanumeric)
                .collect()
        })
        .collect();
    assert_eq!(used, declared);
}

/// How the script of the action ended, what it said, and what it handed on.
struct Acted {
    code: Option<i32>,
    said: String,
    outputs: String,
}

/// The script of the action in a folder, with the program that was just built.
fn act(place: &Path, inputs: &[(&str, &str)]) -> Acted {
    let text = text("action.yml");
    let action = parsed(&text);
    let script = scripts(&action)[1]["run"].as_str().expect("a script");
    let outputs = place.join("output");
    let ended = Command::new("bash")
        .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
        .current_dir(place)
        .env_remove("GITHUB_STEP_SUMMARY")
        .env_remove("GITHUB_ACTIONS")
        .env("PROGRAM", PROVER)
        .env("GITHUB_OUTPUT", &outputs)
        .env("RUNNER_TEMP", place)
        .env("GITHUB_SHA", "0123abc")
        .envs([("RESULTS", "results"), ("AGAINST", ""), ("ATTEST", "true")])
        .envs([("PROFILE", "quick"), ("SHARD", ""), ("ONLY", "")])
        .envs(inputs.iter().copied())
        .output()
        .expect("it runs");
    Acted {
        code: ended.status.code(),
        said: String::from_utf8_lossy(&ended.stderr).into_owned(),
        outputs: fs::read_to_string(outputs).unwrap_or_default(),
    }
}

#[test]
fn the_action_merges_shards_and_ends_as_the_program_does() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let shard = r#"{"schema": "proof/1", "prover": "0.1.0", "source": {"path": "claims.toml", "sha256": "00"}, "profile": "full",
        "shard": {"index": 1, "count": 2}, "began": "2026-11-30T08:00:00Z", "state": "finished", "cases": []}"#;
    for (index, name) in [("1", "one; touch hacked"), ("2", "two")] {
        let folder = place.path().join("shards").join(name);
        fs::create_dir_all(&folder).expect("writable");
        let shard = shard.replacen("\"index\": 1", &format!("\"index\": {index}"), 1);
        fs::write(folder.join("proof.json"), shard).expect("writable");
    }
    let acted = act(place.path(), &[("COMMAND", "merge"), ("FOLDERS", "shards")]);
    // Nothing was selected.
    assert_eq!(acted.code, Some(4), "{}", acted.said);
    let (folder, code) = acted.outputs.split_once('\n').expect("two lines");
    assert_eq!(code, "code=4\n");
    let folder = place
        .path()
        .join(folder.strip_prefix("folder=").expect("a folder"));
    assert!(
        folder.join("proof.json").exists() && folder.join("attestation.json").exists(),
        "{}",
        acted.said
    );
    assert!(place.path().join("results/reports/junit.xml").exists());
}

/// What somebody proved earlier must not be signed for what could not be run now.
#[test]
fn the_action_attests_nothing_where_this_run_proved_nothing() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let earlier = place.path().join("results/prove/2026-11-30-080000");
    fs::create_dir_all(&earlier).expect("writable");
    let proof = r#"{"schema": "proof/1", "prover": "0.1.0", "source": {"path": "claims.toml", "sha256": "00"}, "profile": "full",
        "began": "2026-11-30T08:00:00Z", "state": "finished", "cases": []}"#;
    fs::write(earlier.join("proof.json"), proof).expect("writable");
    let inputs = [("COMMAND", "prove"), ("CLAIMS", "missing.toml")];
    let acted = act(place.path(), &inputs);
    assert_eq!(acted.code, Some(254), "{}", acted.said);
    assert_eq!(acted.outputs, "folder=\ncode=254\n");
    assert!(!earlier.join("attestation.json").exists());
}

/// Two claims, simulated in a blink; the second is wrong.
const CLAIMS: &str = r#"
[run]
time-limit = "5s"
nemesis = "cut"
nemesis-interval = "2s"
nemesis-duration = "1s"
lock = "no-lock"
guarantee = ["exclusion"]

[[claim]]
id = "no-lock-excludes-nobody"
says = "A lock that grants everything excludes nobody."
expected = "violated"
reason = "it grants everything"
testbeds = ["sim"]
seeds = "0..3"

[[claim]]
id = "no-lock-excludes"
says = "A lock that grants everything excludes."
testbeds = ["sim"]
seeds = "0..3"
"#;

fn with_claims() -> tempfile::TempDir {
    let place = tempfile::tempdir().expect("a temporary folder");
    fs::write(place.path().join("claims.toml"), CLAIMS).expect("writable");
    place
}

const PROVE: [(&str, &str); 2] = [("COMMAND", "prove"), ("CLAIMS", "claims.toml")];

/// The folder that the action handed on, and the proof in it.
fn handed_on(place: &Path, acted: &Acted) -> (PathBuf, serde_json::Value) {
    let line = acted.outputs.lines().next().expect("a line");
    let folder = place.join(line.strip_prefix("folder=").expect("a folder"));
    let text = fs::read_to_string(folder.join("proof.json"));
    let text = text.unwrap_or_else(|error| panic!("{folder:?}: {error}: {}", acted.said));
    (folder, serde_json::from_str(&text).expect("JSON"))
}

/// A claim that is dropped without a word is one that nobody puts to the test.
#[test]
fn the_action_selects_what_each_line_names() {
    for (only, code, cases) in [
        ("no-lock-excludes-nobody\r\n\tno-lock-excludes\n", 1, 2),
        ("  no-lock-excludes-nobody\n", 0, 1),
        (" \n\t ", 1, 2),
    ] {
        let place = with_claims();
        let acted = act(place.path(), &[&PROVE[..], &[("ONLY", only)]].concat());
        assert_eq!(acted.code, Some(code), "{only:?}: {}", acted.said);
        let (_, proof) = handed_on(place.path(), &acted);
        let tried = proof["cases"].as_array().expect("cases").len();
        assert_eq!(tried, cases, "{only:?}");
    }
    // Neither a pattern of files nor a command.
    let place = with_claims();
    let inputs = [&PROVE[..], &[("ONLY", "*.toml $(touch hacked)")]].concat();
    let acted = act(place.path(), &inputs);
    assert_eq!(acted.code, Some(254), "{}", acted.said);
    assert!(acted.said.contains("no claim \"*.toml\""), "{}", acted.said);
    assert!(!place.path().join("hacked").exists());
}

/// Other runs may store their proofs in the same folder, and meanwhile.
#[test]
fn the_action_hands_on_its_own_proof_among_others() {
    let place = with_claims();
    let other = place.path().join("-res/prove/99991130T080000.000Z");
    fs::create_dir_all(&other).expect("writable");
    let inputs = [("RESULTS", "-res"), ("ONLY", "no-lock-excludes-nobody")];
    let acted = act(place.path(), &[&PROVE[..], &inputs].concat());
    assert_eq!(acted.code, Some(0), "{}", acted.said);
    let (folder, _) = handed_on(place.path(), &acted);
    assert_ne!(folder, other);
    assert!(folder.starts_with(place.path().join("-res/prove")));
    assert!(folder.join("attestation.json").exists(), "{}", acted.said);
    let lines = act(
        place.path(),
        &[&PROVE[..], &[("RESULTS", "a\ncode=0")]].concat(),
    );
    assert_eq!(lines.code, Some(254), "{}", lines.said);
}

#[test]
fn reports_of_an_earlier_run_are_gone_where_this_one_reports_nothing() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let reports = place.path().join("results/reports");
    fs::create_dir_all(&reports).expect("writable");
    for name in ["junit.xml", "ctrf.json", "prover.sarif"] {
        fs::write(reports.join(name), "all is well").expect("writable");
    }
    let inputs = [("COMMAND", "prove"), ("CLAIMS", "missing.toml")];
    assert_eq!(act(place.path(), &inputs).code, Some(254));
    let left = fs::read_dir(&reports).expect("it is there").count();
    assert_eq!(left, 0);
}

#[test]
fn the_samples_are_yaml_and_call_what_there_is() {
    let github = text("docs/ci/github.yml");
    let github = parsed(&github);
    let shards = &github["jobs"]["prove"]["strategy"]["matrix"]["shard"];
    assert_eq!(shards.as_vec().expect("a list").len(), 4);
    let steps = github["jobs"]["merge"]["steps"].as_vec().expect("steps");
    let action = text("action.yml");
    let declared = names(&parsed(&action)["inputs"]);
    let with_uses = steps.iter().filter(|step| names(step).contains("uses"));
    let ours: Vec<_> = with_uses
        .filter(|step| {
            step["uses"]
                .as_str()
                .is_some_and(|uses| uses.starts_with("OWNER/prover@"))
        })
        .collect();
    assert_eq!(ours.len(), 1);
    for step in ours {
        assert!(names(&step["with"]).is_subset(&declared), "{step:?}");
    }
    let gitlab = text("docs/ci/gitlab.yml");
    assert_eq!(parsed(&gitlab)["prove"]["parallel"].as_integer(), Some(4));
}

#[test]
fn the_pods_of_the_job_are_as_many_as_they_are_told() {
    let text = text("docker/k8s/job.yaml");
    let job = parsed(&text);
    assert_eq!(job["kind"].as_str(), Some("Job"));
    let spec = &job["spec"];
    assert_eq!(spec["completionMode"].as_str(), Some("Indexed"));
    let count = spec["completions"].as_integer().expect("a number");
    let container = &spec["template"]["spec"]["containers"][0];
    let told = &container["env"][0];
    assert_eq!(told["name"].as_str(), Some("PROVER_SHARDS"));
    assert_eq!(told["value"].as_str(), Some(&*count.to_string()));
    assert_eq!(spec["maxFailedIndexes"].as_integer(), Some(count));
    let merge = self::text("docker/k8s/merge.yaml");
    let merge = parsed(&merge);
    let words = &merge["spec"]["template"]["spec"]["containers"][0]["args"];
    assert_eq!(words[0].as_str(), Some("merge"));
    // What the shards write is what is merged.
    assert_eq!(words[1].as_str(), container["args"][3].as_str());
}
