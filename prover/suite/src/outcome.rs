//! One run in short.

use certify::{Standing, certify};
use checker::{COVERAGE, Finding, Hit, Judgement, Row, Verdict, hits};
use history::History;
use run::seed::Seed;
use serde::{Deserialize, Serialize};

use super::situation::{Situation, situations};
use super::trial::{Trial, TrialError};

/// What came of one of many runs: all that is kept of it. It can be stored and read again.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Whose run it is.
    pub seed: Seed,
    /// What came of it.
    pub came: Came,
}

/// What came of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Came {
    /// It was judged.
    Judged(Box<Judged>),
    /// The harness broke down; the text says how.
    Broken(String),
}

/// What was found out about a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Judged {
    /// The worst of what it was judged by.
    pub verdict: Verdict,
    /// Why it did not go through all its phases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<String>,
    /// Events in its history.
    pub events: u64,
    /// Operations of clients in its history.
    pub operations: u64,
    /// Every guarantee, what was judged first.
    pub guarantees: Vec<Row>,
    /// The situations that it was in.
    #[serde(default)]
    pub situations: Vec<Situation>,
    /// When the first violation of what it was judged by was complete, in nanoseconds since the run
    /// began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_violation_ns: Option<u64>,
    /// Operations of clients that had begun by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operations_before: Option<u64>,
    /// What the faults did to those who held a lock.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hits: Vec<Hit>,
    /// What came of checking its certificate again, where that was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recheck: Option<Recheck>,
}

/// What came of checking a certificate again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Recheck {
    /// Every claim in it holds; these are the guarantees that it proves to be violated.
    Holds(Vec<String>),
    /// It does not hold; the text says why.
    Refused(String),
}

impl Outcome {
    /// What came of an attempt; `rechecks` says whether its certificate is to be checked again.
    #[must_use]
    pub fn of(
        seed: Seed,
        attempt: Result<Trial, TrialError>,
        rechecks: impl FnOnce(&Judgement) -> bool,
    ) -> Self {
        let came = match attempt {
            Ok(trial) => {
                let recheck = rechecks(&trial.judgement).then(|| Recheck::of(&trial));
                let slots = trial.slots();
                Came::Judged(Box::new(Judged {
                    recheck,
                    ..Judged::of(trial.judgement, &trial.history, slots)
                }))
            }
            Err(error) => Came::Broken(error.to_string()),
        };
        Self { seed, came }
    }

    /// What came of a run that was made and judged elsewhere, such as one on a broker, of a lock that
    /// so many clients may hold; its certificate is not checked again.
    #[must_use]
    pub fn judged(seed: Seed, judgement: Judgement, history: &History, slots: u32) -> Self {
        let judged = Judged::of(judgement, history, slots);
        Self {
            seed,
            came: Came::Judged(Box::new(judged)),
        }
    }
}

impl Outcome {
    /// The same, with what came of checking the certificate again.
    #[must_use]
    pub fn rechecked(mut self, recheck: Recheck) -> Self {
        if let Came::Judged(judged) = &mut self.came {
            judged.recheck = Some(recheck);
        }
        self
    }

    /// The same, but broken where the certificate does not bear out what was found.
    #[must_use]
    pub fn borne_out(self) -> Self {
        let refusal = match &self.came {
            Came::Judged(judged) => judged.refusal(),
            Came::Broken(_) => None,
        };
        match refusal {
            Some(why) => Self {
                came: Came::Broken(format!(
                    "this is a bug of the prover: its certificate {why}"
                )),
                ..self
            },
            None => self,
        }
    }
}

impl Judged {
    /// What the certificate does not bear out, where it was checked again.
    fn refusal(&self) -> Option<String> {
        match self.recheck.as_ref()? {
            Recheck::Refused(why) => Some(format!("is refused: {why}")),
            Recheck::Holds(proved) => {
                let mut violated = self.violated();
                let missing = violated.find(|one| !proved.iter().any(|other| other == one))?;
                Some(format!("does not prove that {missing} is violated"))
            }
        }
    }

