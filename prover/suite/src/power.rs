//! Which known mistakes a plan would have caught: broken locks in place of the lock under test,
//! everything else the same, simulated.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use checker::{COVERAGE, Finding, POWER, Row, Verdict, counted, stem};
use locks::Lock;
use nemesis::Schedule;
use plan::spec::RunSpec;
use plan::{GroundError, Plan, PlanError, catalogue};
use run::seed::Seed;
use serde::{Deserialize, Serialize};

use super::campaign::spec_of;
use super::engine::{Engine, Evidence};
use super::outcome::{Came, Outcome};
use super::pace::Pace;

/// How many mistakes that were not caught are named in the sentence.
const NAMED: usize = 6;

/// Which known mistakes a plan would have caught.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Power {
    /// Every broken lock that has what the workload needs and breaks something that the workload
    /// can put to the test and the plan judges.
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

/// A plan whose power is asked for: a run, or a campaign.
pub struct Trials<'a, S> {
    /// What is asked of each run.
    pub spec: &'a RunSpec,
    /// What breaks when, where that is known and not to be drawn.
    pub schedule: Option<&'a Schedule>,
    /// The seeds of the runs.
    pub seeds: S,
    /// No more seeds are tried once so many mistakes are caught.
    pub enough: usize,
}

/// Tries every known mistake that suits the plan with one seed after the other until it is caught,
/// for as long as `go_on` says true and no longer than `within`; tells `progress` how far those of
/// a seed are. What it is judged by is what the
/// lock under test is judged by.
///
/// # Errors
/// The spec makes no plan.
pub fn power(
    trials: Trials<'_, impl IntoIterator<Item = Seed>>,
    within: Duration,
    go_on: &(dyn Fn() -> bool + Sync),
    progress: impl Fn(Pace),
) -> Result<Power, PlanError> {
    let began = Instant::now();
    let in_time = || go_on() && began.elapsed() < within;
    let engine = Engine {
        batch: rayon::current_num_threads(),
        evidence: Evidence::Unasked,
        schedule: trials.schedule,
        go_on: &in_time,
    };
    let spec = &simulated(trials.spec);
    let mut seeds = trials.seeds.into_iter().peekable();
    let first = seeds.peek().copied().unwrap_or(Seed(0));
    let plan = Plan::with(&spec_of(spec, first), trials.schedule.cloned());
    let plan = plan.map_err(of_simulation)?;
    let judged = judged_by(spec, &plan);
    let mut power = Power::untried(&judged, &plan);
    for seed in seeds {
        if power.caught() >= trials.enough.min(power.mistakes.len()) {
            break;
        }
        if power
            .try_all(spec, &judged, seed, &engine, &progress)?
            .is_break()
        {
            power.cut_short = true;
            break;
        }
    }
    Ok(power)
}

/// What is there in Docker alone nobody can be told to choose here.
fn of_simulation(error: PlanError) -> PlanError {
    match error {
        PlanError::Ground(GroundError::Cluster(fault) | GroundError::Clock(fault)) => {
            GroundError::NotSimulated(fault).into()
        }
        error => error,
    }
}

