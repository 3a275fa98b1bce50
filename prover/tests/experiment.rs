//! Experiments as they are conducted: the matrix in the simulation, the costs on a real broker.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use testbed::testing::shared_broker;

/// Every wait in these tests ends by itself after this.
const PATIENCE: Duration = Duration::from_secs(120);

fn command(experiment: &str, results: &Path, options: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_prover"));
    command.args(["experiment", experiment, "--results"]);
    command.arg(results);
    command.args(options.split_whitespace());
    command
}

fn conduct(experiment: &str, results: &Path, options: &str) -> Output {
    let mut command = command(experiment, results, options);
    command.output().expect("the program runs")
}

fn text(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{out}{err}")
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().expect("JSON lines")
}

/// The cells that were run, not taken over.
fn cells_run(output: &Output) -> usize {
    let said = String::from_utf8_lossy(&output.stderr);
    said.lines()
        .filter(|line| line.starts_with("cell "))
        .count()
}

const SIMULATED: &str = "--testbed sim --workload mutex --only exclusive-queue,no-lock";

#[test]
fn a_matrix_shows_who_keeps_what_was_promised() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = conduct(
        "matrix",
        folder.path(),
        &format!("{SIMULATED} --format json"),
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let found: Vec<_> = lines(&output)
        .iter()
        .map(|line| {
            let name = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            assert!(line["grants"].as_u64() > Some(0), "{line}");
            [
                &line["cell"]["lock"],
                &line["cell"]["nemesis"],
                &line["verdict"],
            ]
            .map(name)
        })
        .collect();
    let expected = [
        ["exclusive-queue", "none", "valid"],
        ["exclusive-queue", "partition,cut", "valid"],
        ["no-lock", "none", "violated"],
        ["no-lock", "partition,cut", "violated"],
    ];
    assert_eq!(found, expected.map(|row| row.map(str::to_owned)));
}

#[test]
fn a_matrix_can_be_made_in_several_goes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let page = folder.path().join("page.md");
    let first = "--testbed sim --workload mutex --only exclusive-queue";
    let first = conduct("matrix", folder.path(), first);
    assert_eq!(
        (first.status.code(), cells_run(&first)),
        (Some(0), 2),
        "{}",
        text(&first)
    );
    let docs = format!("{SIMULATED} --resume --docs {}", page.display());
    let refused = conduct("matrix", folder.path(), &docs);
    assert_eq!(refused.status.code(), Some(254), "{}", text(&refused));
    fs::write(&page, "<!-- begin matrix -->\n<!-- end matrix -->\n").expect("written");
    let rest = conduct("matrix", folder.path(), &docs);
    assert_eq!(
        (rest.status.code(), cells_run(&rest)),
        (Some(0), 2),
        "{}",
        text(&rest)
    );
    let page = fs::read_to_string(&page).expect("read");
    let rows = page.lines().filter(|line| line.contains(" | sim | "));
    assert_eq!(rows.count(), 4, "{page}");
}

#[test]
fn what_stays_unknown_is_tried_with_other_seeds_and_said() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    // No fault fits into that time.
    let options = "--testbed sim --workload mutex --only exclusive-queue --time-limit 2s --tries 2 --format json";
    let output = conduct("matrix", folder.path(), options);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    let verdicts: Vec<_> = lines(&output)
        .iter()
        .map(|line| (line["verdict"].clone(), line["seeds"].clone()))
        .collect();
    let expected = [("valid", vec![1]), ("unknown", vec![1, 2])];
    assert_eq!(
        verdicts,
        expected.map(|(verdict, seeds)| (verdict.into(), seeds.into()))
    );
}

#[test]
fn a_broker_that_is_not_there_is_a_harness_error() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let output = conduct(
        "cost",
        folder.path(),
        "--testbed amqp://127.0.0.1:1 --quiet",
    );
    assert_eq!(output.status.code(), Some(3), "{}", text(&output));
    let said = "failed to connect to the broker at 127.0.0.1:1";
    assert!(text(&output).contains(said), "{}", text(&output));
}

