//! Finds the fewest faults, workers and operations that still violate a guarantee.
//!
//! What the clients of a run did becomes a script, whom its faults struck becomes explicit, and
//! then pieces are left out as long as the violation stays: first large ones, then single ones,
//! until nothing more can be left out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use checker::Verdict;
use history::fault::Window;
use history::{Function, History, Kind, Operation, Process, Value};
use nemesis::Aim;
use nemesis::{Call, Request, Schedule, Target};
use plan::manifest::Planned;
use plan::spec::RunSpec;
use plan::{Plan, PlanError};
use run::seed::Seed;
use workloads::Needs;

use super::trial::{TrialError, attempt};

/// A violation must show under each of so many seeds: what hangs on one draw of latencies is no
/// counterexample that anybody can repeat.
const SEEDS: u64 = 3;

/// How exactly times are shortened, in milliseconds.
const EXACT_MS: u64 = 10;

/// So long, in milliseconds, is the time between two things at the least, if the violation allows
/// it: what follows at once in a simulation a real broker and its clients do not repeat.
const GAP_MS: u64 = 500;

/// How long a run goes on after its last call.
const AFTER_LAST: Duration = Duration::from_secs(1);

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
    /// The scripts of a stored run, of which `planned` says what a swarm drew: what came to
    /// something, and everything.
    #[must_use]
    pub fn of_run(
        spec: &RunSpec,
        planned: &Planned,
        guarantee: &str,
        history: &History,
        schedule: &Schedule,
    ) -> [Self; 2] {
        let concurrency = planned.concurrency;
        let workload = workloads::find(&spec.workload);
        let administers = workload.is_some_and(|it| it.needs() == Needs::Administration);
        let case = |calls: Vec<Call>| Self {
            spec: RunSpec {
                isolate: false,
                time_limit: spec.time_limit.max(end_of(&calls)),
                until_covered: false,
                at_most: None,
                testbed: "sim".to_owned(),
                nemesis: "none".to_owned(),
                target: Aim::default(),
                nemesis_at_once: 1,
                nemesis_interval: None,
                nemesis_duration: None,
                coverage: None,
                guarantees: vec![guarantee.to_owned()],
                concurrency: Some(concurrency),
                heartbeat: Some(planned.heartbeat()),
                swarm: false,
                schedule: None,
                service: Vec::new(),
                rabbitmq: None,
                nodes: 1,
                partition_handling: None,
                toxiproxy: None,
                keep: false,
                ..spec.clone()
            },
            guarantee: guarantee.to_owned(),
            schedule: Schedule {
                faults: faults(history, schedule, concurrency),
                calls,
            },
        };
        // What the nemesis has clients administer it has them again.
        let is_own = |call: &Call| administers || !Function::from(call.f).is_administration();
        [calls_in_effect, calls].map(|calls| {
            let mut own = calls(history, concurrency);
            own.retain(is_own);
            case(own)
        })
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
        for later in 0..SEEDS {
            let trial = attempt(self.plan(Seed(first.wrapping_add(later)))?)?;
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

/// Leaves out whatever the violation does not need of the first case that shows it.
///
/// # Errors
/// No case shows the violation, or a trial broke down.
pub fn shrink(
    cases: impl IntoIterator<Item = Case>,
    mut progress: impl FnMut(&Schedule),
) -> Result<Shrunk, ShrinkError> {
    let mut shrunk = first_violated(cases)?;
    loop {
        let before = shrunk.case.schedule.clone();
        shrunk.leave_out_vain()?;
        shrunk.leave_out_groups(|call| call.worker)?;
        shrunk.leave_out_groups(|call| call.key.clone())?;
        shrunk.leave_out_groups(|call| Function::from(call.f).to_string())?;
        shrunk.leave_out_beginning()?;
        shrunk.leave_out(|schedule| &mut schedule.faults)?;
        shrunk.leave_out(|schedule| &mut schedule.calls)?;
        shrunk.shorten()?;
        progress(&shrunk.case.schedule);
        if shrunk.case.schedule == before {
            break;
        }
    }
    shrunk.renumber()?;
    Ok(shrunk)
}

fn first_violated(cases: impl IntoIterator<Item = Case>) -> Result<Shrunk, ShrinkError> {
    let mut guarantee = String::new();
    let mut trials = 0;
    for case in cases {
        trials += SEEDS;
        if case.is_violated()? {
            return Ok(Shrunk { case, trials });
        }
        guarantee = case.guarantee;
    }
    Err(ShrinkError::NotRepeated(guarantee))
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

    /// Leaves out all calls that are alike in something, each kind at once.
    fn leave_out_groups<K: Ord>(&mut self, kind: impl Fn(&Call) -> K) -> Result<(), ShrinkError> {
        let kinds: BTreeSet<K> = self.case.schedule.calls.iter().map(&kind).collect();
        for one in kinds {
            let mut schedule = self.case.schedule.clone();
            schedule.calls.retain(|call| kind(call) != one);
            self.try_schedule(schedule)?;
        }
        Ok(())
    }

    /// Leaves out as much of the beginning as can be left out at once: what was granted there keeps
    /// everything after it as it is, so little of it can be left out by itself.
    fn leave_out_beginning(&mut self) -> Result<(), ShrinkError> {
        let (mut least, mut too_much) = (0, self.case.schedule.calls.len());
        let whole = self.case.schedule.clone();
        while least + 1 < too_much {
            let count = least.midpoint(too_much);
            let mut schedule = whole.clone();
            schedule.calls.drain(..count);
            if self.try_schedule(schedule)? {
                least = count;
            } else {
                too_much = count;
            }
        }
        Ok(())
    }

    /// Leaves out the calls that came to nothing: what failed, and what made no sense.
    fn leave_out_vain(&mut self) -> Result<(), ShrinkError> {
        let seed = self.case.spec.seed.unwrap_or(Seed(0));
        let trial = attempt(self.case.plan(seed)?)?;
        self.trials += 1;
        let mut done = Done::of(&trial.history, self.case.spec.concurrency.unwrap_or(1));
        let mut schedule = self.case.schedule.clone();
        schedule.calls.retain(|call| done.was_fruitful(call));
        if schedule != self.case.schedule {
            self.try_schedule(schedule)?;
        }
        Ok(())
    }

    /// Lets as little time pass as the violation allows, and as real brokers can follow: from the
    /// beginning to what happens first, from each thing to the next, and after the last.
    fn shorten(&mut self) -> Result<(), ShrinkError> {
        let mut before = 0;
        let mut place = 0;
        while let Some(at) = moments(&self.case.schedule).get(place).copied() {
            // Nothing comes before the first.
            let least = if place == 0 { 0 } else { GAP_MS };
            let gap = self.shorten_gap(before, at, least)?;
            before += gap;
            place = moments(&self.case.schedule).partition_point(|moment| *moment <= before);
        }
        let time_limit = end_of(&self.case.schedule.calls).max(Duration::from_millis(before));
        let mut case = self.case.clone();
        case.spec.time_limit = time_limit;
        self.try_case(case)?;
        Ok(())
    }

    /// Makes the time between two moments, of which the later is at `at`, as short as it can be,
    /// but
    /// `least` at the least, if it can be as long as that; returns how long it is then.
    fn shorten_gap(&mut self, before: u64, at: u64, least: u64) -> Result<u64, ShrinkError> {
        let whole = self.case.schedule.clone();
        if at - before < least {
            let longer = moved(&whole, at, before + least);
            let is_possible = self.try_schedule(longer)?;
            return Ok(if is_possible { least } else { at - before });
        }
        let (mut too_short, mut enough) = (0, at - before);
        let mut tried = least;
        while tried < enough {
            if self.try_schedule(moved(&whole, at, before + tried))? {
                enough = tried;
            } else {
                too_short = tried;
            }
            if enough - too_short <= EXACT_MS.max(enough / 10) {
                break;
            }
            tried = too_short.midpoint(enough);
        }
        Ok(enough)
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
        case.spec.concurrency = Some(numbers.len() as u32).max(Some(fewest_workers(&case.spec)));
        // Other numbers mean other draws; if those hide the violation the old ones stay.
        self.try_case(case)?;
        Ok(())
    }
}

/// What each worker did, in order: when it asked for it, and whether it came to something.
struct Done(BTreeMap<u32, VecDeque<Act>>);

struct Act {
    f: Request,
    at_ms: u64,
    is_fruitful: bool,
}

impl Done {
    fn of(history: &History, concurrency: u32) -> Self {
        let mut done: BTreeMap<u32, VecDeque<Act>> = BTreeMap::new();
        for operation in history.operations() {
            let invocation = operation.invoke;
            let (Process::Client(process), Some(f)) =
                (invocation.process, Request::of(&invocation.function))
            else {
                continue;
            };
            let act = Act {
                f,
                at_ms: millis(invocation.time),
                is_fruitful: operation.outcome() != Kind::Fail,
            };
            done.entry(process % concurrency)
                .or_default()
                .push_back(act);
        }
        Self(done)
    }

    /// Whether the worker's next act is what it was told to do, and came to something.
    fn was_fruitful(&mut self, call: &Call) -> bool {
        let Some(acts) = self.0.get_mut(&call.worker) else {
            return false;
        };
        let is_it = |act: &mut Act| act.f == call.f && act.at_ms >= call.at_ms;
        acts.pop_front_if(is_it).is_some_and(|act| act.is_fruitful)
    }
}

/// How many workers a run has at least: at the end all slots are held at once.
fn fewest_workers(spec: &RunSpec) -> u32 {
    let workload = workloads::find(&spec.workload);
    workload.map_or(1, |workload| {
        workload.most_slots(spec.slots.unwrap_or(workload.slots()))
    })
}

/// When something happens, in milliseconds since the run began.
fn moments(schedule: &Schedule) -> Vec<u64> {
    let calls = schedule.calls.iter().map(|call| call.at_ms);
    let faults = schedule.faults.iter();
    let faults = faults.flat_map(|fault| [fault.at_ms, fault.ends_ms()]);
    let moments: BTreeSet<u64> = calls.chain(faults).collect();
    moments.into_iter().collect()
}

/// The same, but all that happens from a moment on is moved with it to another.
fn moved(schedule: &Schedule, from: u64, to: u64) -> Schedule {
    let moved = |at: u64| if at >= from { at - from + to } else { at };
    let mut schedule = schedule.clone();
    for call in &mut schedule.calls {
        call.at_ms = moved(call.at_ms);
    }
    for fault in &mut schedule.faults {
        let (at, end) = (moved(fault.at_ms), moved(fault.ends_ms()));
        (fault.at_ms, fault.for_ms) = (at, end - at);
    }
    schedule
}

/// When a run with these calls may end.
fn end_of(calls: &[Call]) -> Duration {
    let last = calls.iter().map(|call| call.at_ms).max();
    last.map_or(Duration::ZERO, |last| {
        Duration::from_millis(last) + AFTER_LAST
    })
}

fn workers(schedule: &Schedule) -> BTreeSet<u32> {
    schedule.calls.iter().map(|call| call.worker).collect()
}

/// What the clients of a run asked for, and when.
fn calls(history: &History, concurrency: u32) -> Vec<Call> {
    let operations = history.operations();
    let call = |operation| call(&operation, operation.invoke.time, concurrency);
    operations.filter_map(call).collect()
}

/// The same without what failed, and with each lock asked for when it was granted: who came first
/// then does not hang on how long a message took.
fn calls_in_effect(history: &History, concurrency: u32) -> Vec<Call> {
    let operations = history.operations();
    let done = operations.filter(|operation| operation.outcome() != Kind::Fail);
    let call = |operation: Operation<'_>| {
        let granted = operation.end.filter(|end| end.kind == Kind::Ok);
        let is_acquire = operation.invoke.function == Function::Acquire;
        let at = granted.filter(|_| is_acquire).unwrap_or(operation.invoke);
        call(&operation, at.time, concurrency)
    };
    let mut calls: Vec<Call> = done.filter_map(call).collect();
    calls.sort_by_key(|call| call.at_ms);
    calls
}

/// The call that asks for an operation at a time.
fn call(operation: &Operation<'_>, time: u64, concurrency: u32) -> Option<Call> {
    let Process::Client(process) = operation.invoke.process else {
        return None;
    };
    let value = match &operation.invoke.value {
        Value::Slots(slots) => slots.clone(),
        _ => Vec::new(),
    };
    Some(Call {
        at_ms: millis(time),
        worker: process % concurrency,
        f: Request::of(&operation.invoke.function)?,
        key: operation
            .invoke
            .key
            .as_deref()
            .unwrap_or_default()
            .to_owned(),
        value,
    })
}

/// The faults of a run as they happened: at their own times, and on those whom they struck.
fn faults(history: &History, schedule: &Schedule, concurrency: u32) -> Vec<nemesis::Planned> {
    let at = |place: usize| millis(history.events()[place].time);
    let happened = |window: &Window| {
        let planned = schedule.faults.get(usize::try_from(window.id).ok()?)?;
        let worker = |process: &u32| (process % concurrency) as usize;
        let at_ms = at(window.inject);
        Some(nemesis::Planned {
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