/// The same without what speaks of something real, the options of the lock under test included: the
/// mistakes come without them.
fn simulated(spec: &RunSpec) -> RunSpec {
    let lock = spec.lock.as_deref();
    let plain = lock.and_then(|lock| lock.split(',').next());
    RunSpec {
        testbed: "sim".to_owned(),
        lock: plain.map(str::to_owned),
        isolate: false,
        service: Vec::new(),
        rabbitmq: None,
        nodes: 1,
        partition_handling: None,
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
    let judged = promises.filter(|promise| plan.judges(promise));
    judged.map(str::to_owned).collect()
}

/// Guarantees that speak of the same: whoever breaks one of them breaks the others, too.
const EXCLUSIONS: &[&str] = &[
    "exclusion",
    "confirmed-exclusion",
    "overlap",
    "slot-exclusion",
];

fn are_alike(one: &str, other: &str) -> bool {
    one == other || (EXCLUSIONS.contains(&one) && EXCLUSIONS.contains(&other))
}

/// Whether a guarantee can show a mistake: it is what the mistake breaks, or one that speaks of the
/// same; or no known mistake breaks it, and it may show any.
fn can_show(guarantee: &str, breaks: &str) -> bool {
    let is_broken = |lock: &Arc<dyn Lock>| {
        let breaks = lock.breaks();
        breaks.is_some_and(|breaks| are_alike(guarantee, breaks))
    };
    guarantee != COVERAGE
        && (are_alike(guarantee, breaks) || !catalogue::LOCKS.iter().any(is_broken))
}

impl Power {
    /// Nothing was tried yet.
    fn untried(judged: &[String], plan: &Plan) -> Self {
        let is_shown = |breaks: &&str| {
            let mut judged = judged.iter();
            judged.any(|guarantee| can_show(stem(guarantee), breaks))
        };
        let mistakes = catalogue::LOCKS.iter().filter_map(|lock| {
            let breaks = lock.breaks().filter(is_shown)?;
            let is_suited = plan.takes(&**lock) && plan.judges(breaks);
            is_suited.then(|| Mistake {
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

    /// Tries what was not caught so far; breaks where time is up. What a mistake breaks is judged
    /// beside the rest: a violation counts where that shows in the same run, so that nothing is
    /// called caught which a correct lock does as well.
    fn try_all(
        &mut self,
        spec: &RunSpec,
        judged: &[String],
        seed: Seed,
        engine: &Engine<'_>,
        progress: &impl Fn(Pace),
    ) -> Result<ControlFlow<()>, PlanError> {
        let open = (0..self.mistakes.len()).filter(|place| self.mistakes[*place].caught.is_none());
        let open: Vec<usize> = open.collect();
        let specs = open.iter().map(|place| {
            let mistake = &self.mistakes[*place];
            let breaks = Some(mistake.breaks.clone());
            let breaks = breaks.filter(|breaks| judged.iter().all(|it| stem(it) != breaks));
            RunSpec {
                lock: Some(mistake.lock.clone()),
                guarantees: judged.iter().cloned().chain(breaks).collect(),
                ..spec_of(spec, seed)
            }
        });
        let specs: Vec<RunSpec> = specs.collect();
        let mut places = open.into_iter();
        engine.run(specs, |outcome, pace| {
            progress(pace);
            if let Some(place) = places.next() {
                self.take(place, judged, &outcome);
            }
            ControlFlow::Continue(())
        })
    }

    fn take(&mut self, place: usize, judged: &[String], outcome: &Outcome) {
        let mistake = &mut self.mistakes[place];
        mistake.runs += 1;
        match &outcome.came {
            Came::Judged(run) => {
                let violated: Vec<&str> = run.violated().collect();
                mistake.caught = mistake.shown_by(&violated, judged).map(|guarantee| Caught {
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
    /// be none the better for it. Where no mistake suits it there is nothing to say.
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
             select faults that take locks away, give --time-limit or --rate more, or judge what the lock promises"
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
    /// What a run violates that is judged and shows the mistake.
    fn shown_by<'a>(&self, violated: &[&'a str], judged: &[String]) -> Option<&'a str> {
        let is_broken = violated.iter().any(|name| stem(name) == self.breaks);
        let is_judged = |name: &str| judged.iter().any(|it| stem(it) == stem(name));
        let mut shown = violated.iter().copied();
        shown.find(|name| is_broken && is_judged(name) && can_show(stem(name), &self.breaks))
    }

    /// What became of it.
    #[must_use]
    pub fn outcome(&self) -> String {
        match (&self.caught, self.runs) {
            (Some(Caught { seed, guarantee }), _) => {
                format!("caught by seed {seed}: {guarantee} is violated")
            }
            (None, 0) => "not tried".to_owned(),
            (None, runs) => format!("not caught in {}", counted(runs, "run")),
        }
    }
}

impl fmt::Display for Power {
    /// `41 of 52 known mistakes are caught by this plan (simulated); not: …`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.mistakes.is_empty() {
            return f.write_str("no known mistake breaks what this plan judges");
        }
        let all = self.mistakes.len();
        let how = if self.cut_short {
            "simulated, until time was up"
        } else {
            "simulated"
        };
        let verb = if self.caught() == 1 { "is" } else { "are" };
        write!(
            f,
            "{} of {} {verb} caught by this plan ({how})",
            self.caught(),
            counted(all as u64, "known mistake")
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

    fn within(spec: &RunSpec, seeds: std::ops::Range<u64>, seconds: u64) -> Power {
        let trials = Trials {
            spec,
            schedule: None,
            seeds: seeds.map(Seed),
            enough: usize::MAX,
        };
        power(trials, Duration::from_secs(seconds), &|| true, |_| ()).expect("a plan")
    }

    fn determined(spec: &RunSpec, seeds: std::ops::Range<u64>) -> Power {
        within(spec, seeds, 600)
    }

    fn names(power: &Power) -> Vec<&str> {
        power.mistakes.iter().map(|it| it.lock.as_str()).collect()
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
        let asked = |workload: &str, guarantees: &[&str]| {
            let spec = RunSpec {
                workload: workload.to_owned(),
                guarantees: guarantees.iter().map(ToString::to_string).collect(),
                ..spec("none")
            };
            determined(&spec, 0..0)
        };
        let plain = asked("mutex", &[]);
        assert!(names(&plain).contains(&"silent-reconnect"), "{plain:?}");
        // Nobody asks an ordinary mutex for tokens, or for decrements.
        assert!(!names(&plain).contains(&"token-of-session"), "{plain:?}");
        assert!(!names(&plain).contains(&"decrement-twice"), "{plain:?}");
        let fenced = asked("guarded-fenced", &[]);
        assert!(names(&fenced).contains(&"token-of-session"), "{fenced:?}");
        let progress = asked("mutex", &["progress"]);
        assert!(
            names(&progress).contains(&"transient-mutex"),
            "{progress:?}"
        );
        assert!(!names(&progress).contains(&"no-lock"), "{progress:?}");
        // What no mistake breaks may be shown by any.
        assert!(names(&asked("mutex", &["ownership"])).contains(&"no-lock"));
    }

    #[test]
    fn what_a_correct_lock_does_as_well_is_no_catch() {
        let mistake = |breaks: &str| Mistake {
            lock: "a".to_owned(),
            breaks: breaks.to_owned(),
            runs: 0,
            caught: None,
        };
        let judged = ["exclusion".to_owned(), "progress".to_owned()];
        let shown =
            |breaks: &str, violated: &[&'static str]| mistake(breaks).shown_by(violated, &judged);
        // Belief outlives what the service confirmed, of correct locks, too.
        assert_eq!(shown("confirmed-exclusion", &["exclusion"]), None);
        let both = ["exclusion", "confirmed-exclusion"];
        assert_eq!(shown("confirmed-exclusion", &both), Some("exclusion"));
        assert_eq!(shown("progress", &["exclusion"]), None);
        assert_eq!(shown("progress", &["progress<=10s"]), Some("progress<=10s"));
        // It is broken, but nobody judges it.
        assert_eq!(shown("fencing", &["fencing"]), None);
    }

    #[test]
    fn the_greatest_seed_is_tried_too() {
        let trials = Trials {
            spec: &spec("cut"),
            schedule: None,
            seeds: [Seed(u64::MAX)],
            enough: usize::MAX,
        };
        let power = power(trials, Duration::from_secs(600), &|| true, |_| ()).expect("a plan");
        assert!(power.mistakes.iter().all(|mistake| mistake.runs == 1));
    }

    #[test]
    fn a_schedule_that_is_known_is_not_drawn() {
        let quiet = Schedule::default();
        let trials = Trials {
            spec: &spec("cut"),
            schedule: Some(&quiet),
            seeds: [Seed(3)],
            enough: usize::MAX,
        };
        let power = power(trials, Duration::from_secs(600), &|| true, |_| ()).expect("a plan");
        assert!(power.caught() < determined(&spec("cut"), 3..4).caught());
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
        let power = within(&spec("cut"), 0..1, 0);
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
            "1 of 9 known mistakes is caught by this plan (simulated); not: lock-1, lock-2, lock-3, lock-4, lock-5, lock-6 and 2 more"
        );
    }
}
