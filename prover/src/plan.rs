//! From the text of the command line to a typed plan: every mistake is found here, before anything starts.

use std::path::PathBuf;
use std::time::Duration;

use checker::Guarantee;
use locks::Lock;
use nemesis::{Call, Fault, Schedule, Settings, Target};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use workloads::{Params, Workload};

use crate::cli::{Format, RunArgs, TargetKind};
use crate::seed::{Seed, Stream};
use crate::swarm;
use crate::testbed::{Choice, ChoiceError, Site};
use crate::words::{command_line, words};

/// What is assumed where nothing is said, and no swarm draws it.
const CONCURRENCY: u32 = 5;
const RATE_PER_SECOND: f64 = 20.0;
const HOLD: Duration = Duration::from_millis(500);
const HEARTBEAT: Duration = Duration::from_secs(2);
const NEMESIS_INTERVAL: Duration = Duration::from_secs(5);
const NEMESIS_DURATION: Duration = Duration::from_secs(8);

/// How long all workers may take to have one more key granted at the end of a run.
const GRANT_WITHIN: Duration = Duration::from_millis(500);

/// Everything that decides a run.
pub struct Plan {
    /// What the clients do.
    pub workload: &'static dyn Workload,
    /// The lock they do it to.
    pub lock: &'static dyn Lock,
    /// In which numbers.
    pub params: Params,
    /// The faults to choose from, by name.
    pub faults: Vec<&'static str>,
    /// What breaks when.
    pub schedule: Schedule,
    /// Where it runs.
    pub testbed: Choice,
    /// How long the workload runs.
    pub time_limit: Duration,
    /// How long the last phase may take after that.
    pub finish_within: Duration,
    /// The AMQP heartbeat.
    pub heartbeat: Duration,
    /// How long an operation may take.
    pub operation_timeout: Duration,
    /// What decides the verdict.
    pub judged: Vec<Box<dyn Guarantee>>,
    /// What is shown beside it.
    pub shown: Vec<Box<dyn Guarantee>>,
    /// Whether the lock's own promises decide the verdict, not guarantees that the user chose.
    pub by_promises: bool,
    /// Decides all chance.
    pub seed: Seed,
    /// Where results are stored.
    pub results: PathBuf,
    /// How results are printed.
    pub format: Format,
    /// Whether only results are printed.
    pub quiet: bool,
    /// The options that repeat the run.
    pub words: Vec<String>,
}

