//! `prover shrink`: what is left of a run when everything that its violation does not need is left
//! out.

use std::path::{Path, PathBuf};
use std::time::Duration;

use checker::{Verdict, counted};
use nemesis::Schedule;
use plan::spec::RunSpec;
use plan::{GroundError, Plan, PlanError, bounded};
use suite::Criteria;
use suite::within;
use suite::{Case, Shrunk, shrink};
use testbed::Progress;

use super::{replay, run};
use crate::cli::{OutputArgs, ShrinkArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, Format, Steps};
use crate::reading;
use crate::repeat::{self, lasting};
use crate::store::file;

/// How far the judgement of the run may search.
const SEARCH_WITHIN: Duration = Duration::from_secs(60);
const SEARCH_BYTES: u64 = 4 << 30;

/// Shrinks the run, then runs and stores what is left like any other run.
pub(super) async fn shrink_run(arguments: &ShrinkArgs) -> Result<Exit, Failure> {
    let cases = cases(arguments)?;
    let [_, whole] = &cases;
    let before = (whole.schedule.faults.len(), whole.schedule.calls.len());
    let steps = Steps::new(arguments.quiet);
    let shrunk = tokio::task::block_in_place(|| {
        shrink(cases, |left| {
            let (faults, calls) = (left.faults.len(), left.calls.len());
            let (faults, calls) = (
                counted(faults as u64, "fault"),
                counted(calls as u64, "operation"),
            );
            steps.step(&format!("down to {faults} and {calls}"));
        })
    });
    steps.done();
    let Shrunk { case, trials } = shrunk?;
    let schedule = case.schedule;
    output::result(&format!(
        "shrunk:  {} to {}, {} to {}, in {}",
        counted(before.0 as u64, "fault"),
        schedule.faults.len(),
        counted(before.1 as u64, "operation"),
        schedule.calls.len(),
        counted(trials, "run")
    ))?;
    let spec = RunSpec {
        schedule: Some(keep(&arguments.folder, &schedule)?),
        ..case.spec
    };
    let output = OutputArgs {
        results: arguments.results.clone(),
        commit: None,
        format: Format::Human,
        quiet: arguments.quiet,
    };
    let exit = run::run_with(&spec, None, Duration::ZERO, &output).await?;
    let mut elsewhere = RunSpec {
        testbed: "docker".to_owned(),
        ..spec
    };
    // What stands still in the simulation is a process elsewhere.
    elsewhere.isolate = matches!(
        Plan::new(&elsewhere),
        Err(PlanError::Ground(GroundError::OwnProcesses(_)))
    );
    output::result(&match Plan::new(&elsewhere) {
        Ok(_) => {
            let command = repeat::of_spec(&elsewhere, &arguments.results);
            format!("on RabbitMQ: {command}")
        }
        Err(why) => format!("on RabbitMQ: it cannot be repeated there: {why}"),
    })?;
    Ok(exit)
}

/// Writes the schedule beside the run that it was made from.
fn keep(folder: &Path, schedule: &Schedule) -> Result<PathBuf, Failure> {
    let path = lasting(folder).join(file::SHRUNK);
    let mut text = serde_json::to_string_pretty(schedule).unwrap_or_default();
    text.push('\n');
    match std::fs::write(&path, text) {
        Ok(()) => Ok(path),
        Err(source) => Err(Failure::Write { path, source }),
    }
}

/// The scripts of the run; the last has everything.
fn cases(arguments: &ShrinkArgs) -> Result<[Case; 2], Failure> {
    let spec = replay::stored(&arguments.folder)?;
    let path = arguments.folder.join(file::HISTORY);
    let history = reading::history(&path)?;
    let manifest = reading::manifest_beside(&path)?;
    let manifest = manifest.ok_or_else(|| Failure::NoRun(arguments.folder.clone()))?;
    let guarantee = match &arguments.guarantee {
        Some(name) => {
            let within = manifest.plan.progress_within();
            checker::parse(&bounded(name, within))?.name()
        }
        None => {
            let criteria = Criteria::of_manifest(&manifest)?;
            let judgement = within(SEARCH_WITHIN, SEARCH_BYTES, |limits| {
                criteria.judge(&history, Some(&manifest.state), limits)
            })?;
            let judged = judgement.guarantees.iter().filter(|row| row.judged);
            let mut violated = judged.filter(|row| row.finding.verdict == Verdict::Violated);
            let first = violated.next();
            let first = first.ok_or_else(|| Failure::NothingViolated(arguments.folder.clone()))?;
            first.finding.guarantee.clone()
        }
    };
    let schedule = reading::schedule_in(&arguments.folder)?;
    let planned = &manifest.plan;
    Ok(Case::of_run(
        &spec, planned, &guarantee, &history, &schedule,
    ))
}
