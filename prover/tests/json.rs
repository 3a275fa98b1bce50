//! What the program prints and stores as JSON has the forms of `docs/json.schema.json`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Value, json};
use tempfile::TempDir;
use testbed::testing::shared_broker;

const SCHEMA: &str = "../docs/json.schema.json";

/// The forms, and those that were seen.
struct Forms {
    text: Value,
    schemas: Schemas,
    index: SchemaIndex,
    seen: BTreeSet<String>,
}

impl Forms {
    fn read() -> Self {
        let text: Value = parsed(Path::new(SCHEMA));
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler
            .add_resource("forms.json", text.clone())
            .expect("it is the only one");
        let index = compiler
            .compile("forms.json", &mut schemas)
            .unwrap_or_else(|error| panic!("{error:#}"));
        Self {
            text,
            schemas,
            index,
            seen: BTreeSet::new(),
        }
    }

    fn refuses(&self, object: &Value) -> Option<String> {
        let answer = self.schemas.validate(object, self.index);
        answer.err().map(|error| format!("{error:#}"))
    }

    /// Every object must have its form, and none may have a field more.
    fn take(&mut self, object: &Value) {
        if let Some(why) = self.refuses(object) {
            panic!("{why}\n{object:#}");
        }
        let mut more = object.clone();
        more["surprise"] = json!(1);
        assert!(
            self.refuses(&more).is_some(),
            "{} is open",
            object["schema"]
        );
        let form = object["schema"].as_str().expect("it says its form");
        self.seen.insert(form.to_owned());
    }

    /// The forms that the document has.
    fn all(&self) -> BTreeSet<String> {
        let defined = self.text["$defs"].as_object().expect("an object").values();
        let form = |one: &Value| {
            one["properties"]["schema"]["const"]
                .as_str()
                .map(str::to_owned)
        };
        defined.filter_map(form).collect()
    }
}

fn parsed(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

/// What a command prints as JSON, in a folder of its own.
fn printed(place: &TempDir, command: &str) -> Vec<Value> {
    let mut prover = assert_cmd::Command::cargo_bin("prover").expect("it is built");
    let words = command.split_whitespace();
    let output = prover
        .current_dir(place.path())
        .args(words.chain(["--format", "json"]))
        .output()
        .expect("it runs");
    let text = String::from_utf8(output.stdout).expect("it is text");
    assert!(
        !text.is_empty(),
        "{command}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a line is JSON"))
        .collect()
}

const SIM: &str = "--testbed sim --quiet";

#[test]
fn everything_has_a_form_of_the_schema() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let stored = |name: &str| parsed(&place.path().join("results/latest").join(name));
    let mut forms = Forms::read();
    for command in [
        // Valid with power, violated, unknown, open with a remedy, with a goal, and with bursts and
        // several keys.
        "run --nemesis partition --seed 3",
        "run --lock no-lock --nemesis cut --time-limit 5s --seed 1",
        "run --nemesis pause --coverage pause=none --time-limit 5s --seed 1",
        "run --nemesis all --time-limit 20s --seed 1",
        "run --nemesis cut --until-covered --at-most 5m --seed 1",
        "run --burst --keys 2 --time-limit 5s --seed 1 --commit v1.2-7-gabc",
    ] {
        let lines = printed(&place, &format!("{command} {SIM}"));
        lines.iter().for_each(|line| forms.take(line));
        forms.take(&stored("manifest.json"));
        forms.take(&stored("verdict.json"));
    }
    fs::copy(
        place.path().join("results/latest/history.jsonl"),
        place.path().join("alone.jsonl"),
    )
    .expect("a copy");
    let foreign = concat!(
        r#"{"index":0,"time":0,"process":0,"type":"invoke","f":"read","key":"r","value":null}"#,
        "\n",
        r#"{"index":1,"time":1,"process":0,"type":"ok","f":"read","key":"r","value":7}"#,
        "\n"
    );
    fs::write(place.path().join("foreign.jsonl"), foreign).expect("written");
    for command in [
        "list locks",
        "list workloads",
        "list faults",
        "list guarantees",
        "list models",
        "list experiments",
        "list services",
        "check results/latest alone.jsonl foreign.jsonl missing.jsonl",
        "report results/latest alone.jsonl foreign.jsonl",
        // What was read was never written: a search says how far it came.
        "check foreign.jsonl --model register:0",
        &format!("run --lock no-lock --seeds 0..3 --keep-going --nemesis cut {SIM}"),
        &format!("run --nemesis cut --seeds 0..3 --keep-going {SIM}"),
        &format!("power --nemesis partition --seed 3 {SIM}"),
        "selftest --only no-lock --quiet",
        "selftest --only exclusive-queue --quiet",
    ] {
        let lines = printed(&place, command);
        lines.iter().for_each(|line| forms.take(line));
    }
    // Its test needs a broker.
    let all = forms.all().into_iter();
    let here: BTreeSet<String> = all.filter(|form| form != "conform/1").collect();
    assert_eq!(forms.seen, here);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_with_a_broker_has_a_form_of_the_schema() {
    let Some(broker) = shared_broker().await else {
        return;
    };
    let place = tempfile::tempdir().expect("a temporary folder");
    let script = conform::named::ALL[0].name;
    let command = format!(
        "conform --only {script} --seed 1 --quiet --testbed amqp://guest:guest@{}",
        broker.amqp
    );
    let mut forms = Forms::read();
    let lines = printed(&place, &command);
    lines.iter().for_each(|line| forms.take(line));
    assert_eq!(forms.seen, BTreeSet::from(["conform/1".to_owned()]));
}

