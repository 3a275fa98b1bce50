//! A simulated run for each seed, and what they show together.

use std::ops::ControlFlow;

use plan::PlanError;
use plan::spec::RunSpec;
use run::seed::{Seed, Seeds};

use super::engine::{Engine, Evidence};
use super::pace::Pace;
use super::summary::Summary;

/// So many runs are under way before anybody looks at what came of them.
const BATCH: usize = 32;

/// When a campaign ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// With the first seed whose run shows a violation: what later ones show that were under way is
    /// left out.
    Violation,
    /// When all seeds are done.
    Done,
}

/// Runs the seeds one batch after the other; tells `progress` how far they are, and goes on as long
/// as `go_on` says true.
///
/// # Errors
/// The spec makes no plan.
pub fn campaign(
    spec: &RunSpec,
    seeds: &Seeds,
    until: Until,
    go_on: &(dyn Fn() -> bool + Sync),
    progress: impl Fn(Pace),
) -> Result<Summary, PlanError> {
    let engine = Engine {
        batch: BATCH,
        evidence: Evidence::Unasked,
        schedule: None,
        go_on,
    };
    let specs = seeds.0.clone().map(|seed| spec_of(spec, Seed(seed)));
    let mut summary = Summary::default();
    // Whether it was told to stop is known to whoever told it.
    let _ = engine.run(specs, |outcome, pace| {
        let is_over = |summary: &Summary| until == Until::Violation && !summary.failing.is_empty();
        if !is_over(&summary) {
            summary.merge(Summary::of(&outcome));
        }
        progress(pace);
        if is_over(&summary) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    })?;
    Ok(summary)
}

/// The run that a campaign makes for a seed.
#[must_use]
pub fn spec_of(spec: &RunSpec, seed: Seed) -> RunSpec {
    RunSpec {
        testbed: "sim".to_owned(),
        swarm: spec.swarm || spec.nemesis == "all",
        seed: Some(seed),
        ..spec.clone()
    }
}
