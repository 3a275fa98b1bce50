//! Finds the fewest faults, workers and operations that still violate a guarantee.
//!
//! What the clients of a run did becomes a script, whom its faults struck becomes explicit, and
//! then pieces are left out as long as the violation stays: first large ones, then single ones,
//! until nothing more can be left out.

use std::collections::{BTreeMap, BTreeSet};

use checker::Verdict;
use history::fault::Window;
use history::{Event, Function, History, Kind, Process};
use nemesis::{Call, Planned, Request, Schedule, Target};
use plan::spec::RunSpec;
use plan::{Plan, PlanError};
use run::seed::Seed;

use super::trial::{TrialError, attempt};

/// A violation must show under each of so many seeds: what hangs on one draw of latencies is no
/// counterexample that anybody can repeat.
const SEEDS: u64 = 3;

/// A script of clients and faults, and who must violate what.
#[derive(Clone, Debug)]
pub struct Case {
    /// The run, but for its schedule.
    pub spec: RunSpec,
    /// The guarantee.
    pub guarantee: String,
    /// What happens.
    pub schedule: Schedule,
}

/// What is left of a case.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The smallest case that was found.
    pub case: Case,
    /// How many runs it took.
    pub trials: u64,
}

/// Why a case cannot be shrunk.
#[derive(Debug, thiserror::Error)]
pub enum ShrinkError {
    /// It makes no plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A trial broke down.
    #[error(transparent)]
    Trial(#[from] TrialError),
    /// The script of the run does not show the violation.
    #[error(
        "{0} is not violated when the run's clients and faults are played as a script in the simulation: there is nothing to shrink"
    )]
    NotRepeated(String),
}

impl Case {
    /// The script of a stored run.
    #[must_use]
    pub fn of_run(
        spec: &RunSpec,
        guarantee: &str,
        history: &History,
        schedule: &Schedule,
        concurrency: u32,
    ) -> Self {
        Self {
            spec: RunSpec {
                testbed: "sim".to_owned(),
                nemesis: "none".to_owned(),
                guarantees: vec![guarantee.to_owned()],
                concurrency: Some(concurrency),
                swarm: false,
                schedule: None,
                rabbitmq: None,
                toxiproxy: None,
                keep: false,
                ..spec.clone()
            },
            guarantee: guarantee.to_owned(),
            schedule: Schedule {
                faults: faults(history, schedule, concurrency),
                calls: calls(history, concurrency),
            },
        }
    }

    fn plan(&self, seed: Seed) -> Result<Plan, PlanError> {
        let spec = RunSpec {
            seed: Some(seed),
            ..self.spec.clone()
        };
        Plan::with(&spec, Some(self.schedule.clone()))
    }

