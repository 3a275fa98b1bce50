//! An in-toto statement about the files of a run or a proof, with the predicate `test-result`.
//!
//! It says which bytes there were and what they showed. Who says so is for a signature to say.

use std::collections::{BTreeMap, BTreeSet};

use checker::{Row, Verdict};
use claims::{Proof, State};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::ruling::{Ruling, name};
use crate::text::line;

/// What its file is called, in the folder that it speaks of.
pub const FILE: &str = "attestation.json";

/// What signatures and other things about the statement itself begin with: they are made after it.
const BESIDE: &str = "attestation.";

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PREDICATE: &str = "https://in-toto.io/attestation/test-result/v0.1";
const SHA256: &str = "sha256";

/// Files by their paths in a folder, with `/` between its parts, and their SHA-256 in lower-case hex.
pub type Digests = BTreeMap<String, String>;

/// The statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Resource>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: Predicate,
}

/// Something that has a digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Resource {
    name: String,
    digest: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Predicate {
    result: Outcome,
    configuration: Vec<Resource>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(flatten)]
    tests: Tests,
}

/// What came of all tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Outcome {
    /// All passed.
    Passed,
    /// Some passed with a warning: a contradiction that is accepted, or a part that is left to others.
    Warned,
    /// Some failed, or were not decided.
    Failed,
}

/// The tests by what came of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tests {
    /// As they should be.
    pub passed_tests: Vec<String>,
    /// Accepted for a while, left to the other shards, or left out.
    pub warned_tests: Vec<String>,
    /// Not as they should be, or not decided.
    pub failed_tests: Vec<String>,
}

impl Tests {
    /// The claims of a proof, as they counted on the day on which it began: on another day another
    /// attestation would say something else of the same files.
    #[must_use]
    pub fn of_proof(proof: &Proof) -> Self {
        let day = TimeZone::UTC.to_datetime(proof.began).date();
        let mut tests = Self::default();
        for tested in &proof.cases {
            let ruling = Ruling::of(tested, proof, day);
            let list = match ruling {
                Ruling::Passed => &mut tests.passed_tests,
                Ruling::Accepted(_) | Ruling::LeftToTheWhole => &mut tests.warned_tests,
                _ => &mut tests.failed_tests,
            };
            list.push(line(&name(tested)));
        }
        let left_out = proof.left_out.iter();
        let left_out = left_out.map(|it| line(&format!("{} on {}", it.claim, it.testbed)));
        tests.warned_tests.extend(left_out);
        if proof.state != State::Finished {
            tests
                .failed_tests
                .push("the proof came to its end".to_owned());
        }
        tests
    }

    /// The guarantees that a run was judged by.
    #[must_use]
    pub fn of_run(rows: &[Row], unfinished: Option<&str>) -> Self {
        let mut tests = Self::default();
        for row in rows.iter().filter(|row| row.judged) {
            let list = match row.finding.verdict {
                Verdict::Valid => &mut tests.passed_tests,
                Verdict::Unknown | Verdict::Violated => &mut tests.failed_tests,
            };
            list.push(line(&row.finding.guarantee));
        }
        if let Some(why) = unfinished {
            tests.failed_tests.push(line(why));
        }
        tests
    }

    /// What came of them together. Nothing that was tested is nothing that passed.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        let is_nothing = self.passed_tests.is_empty() && self.warned_tests.is_empty();
        if is_nothing || !self.failed_tests.is_empty() {
            Outcome::Failed
        } else if self.warned_tests.is_empty() {
            Outcome::Passed
        } else {
            Outcome::Warned
        }
    }
}

/// Whether a file speaks of the statement itself, and so cannot be a subject of it.
#[must_use]
pub fn is_beside(path: &str) -> bool {
    path.starts_with(BESIDE)
}

/// What is not as a statement says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// A file has other bytes.
    Changed(String),
    /// A file is missing.
    Missing(String),
    /// A file was not there.
    Added(String),
    /// The statement itself is not as it should be.
    Statement(String),
}

impl std::fmt::Display for Difference {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Changed(path) => {
                write!(out, "{} was changed: its SHA-256 is another", line(path))
            }
            Self::Missing(path) => write!(out, "{} is missing", line(path)),
            Self::Added(path) => write!(out, "{} is attested by nobody: it was added", line(path)),
            Self::Statement(what) => write!(out, "{FILE}: {}", line(what)),
        }
    }
}

impl Statement {
    /// Of these files, made by these, and what they show.
    #[must_use]
    pub fn of(files: &Digests, configuration: &Digests, url: Option<String>, tests: Tests) -> Self {
        Self {
            kind: STATEMENT.to_owned(),
            subject: resources(files),
            predicate_type: PREDICATE.to_owned(),
            predicate: Predicate {
                result: tests.outcome(),
                configuration: resources(configuration),
                url,
                tests,
            },
        }
    }