/// What is wrong with a plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A name that is not known.
    #[error("there is no {kind} \"{name}\"; known are {known}")]
    Unknown {
        /// What it should have named.
        kind: &'static str,
        /// The name.
        name: String,
        /// The names there are.
        known: String,
    },
    /// All faults, or none, beside others.
    #[error("\"{0}\" cannot be combined with other faults: write `--nemesis {0}`, or leave it out")]
    Alone(String),
    /// A guarantee that is not known.
    #[error(transparent)]
    Guarantee(#[from] checker::ParseError),
    /// The testbed is not one.
    #[error(transparent)]
    Testbed(#[from] ChoiceError),
    /// A stored schedule could not be had.
    #[error("cannot read the schedule {path}: {source}")]
    ReadSchedule {
        /// Its file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Many seeds are for simulations.
    #[error("--seeds makes simulated runs: leave --testbed out, or choose sim")]
    SeedsAreSimulated,
    /// A fault that is not to be had there.
    #[error("the fault {0} needs --testbed sim: no other testbed can do it")]
    SimulatedOnly(&'static str),
    /// A stored schedule has clients do what these cannot.
    #[error(
        "the schedule has worker {worker} ask for {key:?}: give --concurrency and --keys that reach that far"
    )]
    Call {
        /// Who should do it.
        worker: u32,
        /// To which lock.
        key: String,
    },
    /// A stored schedule is not one.
    #[error(transparent)]
    Schedule(#[from] nemesis::ScheduleError),
}

impl Plan {
    /// Makes the plan of a run.
    ///
    /// # Errors
    /// The first mistake in the arguments.
    pub fn new(args: &RunArgs) -> Result<Self, PlanError> {
        Self::with(args, None)
    }

    /// Makes the plan of a run whose schedule is there already, if it is.
    ///
    /// # Errors
    /// The first mistake in the arguments, or in what the schedule asks for.
    pub fn with(args: &RunArgs, schedule: Option<Schedule>) -> Result<Self, PlanError> {
        let workload = workloads::find(&args.workload).ok_or_else(|| {
            unknown(
                "workload",
                &args.workload,
                workloads::ALL.iter().map(|known| known.name()),
            )
        })?;
        let lock_name = args.lock.as_deref().unwrap_or(workload.default_lock());
        let lock = locks::find(lock_name).ok_or_else(|| {
            unknown(
                "lock",
                lock_name,
                locks::ALL.iter().map(|known| known.name()),
            )
        })?;
        let seed = args.seed.unwrap_or_else(Seed::fresh);
        let testbed = testbed(args)?;
        let words = words(&RunArgs {
            seed: Some(seed),
            ..args.clone()
        });
        let args = &if args.swarm {
            swarm::drawn(args, &named_faults(&args.nemesis, &testbed.site)?, seed)
        } else {
            args.clone()
        };
        let params = params(args);
        let heartbeat = args.heartbeat.unwrap_or(HEARTBEAT);
        let (schedule, faults) = match schedule {
            Some(stored) => {
                let faults = match args.nemesis.as_str() {
                    "none" => faults_of(&stored, &testbed.site)?,
                    named => named_faults(named, &testbed.site)?,
                };
                (stored, faults)
            }
            None => schedule_and_faults(args, &testbed.site, seed)?,
        };
        check_calls(&schedule, &params)?;
        let progress = progress_within(heartbeat);
        let (judged, shown) = guarantees(args, workload, lock, progress)?;
        Ok(Self {
            workload,
            lock,
            faults,
            params,
            schedule,
            testbed,
            time_limit: args.time_limit,
            finish_within: finish_within(progress, args),
            heartbeat,
            operation_timeout: args.operation_timeout,
            judged,
            shown,
            by_promises: args.guarantees.is_empty(),
            seed,
            results: args.results.clone(),
            format: args.format,
            quiet: args.quiet,
            words,
        })
    }

    /// The name under which results are stored: `<lock>-<workload>`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}-{}", self.lock.name(), self.workload.name())
    }
}

fn testbed(args: &RunArgs) -> Result<Choice, ChoiceError> {
    let (rabbitmq, toxiproxy) = (args.rabbitmq.as_deref(), args.toxiproxy.as_deref());
    Choice::parse(&args.testbed, rabbitmq, toxiproxy, args.keep)
}

/// How soon after the last fault every lock must be granted again: the broker takes a silent client for dead after up to three heartbeats, and
/// the clients need a moment to notice.
pub(crate) fn progress_within(heartbeat: Duration) -> Duration {
    3 * heartbeat + Duration::from_secs(4)
}

/// How long the last phase may take: after the broker has let go of what was lost, every worker has one key after another granted.
fn finish_within(progress: Duration, args: &RunArgs) -> Duration {
    let grants = GRANT_WITHIN.saturating_mul(args.keys);
    progress
        .saturating_add(args.operation_timeout)
        .saturating_add(grants)
}

fn params(args: &RunArgs) -> Params {
    Params {
        concurrency: args.concurrency.unwrap_or(CONCURRENCY),
        rate_per_second: args.rate.unwrap_or(RATE_PER_SECOND),
        keys: args.keys,
        hold: args.hold.unwrap_or(HOLD),
        verify_every: args.verify_interval,
        burst: args.burst,
    }
}

/// What breaks when, and the faults that must land for the run to prove something.
fn schedule_and_faults(
    args: &RunArgs,
    site: &Site,
    seed: Seed,
) -> Result<(Schedule, Vec<&'static str>), PlanError> {
    if let Some(path) = &args.schedule {
        let text = std::fs::read_to_string(path).map_err(|source| PlanError::ReadSchedule {
            path: path.clone(),
            source,
        })?;
        let schedule = Schedule::parse(&text)?;
        let faults = faults_of(&schedule, site)?;
        return Ok((schedule, faults));
    }
    let faults = named_faults(&args.nemesis, site)?;
    let settings = Settings {
        faults: &faults,
        target: match args.target {
            TargetKind::Holder => |draw| Target::Holder { draw },
            TargetKind::Any => |draw| Target::Any { draw },
            TargetKind::Random => |draw| Target::Random { draw },
        },
        interval: args.nemesis_interval.unwrap_or(NEMESIS_INTERVAL),
        duration: args.nemesis_duration.unwrap_or(NEMESIS_DURATION),
        time_limit: args.time_limit,
    };
    let mut random = ChaCha8Rng::from_seed(seed.stream(Stream::Schedule));
    Ok((Schedule::draw(&settings, &mut random), faults))
}

/// The faults of a stored schedule.
fn faults_of(schedule: &Schedule, site: &Site) -> Result<Vec<&'static str>, PlanError> {
    let names = schedule.fault_names().join(",");
    named_faults(if names.is_empty() { "none" } else { &names }, site)
}

/// What a stored schedule has clients do must be possible.
fn check_calls(schedule: &Schedule, params: &Params) -> Result<(), PlanError> {
    let keys = params.key_names();
    let is_possible =
        |call: &Call| call.worker < params.concurrency && keys.iter().any(|key| **key == *call.key);
    match schedule.calls.iter().find(|call| !is_possible(call)) {
        None => Ok(()),
        Some(call) => Err(PlanError::Call {
            worker: call.worker,
            key: call.key.clone(),
        }),
    }
}