    /// Whether the violation shows under every seed.
    fn is_violated(&self) -> Result<bool, ShrinkError> {
        // Without a script the workload would decide again what the clients do.
        if self.schedule.calls.is_empty() {
            return Ok(false);
        }
        let first = self.spec.seed.map_or(0, |seed| seed.0);
        for seed in first..first.saturating_add(SEEDS) {
            let trial = attempt(self.plan(Seed(seed))?)?;
            let rows = &trial.judgement.guarantees;
            let is_violated = rows.iter().any(|row| {
                row.finding.guarantee == self.guarantee && row.finding.verdict == Verdict::Violated
            });
            if !is_violated {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Leaves out whatever the violation does not need.
///
/// # Errors
/// The case does not show the violation, or a trial broke down.
pub fn shrink(case: Case, mut progress: impl FnMut(&Schedule)) -> Result<Shrunk, ShrinkError> {
    if !case.is_violated()? {
        return Err(ShrinkError::NotRepeated(case.guarantee));
    }
    let mut shrunk = Shrunk {
        case,
        trials: SEEDS,
    };
    loop {
        let before = shrunk.case.schedule.clone();
        shrunk.leave_out_workers()?;
        shrunk.leave_out(|schedule| &mut schedule.faults)?;
        shrunk.leave_out(|schedule| &mut schedule.calls)?;
        progress(&shrunk.case.schedule);
        if shrunk.case.schedule == before {
            break;
        }
    }
    shrunk.renumber()?;
    Ok(shrunk)
}

impl Shrunk {
    /// Takes a smaller case, if it still shows the violation.
    fn try_case(&mut self, case: Case) -> Result<bool, ShrinkError> {
        self.trials += SEEDS;
        let is_violated = case.is_violated()?;
        if is_violated {
            self.case = case;
        }
        Ok(is_violated)
    }

    fn try_schedule(&mut self, schedule: Schedule) -> Result<bool, ShrinkError> {
        let case = Case {
            schedule,
            ..self.case.clone()
        };
        self.try_case(case)
    }

    /// Leaves out pieces of a list: halves of it, then quarters, down to single ones.
    fn leave_out<T: Clone>(
        &mut self,
        list: impl Fn(&mut Schedule) -> &mut Vec<T>,
    ) -> Result<(), ShrinkError> {
        let mut schedule = self.case.schedule.clone();
        let mut size = list(&mut schedule).len().div_ceil(2);
        while size > 0 {
            // From the end: what came after the violation goes first.
            let mut end = list(&mut self.case.schedule.clone()).len();
            while end > 0 {
                let begin = end.saturating_sub(size);
                let mut schedule = self.case.schedule.clone();
                list(&mut schedule).drain(begin..end);
                self.try_schedule(schedule)?;
                end = begin;
            }
            size /= 2;
        }
        Ok(())
    }

    fn leave_out_workers(&mut self) -> Result<(), ShrinkError> {
        for worker in workers(&self.case.schedule) {
            let mut schedule = self.case.schedule.clone();
            schedule.calls.retain(|call| call.worker != worker);
            self.try_schedule(schedule)?;
        }
        Ok(())
    }

    /// Gives the workers that are left the lowest numbers.
    fn renumber(&mut self) -> Result<(), ShrinkError> {
        let kept = workers(&self.case.schedule);
        let numbers: BTreeMap<u32, u32> = kept.into_iter().zip(0..).collect();
        let mut case = self.case.clone();
        for call in &mut case.schedule.calls {
            call.worker = numbers[&call.worker];
        }
        for fault in &mut case.schedule.faults {
            if let Target::Workers(targets) = &mut fault.target {
                let number = |target: &usize| numbers.get(&u32::try_from(*target).ok()?).copied();
                *targets = targets
                    .iter()
                    .filter_map(number)
                    .map(|new| new as usize)
                    .collect();
            }
        }
        case.spec.concurrency = u32::try_from(numbers.len()).ok();
        // Other numbers mean other draws; if those hide the violation the old ones stay.
        self.try_case(case)?;
        Ok(())
    }
}

fn workers(schedule: &Schedule) -> BTreeSet<u32> {
    schedule.calls.iter().map(|call| call.worker).collect()
}

/// What the clients of a run asked for, and when.
fn calls(history: &History, concurrency: u32) -> Vec<Call> {
    let call = |event: &Event| {
        let Process::Client(process) = event.process else {
            return None;
        };
        let f = match event.function {
            Function::Acquire => Request::Acquire,
            Function::Verify => Request::Verify,
            Function::Release => Request::Release,
            _ => return None,
        };
        (event.kind == Kind::Invoke).then(|| Call {
            at_ms: millis(event.time),
            worker: process % concurrency,
            f,
            key: event.key.as_deref().unwrap_or_default().to_owned(),
        })
    };
    history.events().iter().filter_map(call).collect()
}

/// The faults of a run as they happened: at their own times, and on those whom they struck.
fn faults(history: &History, schedule: &Schedule, concurrency: u32) -> Vec<Planned> {
    let at = |place: usize| millis(history.events()[place].time);
    let happened = |window: &Window| {
        let planned = schedule.faults.get(usize::try_from(window.id).ok()?)?;
        let worker = |process: &u32| (process % concurrency) as usize;
        let at_ms = at(window.inject);
        Some(Planned {
            at_ms,
            for_ms: window
                .heal
                .map_or(planned.for_ms, |heal| at(heal).saturating_sub(at_ms)),
            target: Target::Workers(window.targets.processes().iter().map(worker).collect()),
            ..planned.clone()
        })
    };
    history.windows().iter().filter_map(happened).collect()
}

fn millis(time_ns: u64) -> u64 {
    time_ns / 1_000_000
}
