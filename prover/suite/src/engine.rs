//! Runs specs in simulations, in batches on all cores. What is run does not depend on how many
//! cores there are.

use std::ops::ControlFlow;

use checker::Verdict;
use nemesis::Schedule;
use plan::spec::RunSpec;
use plan::{Plan, PlanError};
use rayon::prelude::*;

use super::outcome::Outcome;
use super::pace::{Pace, Stopwatch};
use super::trial::attempt;

/// Which certificates are issued and checked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// None.
    Unasked,
    /// Those of runs that violate what they are judged by.
    OfViolations,
    /// All.
    Whole,
}

/// What carries out many runs.
#[derive(Clone, Copy)]
pub struct Engine<'a> {
    /// So many runs are under way before anybody looks at what came of them.
    pub batch: usize,
    /// Which certificates are checked again.
    pub evidence: Evidence,
    /// What breaks when in all of them, where no spec is to decide that.
    pub schedule: Option<&'a Schedule>,
    /// Asked before each batch: whether there is to be another.
    pub go_on: &'a (dyn Fn() -> bool + Sync),
}

impl Engine<'_> {
    /// Runs the specs one batch after the other, until a batch has an outcome that `take` breaks
    /// at. All outcomes of a batch are taken, in the order of the specs, each with how far the
    /// engine was after the batch. Breaks where it was told not to go on.
    ///
    /// # Errors
    /// A spec makes no plan.
    pub fn run(
        &self,
        specs: impl IntoIterator<Item = RunSpec>,
        mut take: impl FnMut(Outcome, Pace) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, PlanError> {
        let mut specs = specs.into_iter();
        let stopwatch = Stopwatch::start(specs.size_hint().0 as u64);
        let mut done = 0;
        loop {
            let batch: Vec<_> = specs.by_ref().take(self.batch).collect();
            if batch.is_empty() {
                return Ok(ControlFlow::Continue(()));
            }
            if !(self.go_on)() {
                return Ok(ControlFlow::Break(()));
            }
            let outcomes: Result<Vec<_>, _> =
                batch.par_iter().map(|spec| self.once(spec)).collect();
            let outcomes = outcomes?;
            done += outcomes.len() as u64;
            let pace = stopwatch.pace(done);
            let ends = outcomes.into_iter().map(|outcome| take(outcome, pace));
            // Every outcome is taken, whichever of them ends it.
            if ends.fold(false, |is_over, end| is_over | end.is_break()) {
                return Ok(ControlFlow::Continue(()));
            }
        }
    }

    fn once(&self, spec: &RunSpec) -> Result<Outcome, PlanError> {
        let plan = Plan::with(spec, self.schedule.cloned())?;
        let seed = plan.seed;
        let trial = attempt(plan);
        Ok(Outcome::of(seed, trial, |judgement| match self.evidence {
            Evidence::Unasked => false,
            Evidence::OfViolations => judgement.verdict == Verdict::Violated,
            Evidence::Whole => true,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use run::seed::Seed;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    fn specs() -> impl Iterator<Item = RunSpec> {
        (0..5).map(|seed| RunSpec {
            lock: Some("no-lock".to_owned()),
            testbed: "sim".to_owned(),
            time_limit: Duration::from_secs(1),
            seed: Some(Seed(seed)),
            ..RunSpec::default()
        })
    }

    /// What is told of each run: its seed, how many were done, how many were left.
    fn told(go_on: &(dyn Fn() -> bool + Sync), last: u64) -> (bool, Vec<[u64; 3]>) {
        let engine = Engine {
            batch: 2,
            evidence: Evidence::Unasked,
            schedule: None,
            go_on,
        };
        let mut told = Vec::new();
        let ended = engine.run(specs(), |outcome, pace| {
            assert!(pace.time_left.is_some());
            told.push([outcome.seed.0, pace.done, pace.left]);
            if outcome.seed.0 == last {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        (ended.expect("a plan").is_break(), told)
    }

    #[test]
    fn outcomes_are_taken_in_order_with_how_far_the_batches_are() {
        let all = [[0, 2, 3], [1, 2, 3], [2, 4, 1], [3, 4, 1], [4, 5, 0]];
        assert_eq!(told(&|| true, u64::MAX), (false, all.to_vec()));
        // The batch of the last one is taken to its end.
        assert_eq!(told(&|| true, 0), (false, all[..2].to_vec()));
    }

    #[test]
    fn no_batch_is_begun_when_it_is_not_to_go_on() {
        let asked = AtomicUsize::new(0);
        let once = || asked.fetch_add(1, Ordering::Relaxed) == 0;
        let (was_stopped, told) = told(&once, u64::MAX);
        assert_eq!((was_stopped, told.len()), (true, 2));
    }
}
