//! `prover report`: every form of a stored run's report, where it is written, and what it leaves
//! alone.

use std::fs;
use std::path::Path;

use serde_json::Value;

fn prover(place: &Path, command: &str) -> assert_cmd::assert::Assert {
    let mut prover = assert_cmd::Command::cargo_bin("prover").expect("it is built");
    let words = command.split_whitespace();
    prover.current_dir(place).args(words).assert()
}

fn said(place: &Path, command: &str) -> String {
    let said = prover(place, command).code(0);
    String::from_utf8(said.get_output().stdout.clone()).expect("text")
}

#[test]
fn a_stored_run_has_its_report_again_in_every_form() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let place = place.path();
    prover(
        place,
        "run --nemesis partition --seed 3 --testbed sim --quiet",
    )
    .code(0);
    let latest = place.join("results/latest");
    let page = fs::read_to_string(latest.join("report.html")).expect("a report");
    assert!(page.contains("certify results&#x2f;"), "the command");
    fs::remove_file(latest.join("report.html")).expect("it was there");
    fs::remove_dir_all(latest.join("plots")).expect("they were there");
    assert_eq!(
        said(place, "report results/latest"),
        "results/latest/report.html\n"
    );
    let again = fs::read_to_string(latest.join("report.html")).expect("a report");
    // The known mistakes are tried when a run is made; what became of them is stored as one row.
    assert!(again.contains("known mistakes are caught by this plan"));
    for plot in ["timeline", "latency", "rate", "spans", "lags"] {
        assert!(
            latest
                .join("plots")
                .join(plot)
                .with_extension("svg")
                .is_file(),
            "{plot}"
        );
    }
    let markdown = said(place, "report results/latest --format markdown");
    assert!(
        markdown.starts_with("## valid: exclusive-queue keeps"),
        "{markdown}"
    );
    assert!(
        markdown.contains("](results/latest/plots/timeline.svg)"),
        "{markdown}"
    );
    said(
        place,
        "report results/latest --format markdown --output results/latest/README.md",
    );
    let beside = fs::read_to_string(latest.join("README.md")).expect("a summary");
    assert!(beside.contains("](plots/timeline.svg)"), "{beside}");
    let summary: Value =
        serde_json::from_str(&said(place, "report results/latest --format json")).expect("JSON");
    assert_eq!(summary["verdict"], "valid");
    assert_eq!(
        said(place, "report results/latest --format trace"),
        "results/latest/trace.json\n"
    );
    let trace = fs::read_to_string(latest.join("trace.json")).expect("a trace");
    let printed = said(place, "report results/latest --format trace --output -");
    assert_eq!(printed, trace);
    let trace: Value = serde_json::from_str(&trace).expect("JSON");
    let faults = trace["traceEvents"].as_array().expect("a list").iter();
    assert!(faults.filter(|event| event["cat"] == "fault").count() > 0);
}

#[test]
fn a_report_takes_the_place_of_nothing_that_a_run_recorded() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let place = place.path();
    prover(
        place,
        "run --time-limit 2s --seed 3 --testbed sim --quiet --power-within 0s",
    )
    .code(0);
    for (target, why) in [
        (
            "results/latest/history.jsonl",
            "would overwrite the history",
        ),
        ("results/latest/verdict.json", "is a file of a run"),
    ] {
        for form in ["json", "markdown", "trace", "html"] {
            let command = format!("report results/latest --format {form} --output {target}");
            let said = prover(place, &command).code(254);
            let said = String::from_utf8_lossy(&said.get_output().stderr).into_owned();
            assert!(said.contains(why), "{said}");
        }
    }
    let said = prover(
        place,
        "report results/latest results/latest --output one.html",
    )
    .code(254);
    let said = String::from_utf8_lossy(&said.get_output().stderr).into_owned();
    assert!(said.contains("one run at a time"), "{said}");
    prover(place, "report nowhere").code(254);
}
