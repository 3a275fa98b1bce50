//! SARIF 2.1.0, as code scanning reads it: a rule for each claim, a result where one is not as
//! claimed, at its line of the claims file.
//!
//! A claim that is confirmed has a rule and no result: GitHub shows every result as an alert. What is
//! not decided is a warning. What was left out is a notification of the tool.

use std::collections::BTreeMap;

use claims::{Proof, State, Tested};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

use crate::export::{Export, Subject};
use crate::facts;
use crate::ruling::{Ruling, name};
use crate::text::{line, lines};

/// SARIF JSON.
#[derive(Debug)]
pub(crate) struct Sarif;

/// Where paths that are not absolute begin.
const ROOT: &str = "%SRCROOT%";

/// Unlike `/`, these mean something else in the path of an address.
const NOT_OF_A_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b':')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b']')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

impl Export for Sarif {
    fn name(&self) -> &'static str {
        "sarif"
    }

    fn file(&self) -> &'static str {
        "prover.sarif"
    }

    fn summary(&self) -> &'static str {
        "SARIF 2.1.0, for code scanning: alerts at the lines of the claims file"
    }

    fn text(&self, subject: Subject<'_>) -> String {
        format!("{:#}\n", log(subject))
    }
}

fn log(Subject { proof, today }: Subject<'_>) -> Value {
    let rulings = proof.cases.iter();
    let rulings = rulings.map(|tested| (tested, Ruling::of(tested, proof, today)));
    let results = rulings.clone();
    let results = results.filter_map(|(tested, ruling)| result(tested, ruling, proof));
    let mut notifications: Vec<Value> = proof
        .left_out
        .iter()
        .map(|it| {
            let text = format!("{} on {} was left out: {}", it.claim, it.testbed, it.why);
            json!({"level": "note", "message": {"text": line(&text)}})
        })
        .collect();
    let left = rulings
        .clone()
        .filter(|(_, ruling)| *ruling == Ruling::LeftToTheWhole);
    notifications.extend(left.map(|(tested, _)| {
        let text = format!("{}: {}", name(tested), tested.why);
        json!({"level": "note", "message": {"text": line(&text)}})
    }));
    let is_broken = rulings.clone().any(|(_, ruling)| ruling == Ruling::Broken);
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "prover",
                "version": line(&proof.prover),
                "rules": rules(proof),
            }},
            "invocations": [{
                "executionSuccessful": !is_broken && proof.state == State::Finished,
                "startTimeUtc": proof.began.to_string(),
                "toolExecutionNotifications": notifications,
            }],
            "results": results.collect::<Vec<_>>(),
            "columnKind": "unicodeCodePoints",
        }],
    })
}

/// One rule for each claim, however many testbeds it was tried on.
fn rules(proof: &Proof) -> Vec<Value> {
    let mut rules = BTreeMap::new();
    for tested in &proof.cases {
        let claim = &tested.claim;
        rules.entry(line(&claim.id)).or_insert_with(|| {
            let mut rule = json!({
                "id": line(&claim.id),
                "shortDescription": {"text": line(&claim.says)},
                "defaultConfiguration": {"level": "error"},
            });
            if let Some(reason) = &claim.reason {
                rule["fullDescription"] = json!({"text": line(reason)});
            }
            if let Some(link) = claim.link.as_deref().filter(|link| is_address(link)) {
                rule["helpUri"] = link.into();
            }
            rule
        });
    }
    rules.into_values().collect()
}

/// Only what a browser opens as a page, and nothing that needs to be escaped.
fn is_address(link: &str) -> bool {
    let rest = link
        .strip_prefix("https://")
        .or_else(|| link.strip_prefix("http://"));
    let is_plain = |rest: &str| {
        let mut bytes = rest.bytes();
        !rest.is_empty()
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-._~/?#&=+,;@()".contains(&byte))
    };
    rest.is_some_and(is_plain)
}

fn result(tested: &Tested, ruling: Ruling<'_>, proof: &Proof) -> Option<Value> {
    let level = match ruling {
        Ruling::Passed | Ruling::LeftToTheWhole => return None,
        Ruling::Failed | Ruling::Expired(_) | Ruling::Accepted(_) => "error",
        Ruling::Unknown | Ruling::NotRun | Ruling::Broken => "warning",
    };
    let mut result = json!({
        "ruleId": line(&tested.claim.id),
        "level": level,
        "message": {"text": message(tested, ruling)},
        "locations": [{"physicalLocation": {
            "artifactLocation": artifact(&proof.source.path),
            "region": {"startLine": tested.claim.line.max(1)},
        }}],
        "partialFingerprints": {"claimOnTestbed/v1": line(&name(tested))},
        "properties": properties(tested, ruling),
    });
    if let Ruling::Accepted(accepted) = ruling {
        let justification = line(&format!("{}, until {}", accepted.reason, accepted.until));
        result["suppressions"] =
            json!([{"kind": "external", "status": "accepted", "justification": justification}]);
    }
    Some(result)
}

