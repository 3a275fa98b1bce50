//! What the workers and the nemesis of a run share.

use std::sync::Arc;

use crate::board::Board;
use crate::burst::StartLine;
use crate::clock::Clock;
use crate::crew::Crew;
use crate::phase::Phases;
use crate::recorder::{Recorder, Recording};
use crate::resource::Resource;
use crate::watch::Watch;

/// What one run has once.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The record.
    pub recorder: Recorder,
    /// Who holds: it observes the record.
    pub board: Arc<Board>,
    /// Who is up.
    pub crew: Crew,
    /// Where the run stands.
    pub phases: Phases,
    /// Where workers gather for bursts.
    pub start_line: StartLine,
    /// What the locks guard.
    pub resource: Resource,
    /// How many workers have nothing more to do.
    pub done: Watch<u32>,
}

impl Shared {
    /// Begins the record of a run of so many workers.
    pub(crate) fn begin(workers: u32, recording: Recording, clock: &Clock) -> Self {
        let board = Arc::new(Board::new(workers as usize));
        Self {
            recorder: Recorder::begin(recording.observed_by(board.clone()), clock),
            board,
            crew: Crew::new(workers),
            phases: Phases::default(),
            start_line: StartLine::new(workers as usize),
            resource: Resource::default(),
            done: Watch::default(),
        }
    }
}