    /// What came of the tests, as it says.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.predicate.result
    }

    /// What is not as it says: each file by its name, and whatever it concludes that does not follow
    /// from `tests`, which the files show.
    #[must_use]
    pub fn differences(
        &self,
        files: &Digests,
        configuration: &Digests,
        tests: &Tests,
    ) -> Vec<Difference> {
        let mut all = self.of_files(files);
        let wrong =
            |is_wrong: bool, what: &str| is_wrong.then(|| Difference::Statement(what.to_owned()));
        all.extend(wrong(
            self.kind != STATEMENT,
            "it is no in-toto statement of version 1",
        ));
        all.extend(wrong(
            self.predicate_type != PREDICATE,
            "it has no predicate test-result of version 0.1",
        ));
        all.extend(wrong(
            self.predicate.tests != *tests,
            "its tests are not those that the files show",
        ));
        all.extend(wrong(
            self.predicate.result != tests.outcome(),
            "its result does not follow from the files",
        ));
        all.extend(configuration.iter().filter_map(|(name, digest)| {
            let is_there = self
                .predicate
                .configuration
                .contains(&resource(name, digest));
            wrong(
                !is_there,
                &format!("its configuration says something else of {name}"),
            )
        }));
        all
    }

    fn of_files(&self, files: &Digests) -> Vec<Difference> {
        let mut seen = BTreeSet::new();
        let mut all = BTreeSet::new();
        for subject in &self.subject {
            let name = subject.name.clone();
            if !seen.insert(&subject.name) {
                all.insert(Difference::Statement(format!("{name} is named twice")));
            }
            match files.get(&name) {
                None => all.insert(Difference::Missing(name)),
                Some(digest) if *subject != resource(&name, digest) => {
                    all.insert(Difference::Changed(name))
                }
                Some(_) => false,
            };
        }
        let added = files.keys().filter(|path| !seen.contains(path));
        all.extend(added.cloned().map(Difference::Added));
        all.into_iter().collect()
    }
}

fn resources(digests: &Digests) -> Vec<Resource> {
    let all = digests.iter();
    all.map(|(name, digest)| resource(name, digest)).collect()
}

fn resource(name: &str, digest: &str) -> Resource {
    Resource {
        name: name.to_owned(),
        digest: BTreeMap::from([(SHA256.to_owned(), digest.to_owned())]),
    }
}

#[cfg(test)]
mod tests {
    use claims::{Shard, Standing};

    use super::*;
    use crate::sample::{accepted, every_kind, proof, tested};

    fn files(all: &[(&str, &str)]) -> Digests {
        all.iter()
            .map(|(path, digest)| ((*path).to_owned(), (*digest).to_owned()))
            .collect()
    }

    fn statement() -> Statement {
        let tests = Tests::of_proof(&proof([tested("claim", Standing::Confirmed)]));
        Statement::of(
            &files(&[("a", "00"), ("b/c", "11")]),
            &files(&[("claims.toml", "22")]),
            None,
            tests,
        )
    }

    #[test]
    fn it_has_the_form_of_in_toto() {
        let json = serde_json::json!(statement());
        assert_eq!(
            json,
            serde_json::json!({
                "_type": "https://in-toto.io/Statement/v1",
                "subject": [{"name": "a", "digest": {"sha256": "00"}}, {"name": "b/c", "digest": {"sha256": "11"}}],
                "predicateType": "https://in-toto.io/attestation/test-result/v0.1",
                "predicate": {
                    "result": "PASSED",
                    "configuration": [{"name": "claims.toml", "digest": {"sha256": "22"}}],
                    "passedTests": ["claim on docker"], "warnedTests": [], "failedTests": [],
                },
            })
        );
        let read: Statement = serde_json::from_value(json).expect("a statement");
        assert_eq!(read, statement());
    }

    #[test]
    fn every_difference_is_named() {
        let tests = Tests::of_proof(&proof([tested("claim", Standing::Confirmed)]));
        let of = |all: &[(&str, &str)]| {
            statement().differences(&files(all), &files(&[("claims.toml", "22")]), &tests)
        };
        assert_eq!(of(&[("a", "00"), ("b/c", "11")]), []);
        assert_eq!(
            of(&[("a", "01"), ("b/d", "11")]),
            [
                Difference::Changed("a".to_owned()),
                Difference::Missing("b/c".to_owned()),
                Difference::Added("b/d".to_owned()),
            ]
        );
        let other = Tests::of_proof(&proof([tested("claim", Standing::Unknown)]));
        let all = files(&[("a", "00"), ("b/c", "11")]);
        assert_eq!(
            statement()
                .differences(&all, &files(&[("claims.toml", "23")]), &other)
                .len(),
            3
        );
    }

    #[test]
    fn what_is_not_decided_is_not_passed() {
        let outcome = |proof: &Proof| Tests::of_proof(proof).outcome();
        let with = |standing| outcome(&proof([tested("claim", standing)]));
        assert_eq!(with(Standing::Confirmed), Outcome::Passed);
        for standing in [
            Standing::Unknown,
            Standing::NotRun,
            Standing::Broken,
            Standing::Contradicted,
        ] {
            assert_eq!(with(standing), Outcome::Failed, "{standing:?}");
        }
        assert_eq!(outcome(&proof([])), Outcome::Failed);
        let mut case = tested("claim", Standing::Contradicted);
        case.claim.accepted = Some(accepted("2027-01-31"));
        assert_eq!(outcome(&proof([case])), Outcome::Warned);
        let mut shard = proof([tested("claim", Standing::NotRun)]);
        shard.shard = Shard { index: 1, count: 2 };
        assert_eq!(outcome(&shard), Outcome::Warned);
        let mut cut = proof([tested("claim", Standing::Confirmed)]);
        cut.state = State::Interrupted;
        assert_eq!(outcome(&cut), Outcome::Failed);
        assert_eq!(
            Tests::of_proof(&every_kind()).warned_tests,
            ["accepted on docker", "left-out on docker"]
        );
    }
}
