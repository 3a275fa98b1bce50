//! What the workers and the nemesis of a run share.

use std::sync::Arc;

use locks::{Error, ErrorKind};

use crate::board::Board;
use crate::burst::StartLine;
use crate::clock::Clock;
use crate::crew::Crew;
use crate::goal::{Goal, Pursuit};
use crate::phase::Phases;
use crate::player::LeftOut;
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
    /// What the run goes on until, if it does: it observes the record.
    pub pursuit: Option<Arc<Pursuit>>,
    /// Who is up.
    pub crew: Crew,
    /// Where the run stands.
    pub phases: Phases,
    /// Where workers gather for bursts.
    pub start_line: StartLine,
    /// What the locks guard.
    pub resource: Resource,
    /// The faults of the schedule that did not happen.
    pub left_out: Watch<Vec<LeftOut>>,
    /// How many workers have nothing more to do.
    pub done: Watch<u32>,
    /// What the service refused to the account of the workers, where it did.
    pub forbidden: Watch<Option<Error>>,
}

impl Shared {
    /// Begins the record of a run of so many workers, which goes on until a goal is reached if it
    /// has one.
    pub(crate) fn begin(
        workers: u32,
        goal: Option<Arc<dyn Goal>>,
        recording: Recording,
        clock: &Clock,
    ) -> Self {
        let board = Arc::new(Board::new(workers as usize));
        let pursuit = goal.map(|goal| Arc::new(Pursuit::of(goal)));
        let mut recording = recording.observed_by(board.clone());
        if let Some(pursuit) = &pursuit {
            recording = recording.observed_by(pursuit.clone());
        }
        Self {
            recorder: Recorder::begin(recording, clock),
            board,
            pursuit,
            crew: Crew::new(workers),
            phases: Phases::default(),
            start_line: StartLine::new(workers as usize),
            resource: Resource::default(),
            left_out: Watch::default(),
            done: Watch::default(),
            forbidden: Watch::default(),
        }
    }

    /// Takes note of an error: what is refused to the account of the workers says nothing of the
    /// lock, so the run is over.
    pub(crate) fn note(&self, error: &Error) {
        if error.kind == ErrorKind::Forbidden {
            self.forbidden
                .change(|first| *first = first.take().or_else(|| Some(error.clone())));
        }
    }

    /// Returns what was refused to the account as soon as something is.
    pub(crate) async fn forbidden(&self) -> Error {
        self.forbidden.when(Option::is_some).await;
        let first = self.forbidden.see(Option::clone);
        first.unwrap_or_else(|| Error::new(ErrorKind::Forbidden, "nothing more is known"))
    }
}
