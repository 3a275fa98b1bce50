//! One simulated run that leaves nothing on disk: what campaigns, shrinking and the self-test are
//! made of.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use checker::Judgement;
use checker::certificate::Certificate;
use history::History;
use plan::Plan;
use plan::manifest::State;
use run::{Ran, Recording, RunError};

use crate::judgement::Criteria;
use crate::limits::within;
use crate::simulation::simulate;

/// How far the judgement of one trial, and the issue of its certificate, may search.
const SEARCH_WITHIN: Duration = Duration::from_secs(10);
const SEARCH_BYTES: u64 = 1 << 30;

/// What came of a trial.
#[derive(Debug)]
pub struct Trial {
    /// What was recorded: the bytes that a stored run would have in its file.
    pub record: Vec<u8>,
    /// The same, as it was judged.
    pub history: History,
    /// How it ended.
    pub ran: Ran,
    /// What was found out.
    pub judgement: Judgement,
    criteria: Criteria,
}

impl Trial {
    /// How many clients may hold a lock at one time.
    #[must_use]
    pub fn slots(&self) -> u32 {
        self.criteria.scope().slots.get()
    }

    /// The evidence for what was found out.
    #[must_use]
    pub fn certificate(&self) -> Certificate {
        within(SEARCH_WITHIN, SEARCH_BYTES, |limits| {
            self.criteria
                .certificate(&self.history, &self.judgement, limits)
        })
    }
}

/// Why a trial came to nothing: a harness error, never a finding about the lock.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// The run broke down.
    #[error("the run broke down: {0}")]
    Run(#[from] RunError),
    /// What was recorded is no history.
    #[error("the record is no history: {0}")]
    History(#[from] history::jsonl::ReadError),
    /// A model that does not exist.
    #[error(transparent)]
    Model(#[from] checker::model::NameError),
}

/// Carries out a plan in a simulation on this thread, and judges it.
///
/// # Errors
/// The harness broke down.
pub fn attempt(mut plan: Plan) -> Result<Trial, TrialError> {
    let memory = Memory::default();
    let recording = Recording::new(memory.clone());
    let ran = simulate(&plan, recording, std::future::pending())?;
    let record = memory.take();
    let history = history::jsonl::read(record.as_slice())?;
    let criteria = Criteria::of_plan(&mut plan);
    let judgement = within(SEARCH_WITHIN, SEARCH_BYTES, |limits| {
        criteria.judge(&history, Some(&State::from(ran.stop)), limits)
    })?;
    Ok(Trial {
        record,
        history,
        ran,
        judgement,
        criteria,
    })
}

/// An in-memory sink.
#[derive(Clone, Debug, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl Memory {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