#[tokio::test]
async fn costs_are_measured_on_a_real_broker() {
    let Some(broker) = shared_broker().await else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let page = folder.path().join("page.md");
    fs::write(&page, "<!-- begin cost -->\n<!-- end cost -->\n").expect("written");
    let options = format!(
        "--testbed amqp://guest:guest@{} --rounds 2 --warm-up 1 --seed 1 --format json --docs {}",
        broker.amqp,
        page.display()
    );
    let output = conduct("cost", folder.path(), &options);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let costs = lines(&output);
    let subjects: BTreeSet<_> = costs
        .iter()
        .filter_map(|cost| cost["subject"].as_str())
        .collect();
    let correct = locks::ALL.iter();
    for lock in correct.filter(|lock| !lock.kind().files_decrements()) {
        assert!(
            subjects.contains(lock.name()),
            "{}: {subjects:?}",
            lock.name()
        );
    }
    for cost in &costs {
        let median = &cost["ns"]["median"];
        assert!(median["low"].as_f64() > Some(0.0), "{cost}");
        assert!(median["low"].as_f64() <= median["high"].as_f64(), "{cost}");
        assert_eq!(cost["samples"], 2, "{cost}");
    }
    assert_operations(&costs);
    assert_stored(folder.path(), &costs);
    let page = fs::read_to_string(&page).expect("read");
    assert!(page.contains("| publish and confirm | "), "{page}");
}

/// What is counted on the simulated broker is counted on a real one.
fn assert_operations(costs: &[Value]) {
    let methods = |subject: &str, operation: &str| {
        let cost = costs
            .iter()
            .find(|cost| cost["subject"] == subject && cost["operation"] == operation);
        cost.map(|cost| [cost["methods"][0].clone(), cost["round_trips"][0].clone()])
    };
    assert_eq!(
        methods("exclusive-queue", "verify"),
        Some([1.into(), 1.into()])
    );
    assert_eq!(
        methods("exclusive-queue", "release"),
        Some([2.into(), 1.into()])
    );
    assert_eq!(
        methods("publish in a transaction", "ask"),
        Some([2.into(), 1.into()])
    );
}

fn assert_stored(results: &Path, costs: &[Value]) {
    let runs = fs::read_dir(results.join("cost")).expect("a folder of measurements");
    let run = runs.last().expect("one").expect("readable").path();
    let samples = fs::read_to_string(run.join("samples.jsonl")).expect("samples");
    assert_eq!(samples.lines().count(), 2 * costs.len());
    let manifest = fs::read_to_string(run.join("manifest.json")).expect("a manifest");
    let manifest: Value = serde_json::from_str(&manifest).expect("JSON");
    assert_eq!(
        (&manifest["seed"], &manifest["rounds"]),
        (&1.into(), &2.into())
    );
    assert!(
        manifest["machine"]["cores"].as_u64() > Some(0),
        "{manifest}"
    );
}

#[tokio::test]
async fn an_interrupted_measurement_ends_in_order() {
    let Some(broker) = shared_broker().await else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!(
        "--testbed amqp://guest:guest@{} --rounds 10000",
        broker.amqp
    );
    let mut command = command("cost", folder.path(), &url);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut measuring = command.spawn().expect("the program starts");
    let began = Instant::now();
    let has_samples = || {
        let runs = fs::read_dir(folder.path().join("cost"))
            .into_iter()
            .flatten();
        let samples = runs.flatten().map(|run| run.path().join("samples.jsonl"));
        samples.into_iter().any(|path| path.exists())
    };
    while !has_samples() {
        assert!(began.elapsed() < PATIENCE, "nothing is measured");
        std::thread::yield_now();
    }
    let kill = Command::new("kill")
        .arg(measuring.id().to_string())
        .status();
    assert!(kill.expect("kill runs").success());
    assert_eq!(measuring.wait().expect("it ends").code(), Some(130));
}
