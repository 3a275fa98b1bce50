//! What the workers and the nemesis of a run share.

use std::sync::Arc;

use super::board::Board;
use super::burst::StartLine;
use super::clock::Clock;
use super::crew::Crew;
use super::phase::Phases;
use super::recorder::{Recorder, Recording};
use super::resource::Resource;
use super::watch::Watch;

/// What one run has once.
#[derive(Debug)]
pub(super) struct Shared {
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
    pub(super) fn begin(workers: u32, recording: Recording, clock: &Clock) -> Self {
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
