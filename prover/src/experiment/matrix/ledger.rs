//! What came of all cells so far: it is stored and told as it comes.

use report::verdict_text;
use suite::Pace;
use testbed::Progress;

use super::archive::Archive;
use super::attempts::{Attempts, CellRun, Next};
use super::cell::{Cell, CellRecord, Place};
use crate::causes::with_causes;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Steps};

/// What came of all cells so far.
pub(super) struct Ledger<'a> {
    cells: &'a [Cell],
    tries: usize,
    archive: Archive,
    /// In the order of the cells.
    records: Vec<Option<CellRecord>>,
    /// What else there is to say about the matrix as a whole.
    exits: Vec<Exit>,
    steps: &'a Steps,
}

impl<'a> Ledger<'a> {
    /// Of these cells, each to be tried so many times at most. What the archive has of them is
    /// taken over.
    pub(super) fn new(cells: &'a [Cell], tries: usize, archive: Archive, steps: &'a Steps) -> Self {
        let stored = cells.iter().map(|cell| archive.find(cell).cloned());
        Self {
            cells,
            tries,
            records: stored.collect(),
            archive,
            exits: Vec::new(),
            steps,
        }
    }

    /// The cells of a place that were not taken over.
    pub(super) fn open(&self, place: &Place) -> Vec<Attempts<'a>> {
        let cells = self.cells.iter().enumerate();
        let open = cells
            .filter(|(number, cell)| cell.place == *place && self.records[*number].is_none())
            .map(|(number, cell)| Attempts::of(number, cell, self.tries));
        open.collect()
    }

    /// Tells that a cell is begun, and how far those of its place are.
    pub(super) fn begin(&self, attempts: &Attempts<'_>, pace: Pace) {
        self.tell(attempts, "", pace);
    }

    /// Takes in a run of a cell; whether there is to be another of it.
    ///
    /// # Errors
    /// What was found cannot be stored.
    pub(super) fn take(
        &mut self,
        attempts: &mut Attempts<'a>,
        run: CellRun,
    ) -> Result<bool, Failure> {
        let (cell, seed) = (attempts.cell, run.outcome.seed);
        match attempts.take(run) {
            Ok(Next::Again(because)) => {
                self.steps.step(&format!(
                    "{cell}: unknown with seed {seed} ({because}): once more with the next"
                ));
                return Ok(true);
            }
            Ok(Next::Over(record)) => {
                let path = self.archive.path().to_owned();
                let stored = self.archive.add(&record);
                stored.map_err(|source| Failure::Write { path, source })?;
                self.records[attempts.number] = Some(*record);
            }
            Err(error) => self.fail(cell, &error.into()),
        }
        Ok(false)
    }

    /// Tells what came of a cell, and how far those of its place are.
    pub(super) fn end(&self, attempts: &Attempts<'_>, pace: Pace) {
        if let Some(record) = &self.records[attempts.number] {
            let verdict = verdict_text(record.verdict);
            self.tell(attempts, &format!(": {verdict}"), pace);
        }
    }

    fn tell(&self, attempts: &Attempts<'_>, what: &str, pace: Pace) {
        let Attempts { number, cell, .. } = attempts;
        let count = self.cells.len();
        let left = match pace.time_left {
            Some(_) if pace.left > 0 => format!(", {pace}"),
            _ => String::new(),
        };
        self.steps.step(&format!(
            "cell {} of {count}: {cell}{what}{left}",
            number + 1
        ));
    }

    /// A cell came to nothing; the others go on.
    pub(super) fn fail(&mut self, cell: &Cell, failure: &Failure) {
        output::note(&format!("error: {cell}: {}", with_causes(failure)));
        self.exits.push(failure.exit());
    }

    /// No other cell is run.
    pub(super) fn interrupt(&mut self) {
        self.exits.push(Exit::Interrupted);
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.exits.contains(&Exit::Interrupted)
    }

    /// What came of the cells, in their order, and whatever else there is to say.
    pub(super) fn close(self) -> (Vec<CellRecord>, Vec<Exit>) {
        (self.records.into_iter().flatten().collect(), self.exits)
    }
}
