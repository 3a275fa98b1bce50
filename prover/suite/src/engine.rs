//! Runs specs in simulations, in batches on all cores. What is run does not depend on how many
//! cores there are.

use std::ops::ControlFlow;

use checker::Verdict;
use plan::spec::RunSpec;
use plan::{Plan, PlanError};
use rayon::prelude::*;

use super::outcome::Outcome;
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
    /// Asked before each batch: whether there is to be another.
    pub go_on: &'a (dyn Fn() -> bool + Sync),
}

impl Engine<'_> {
    /// Runs the specs one batch after the other, until a batch has an outcome that `take` breaks
    /// at. All outcomes of a batch are taken, in the order of the specs. Breaks where it was told
    /// not to go on.
    ///
    /// # Errors
    /// A spec makes no plan.
    pub fn run(
        &self,
        specs: impl IntoIterator<Item = RunSpec>,
        mut take: impl FnMut(Outcome) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, PlanError> {
        let mut specs = specs.into_iter();
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
            let ends = outcomes?.into_iter().map(&mut take);
            // Every outcome is taken, whichever of them ends it.
            if ends.fold(false, |is_over, end| is_over | end.is_break()) {
                return Ok(ControlFlow::Continue(()));
            }
        }
    }

    fn once(&self, spec: &RunSpec) -> Result<Outcome, PlanError> {
        let plan = Plan::new(spec)?;
        let seed = plan.seed;
        let trial = attempt(plan);
        Ok(Outcome::of(seed, trial, |judgement| match self.evidence {
            Evidence::Unasked => false,
            Evidence::OfViolations => judgement.verdict == Verdict::Violated,
            Evidence::Whole => true,
        }))
    }
}
