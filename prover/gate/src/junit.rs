//! JUnit XML, as CI servers read it: a suite for the claims file, a case for each claim and testbed.
//!
//! The schema of Jenkins (junit-10.xsd) is the strictest that is around: there a case has no
//! properties. So those of a case are properties of the suite, and lines of the case's `system-out`.

use std::time::Duration;

use claims::{Proof, Tested};
use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use crate::export::{Export, Subject};
use crate::facts::{self, Fact};
use crate::ruling::{Ruling, name};
use crate::text::{line, lines};

/// JUnit XML.
#[derive(Debug)]
pub(crate) struct Junit;

impl Export for Junit {
    fn name(&self) -> &'static str {
        "junit"
    }

    fn file(&self) -> &'static str {
        "junit.xml"
    }

    fn summary(&self) -> &'static str {
        "JUnit XML, for Jenkins, GitLab and most other CI servers"
    }

    fn text(&self, subject: Subject<'_>) -> String {
        let mut report = Report::unnamed();
        report.add_test_suite(suite(subject));
        let text = report.to_string().expect("texts can be written");
        without_count_of_skipped(&text)
    }
}

/// The schema knows `skipped` of a suite, not of all suites; the crate writes it always.
fn without_count_of_skipped(text: &str) -> String {
    let Some(begin) = text.find("<testsuites") else {
        return text.to_owned();
    };
    let end = text[begin..]
        .find('>')
        .map_or(text.len(), |end| begin + end);
    let tag: Vec<&str> = text[begin..end]
        .split(' ')
        .filter(|attribute| !attribute.starts_with("skipped="))
        .collect();
    [&text[..begin], &tag.join(" "), &text[end..]].concat()
}

fn suite(Subject { proof, today }: Subject<'_>) -> TestSuite {
    let mut suite = TestSuite::new(title(proof));
    let spent = proof.cases.iter().map(|it| it.spent_ms).sum();
    suite.set_time(Duration::from_millis(spent));
    suite
        .extra
        .insert("timestamp".into(), line(&proof.began.to_string()).into());
    let common = facts::of_proof(proof);
    suite.add_properties(common.into_iter().map(property));
    for tested in &proof.cases {
        let ruling = Ruling::of(tested, proof, today);
        let facts = facts::of_case(tested);
        let case = case(tested, ruling, proof, &facts);
        suite.add_properties(facts.into_iter().map(|(name_of_fact, value)| {
            property((format!("{}: {name_of_fact}", line(&name(tested))), value))
        }));
        suite.add_test_case(case);
    }
    for left_out in &proof.left_out {
        let mut status = TestCaseStatus::skipped();
        status.set_type("left out").set_message(line(&left_out.why));
        let name = format!("{} on {}", left_out.claim, left_out.testbed);
        let mut case = TestCase::new(line(&name), status);
        case.set_classname(title(proof)).set_time(Duration::ZERO);
        suite.add_test_case(case);
    }
    suite
}

fn property((name, value): Fact) -> Property {
    Property::new(name, value)
}

/// What the suite is called: as the file is.
fn title(proof: &Proof) -> String {
    line(&proof.source.path)
}

fn case(tested: &Tested, ruling: Ruling<'_>, proof: &Proof, facts: &[Fact]) -> TestCase {
    let mut case = TestCase::new(line(&name(tested)), status(tested, ruling));
    case.set_classname(title(proof));
    case.set_time(Duration::from_millis(tested.spent_ms));
    let says = std::iter::once(line(&tested.claim.says));
    let facts = facts.iter().map(|(name, value)| format!("{name}: {value}"));
    case.set_system_out(says.chain(facts).collect::<Vec<_>>().join("\n"));
    case
}