    fn of(judgement: Judgement, history: &History, slots: u32) -> Self {
        let first = first_violation(&judgement);
        let time = |index: u64| {
            let events = history.events();
            let place = events.binary_search_by_key(&index, |event| event.index);
            place.ok().map(|place| events[place].time)
        };
        let operations = history.operations();
        Self {
            first_violation_ns: first.and_then(time),
            operations_before: first.map(|index| {
                let begun = operations.filter(|one| one.invoke.index <= index);
                begun.count() as u64
            }),
            hits: hits(history, slots),
            verdict: judgement.verdict,
            unfinished: judgement.unfinished,
            events: history.events().len() as u64,
            operations: history.operations().count() as u64,
            situations: situations(history, &judgement.guarantees),
            guarantees: judgement.guarantees,
            recheck: None,
        }
    }

    /// The verdict without coverage: what the run says of what it was judged by, however little it
    /// put to the test. Who asks for coverage alone leaves nothing open; what nothing was judged by
    /// is unknown.
    #[must_use]
    pub fn verdict_without_coverage(&self) -> Verdict {
        let judged: Vec<&Finding> = self.judged().collect();
        let least = match judged.is_empty() || self.unfinished.is_some() {
            true => Verdict::Unknown,
            false => Verdict::Valid,
        };
        let others = judged
            .iter()
            .filter(|finding| finding.guarantee != COVERAGE);
        others.fold(least, |worst, finding| worst.max(finding.verdict))
    }

    /// How long each overlap lasted, in nanoseconds: those of `exclusion` where that was looked at,
    /// else of the first guarantee that has some.
    #[must_use]
    pub fn exposures_ns(&self) -> Vec<u64> {
        let findings = || self.guarantees.iter().map(|row| &row.finding);
        let exclusion = findings().find(|finding| finding.guarantee == EXCLUSION);
        let some = || findings().find(|finding| !finding.exposures_ns.is_empty());
        let chosen = exclusion.or_else(some);
        chosen.map_or_else(Vec::new, |finding| finding.exposures_ns.clone())
    }

    /// Why it leaves open what it was judged by.
    pub(crate) fn open_because(&self) -> Option<String> {
        let open = self
            .judged()
            .filter(|finding| finding.verdict == Verdict::Unknown && finding.guarantee != COVERAGE);
        let mut reasons = open.filter_map(|finding| {
            let reason = finding.reason.as_ref().unwrap_or(&finding.evidence);
            (!reason.is_empty()).then(|| format!("{}: {reason}", finding.guarantee))
        });
        self.unfinished.clone().or_else(|| reasons.next())
    }

    /// The guarantees that it was judged by and violates.
    pub fn violated(&self) -> impl Iterator<Item = &str> {
        self.judged()
            .filter(|finding| finding.verdict == Verdict::Violated)
            .map(|finding| finding.guarantee.as_str())
    }

    /// The one of these whose first violation was complete first.
    #[must_use]
    pub fn first_violated(&self) -> Option<&str> {
        let end = |finding: &Finding| {
            let ends = finding.violations.iter();
            ends.filter_map(|it| it.events.last().copied()).min()
        };
        let ends = self.judged().filter_map(|it| Some((end(it)?, it)));
        let (_, first) = ends.min_by_key(|(end, _)| *end)?;
        Some(&first.guarantee)
    }

    fn judged(&self) -> impl Iterator<Item = &Finding> {
        let judged = self.guarantees.iter().filter(|row| row.judged);
        judged.map(|row| &row.finding)
    }
}

/// The name of what a user of a plain mutex expects.
const EXCLUSION: &str = "exclusion";

