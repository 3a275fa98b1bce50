//! Which known mistakes a plan would have caught: broken locks in place of the lock under test,
//! everything else the same, simulated.

use std::fmt;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use checker::{COVERAGE, Finding, POWER, Row, Verdict};
use plan::spec::RunSpec;
use plan::{Plan, PlanError, catalogue, judges, suits};
use run::seed::{Seed, Seeds};
use serde::{Deserialize, Serialize};
use workloads::Workload;

use super::campaign::spec_of;
use super::engine::{Engine, Evidence};
use super::outcome::{Came, Outcome};

/// So many runs are under way before the clock is looked at.
const BATCH: usize = 8;

/// How many mistakes that were not caught are named in the sentence.
const NAMED: usize = 6;

/// Which known mistakes a plan would have caught.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Power {
    /// Every broken lock that has what the workload needs and breaks what the workload can judge.
    pub mistakes: Vec<Mistake>,
    /// Whether time was up before each was caught or tried with all seeds.
    pub cut_short: bool,
    /// The seeds whose runs broke down, with the lock and the reason.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub broken: Vec<(String, Seed, String)>,
}

/// A broken lock under the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mistake {
    /// Its name.
    pub lock: String,
    /// What is wrong with it.
    pub breaks: String,
    /// In how many runs it was tried.
    pub runs: u64,
    /// How it was caught.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub caught: Option<Caught>,
}

/// How a mistake was caught.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caught {
    /// The first run that shows it.
    pub seed: Seed,
    /// What that run violates.
    pub guarantee: String,
}

/// Tries every known mistake that suits the plan with one seed after the other until it is caught,
/// for as long as `go_on` says true and no longer than `within`. What it is judged by is what the
/// lock under test is judged by.
///
/// # Errors
/// The spec makes no plan.
pub fn power(
    spec: &RunSpec,
    seeds: &Seeds,
    within: Duration,
    go_on: &(dyn Fn() -> bool + Sync),
) -> Result<Power, PlanError> {
    let began = Instant::now();
    let in_time = || go_on() && began.elapsed() < within;
    let engine = Engine {
        batch: BATCH,
        evidence: Evidence::Unasked,
        go_on: &in_time,
    };
    let spec = &simulated(spec);
    let plan = Plan::new(&spec_of(spec, Seed(seeds.0.start)))?;
    let spec = RunSpec {
        guarantees: judged_by(spec, &plan),
        ..spec.clone()
    };
    let mut power = Power::untried(&spec, plan.workload);
    for seed in seeds.0.clone().map(Seed) {
        if power.try_all(&spec, seed, &engine)?.is_break() {
            power.cut_short = true;
            break;
        }
    }
    Ok(power)
}

/// The same without what speaks of something real.
fn simulated(spec: &RunSpec) -> RunSpec {
    RunSpec {
        testbed: "sim".to_owned(),
        rabbitmq: None,
        toxiproxy: None,
        keep: false,
        ..spec.clone()
    }
}

/// What the lock under test is judged by, without the bounds that a run's heartbeat gives.
fn judged_by(spec: &RunSpec, plan: &Plan) -> Vec<String> {
    if !spec.guarantees.is_empty() {
        return spec.guarantees.clone();
    }
    let promises = plan.lock.lock.promises().into_iter();
    let judged = promises.filter(|promise| judges(plan.workload, promise));
    judged.map(str::to_owned).collect()
}

impl Power {
    /// Nothing was tried yet. By coverage alone nothing can be caught.
    fn untried(spec: &RunSpec, workload: &dyn Workload) -> Self {
        let mut judged = spec.guarantees.iter();
        let is_judged = judged.any(|name| name != COVERAGE);
        let locks = catalogue::LOCKS.iter().filter(|_| is_judged);
        let mistakes = locks.filter_map(|lock| {
            let breaks = lock.breaks().filter(|breaks| judges(workload, breaks))?;
            suits(workload, &**lock).then(|| Mistake {
                lock: lock.name().to_owned(),
                breaks: breaks.to_owned(),
                runs: 0,
                caught: None,
            })
        });
        Self {
            mistakes: mistakes.collect(),
            cut_short: false,
            broken: Vec::new(),
        }
    }

