//! Plays a schedule: breaks the system and mends it, and records both.

use std::time::Duration;

use history::Draft;
use history::jsonl::LogError;
use nemesis::{Fault, Planned, Schedule, System, SystemError, Target};
use serde_json::json;
use tokio::time::timeout;

use crate::board::Standing;
use crate::phase::Phase;
use crate::shared::Shared;

/// How long a fault that wants a holder, or an administrator, waits for one.
const SOMEBODY_WITHIN: Duration = Duration::from_secs(2);

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

/// Plays the schedule until its end or until the run's time is up; then everything has healed.
///
/// # Errors
/// The system or the record is out of reach: a harness error.
pub(crate) async fn play(
    schedule: &Schedule,
    system: &dyn System,
    workers: usize,
    shared: &Shared,
) -> Result<(), NemesisError> {
    for (id, planned) in schedule.faults.iter().enumerate() {
        let fault = nemesis::find(&planned.fault);
        let fault = fault.ok_or_else(|| NemesisError::UnknownFault(planned.fault.clone()))?;
        if !wait_until(planned.at_ms, shared).await {
            break;
        }
        let targets = targets(fault, planned, workers, shared).await;
        strike(id, fault, &targets, planned.ends_ms(), system, shared).await?;
    }
    Ok(())
}

/// The injection is recorded before the fault is, so that no effect stands before its cause; then
/// that it is in force; and the healing before it is taken off, so that between the last two it
/// surely is on.
async fn strike(
    id: usize,
    fault: &dyn Fault,
    targets: &[usize],
    ends_ms: u64,
    system: &dyn System,
    shared: &Shared,
) -> Result<(), NemesisError> {
    let record = |note| shared.recorder.record(Draft::fault(fault.name(), note));
    let processes: Vec<_> = targets
        .iter()
        .map(|worker| shared.crew.process(*worker))
        .collect();
    record(json!({"id": id, "phase": "inject", "targets": processes}))?;
    fault.inject(system, targets).await?;
    record(json!({"id": id, "phase": "on"}))?;
    wait_until(ends_ms, shared).await;
    record(json!({"id": id, "phase": "heal"}))?;
    fault.heal(system, targets).await?;
    Ok(())
}

/// False if the run's time is up before.
async fn wait_until(at_ms: u64, shared: &Shared) -> bool {
    let clock = shared.recorder.clock();
    tokio::select! {
        biased;
        () = shared.phases.reached(Phase::Finishing) => false,
        () = clock.sleep_until(Duration::from_millis(at_ms)) => true,
    }
}

async fn targets(
    fault: &dyn Fault,
    planned: &Planned,
    workers: usize,
    shared: &Shared,
) -> Vec<usize> {
    let wanted: fn(&Standing) -> bool = match planned.target {
        Target::Administrator { .. } => |worker| worker.administers,
        _ => |worker| worker.holds,
    };
    if let Target::Holder { .. } | Target::Administrator { .. } = planned.target {
        // If nobody does in time the fault strikes somebody all the same; the history shows that it
        // hit no holder.
        let _ = timeout(SOMEBODY_WITHIN, shared.board.somebody(wanted)).await;
    }
    if fault.strikes_all() {
        return (0..workers).collect();
    }
    let targets = planned.target.resolve(workers, &shared.board.those(wanted));
    if let Target::Administrator { draw } = planned.target {
        let into = INTO_THE_ACTION * (draw >> 16) / 0x1_0000;
        shared.recorder.clock().sleep(into).await;
    }
    targets
}

#[cfg(test)]
mod tests;