fn status(tested: &Tested, ruling: Ruling<'_>) -> TestCaseStatus {
    let mut status = match ruling {
        Ruling::Passed => return TestCaseStatus::success(),
        Ruling::Accepted(_) | Ruling::LeftToTheWhole => TestCaseStatus::skipped(),
        Ruling::Failed | Ruling::Expired(_) => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Ruling::Unknown | Ruling::NotRun | Ruling::Broken => {
            TestCaseStatus::non_success(NonSuccessKind::Error)
        }
    };
    status.set_type(ruling.word());
    status.set_message(line(&ruling.told(&tested.why)));
    status.set_description(description(tested, ruling));
    status
}

/// The sentence, why it is not so, what shows it, and how to see it again.
fn description(tested: &Tested, ruling: Ruling<'_>) -> String {
    let counterexample = tested.counterexample.as_ref();
    let shown = counterexample.map(|it| {
        let head = format!(
            "{} is violated, with seed {}:",
            line(&it.guarantee),
            it.seed
        );
        format!("{head}\n{}", lines(&it.text))
    });
    let parts = [
        Some(line(&tested.claim.says)),
        Some(line(&ruling.told(&tested.why))),
        shown,
        Some(format!("repeat: {}", line(&tested.repeat))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use proptest::prelude::*;
    use roxmltree::{Document, Node};

    use super::*;
    use crate::sample::{TODAY, every_kind, has_unseen, hostile, hostile_text};

    const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemas/junit-10.xsd");

    fn text(proof: &Proof) -> String {
        Junit.text(Subject {
            proof,
            today: TODAY,
        })
    }

    fn case<'a>(document: &'a Document<'_>, name: &str) -> Node<'a, 'a> {
        let mut nodes = document.descendants();
        let found = nodes
            .find(|node| node.has_tag_name("testcase") && node.attribute("name") == Some(name));
        found.unwrap_or_else(|| panic!("no case {name}"))
    }

    /// Elements and attributes that Jenkins' schema has, and the order in which they may stand.
    fn check_structure(document: &Document<'_>) {
        let allowed = |name: &str| -> (&[&str], &[&str], &[&str]) {
            match name {
                "testsuites" => (
                    &["testsuite"],
                    &["name", "time", "tests", "failures", "errors"],
                    &[],
                ),
                "testsuite" => (
                    &[
                        "testsuite",
                        "properties",
                        "testcase",
                        "system-out",
                        "system-err",
                    ],
                    &[
                        "name",
                        "tests",
                        "failures",
                        "errors",
                        "group",
                        "time",
                        "skipped",
                        "timestamp",
                        "hostname",
                        "id",
                        "package",
                        "file",
                        "log",
                        "url",
                        "version",
                    ],
                    &["name", "tests", "failures", "errors"],
                ),
                "properties" => (&["property"], &[], &[]),
                "property" => (&[], &["name", "value"], &["name", "value"]),
                "testcase" => (
                    &["skipped", "error", "failure", "system-out", "system-err"],
                    &["name", "time", "classname", "group"],
                    &["name"],
                ),
                "skipped" | "error" | "failure" => (&[], &["type", "message"], &[]),
                "system-out" | "system-err" => (&[], &[], &[]),
                other => panic!("no element {other}"),
            }
        };
        for node in document.descendants().filter(Node::is_element) {
            let (children, attributes, required) = allowed(node.tag_name().name());
            for child in node.children().filter(Node::is_element) {
                assert!(
                    children.contains(&child.tag_name().name()),
                    "{child:?} in {node:?}"
                );
            }
            for attribute in node.attributes() {
                assert!(
                    attributes.contains(&attribute.name()),
                    "{attribute:?} of {node:?}"
                );
            }
            for name in required {
                assert!(node.has_attribute(*name), "{name} of {node:?}");
            }
        }
    }

    /// What xmllint says by the schema itself, where it is installed (Debian: libxml2-utils).
    fn check_by_schema(text: &str) -> bool {
        let command = Command::new("xmllint")
            .args(["--noout", "--nonet", "--schema", SCHEMA, "-"])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut xmllint) = command else {
            assert!(
                std::env::var_os("PROVER_REQUIRE_DOCKER").is_none(),
                "xmllint is missing: install libxml2-utils"
            );
            return false;
        };
        let mut input = xmllint.stdin.take().expect("a pipe");
        input.write_all(text.as_bytes()).expect("it reads");
        drop(input);
        let output = xmllint.wait_with_output().expect("it ends");
        assert!(
            output.status.success(),
            "{}\n{text}",
            String::from_utf8_lossy(&output.stderr)
        );
        true
    }

    #[test]
    fn every_kind_is_told_as_what_it_is() {
        let text = text(&every_kind());
        let document = Document::parse(&text).expect("XML");
        check_structure(&document);
        check_by_schema(&text);
        let expected = [
            ("confirmed", None),
            ("contradicted", Some(("failure", "contradicted"))),
            ("accepted", Some(("skipped", "accepted"))),
            (
                "expired",
                Some(("failure", "contradicted, no longer accepted")),
            ),
            ("unknown", Some(("error", "unknown"))),
            ("not-run", Some(("error", "not run"))),
            ("broken", Some(("error", "broken"))),
            ("left-out", Some(("skipped", "left out"))),
        ];
        for (id, status) in expected {
            let case = case(&document, &format!("{id} on docker"));
            let told = case
                .children()
                .find(|child| child.is_element() && !child.has_tag_name("system-out"));
            let told = told.map(|node| {
                (
                    node.tag_name().name(),
                    node.attribute("type").expect("a type"),
                )
            });
            assert_eq!(told, status, "{id}");
        }
        let suite = document
            .root_element()
            .first_element_child()
            .expect("a suite");
        let counts = ["tests", "failures", "errors", "skipped"].map(|name| suite.attribute(name));
        assert_eq!(counts, [Some("8"), Some("2"), Some("3"), Some("2")]);
    }

    #[test]
    fn a_failure_has_its_counterexample_and_the_facts_stand_beside_it() {
        let text = text(&every_kind());
        let document = Document::parse(&text).expect("XML");
        let case = case(&document, "contradicted on docker");
        let failure = case
            .children()
            .find(|child| child.has_tag_name("failure"))
            .expect("one");
        let shown = failure.text().expect("a text");
        assert!(
            shown.contains("with seed 7:\nworker 0 was granted"),
            "{shown}"
        );
        let properties = document
            .descendants()
            .filter(|node| node.has_tag_name("property"));
        let properties: Vec<_> = properties
            .filter_map(|node| Some((node.attribute("name")?, node.attribute("value")?)))
            .collect();
        for expected in [
            ("prover", "0.1.0"),
            ("contradicted on docker: seed of first violation", "7"),
            ("contradicted on docker: versions", "rabbitmq 4.0.5"),
            (
                "contradicted on docker: exposures",
                "1, median 200.00 ms, p99 200.00 ms, longest 200.00 ms",
            ),
        ] {
            assert!(
                properties.contains(&expected),
                "{expected:?} in {properties:?}"
            );
        }
    }

    #[test]
    fn an_expired_acceptance_says_so() {
        let text = text(&every_kind());
        assert!(text.contains("was accepted until 2026-01-31 (the broker&apos;s next version mends it), which is over"), "{text}");
    }

    /// The schema is asked once for many: a process each would be slow.
    #[test]
    fn hostile_texts_are_valid_by_the_schema() {
        for hostile_text in [
            "]]>\0<script>\u{ffff}",
            "\u{1b}[31m::error::\n|",
            "&\"'\u{202e}",
        ] {
            if !check_by_schema(&text(&hostile(hostile_text))) {
                return;
            }
        }
    }

    proptest! {
        #[test]
        fn hostile_texts_stay_texts(hostile_text in hostile_text()) {
            let proof = hostile(&hostile_text);
            let text = text(&proof);
            let document = Document::parse(&text).expect("XML");
            check_structure(&document);
            let cases = document.descendants().filter(|node| node.has_tag_name("testcase")).count();
            prop_assert_eq!(cases, proof.cases.len() + proof.left_out.len());
            prop_assert!(!has_unseen(&text));
        }
    }
}