/// GitHub shows it as it is, but for links in brackets; what is in several lines stays so.
fn message(tested: &Tested, ruling: Ruling<'_>) -> String {
    let says = format!(
        "{} ({}): {}",
        tested.claim.says,
        name(tested),
        ruling.told(&tested.why)
    );
    let shown = tested.counterexample.as_ref().map(|it| lines(&it.text));
    let text = [Some(line(&says)), shown].into_iter().flatten();
    escaped(&text.collect::<Vec<_>>().join("\n"))
}

/// In the text of a message `[text](place)` is a link and `{0}` an argument; a backslash before a
/// bracket and a doubled brace are the characters themselves.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('[', "\\[")
        .replace(']', "\\]")
        .replace('{', "{{")
        .replace('}', "}}")
}

fn artifact(path: &str) -> Value {
    let path = path.replace('\\', "/");
    let path = path.trim_start_matches("./");
    let address = utf8_percent_encode(path, NOT_OF_A_PATH).to_string();
    if path.starts_with('/') {
        json!({"uri": format!("file://{address}")})
    } else {
        json!({"uri": address, "uriBaseId": ROOT})
    }
}

fn properties(tested: &Tested, ruling: Ruling<'_>) -> Value {
    let facts = facts::of_case(tested).into_iter();
    let facts = facts.chain([("standing".to_owned(), ruling.word().to_owned())]);
    let values: serde_json::Map<String, Value> =
        facts.map(|(name, value)| (name, value.into())).collect();
    values.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample::{TODAY, every_kind, has_unseen, hostile, hostile_text};
    use crate::schema::Schema;

    fn read(proof: &Proof) -> Value {
        let text = Sarif.text(Subject {
            proof,
            today: TODAY,
        });
        serde_json::from_str(&text).expect("JSON")
    }

    fn list<'a>(value: &'a Value, path: &str) -> &'a Vec<Value> {
        value
            .pointer(path)
            .and_then(Value::as_array)
            .unwrap_or_else(|| panic!("no {path}"))
    }

    #[test]
    fn what_is_not_as_claimed_is_a_result_at_the_line_of_its_claim() {
        let log = read(&every_kind());
        Schema::of("sarif-2.1.0.json").check(&log);
        let results = list(&log, "/runs/0/results");
        let told: Vec<_> = results
            .iter()
            .map(|it| {
                (
                    it["ruleId"].as_str().expect("a rule"),
                    it["level"].as_str().expect("a level"),
                )
            })
            .collect();
        let (error, warning) = ("error", "warning");
        assert_eq!(
            told,
            [
                ("contradicted", error),
                ("accepted", error),
                ("expired", error),
                ("unknown", warning),
                ("not-run", warning),
                ("broken", warning)
            ]
        );
        let place = results[0]
            .pointer("/locations/0/physicalLocation")
            .expect("a place");
        assert_eq!(
            *place,
            json!({"artifactLocation": {"uri": "claims.toml", "uriBaseId": "%SRCROOT%"}, "region": {"startLine": 7}})
        );
        assert_eq!(results[1]["suppressions"][0]["status"], "accepted");
        assert!(results[2].get("suppressions").is_none());
        let rules = list(&log, "/runs/0/tool/driver/rules");
        assert_eq!(rules.len(), 7);
        let said = log
            .pointer("/runs/0/invocations/0/toolExecutionNotifications/0/message/text")
            .expect("a note");
        assert_eq!(
            said,
            "left-out on docker was left out: not in the profile quick"
        );
    }

    #[test]
    fn a_path_is_an_address() {
        assert_eq!(artifact("./a b/ä#1.toml")["uri"], "a%20b/%C3%A4%231.toml");
        assert_eq!(
            artifact("/srv/claims.toml"),
            json!({"uri": "file:///srv/claims.toml"})
        );
        assert_eq!(artifact("javascript:x")["uri"], "javascript%3Ax");
    }

    #[test]
    fn only_addresses_of_pages_are_links() {
        assert!(is_address("https://a.example/b#c"));
        for link in [
            "javascript:alert(1)",
            "https://",
            "https://a b",
            "https://a\"b",
            "data:text/html,a",
        ] {
            assert!(!is_address(link), "{link}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn hostile_texts_stay_texts(text in hostile_text()) {
            let log = read(&hostile(&text));
            Schema::of("sarif-2.1.0.json").check(&log);
            prop_assert!(!has_unseen(&log.to_string()));
        }
    }
}
