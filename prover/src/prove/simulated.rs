//! A claim put to the test in simulations: all of its seeds.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use claims::{Case, Counterexample, Shard, Tested};
use jiff::Timestamp;
use plan::Plan;
use plan::spec::RunSpec;
use run::seed::{Seed, Seeds};
use suite::{Came, Engine, Evidence, Outcome, Summary, spec_of};

use super::folder::Folder;
use crate::commands::power::{Effort, of_campaign};
use crate::failure::Failure;
use crate::interruption::unless_interrupted;
use crate::repeat;
use crate::store::Store;
use crate::stored_run::stored_again;

/// So many runs are under way before anybody looks at what came of them.
const BATCH: usize = 32;

/// Runs those seeds of a case that are the shard's own, and keeps the one that shows most: the shortest
/// counterexample, or else the first.
pub(super) async fn simulated(
    case: &Case,
    seeds: &Seeds,
    shard: Shard,
    folder: &Folder,
    commit: Option<&str>,
    mut tested: Tested,
) -> Result<Tested, Failure> {
    let began = Instant::now();
    let specs = shard
        .of_seeds(seeds)
        .map(|seed| spec_of(&case.spec, Seed(seed)));
    let take = |outcome: Outcome| {
        let outcome = outcome.borne_out();
        tested.measures.add(&outcome);
        tested.summary.merge(Summary::of(&outcome));
    };
    let (ran, _) = unless_interrupted(|go_on| run(specs, case, began, go_on, take)).await;
    ran?;
    if case.needs.power > 0 && shard.has(case.claim) {
        let effort = Effort::of(&case.needs);
        tested.power = Some(of_campaign(&case.spec, seeds, effort, true).await?.0);
    }
    let results = folder.of_runs(&tested.claim, &tested.testbed);
    let first = shard.of_seeds(seeds).next();
    let shortest = tested.summary.shortest();
    let kept = shortest.map(|it| it.seed.0).or(first);
    if let Some(seed) = kept.filter(|_| tested.summary.judged_runs() > 0) {
        let spec = spec_of(&case.spec, Seed(seed));
        keep(&spec, &results, folder, commit, &mut tested)?;
    }
    Ok(tested)
}

fn run(
    specs: impl Iterator<Item = RunSpec>,
    case: &Case,
    began: Instant,
    go_on: &(dyn Fn() -> bool + Sync),
    mut take: impl FnMut(Outcome),
) -> Result<(), Failure> {
    let in_time = || go_on() && began.elapsed() < case.within;
    let engine = Engine {
        batch: BATCH,
        evidence: Evidence::OfViolations,
        schedule: None,
        go_on: &in_time,
    };
    // Seeds that were not run are counted by whoever asked for them.
    let _ = engine.run(specs, |outcome, _| {
        take(outcome);
        ControlFlow::Continue(())
    })?;
    Ok(())
}

/// Makes a run once more, to the byte, and keeps it.
fn keep(
    spec: &RunSpec,
    results: &Path,
    folder: &Folder,
    commit: Option<&str>,
    tested: &mut Tested,
) -> Result<(), Failure> {
    let store = Store::open_among(results, &Plan::new(spec)?.name(), Timestamp::now())?;
    let run = stored_again(spec, store, commit, &repeat::of_spec(spec, results))?;
    tested.place = Some(run.testbed.to_string());
    tested
        .stored
        .push(folder.stored(run.outcome.seed.0, &run.folder));
    tested.counterexample = counterexample(&run.outcome, run.violation);
    Ok(())
}

/// What a run shows, where it violates something.
pub(super) fn counterexample(outcome: &Outcome, text: Option<String>) -> Option<Counterexample> {
    let Came::Judged(judged) = &outcome.came else {
        return None;
    };
    Some(Counterexample {
        seed: outcome.seed.0,
        operations: judged.operations_before?,
        guarantee: judged.first_violated()?.to_owned(),
        text: text?,
    })
}
