//! Runs a simulation for each seed, on all cores.

use rayon::prelude::*;

use super::summary::Summary;
use super::trial::{Trial, TrialError, attempt};
use crate::cli::RunArgs;
use crate::plan::{Plan, PlanError};
use crate::seed::{Seed, Seeds};

/// So many seeds are under way before anybody looks at what came of them: which runs a campaign makes does not depend on how many cores there are.
const BATCH: usize = 32;

/// When a campaign ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// After the first violation.
    Violation,
    /// When all seeds are done.
    Done,
}

/// Runs the seeds one batch after the other; tells `progress` how many are done, and goes on as long as it says true.
///
/// # Errors
/// The options make no plan.
pub fn campaign(
    arguments: &RunArgs,
    seeds: &Seeds,
    until: Until,
    mut progress: impl FnMut(u64) -> bool,
) -> Result<Summary, PlanError> {
    let mut summary = Summary::default();
    let seeds: Vec<_> = seeds.0.clone().map(Seed).collect();
    for batch in seeds.chunks(BATCH) {
        let trials: Result<Vec<_>, _> = batch
            .par_iter()
            .map(|seed| of_seed(arguments, *seed).map(|trial| (*seed, trial)))
            .collect();
        for (seed, trial) in trials? {
            summary.take(seed, &trial);
        }
        let is_over = until == Until::Violation && !summary.failing.is_empty();
        if !progress(summary.runs) || is_over {
            break;
        }
    }
    Ok(summary)
}

/// The options of the run that a campaign makes for a seed.
#[must_use]
pub fn options_of(arguments: &RunArgs, seed: Seed) -> RunArgs {
    RunArgs {
        testbed: "sim".to_owned(),
        swarm: arguments.swarm || arguments.nemesis == "all",
        seed: Some(seed),
        seeds: None,
        keep_going: false,
        ..arguments.clone()
    }
}

fn of_seed(arguments: &RunArgs, seed: Seed) -> Result<Result<Trial, TrialError>, PlanError> {
    Ok(attempt(Plan::new(&options_of(arguments, seed))?))
}
