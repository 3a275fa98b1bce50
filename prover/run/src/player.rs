//! Plays a schedule: breaks the system and mends it, and records both.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::try_join_all;
use history::Draft;
use history::fault::{Note, Targets};
use history::jsonl::LogError;
use nemesis::{
    Fault, Landing, Planned, Schedule, Strike, System, SystemError, Target, Timer, Worker,
};
use tokio::time::timeout;

use crate::occupied::Occupied;
use crate::phase::Phase;
use crate::shared::Shared;
use crate::watch::Watch;

/// How long a fault that wants somebody in particular, such as a holder, waits for one.
const SOMEBODY_WITHIN: Duration = Duration::from_secs(2);

/// Why a fault is left out that comes too late.
const TIME_UP: &str = "the run's time was up before it began";

/// How long after its beginning an action of an administrator is struck at the latest.
const INTO_THE_ACTION: Duration = Duration::from_millis(40);

/// Why the nemesis could not go on.
#[derive(Debug, thiserror::Error)]
pub enum NemesisError {
    /// The system could not be broken or mended.
    #[error(transparent)]
    System(#[from] SystemError),
    /// The history could not be written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The schedule names something that is not a fault.
    #[error("\"{0}\" is not a fault")]
    UnknownFault(String),
}

/// A fault of the schedule that did not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its place in the schedule, counted from 0.
    pub place: usize,
    /// Its name.
    pub fault: String,
    /// Why.
    pub why: &'static str,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, fault, why } = self;
        write!(
            out,
            "fault {place} of the schedule ({fault}) was left out: {why}"
        )
    }
}

/// Plays the schedule until its end or until the run's time is up; then everything has healed.
/// Faults that overlap are on at the same time. One that is late delays those that come after it;
/// what then does not fit into the run any more is left out.
///
/// # Errors
/// The system or the record is out of reach: a harness error.
pub(crate) async fn play(
    schedule: &Schedule,
    system: &dyn System,
    workers: usize,
    time_limit: Duration,
    shared: &Shared,
) -> Result<(), NemesisError> {
    let player = Player {
        schedule,
        system,
        workers,
        time_limit,
        shared,
        occupied: Occupied::default(),
    };
    let lanes = schedule.lanes();
    try_join_all(lanes.iter().map(|lane| player.play(lane))).await?;
    Ok(())
}

struct Player<'a> {
    schedule: &'a Schedule,
    system: &'a dyn System,
    workers: usize,
    time_limit: Duration,
    shared: &'a Shared,
    occupied: Occupied,
}

