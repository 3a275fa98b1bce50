//! The seeds that a cell is tried with, one after the other until the verdict says something.

use std::path::PathBuf;

use checker::Verdict;
use jiff::Timestamp;
use plan::manifest::Git;
use plan::spec::RunSpec;
use run::seed::Seed;
use suite::{Came, Outcome};

use super::cell::{Cell, CellRecord, Figures, because};
use crate::exit::Exit;
use crate::failure::Failure;

/// Why a cell came to nothing.
#[derive(Debug, thiserror::Error)]
#[error("a cell broke down: {0}")]
pub(super) struct CellError(String);

impl From<CellError> for Failure {
    fn from(error: CellError) -> Self {
        Self::of_experiment(Exit::Harness, error)
    }
}

/// A cell, and what it was tried with.
pub(super) struct Attempts<'a> {
    /// The place of the cell among all.
    pub(super) number: usize,
    pub(super) cell: &'a Cell,
    seeds: Vec<Seed>,
    seeds_max: usize,
}

/// One run of a cell.
pub(super) struct CellRun {
    pub(super) outcome: Outcome,
    /// The broker, as its testbed describes it.
    pub(super) testbed: String,
    /// The command that repeats it.
    pub(super) repeat: String,
    /// Where it is stored, unless it was simulated.
    pub(super) folder: Option<PathBuf>,
}

/// What follows from a run.
pub(super) enum Next {
    /// It says nothing, for this reason: there is another with the next seed.
    Again(String),
    /// It says what there is to be said.
    Over(Box<CellRecord>),
}

impl<'a> Attempts<'a> {
    /// None yet of a cell, and so many at most.
    pub(super) fn of(number: usize, cell: &'a Cell, seeds_max: usize) -> Self {
        Self {
            number,
            cell,
            seeds: Vec::new(),
            seeds_max,
        }
    }

    /// The next run.
    pub(super) fn spec(&self) -> RunSpec {
        let tried = self.seeds.len() as u64;
        self.cell.spec(Seed(self.cell.seed.0.wrapping_add(tried)))
    }

    /// Takes in what came of the next run.
    ///
    /// # Errors
    /// The harness broke down.
    pub(super) fn take(&mut self, run: CellRun) -> Result<Next, CellError> {
        self.seeds.push(run.outcome.seed);
        let judged = match run.outcome.came {
            Came::Judged(judged) => judged,
            Came::Broken(why) => return Err(CellError(why)),
        };
        let because = because(&judged);
        // A run that did not come to its end may be one of a lock that was lost: that is not tried
        // away.
        let is_open = judged.verdict == Verdict::Unknown && judged.unfinished.is_none();
        if is_open && self.seeds.len() < self.seeds_max {
            return Ok(Next::Again(because.unwrap_or_default()));
        }
        Ok(Next::Over(Box::new(CellRecord {
            cell: self.cell.clone(),
            at: Timestamp::now(),
            git: Git::of_program(),
            testbed: run.testbed,
            verdict: judged.verdict,
            because,
            figures: Figures::of(&judged),
            seeds: self.seeds.clone(),
            repeat: run.repeat,
            folder: run.folder,
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::super::cell::tests::record;
    use super::*;
    use suite::Judged;

    fn run(seed: u64, verdict: Verdict, unfinished: Option<&str>) -> CellRun {
        CellRun {
            outcome: Outcome {
                seed: Seed(seed),
                came: Came::Judged(Box::new(Judged {
                    verdict,
                    unfinished: unfinished.map(str::to_owned),
                    events: 0,
                    operations: 0,
                    guarantees: Vec::new(),
                    situations: Vec::new(),
                    first_violation_ns: None,
                    operations_before: None,
                    hits: Vec::new(),
                    recheck: None,
                })),
            },
            testbed: String::new(),
            repeat: String::new(),
            folder: None,
        }
    }

    fn seeds(next: Result<Next, CellError>) -> Option<Vec<u64>> {
        match next.expect("the harness works") {
            Next::Again(_) => None,
            Next::Over(record) => Some(record.seeds.iter().map(|seed| seed.0).collect()),
        }
    }

    #[test]
    fn another_seed_is_tried_while_nothing_can_be_said_and_tries_are_left() {
        let cell = record("exclusive-queue", Verdict::Valid).cell;
        let unknown = |seed| run(seed, Verdict::Unknown, None);
        let mut attempts = Attempts::of(0, &cell, 2);
        assert_eq!(attempts.spec().seed, Some(Seed(1)));
        assert_eq!(seeds(attempts.take(unknown(1))), None);
        assert_eq!(attempts.spec().seed, Some(Seed(2)));
        assert_eq!(seeds(attempts.take(unknown(2))), Some(vec![1, 2]));
        for verdict in [Verdict::Valid, Verdict::Violated] {
            let mut attempts = Attempts::of(0, &cell, 2);
            assert_eq!(seeds(attempts.take(run(1, verdict, None))), Some(vec![1]));
        }
    }

    #[test]
    fn a_run_that_did_not_end_is_not_tried_away() {
        let cell = record("exclusive-queue", Verdict::Valid).cell;
        let mut attempts = Attempts::of(0, &cell, 2);
        let stuck = run(1, Verdict::Unknown, Some("it was stuck"));
        assert_eq!(seeds(attempts.take(stuck)), Some(vec![1]));
    }

    #[test]
    fn a_harness_error_is_no_record() {
        let cell = record("exclusive-queue", Verdict::Valid).cell;
        let mut broken = run(1, Verdict::Valid, None);
        broken.outcome.came = Came::Broken("no room".to_owned());
        let error = Attempts::of(0, &cell, 2).take(broken).err();
        assert_eq!(
            error.map(|error| error.to_string()).as_deref(),
            Some("a cell broke down: no room")
        );
    }
}
