//! A claim put to the test on something real: one run after the other, until it was put to the test
//! as often as it needs or time is up.

use std::time::{Duration, Instant};

use claims::{Case, Shard, Standing, Tested};
use locks::Chosen;
use plan::Plan;
use plan::spec::RunSpec;
use run::seed::Seed;
use suite::{Came, Outcome, Summary};

use super::brokers::{Brokers, Served};
use super::folder::Folder;
use super::programs::Programs;
use super::simulated::counterexample;
use crate::causes::with_causes;
use crate::commands::power::{Effort, of_run};
use crate::failure::Failure;
use crate::output::Steps;
use crate::stored_run::{StoredRun, stored_run};

/// Where the runs of a case happen, and what is kept of them.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) brokers: &'a Brokers<'a>,
    pub(super) folder: &'a Folder,
    pub(super) programs: &'a Programs,
    pub(super) commit: Option<&'a str>,
    /// The seed of the first run.
    pub(super) seed: u64,
    /// Whether one case is under way at a time, so that its run can be followed.
    pub(super) steps: &'a Steps,
}

/// Puts a case to the test. What breaks down is noted: it must not end what others are about.
pub(super) async fn real(case: &Case, site: Site<'_>, mut tested: Tested) -> Tested {
    let began = Instant::now();
    let mut longest = Duration::ZERO;
    let first = case.spec.seed.map_or(site.seed, |seed| seed.0);
    let lock = match site.programs.lock(case).await {
        Ok(lock) => lock,
        Err(why) => {
            tested.summary.merge(broken(Seed(first), why));
            tested.decide(Shard::WHOLE);
            return tested;
        }
    };
    for number in 0.. {
        let run_began = Instant::now();
        let seed = Seed(first.wrapping_add(number));
        match run(case, lock.clone(), seed, site, &mut tested).await {
            Ok(true) => {}
            Ok(false) => break,
            Err(failure) => {
                tested.summary.merge(broken(seed, with_causes(&failure)));
                site.brokers.retire(&case.spec).await;
            }
        }
        tested.decide(Shard::WHOLE);
        longest = longest.max(run_began.elapsed());
        // A run that would be cut short by the time says nothing.
        let is_over =
            tested.standing != Standing::Unknown || began.elapsed() + longest > case.within;
        if is_over {
            break;
        }
    }
    tested
}

pub(super) fn broken(seed: Seed, why: String) -> Summary {
    let came = Came::Broken(why);
    Summary::of(&Outcome { seed, came })
}

/// One run; false where somebody interrupts.
async fn run(
    case: &Case,
    lock: Chosen,
    seed: Seed,
    site: Site<'_>,
    tested: &mut Tested,
) -> Result<bool, Failure> {
    let spec = RunSpec {
        seed: Some(seed),
        ..case.spec.clone()
    };
    let broker = if Plan::of(lock.clone(), &spec, None)?.strikes_the_service() {
        // What strikes a broker must not strike those who share it.
        None
    } else {
        match site.brokers.of(&spec).await? {
            Served::By(broker) => Some(broker),
            Served::ByItsOwn => None,
            Served::Interrupted => return Ok(false),
        }
    };
    let results = site.folder.of_runs(&tested.claim, &tested.testbed);
    let (broker, commit) = (broker.as_deref(), site.commit);
    let run = stored_run(lock, &spec, broker, &results, commit, site.steps).await?;
    let Some(run) = run else {
        return Ok(false);
    };
    if case.needs.power > 0 && tested.power.is_none() {
        let effort = Effort::of(&case.needs);
        tested.power = Some(of_run(&run.plan, &run.played, effort, true).await?.0);
    }
    take(tested, run, site.folder);
    Ok(true)
}

fn take(tested: &mut Tested, run: StoredRun, folder: &Folder) {
    let outcome = run.outcome.borne_out();
    tested.place = Some(run.testbed.to_string());
    tested
        .stored
        .push(folder.stored(outcome.seed.0, &run.folder));
    let found = counterexample(&outcome, run.violation);
    let known = tested.counterexample.take().into_iter().chain(found);
    tested.counterexample = known.min_by_key(|it| (it.operations, it.seed));
    tested.measures.add(&outcome);
    tested.summary.merge(Summary::of(&outcome));
}