    /// Tries what was not caught so far; breaks where time is up.
    fn try_all(
        &mut self,
        spec: &RunSpec,
        seed: Seed,
        engine: &Engine<'_>,
    ) -> Result<ControlFlow<()>, PlanError> {
        let open = (0..self.mistakes.len()).filter(|place| self.mistakes[*place].caught.is_none());
        let open: Vec<usize> = open.collect();
        let specs = open.iter().map(|place| RunSpec {
            lock: Some(self.mistakes[*place].lock.clone()),
            ..spec_of(spec, seed)
        });
        let specs: Vec<RunSpec> = specs.collect();
        let mut places = open.into_iter();
        engine.run(specs, |outcome, _| {
            if let Some(place) = places.next() {
                self.take(place, &outcome);
            }
            ControlFlow::Continue(())
        })
    }

    fn take(&mut self, place: usize, outcome: &Outcome) {
        let mistake = &mut self.mistakes[place];
        mistake.runs += 1;
        match &outcome.came {
            Came::Judged(judged) => {
                let violated = judged.violated().next();
                mistake.caught = violated.map(|guarantee| Caught {
                    seed: outcome.seed,
                    guarantee: guarantee.to_owned(),
                });
            }
            Came::Broken(why) => {
                let broken = (mistake.lock.clone(), outcome.seed, why.clone());
                self.broken.push(broken);
            }
        }
    }

    /// How many mistakes were caught.
    #[must_use]
    pub fn caught(&self) -> usize {
        let caught = self.mistakes.iter();
        caught.filter(|mistake| mistake.caught.is_some()).count()
    }

    /// `unknown` for a plan that catches none of the mistakes that suit it: what it finds valid may
    /// be none the better for it.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.caught() == 0 && !self.mistakes.is_empty() {
            Verdict::Unknown
        } else {
            Verdict::Valid
        }
    }

    /// Why the verdict is `unknown`, and what helps.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        let words = if self.cut_short {
            "in that time this plan caught none of the known mistakes: give --power-within more"
        } else {
            "this plan catches none of the known mistakes, so it shows nothing of this lock either: \
             select faults that take locks away, or give --time-limit or --rate more"
        };
        (self.verdict() == Verdict::Unknown).then(|| words.to_owned())
    }

    /// How it stands beside what was judged.
    #[must_use]
    pub fn row(&self) -> Row {
        let finding = Finding {
            guarantee: POWER.to_owned(),
            verdict: self.verdict(),
            evidence: self.to_string(),
            reason: self.reason(),
            ..Finding::default()
        };
        Row {
            judged: true,
            finding,
        }
    }
}

impl Mistake {
    /// What became of it.
    #[must_use]
    pub fn outcome(&self) -> String {
        match (&self.caught, self.runs) {
            (Some(Caught { seed, guarantee }), _) => {
                format!("caught by seed {seed}: {guarantee} is violated")
            }
            (None, 0) => "not tried".to_owned(),
            (None, 1) => "not caught in 1 run".to_owned(),
            (None, runs) => format!("not caught in {runs} runs"),
        }
    }
}