impl Player<'_> {
    /// Plays faults, given by their places in the schedule, one after the other.
    async fn play(&self, lane: &[usize]) -> Result<(), NemesisError> {
        for place in lane {
            let planned = &self.schedule.faults[*place];
            let fault = nemesis::find(&planned.fault);
            let fault = fault.ok_or_else(|| NemesisError::UnknownFault(planned.fault.clone()))?;
            let in_time = self.wait_until(Duration::from_millis(planned.at_ms)).await;
            let taken = if in_time {
                self.take(fault, planned).await
            } else {
                None
            };
            let Some(targets) = taken else {
                self.leave_out(*place, planned, TIME_UP);
                continue;
            };
            if targets.is_empty() {
                self.leave_out(*place, planned, "it names no worker of this run");
            } else if self.shared.phases.now() >= Phase::Healing {
                self.leave_out(*place, planned, TIME_UP);
            } else if self.fits(planned) {
                self.strike(*place as u64, fault, planned, &targets).await?;
            } else {
                self.leave_out(
                    *place,
                    planned,
                    "it could not last as long as planned any more",
                );
            }
            self.occupied.release(fault.parts(), &targets);
        }
        Ok(())
    }

    fn leave_out(&self, place: usize, planned: &Planned, why: &'static str) {
        let left_out = LeftOut {
            place,
            fault: planned.fault.clone(),
            why,
        };
        self.shared.left_out.change(|all| all.push(left_out));
    }

    /// The injection is recorded before the fault is, so that no effect stands before its cause;
    /// then that it is in force; the healing before it is taken off, so that between the last two
    /// it surely is on; and at last that nothing is left of it. It lasts as long as it was planned
    /// to, from when it is in force. What waits for its moment is recorded when that has come: what
    /// happened before was none of its effects.
    async fn strike(
        &self,
        id: u64,
        fault: &dyn Fault,
        planned: &Planned,
        targets: &[Worker],
    ) -> Result<(), NemesisError> {
        let record = |note| {
            let draft = Draft::fault(fault.name(), note);
            self.shared.recorder.record(draft)
        };
        let timer = UntilEnd::of_the_run(self.shared);
        let strike = |targets| Strike {
            system: self.system,
            targets,
            parameters: &planned.parameters,
            timer: &timer,
        };
        let Some(moment) = fault.moment(&strike(targets)).await? else {
            record(self.inject(id, fault, planned, targets))?;
            record(Note::Heal { id, missed: true })?;
            let evidence = fault.heal(&strike(targets)).await?;
            record(Note::Healed { id, evidence })?;
            return Ok(());
        };
        let strike = strike(&moment.targets);
        record(self.inject(id, fault, planned, &moment.targets))?;
        let landing = fault.inject(&strike).await?.with(moment.evidence);
        let missed = match landing {
            Landing::InForce(evidence) => {
                record(Note::On { id, evidence })?;
                let ends = self.shared.recorder.clock().elapsed() + lasting(planned);
                timer.end_at(ends);
                fault.sustain(&strike).await?;
                self.wait_until(ends).await;
                false
            }
            Landing::Missed => true,
        };
        record(Note::Heal { id, missed })?;
        let evidence = fault.heal(&strike).await?;
        record(Note::Healed { id, evidence })?;
        Ok(())
    }

    fn inject(&self, id: u64, fault: &dyn Fault, planned: &Planned, targets: &[Worker]) -> Note {
        let process = |worker: &Worker| self.shared.crew.process(*worker);
        let mut parameters = planned.parameters.clone();
        parameters.extend(fault.traits(self.system.clients()));
        parameters.insert("for_ms".to_owned(), planned.for_ms.into());
        Note::Inject {
            id,
            class: fault.class(),
            targets: Targets::Processes(targets.iter().map(process).collect()),
            parameters,
        }
    }

    async fn wait_until(&self, at: Duration) -> bool {
        wait_until(self.shared, at).await
    }

    /// Whether a fault that begins now can last as long as it was planned to.
    fn fits(&self, planned: &Planned) -> bool {
        self.shared.recorder.clock().elapsed() + lasting(planned) <= self.time_limit
    }

    /// Chooses the targets of a fault and takes hold of them; nothing if the run's time is up
    /// before they can be had.
    async fn take(&self, fault: &dyn Fault, planned: &Planned) -> Option<Vec<Worker>> {
        let board = &self.shared.board;
        if planned.target.wants_somebody() {
            // If nobody is so in time the fault strikes somebody all the same; the history shows
            // that it hit nobody of those.
            let somebody = timeout(SOMEBODY_WITHIN, board.somebody(&planned.target));
            tokio::select! {
                biased;
                () = self.shared.phases.reached(Phase::Healing) => return None,
                _ = somebody => {}
            }
        }
        let choose = |free: &[Worker]| {
            let wanted = board.those(&planned.target);
            self.choose(fault, planned, free, &wanted)
        };
        let targets = tokio::select! {
            biased;
            targets = self.occupied.take(fault.parts(), self.workers, choose) => targets,
            () = self.shared.phases.reached(Phase::Healing) => return None,
        };
        if let Target::Administrator { draw } = planned.target
            && fault.struck(&planned.parameters, self.workers).is_none()
        {
            let into = INTO_THE_ACTION * (draw >> 16) / 0x1_0000;
            self.shared.recorder.clock().sleep(into).await;
        }
        Some(targets)
    }

    /// Whom a fault strikes among those who are free; nothing if it has to wait for others.
    fn choose(
        &self,
        fault: &dyn Fault,
        planned: &Planned,
        free: &[Worker],
        wanted: &[Worker],
    ) -> Option<Vec<Worker>> {
        let target = &planned.target;
        let is_there = |worker: &Worker| *worker < self.workers;
        let named = |named: &[Worker]| named.iter().copied().filter(is_there).collect();
        let struck = fault.struck(&planned.parameters, self.workers);
        let must_be_free = struck.or_else(|| target.named().map(named));
        match must_be_free {
            Some(targets) => {
                let are_free = targets.iter().all(|worker| free.contains(worker));
                are_free.then_some(targets)
            }
            None => Some(target.resolve(free, wanted)).filter(|targets| !targets.is_empty()),
        }
    }
}

/// The time of a fault, which is over when it ends or when that of the run is.
struct UntilEnd<'a> {
    shared: &'a Shared,
    ends: Watch<Duration>,
}

impl<'a> UntilEnd<'a> {
    fn of_the_run(shared: &'a Shared) -> Self {
        let ends = Watch::new(Duration::MAX);
        Self { shared, ends }
    }

    fn end_at(&self, time: Duration) {
        self.ends.change(|ends| *ends = time);
    }
}

#[async_trait]
impl Timer for UntilEnd<'_> {
    async fn rest(&self, time: Duration) -> bool {
        let at = self.shared.recorder.clock().elapsed().saturating_add(time);
        let ends = self.ends.see(|ends| *ends);
        wait_until(self.shared, at.min(ends)).await && at < ends
    }
}

/// False if the run's time is up before.
async fn wait_until(shared: &Shared, at: Duration) -> bool {
    tokio::select! {
        biased;
        () = shared.phases.reached(Phase::Healing) => false,
        () = shared.recorder.clock().sleep_until(at) => true,
    }
}

fn lasting(planned: &Planned) -> Duration {
    Duration::from_millis(planned.for_ms)
}

#[cfg(test)]
mod tests;