/// The event that completes the first violation of what was judged.
fn first_violation(judgement: &Judgement) -> Option<u64> {
    let judged = judgement.guarantees.iter().filter(|row| row.judged);
    let violations = judged.flat_map(|row| &row.finding.violations);
    violations.filter_map(|it| it.events.last().copied()).min()
}

impl Recheck {
    fn of(trial: &Trial) -> Self {
        Self::of_certificate(&trial.history, &trial.certificate().to_bytes())
    }

    /// Checks a certificate again.
    #[must_use]
    pub fn of_certificate(history: &History, certificate: &[u8]) -> Self {
        let certified = match certify(history, certificate) {
            Ok(certified) if certified.is_complete() => certified,
            Ok(_) => return Self::Refused("not all of its claims could be re-checked".to_owned()),
            Err(error) => return Self::Refused(error.to_string()),
        };
        let violations = certified.claims.iter().filter(|claim| {
            claim.verdict == certify::Verdict::Violated && claim.standing == Standing::Proved
        });
        Self::Holds(violations.map(|claim| claim.of.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt;
    use plan::Plan;
    use plan::spec::RunSpec;

    fn outcome(lock: &str) -> Outcome {
        let spec = RunSpec {
            lock: Some(lock.to_owned()),
            testbed: "sim".to_owned(),
            seed: Some(Seed(0)),
            ..RunSpec::default()
        };
        let plan = Plan::new(&spec).expect("a plan");
        Outcome::of(Seed(0), attempt(plan), |_| true)
    }

    fn judged(lock: &str) -> Judged {
        match outcome(lock).came {
            Came::Judged(judged) => *judged,
            Came::Broken(why) => panic!("the harness works: {why}"),
        }
    }

    #[test]
    fn the_certificate_proves_what_is_violated_and_nothing_else() {
        assert_eq!(
            judged("exclusive-queue").recheck,
            Some(Recheck::Holds(Vec::new()))
        );
        let broken = judged("no-lock");
        let violated: Vec<_> = broken.violated().map(str::to_owned).collect();
        assert!(!violated.is_empty());
        let Some(Recheck::Holds(proved)) = &broken.recheck else {
            panic!("{:?}", broken.recheck);
        };
        for guarantee in &violated {
            assert!(proved.contains(guarantee), "{guarantee}: {proved:?}");
        }
    }

    #[test]
    fn the_shortest_counterexample_is_told_in_operations() {
        let broken = judged("no-lock");
        let operations = broken.operations_before.expect("it is violated");
        assert!(
            (2..=broken.operations).contains(&operations),
            "{operations}"
        );
        let first = broken.first_violated().expect("it is violated");
        assert!(broken.violated().any(|violated| violated == first));
        assert_eq!(judged("exclusive-queue").first_violated(), None);
    }

    #[test]
    fn an_outcome_reads_back_as_it_was_stored() {
        let outcome = outcome("no-lock");
        let text = serde_json::to_string(&outcome).expect("JSON");
        let again: Outcome = serde_json::from_str(&text).expect("it was stored by us");
        assert_eq!(serde_json::to_string(&again).expect("JSON"), text);
    }

    #[test]
    fn what_a_run_covers_has_no_part_in_the_verdict_without_coverage() {
        let mut judged = judged("exclusive-queue");
        for row in &mut judged.guarantees {
            if row.finding.guarantee == COVERAGE {
                row.finding.verdict = Verdict::Unknown;
            }
        }
        assert_eq!(judged.verdict_without_coverage(), Verdict::Valid);
        let mut alone = judged.clone();
        alone
            .guarantees
            .retain(|row| row.finding.guarantee == COVERAGE);
        assert_eq!(alone.verdict_without_coverage(), Verdict::Valid);
        alone.guarantees.clear();
        assert_eq!(alone.verdict_without_coverage(), Verdict::Unknown);
        judged.unfinished = Some("it was interrupted".to_owned());
        assert_eq!(judged.verdict_without_coverage(), Verdict::Unknown);
    }
}