fn named_faults(names: &str, site: &Site) -> Result<Vec<&'static str>, PlanError> {
    let is_possible = |fault: &dyn Fault| site.is_simulated() || !fault.is_simulated_only();
    let all = nemesis::ALL.iter().copied();
    match names {
        "none" => return Ok(Vec::new()),
        "all" => {
            let possible = all.filter(|fault| is_possible(*fault));
            return Ok(possible.map(Fault::name).collect());
        }
        _ => {}
    }
    let mut faults = Vec::new();
    for name in names.split(',').map(str::trim) {
        if ["none", "all"].contains(&name) {
            return Err(PlanError::Alone(name.to_owned()));
        }
        let known = ["all", "none"]
            .into_iter()
            .chain(all.clone().map(Fault::name));
        let fault = nemesis::find(name).ok_or_else(|| unknown("fault", name, known))?;
        if !is_possible(fault) {
            return Err(PlanError::SimulatedOnly(fault.name()));
        }
        if !faults.contains(&fault.name()) {
            faults.push(fault.name());
        }
    }
    Ok(faults)
}

/// What decides the verdict, and what is shown beside it.
type Guarantees = (Vec<Box<dyn Guarantee>>, Vec<Box<dyn Guarantee>>);

fn guarantees(
    args: &RunArgs,
    workload: &dyn Workload,
    lock: &dyn Lock,
    progress: Duration,
) -> Result<Guarantees, PlanError> {
    let chosen: Vec<String> = match args.guarantees.as_slice() {
        [] => lock
            .promises()
            .iter()
            .map(|name| bounded(name, progress))
            .collect(),
        chosen => chosen.iter().map(|name| bounded(name, progress)).collect(),
    };
    let beside = workload
        .questions()
        .iter()
        .map(|name| bounded(name, progress));
    let beside: Vec<_> = beside.filter(|name| !chosen.contains(name)).collect();
    Ok((parse(&chosen)?, parse(&beside)?))
}

/// The guarantee that is asked for without a bound where a run's heartbeat gives one.
pub(crate) const PROGRESS: &str = "progress";

/// A promise of progress says nothing of how soon: that depends on the run.
pub(crate) fn bounded(name: &str, progress: Duration) -> String {
    if name == PROGRESS {
        return format!("progress<={}", humantime::format_duration(progress));
    }
    name.to_owned()
}

fn parse(names: &[String]) -> Result<Vec<Box<dyn Guarantee>>, PlanError> {
    names.iter().map(|name| Ok(checker::parse(name)?)).collect()
}

/// A name that is none of those that are known.
pub(crate) fn unknown(
    kind: &'static str,
    name: &str,
    known: impl Iterator<Item = &'static str>,
) -> PlanError {
    let known = known.collect::<Vec<_>>().join(", ");
    PlanError::Unknown {
        kind,
        name: name.to_owned(),
        known,
    }
}

impl Plan {
    /// The command that repeats the run, as it can be typed.
    #[must_use]
    pub fn repeat_line(&self) -> String {
        command_line(&self.words)
    }
}

impl Plan {
    /// The run in one line.
    #[must_use]
    pub fn describe(&self) -> String {
        let faults = if self.faults.is_empty() {
            "none".to_owned()
        } else {
            self.faults.join(",")
        };
        let keys = if self.params.keys == 1 {
            "1 key".to_owned()
        } else {
            format!("{} keys", self.params.keys)
        };
        format!(
            "{} under {}, {} workers on {keys} for {}, nemesis {faults}, seed {}",
            self.lock.name(),
            self.workload.name(),
            self.params.concurrency,
            humantime::format_duration(self.time_limit),
            self.seed,
        )
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    fn arguments(text: &str) -> RunArgs {
        let arguments = std::iter::once("prover").chain(text.split_whitespace());
        Cli::try_parse_from(arguments)
            .expect("the arguments are fine")
            .run
    }

    #[test]
    fn the_last_phase_has_time_for_every_key() {
        let within = |text: &str| {
            let plan = Plan::new(&arguments(text)).map_err(|error| error.to_string());
            plan.expect("the plan is fine").finish_within
        };
        let one = within("--heartbeat 2s --operation-timeout 5s");
        assert_eq!(one, Duration::from_millis(10_000 + 5_000 + 500));
        let many = within("--heartbeat 2s --operation-timeout 5s --keys 100");
        assert_eq!(many, Duration::from_millis(10_000 + 5_000 + 50_000));
        let endless = within("--operation-timeout 18446744073709551615s --keys 10000");
        assert_eq!(endless, Duration::MAX);
    }

    #[test]
    fn all_and_none_stand_alone() {
        assert_eq!(
            named_faults("none", &Site::Simulated).expect("known"),
            [] as [&str; 0]
        );
        assert_eq!(
            named_faults("all", &Site::Simulated).expect("known").len(),
            nemesis::ALL.len()
        );
        assert_eq!(
            named_faults("cut, partition,cut", &Site::Simulated).expect("known"),
            ["cut", "partition"]
        );
        for (names, alone) in [
            ("cut,none", "none"),
            ("all,cut", "all"),
            ("none,all", "none"),
        ] {
            let said = named_faults(names, &Site::Simulated)
                .expect_err("contradicts itself")
                .to_string();
            assert!(
                said.contains(&format!("\"{alone}\" cannot be combined")),
                "{said}"
            );
        }
        let said = named_faults("cut,flood", &Site::Simulated)
            .expect_err("unknown")
            .to_string();
        assert!(said.starts_with("there is no fault \"flood\""), "{said}");
    }
}
