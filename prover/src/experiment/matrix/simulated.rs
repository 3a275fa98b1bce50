//! Has the cells of the simulation run by the engine: all that are open with their next seeds, then
//! those again of which nothing could be said. They leave nothing on disk: their commands repeat
//! them to the byte.

use std::ops::ControlFlow;

use plan::Plan;
use plan::spec::RunSpec;
use suite::{Engine, Evidence, Outcome, Pace};
use testbed::Described;

use super::attempts::{Attempts, CellRun};
use super::ledger::Ledger;
use crate::failure::Failure;
use crate::interruption::unless_interrupted;

/// So many runs are under way before anybody looks at what came of them.
const BATCH: usize = 8;

/// A cell with its next run.
struct Planned<'a> {
    attempts: Attempts<'a>,
    spec: RunSpec,
    repeat: String,
}

/// Runs the cells, unless it is interrupted.
///
/// # Errors
/// What was found cannot be stored.
pub(super) async fn run<'a>(
    mut open: Vec<Attempts<'a>>,
    ledger: &mut Ledger<'a>,
) -> Result<(), Failure> {
    while !open.is_empty() && !ledger.is_interrupted() {
        let planned = open
            .into_iter()
            .filter_map(|cell| plan(cell, ledger))
            .collect();
        open = round(planned, ledger).await?;
    }
    Ok(())
}

fn plan<'a>(attempts: Attempts<'a>, ledger: &mut Ledger<'a>) -> Option<Planned<'a>> {
    let spec = attempts.spec();
    match Plan::new(&spec) {
        Ok(plan) => Some(Planned {
            attempts,
            spec,
            repeat: plan.spec.command_line(),
        }),
        Err(error) => {
            ledger.fail(attempts.cell, &error.into());
            None
        }
    }
}

/// One run of each cell; those are left of which nothing could be said.
async fn round<'a>(
    planned: Vec<Planned<'a>>,
    ledger: &mut Ledger<'a>,
) -> Result<Vec<Attempts<'a>>, Failure> {
    let specs: Vec<_> = planned.iter().map(|run| run.spec.clone()).collect();
    let mut planned = planned.into_iter();
    let mut again = Vec::new();
    let mut stored = Ok(());
    let (ended, was_interrupted) = unless_interrupted(|go_on| {
        let engine = Engine {
            batch: BATCH,
            evidence: Evidence::Unasked,
            schedule: None,
            go_on,
        };
        engine.run(specs, |outcome, pace| {
            let run = planned.next().expect("an outcome is of a spec");
            match take(run, outcome, pace, ledger) {
                Ok(cell) => again.extend(cell),
                Err(failure) => {
                    stored = Err(failure);
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        })
    })
    .await;
    stored?;
    if ended?.is_break() || (was_interrupted && !again.is_empty()) {
        ledger.interrupt();
    }
    Ok(again)
}

/// Takes in a run; the cell is left if there is to be another of it.
fn take<'a>(
    run: Planned<'a>,
    outcome: Outcome,
    pace: Pace,
    ledger: &mut Ledger<'a>,
) -> Result<Option<Attempts<'a>>, Failure> {
    let mut attempts = run.attempts;
    let run = CellRun {
        outcome,
        testbed: Described::simulated().to_string(),
        repeat: run.repeat,
        folder: None,
    };
    let again = ledger.take(&mut attempts, run)?;
    ledger.end(&attempts, pace);
    Ok(again.then_some(attempts))
}
