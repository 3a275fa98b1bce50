//! A claim put to the test on something real: one run after the other, until it was put to the test
//! as often as it needs or time is up.

use std::time::{Duration, Instant};

use claims::{Case, Shard, Standing, Tested};
use plan::spec::RunSpec;
use run::seed::Seed;
use suite::{Came, Outcome, Summary};

use super::brokers::{Brokers, Served};
use super::folder::Folder;
use super::simulated::counterexample;
use super::strength::strength;
use crate::causes::with_causes;
use crate::failure::Failure;
use crate::lock;
use crate::output::Steps;
use crate::stored_run::{StoredRun, stored_run};

/// Where the runs of a case happen, and what is kept of them.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) brokers: &'a Brokers<'a>,
    pub(super) folder: &'a Folder,
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
    for number in 0.. {
        let run_began = Instant::now();
        let seed = Seed(
            case.spec
                .seed
                .map_or(site.seed, |seed| seed.0)
                .wrapping_add(number),
        );
        match run(case, seed, site, &mut tested).await {
            Ok(true) => {}
            Ok(false) => break,
            Err(failure) => {
                let why = with_causes(&failure);
                tested.summary.merge(Summary::of(&Outcome {
                    seed,
                    came: Came::Broken(why),
                }));
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

/// One run; false where somebody interrupts.
async fn run(
    case: &Case,
    seed: Seed,
    site: Site<'_>,
    tested: &mut Tested,
) -> Result<bool, Failure> {
    let spec = RunSpec {
        seed: Some(seed),
        ..case.spec.clone()
    };
    let broker = match site.brokers.of(&spec).await? {
        Served::By(broker) => Some(broker),
        Served::ByItsOwn => None,
        Served::Interrupted => return Ok(false),
    };
    let results = site.folder.of_runs(&tested.claim, &tested.testbed);
    let run = stored_run(&spec, broker.as_deref(), &results, site.commit, site.steps).await?;
    let Some(run) = run else {
        return Ok(false);
    };
    if case.needs.power > 0 && tested.power.is_none() && !lock::is_program(&spec) {
        let plan = &run.plan;
        tested.power = Some(
            strength(
                &plan.spec,
                Some(&plan.schedule),
                [plan.seed.0],
                case.needs.power,
            )
            .await?,
        );
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