impl fmt::Display for Power {
    /// `41 of 52 known mistakes are caught by this plan (simulated); not: …`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.mistakes.is_empty() {
            return f.write_str("no known mistake suits this plan");
        }
        let all = self.mistakes.len();
        let how = if self.cut_short {
            "simulated, until time was up"
        } else {
            "simulated"
        };
        write!(
            f,
            "{} of {all} known mistakes are caught by this plan ({how})",
            self.caught()
        )?;
        let missed = self.mistakes.iter().filter(|it| it.caught.is_none());
        let missed: Vec<&str> = missed.map(|mistake| mistake.lock.as_str()).collect();
        if missed.is_empty() {
            return Ok(());
        }
        let named = &missed[..missed.len().min(NAMED)];
        write!(f, "; not: {}", named.join(", "))?;
        match missed.len() - named.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(nemesis: &str) -> RunSpec {
        RunSpec {
            nemesis: nemesis.to_owned(),
            time_limit: Duration::from_secs(40),
            ..RunSpec::default()
        }
    }

    fn determined(spec: &RunSpec, seeds: std::ops::Range<u64>) -> Power {
        power(spec, &Seeds(seeds), Duration::from_secs(600), &|| true).expect("a plan")
    }

    fn is_caught(power: &Power, lock: &str) -> bool {
        let mut mistakes = power.mistakes.iter();
        let mistake = mistakes.find(|mistake| mistake.lock == lock);
        mistake.expect("it suits the plan").caught.is_some()
    }

    #[test]
    fn a_plan_without_faults_catches_what_needs_none_and_not_what_needs_one() {
        let without = determined(&spec("none"), 0..1);
        assert!(is_caught(&without, "no-lock"));
        assert!(!is_caught(&without, "silent-reconnect"));
        assert_eq!(without.verdict(), Verdict::Valid);
        let with = determined(&spec("cut"), 0..2);
        assert!(is_caught(&with, "silent-reconnect"));
        assert!(with.caught() > without.caught());
        assert!(with.mistakes.iter().all(|mistake| mistake.runs > 0));
    }

    #[test]
    fn only_what_suits_the_workload_is_tried() {
        let power = determined(&spec("none"), 0..0);
        let names: Vec<_> = power.mistakes.iter().map(|it| it.lock.as_str()).collect();
        assert!(!names.contains(&"decrement-at-least-once"), "{names:?}");
    }

    #[test]
    fn a_plan_in_which_nothing_happens_has_no_power_and_says_what_helps() {
        let idle = RunSpec {
            time_limit: Duration::ZERO,
            guarantees: vec!["no-lost-update".to_owned()],
            ..spec("none")
        };
        let power = determined(&idle, 0..1);
        assert_eq!(power.caught(), 0);
        assert_eq!(power.verdict(), Verdict::Unknown);
        let row = power.row();
        assert!(row.judged && row.finding.reason.is_some());
    }

    #[test]
    fn what_was_not_tried_in_time_is_not_called_missed_for_good() {
        let power = power(&spec("cut"), &Seeds(0..1), Duration::ZERO, &|| true).expect("a plan");
        assert!(power.cut_short && power.mistakes.iter().all(|mistake| mistake.runs == 0));
        let reason = power.reason().expect("it is unknown");
        assert!(reason.contains("--power-within"), "{reason}");
    }

    #[test]
    fn what_speaks_of_something_real_is_no_hindrance() {
        let real = RunSpec {
            testbed: "docker".to_owned(),
            rabbitmq: Some("3.10".to_owned()),
            toxiproxy: Some("embedded".to_owned()),
            keep: true,
            ..spec("cut")
        };
        assert_eq!(determined(&real, 3..4), determined(&spec("cut"), 3..4));
    }

    #[test]
    fn the_same_seeds_find_the_same() {
        assert_eq!(
            determined(&spec("cut"), 3..4),
            determined(&spec("cut"), 3..4)
        );
    }

    #[test]
    fn the_sentence_names_some_of_what_is_not_caught() {
        let mistakes = (0..9).map(|number| Mistake {
            lock: format!("lock-{number}"),
            breaks: "exclusion".to_owned(),
            runs: 1,
            caught: (number == 0).then(|| Caught {
                seed: Seed(4),
                guarantee: "exclusion".to_owned(),
            }),
        });
        let power = Power {
            mistakes: mistakes.collect(),
            cut_short: false,
            broken: Vec::new(),
        };
        assert_eq!(
            power.to_string(),
            "1 of 9 known mistakes are caught by this plan (simulated); not: lock-1, lock-2, lock-3, lock-4, lock-5, lock-6 and 2 more"
        );
    }
}