#[test]
fn a_run_is_certified_by_its_folder_and_a_bare_history_has_a_report() {
    let place = tempfile::tempdir().expect("a temporary folder");
    printed(
        &place,
        &format!("run --lock no-lock --time-limit 5s --seed 1 {SIM}"),
    );
    let prover = |command: &str| {
        let mut prover = assert_cmd::Command::cargo_bin("prover").expect("it is built");
        let words = command.split_whitespace();
        prover.current_dir(place.path()).args(words).assert()
    };
    prover("certify results/latest").code(0);
    let alone = place.path().join("alone.jsonl");
    fs::copy(place.path().join("results/latest/history.jsonl"), &alone).expect("a copy");
    let said = prover("certify alone.jsonl").code(254);
    let said = String::from_utf8_lossy(&said.get_output().stderr).into_owned();
    assert!(said.contains("no certificate beside alone.jsonl"), "{said}");
    prover("check alone.jsonl --report alone.html").code(1);
    let page = fs::read_to_string(place.path().join("alone.html")).expect("a report");
    for part in [
        "<!doctype html>",
        "no-lock under mutex: violated",
        "judged alone",
    ] {
        assert!(page.contains(part), "{part}");
    }
    prover("check alone.jsonl --report alone.jsonl").code(254);
    prover("check alone.jsonl --report a.html --certificate a.html").code(254);
    prover("check alone.jsonl results/latest --report a.html").code(254);
    assert!(!place.path().join("a.html").exists());
    // By other names it is the same file, or a file of a run.
    fs::hard_link(&alone, place.path().join("linked.jsonl")).expect("a link");
    prover("check alone.jsonl --report linked.jsonl").code(254);
    prover("check alone.jsonl --certificate c --report ./c").code(254);
    let certificate = place.path().join("c");
    prover("certify alone.jsonl c").code(0);
    fs::remove_file(certificate).expect("it was kept");
    prover("check results/latest --report results/latest/manifest.json").code(254);
    prover("convert alone.jsonl results/latest/verdict.json").code(254);
    prover("check results/latest").code(1);
    prover("check alone.jsonl --model revocable-semaphore:3 --certificate c").code(254);
}

/// Processes of other programs may have any numbers.
#[test]
fn a_report_has_a_row_for_each_process_that_there_is() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let line = |index: u64, process: u32, kind: &str| {
        let (function, key) = ("acquire", "k");
        let event = json!({"index": index, "time": index, "process": process, "type": kind, "f": function, "key": key});
        event.to_string() + "\n"
    };
    let text = [
        line(0, 7, "invoke"),
        line(1, 7, "ok"),
        line(2, 4_000_000_000, "invoke"),
        line(3, 4_000_000_000, "ok"),
    ];
    fs::write(place.path().join("far.jsonl"), text.concat()).expect("written");
    let lines = printed(&place, "check far.jsonl --report far.html");
    assert_eq!(lines[0]["verdict"], "violated");
    let page = fs::read_to_string(place.path().join("far.html")).expect("a report");
    for row in ["worker 7", "worker 4000000000"] {
        assert!(page.contains(row), "{row}");
    }
}

#[test]
fn a_manifest_of_another_form_is_refused() {
    let place = tempfile::tempdir().expect("a temporary folder");
    printed(&place, &format!("run --time-limit 1s --seed 1 {SIM}"));
    let path = place.path().join("results/latest/manifest.json");
    let mut manifest = parsed(&path);
    manifest["schema"] = json!("manifest/2");
    fs::write(&path, manifest.to_string()).expect("written");
    let lines = printed(&place, "check results/latest");
    let said = lines[0]["error"].as_str().expect("an error");
    assert!(said.contains("has the form \"manifest/2\""), "{said}");
}
