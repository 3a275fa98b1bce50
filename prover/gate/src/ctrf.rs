//! CTRF, the Common Test Report Format.

use claims::{LeftOut, Proof, Tested};
use serde_json::{Map, Value, json};

use crate::export::{Export, Subject};
use crate::facts::{self, Fact};
use crate::ruling::{Ruling, name};
use crate::text::{line, lines};

/// The version of the specification.
const VERSION: &str = "0.1.0";

/// CTRF JSON.
#[derive(Debug)]
pub(crate) struct Ctrf;

impl Export for Ctrf {
    fn name(&self) -> &'static str {
        "ctrf"
    }

    fn file(&self) -> &'static str {
        "ctrf.json"
    }

    fn summary(&self) -> &'static str {
        "CTRF JSON, for tools that gather tests of all kinds"
    }

    fn text(&self, subject: Subject<'_>) -> String {
        format!("{:#}\n", report(subject))
    }
}

fn report(Subject { proof, today }: Subject<'_>) -> Value {
    let cases = proof.cases.iter();
    let cases = cases.map(|tested| case(tested, Ruling::of(tested, proof, today), proof));
    let left_out = proof.left_out.iter().map(|it| unselected(it, proof));
    let tests: Vec<Value> = cases.chain(left_out).collect();
    json!({
        "reportFormat": "CTRF",
        "specVersion": VERSION,
        "timestamp": proof.began.to_string(),
        "generatedBy": "prover",
        "results": {
            "tool": {"name": "prover", "version": line(&proof.prover)},
            "summary": summary(proof, &tests),
            "tests": tests,
            "extra": object(facts::of_proof(proof)),
        },
    })
}

fn summary(proof: &Proof, tests: &[Value]) -> Value {
    let count = |status: &str| tests.iter().filter(|test| test["status"] == status).count();
    let start = proof.began.as_millisecond();
    let spent: u64 = proof.cases.iter().map(|it| it.spent_ms).sum();
    json!({
        "tests": tests.len(),
        "passed": count("passed"),
        "failed": count("failed"),
        "skipped": count("skipped"),
        "pending": count("pending"),
        "other": count("other"),
        "suites": 1,
        "start": start,
        "stop": start.saturating_add_unsigned(spent),
    })
}

/// What stays open counts as failed: nobody who looks at the counts alone may take it for passed.
fn case(tested: &Tested, ruling: Ruling<'_>, proof: &Proof) -> Value {
    let status = match ruling {
        Ruling::Passed => "passed",
        Ruling::Accepted(_) => "skipped",
        Ruling::LeftToTheWhole => "pending",
        _ => "failed",
    };
    let mut case = json!({
        "name": line(&name(tested)),
        "status": status,
        "rawStatus": ruling.word(),
        "duration": tested.spent_ms,
        "suite": [line(&proof.source.path)],
        "message": line(&format!("{}: {}", tested.claim.says, ruling.told(&tested.why))),
        "type": "proof",
        "filePath": line(&proof.source.path),
        "line": tested.claim.line,
        "extra": object(facts::of_case(tested)),
    });
    if let Some(counterexample) = &tested.counterexample {
        case["trace"] = lines(&counterexample.text).into();
    }
    case
}

fn unselected(left_out: &LeftOut, proof: &Proof) -> Value {
    json!({
        "name": line(&format!("{} on {}", left_out.claim, left_out.testbed)),
        "status": "skipped",
        "rawStatus": "left out",
        "duration": 0,
        "suite": [line(&proof.source.path)],
        "message": line(&left_out.why),
        "type": "proof",
    })
}

fn object(facts: Vec<Fact>) -> Map<String, Value> {
    let values = facts.into_iter().map(|(name, value)| (name, value.into()));
    values.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample::{TODAY, every_kind, has_unseen, hostile, hostile_text};
    use crate::schema::Schema;

    fn read(proof: &Proof) -> Value {
        let text = Ctrf.text(Subject {
            proof,
            today: TODAY,
        });
        serde_json::from_str(&text).expect("JSON")
    }

    #[test]
    fn every_kind_is_told_as_what_it_is() {
        let report = read(&every_kind());
        Schema::of("ctrf.json").check(&report);
        let tests = report["results"]["tests"].as_array().expect("a list");
        let told: Vec<_> = tests
            .iter()
            .map(|test| test["status"].as_str().expect("a status"))
            .collect();
        let failed = "failed";
        assert_eq!(
            told,
            [
                "passed", failed, "skipped", failed, failed, failed, failed, "skipped"
            ]
        );
        let summary = &report["results"]["summary"];
        assert_eq!(
            (
                &summary["tests"],
                &summary["passed"],
                &summary["failed"],
                &summary["skipped"]
            ),
            (&json!(8), &json!(1), &json!(5), &json!(2))
        );
        assert_eq!(
            summary["stop"].as_i64().expect("a time") - summary["start"].as_i64().expect("a time"),
            7_000
        );
        assert!(
            tests[1]["trace"]
                .as_str()
                .expect("a counterexample")
                .contains("worker 1")
        );
        assert_eq!(tests[1]["line"], 7);
    }

    proptest! {
        #[test]
        fn hostile_texts_stay_texts(text in hostile_text()) {
            let report = read(&hostile(&text));
            Schema::of("ctrf.json").check(&report);
            prop_assert!(!has_unseen(&report.to_string()));
        }
    }
}
