//! From what is asked of a run to a typed plan: every mistake is found here, before anything
//! starts.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use checker::{COVERAGE, Guarantee, counted};
use history::fault::{Effect, Struck};
use history::{Function, Outline};
use locks::{Chosen, Lock, OptionError, QueueKind};
use nemesis::{Call, Clients, Fault, Need, Part, Schedule, Selected, Settings};
use run::seed::Seed;
use run::{Goal, Setup};
use testbed::{Asked, Choice, ChoiceError, NODES, Site, Source, without_password};
use workloads::{Needs, Params, Workload};

use crate::catalogue;
use crate::covered::{self, Covered, CoveredError};
use crate::effects::{self, EffectsError, Wanted};
use crate::ground::{Ground, GroundError, clients, names};
use crate::needed::Pattern;
use crate::progress::Progress;
use crate::spec::{OutOfBounds, RunSpec};
use crate::swarm;
use crate::unknown::unknown;

/// What is assumed where nothing is said, and no swarm draws it.
const RATE_PER_SECOND: f64 = 20.0;
const HOLD: Duration = Duration::from_millis(500);
const HEARTBEAT: Duration = Duration::from_secs(2);
const NEMESIS_INTERVAL: Duration = Duration::from_secs(5);
const NEMESIS_DURATION: Duration = Duration::from_secs(8);

/// A run has no more faults than these.
const FAULTS_MAX: u128 = 100_000;

/// How long all workers may take to have one more key granted at the end of a run.
const GRANT_WITHIN: Duration = Duration::from_millis(500);

/// Everything that decides a run.
pub struct Plan {
    /// What the clients do.
    pub workload: &'static dyn Workload,
    /// The lock they do it to.
    pub lock: Chosen,
    /// In which numbers.
    pub params: Params,
    /// The faults to choose from, by name.
    pub faults: Vec<&'static str>,
    /// The same with their parameters.
    pub mix: Vec<Selected>,
    /// The effects asked of faults in place of those that their classes are due, by name.
    pub effects: BTreeMap<String, Effect>,
    /// How often faults must strike whom at the least.
    pub struck: Struck,
    /// What breaks when.
    pub schedule: Schedule,
    /// Where it runs.
    pub testbed: Choice,
    /// How long the workload runs, at the longest.
    pub time_limit: Duration,
    /// Whether that ends as soon as each fault has had its effect.
    pub until_covered: bool,
    /// How long the last phase may take after that.
    pub finish_within: Duration,
    /// The AMQP heartbeat.
    pub heartbeat: Duration,
    /// How soon after the last fault every lock must be granted again.
    pub progress: Progress,
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
    /// What was asked for, with the seed: it repeats the run.
    pub spec: RunSpec,
    /// How the schedule was drawn, if it was.
    pub(crate) pattern: Option<Pattern>,
}

/// What is wrong with a plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A number that is too small or too large.
    #[error(transparent)]
    Bounds(#[from] OutOfBounds),
    /// A name that is not known.
    #[error("there is no {kind} \"{name}\"{hint}")]
    Unknown {
        /// What it should have named.
        kind: String,
        /// The name.
        name: String,
        /// What was meant, and which names there are.
        hint: String,
    },
    /// A program where only simulations are.
    #[error(
        "a lock that is a program needs real services, and this is simulated: `prover run` and `prover replay` take it, with one seed"
    )]
    Program,
    /// A command where a name should be.
    #[error("there is no lock \"{0}\": a program is written --lock 'process:{0}'")]
    NoPrefix(String),
    /// An option of the lock that is none.
    #[error(transparent)]
    Lock(OptionError),
    /// The lock lacks what the workload needs.
    #[error(
        "the workload {workload} needs a lock with {needed}, which {lock} has not; such are {known}"
    )]
    Unsuited {
        /// The workload.
        workload: &'static str,
        /// The lock.
        lock: String,
        /// What it lacks.
        needed: &'static str,
        /// The locks that have it.
        known: String,
    },
    /// A quorum queue where there is none.
    #[error(
        "the simulation has no quorum queues: choose --testbed docker, or leave queue=quorum out"
    )]
    SimulatedQuorum,
    /// Mirrored queues where there are none.
    #[error(
        "queue=mirrored needs a cluster of a RabbitMQ that has mirrored queues, started for the run: choose --testbed docker --nodes 3 --rabbitmq 3.10, or leave queue=mirrored out; from 4.0 on there are none, and queue=quorum takes their place"
    )]
    NoMirrors,
    /// Two policies for the same queues.
    #[error(
        "queue=mirrored is a policy of the broker and expire-policy sets another, and a queue has one: leave either out"
    )]
    TwoPolicies,
    /// Slots where there is only one.
    #[error(
        "the workload {0} has one slot only: leave --slots out, or choose the workload semaphore"
    )]
    OneSlot(&'static str),
    /// Not all slots could be held at once.
    #[error(
        "--slots {slots} needs --concurrency {least} or more: at the end all slots are held at once"
    )]
    TooFewWorkers {
        /// The slots.
        slots: u32,
        /// The fewest workers.
        least: u32,
    },
    /// A schedule that would not end.
    #[error(
        "the plan would draw up to {0} faults, more than {FAULTS_MAX}: give --nemesis-interval or --nemesis-duration more, or --time-limit less"
    )]
    TooManyFaults(u128),
    /// Effects that nobody can ask for.
    #[error(transparent)]
    Effects(#[from] EffectsError),
    /// The run cannot go on until it is covered.
    #[error(transparent)]
    Covered(#[from] CoveredError),
    /// Whatever the lock does, the run would be valid.
    #[error(
        "coverage says what a run puts to the test, not what a lock keeps: name a guarantee beside it"
    )]
    CoverageAlone,
    /// Whatever came of the run, it would be valid.
    #[error(
        "the workload {workload} puts nothing to the test that {lock} promises: choose another workload, or name what is judged with --guarantee"
    )]
    NothingJudged {
        /// The lock.
        lock: String,
        /// The workload.
        workload: &'static str,
    },
    /// A guarantee that is not written right.
    #[error(transparent)]
    Guarantee(checker::ParseError),
    /// A model that is not written right.
    #[error(transparent)]
    Model(checker::model::NameError),
    /// The testbed is not one.
    #[error(transparent)]
    Testbed(ChoiceError),
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
    #[error(transparent)]
    Ground(GroundError),
    /// A stored schedule strikes what no testbed has.
    #[error(
        "fault {fault} of the schedule strikes nodes of the service or links between them, which the testbed {testbed} cannot break: strike workers"
    )]
    Nodes {
        /// Its place in the schedule, counted from 0.
        fault: usize,
        /// The testbed.
        testbed: String,
    },
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
    /// A stored schedule has clients administer where there is nothing to.
    #[error(
        "the schedule has clients {function}, which the workload {workload} does not: choose the workload resize"
    )]
    Administration {
        /// What they do.
        function: Function,
        /// The workload.
        workload: &'static str,
    },
    /// A stored schedule is not one.
    #[error(transparent)]
    Schedule(#[from] nemesis::ScheduleError),
}

impl From<GroundError> for PlanError {
    fn from(error: GroundError) -> Self {
        match error {
            GroundError::Unknown { name, hint } => Self::Unknown {
                kind: "fault".to_owned(),
                name,
                hint,
            },
            error => Self::Ground(error),
        }
    }
}

impl PlanError {
    fn unsuited(workload: &dyn Workload, lock: &dyn Lock) -> Self {
        // Whoever wants a broken one knows its name.
        let suited = locks::ALL.iter().filter(|lock| suits(workload, &***lock));
        Self::Unsuited {
            workload: workload.name(),
            lock: lock.name().to_owned(),
            needed: match workload.needs() {
                Needs::Nothing => "nothing",
                Needs::Slots => "slots",
                Needs::Administration => "slots that can be administered",
                Needs::Tokens => "fencing tokens",
            },
            known: suited
                .map(|lock| lock.name())
                .collect::<Vec<_>>()
                .join(", "),
        }
    }
}

/// A lock that is named so is a program: `process:python3 my_lock.py`.
pub const PROGRAM: &str = "process:";

impl Plan {
    /// Makes the plan of a run.
    ///
    /// # Errors
    /// The first mistake in the spec.
    pub fn new(spec: &RunSpec) -> Result<Self, PlanError> {
        Self::with(spec, None)
    }

    /// Makes the plan of a run whose schedule is there already, if it is.
    ///
    /// # Errors
    /// The first mistake in the spec, or in what the schedule asks for.
    pub fn with(asked: &RunSpec, schedule: Option<Schedule>) -> Result<Self, PlanError> {
        let lock = named_lock(asked)?;
        Self::of(lock, asked, schedule)
    }

    /// Makes the plan of a run of a lock that is there already, whatever the spec calls it.
    ///
    /// # Errors
    /// The first mistake in the spec, or in what the schedule asks for.
    pub fn of(
        lock: Chosen,
        asked: &RunSpec,
        schedule: Option<Schedule>,
    ) -> Result<Self, PlanError> {
        asked.check()?;
        let workload = workload(asked)?;
        if !suits(workload, &*lock.lock) {
            return Err(PlanError::unsuited(workload, &*lock.lock));
        }
        let seed = asked.seed.unwrap_or_else(Seed::fresh);
        let testbed = testbed(asked, &*lock.lock)?;
        if testbed.site.is_simulated() && lock.options.queue == QueueKind::Quorum {
            return Err(PlanError::SimulatedQuorum);
        }
        let is_mirrored = lock.options.queue == QueueKind::Mirrored;
        if is_mirrored && !has_mirrors(&testbed.site) {
            return Err(PlanError::NoMirrors);
        }
        let ground = Ground::of(&testbed, asked, workload, &*lock.lock)?;
        let spec = &if asked.swarm {
            drawn(asked, workload, ground, seed)?
        } else {
            asked.clone()
        };
        let params = params(spec, workload, &*lock.lock)?;
        let heartbeat = spec.heartbeat.unwrap_or(HEARTBEAT);
        let time_limit = covered::time_limit(spec)?;
        let pattern = spec.schedule.is_none().then(|| pattern(spec, workload));
        let (schedule, mix) = match (schedule, &pattern) {
            (Some(given), _) => with_faults(given, spec, ground)?,
            (None, Some(pattern)) => {
                let mix = ground.select(&spec.nemesis)?;
                check_count(&pattern.settings(&mix, time_limit))?;
                (pattern.draw(&mix, time_limit, seed), mix)
            }
            (None, None) => stored(spec, ground)?,
        };
        let faults = names(&mix);
        if is_mirrored && faults.contains(&"expire-policy") {
            return Err(PlanError::TwoPolicies);
        }
        let mut testbed = ground.reached(&mix);
        if let Site::Real(site) = &mut testbed.site {
            site.mirrored = is_mirrored;
        }
        check_targets(&schedule, &spec.testbed)?;
        check_calls(&schedule, &params, workload)?;
        let patience = testbed.site.patience(heartbeat);
        let all = played(&mix, &schedule);
        let names = all.iter().map(|fault| fault.name());
        let progress = Progress::of(patience, lock.lock.lease(), names);
        let (judged, shown) = guarantees(spec, (workload, &all), &*lock.lock, progress.within())?;
        let by_promises = spec.guarantees.is_empty() && are_promised(&judged, &*lock.lock);
        let finish_within = finish_within(progress.within(), spec, &params);
        let Wanted {
            effects, struck, ..
        } = effects::asked(spec.coverage.as_deref(), &faults)?;
        let plan = Self {
            workload,
            lock,
            effects,
            struck,
            faults,
            mix,
            params,
            schedule,
            testbed,
            time_limit,
            until_covered: spec.until_covered,
            finish_within,
            heartbeat,
            progress,
            operation_timeout: spec.operation_timeout,
            judged,
            shown,
            by_promises,
            seed,
            spec: RunSpec {
                seed: Some(seed),
                testbed: without_password(&asked.testbed),
                service: asked
                    .service
                    .iter()
                    .map(|one| without_password(one))
                    .collect(),
                toxiproxy: asked.toxiproxy.as_deref().map(without_password),
                ..asked.clone()
            },
            pattern,
        };
        plan.check_goal()?;
        Ok(plan)
    }

    /// What a run is set up with.
    #[must_use]
    pub fn setup(&self) -> Setup<'_> {
        Setup {
            workload: self.workload,
            lock: self.lock.clone(),
            params: &self.params,
            schedule: &self.schedule,
            seed: self.seed,
            time_limit: self.time_limit,
            goal: self
                .until_covered
                .then(|| Arc::new(Covered(self.scope())) as Arc<dyn Goal>),
            finish_within: self.finish_within,
            operation_timeout: self.operation_timeout,
            outline: self.outline(),
        }
    }

    /// What the record says of the run.
    fn outline(&self) -> Outline {
        Outline {
            workload: self.workload.name().to_owned(),
            lock: self.lock.to_string(),
            workers: self.params.concurrency,
            slots: self.workload.most_slots(self.params.slots),
            heartbeat_ms: u64::try_from(self.heartbeat.as_millis()).unwrap_or(u64::MAX),
            faults: self.faults.iter().map(ToString::to_string).collect(),
            effects: self.effects.clone(),
            struck: self.struck.clone(),
            guarantees: self
                .judged
                .iter()
                .map(|guarantee| guarantee.name())
                .collect(),
        }
    }

    /// Whether a simulation has all that breaks in it.
    #[must_use]
    pub fn can_be_simulated(&self) -> bool {
        let faults = played(&self.mix, &self.schedule);
        let is_real = |fault: &&dyn Fault| matches!(fault.needs(), Need::Cluster | Need::Clock);
        !faults.iter().any(is_real)
    }

    /// Whether a run of it can put a promise to the test.
    #[must_use]
    pub fn judges(&self, promise: &str) -> bool {
        puts_to_the_test(self.workload, &played(&self.mix, &self.schedule), promise)
    }

    /// Whether a lock offers what its workload and its faults need.
    #[must_use]
    pub fn takes(&self, lock: &dyn Lock) -> bool {
        let can_change = lock.kind().is_administered();
        suits(self.workload, lock)
            && (can_change || !changes_slots(&played(&self.mix, &self.schedule)))
    }

    /// Whether some fault strikes what all clients share: it must be the run's own.
    #[must_use]
    pub fn strikes_the_service(&self) -> bool {
        let names = self.schedule.fault_names().into_iter();
        let mut parts = names.filter_map(nemesis::find).flat_map(Fault::parts);
        parts.any(|part| *part == Part::Broker)
    }

    /// What its clients are to an operating system.
    #[must_use]
    pub fn clients(&self) -> Clients {
        clients(&self.spec, &*self.lock.lock)
    }

    /// The name under which results are stored: `<lock>-<workload>`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}-{}", self.lock.lock.name(), self.workload.name())
    }
}

fn workload(asked: &RunSpec) -> Result<&'static dyn Workload, PlanError> {
    let named = workloads::find(&asked.workload);
    named.ok_or_else(|| {
        let known = workloads::ALL.iter().map(|known| known.name());
        unknown("workload", &asked.workload, known)
    })
}

/// The lock that a spec names, or the workload's own.
///
/// # Errors
/// There is none of this name among ours.
pub fn named_lock(asked: &RunSpec) -> Result<Chosen, PlanError> {
    asked.check()?;
    let workload = workload(asked)?;
    let named = asked.lock.as_deref().unwrap_or(workload.default_lock());
    if named.starts_with(PROGRAM) {
        return Err(PlanError::Program);
    }
    Ok(Chosen::parse(named, &catalogue::LOCKS)?)
}

/// Where the run happens: with the services that are named, else with those that the lock talks to.
fn testbed(spec: &RunSpec, lock: &dyn Lock) -> Result<Choice, ChoiceError> {
    Choice::parse(&Asked {
        testbed: &spec.testbed,
        services: &spec.service,
        needed: &lock.services(),
        rabbitmq: spec.rabbitmq.as_deref(),
        toxiproxy: spec.toxiproxy.as_deref(),
        nodes: spec.nodes,
        partition_handling: spec.partition_handling.as_deref(),
        keep: spec.keep,
    })
}

/// Whether queues can have copies on other nodes. An image that is not named by its version says so
/// itself, when it is up.
fn has_mirrors(site: &Site) -> bool {
    let Site::Real(site) = site else { return false };
    let mut instances = site.instances.iter();
    site.cluster.is_some()
        && instances.all(|one| match &one.source {
            Source::Image(image) => match image.asked.strip_prefix("rabbitmq ") {
                Some(version) => version.split('.').next() == Some("3"),
                None => true,
            },
            Source::Place(_) => false,
        })
}

/// How long the last phase may take: after the broker has let go of what was lost, every worker has
/// one key after another granted.
fn finish_within(progress: Duration, spec: &RunSpec, params: &Params) -> Duration {
    let grants = GRANT_WITHIN.saturating_mul(spec.keys.saturating_mul(params.slots));
    progress
        .saturating_add(spec.operation_timeout)
        .saturating_add(grants)
}

/// A workload of several holders is not run with less workers than it asks for, whatever a swarm
/// has drawn.
fn enough(workload: &dyn Workload, slots: Option<u32>, drawn: Option<u32>) -> Option<u32> {
    if workload.slots() == 1 {
        return drawn;
    }
    let least = workload.most_slots(slots.unwrap_or(workload.slots()));
    drawn.max(Some(workload.concurrency())).max(Some(least))
}

/// Whether a lock offers what a workload needs.
#[must_use]
pub fn suits(workload: &dyn Workload, lock: &dyn Lock) -> bool {
    let kind = lock.kind();
    match workload.needs() {
        Needs::Nothing => true,
        Needs::Slots => kind.has_slots(),
        Needs::Administration => kind.is_administered(),
        Needs::Tokens => kind.has_tokens(),
    }
}

fn params(spec: &RunSpec, workload: &dyn Workload, lock: &dyn Lock) -> Result<Params, PlanError> {
    let slots = spec.slots.unwrap_or(workload.slots());
    if slots > 1 && workload.slots() == 1 {
        return Err(PlanError::OneSlot(workload.name()));
    }
    let concurrency = spec.concurrency.unwrap_or(workload.concurrency());
    // At the end all slots are held at the same time.
    let least = workload.most_slots(slots);
    if concurrency < least {
        return Err(PlanError::TooFewWorkers { slots, least });
    }
    Ok(Params {
        concurrency,
        slots,
        files_decrements: lock.kind().files_decrements(),
        rate_per_second: spec.rate.unwrap_or(RATE_PER_SECOND),
        keys: spec.keys,
        hold: spec.hold.unwrap_or(HOLD),
        verify_every: spec.verify_interval,
        burst: spec.burst,
    })
}

/// With what a swarm draws of what was not asked for.
fn drawn(
    asked: &RunSpec,
    workload: &dyn Workload,
    ground: Ground<'_>,
    seed: Seed,
) -> Result<RunSpec, PlanError> {
    let drawn = swarm::drawn(asked, &ground.select(&asked.nemesis)?, seed);
    let concurrency = asked.concurrency;
    Ok(RunSpec {
        concurrency: concurrency.or_else(|| enough(workload, asked.slots, drawn.concurrency)),
        ..drawn
    })
}

/// A schedule that is there already, and the faults that must land: those that are named, else its
/// own.
fn with_faults(
    given: Schedule,
    spec: &RunSpec,
    ground: Ground<'_>,
) -> Result<(Schedule, Vec<Selected>), PlanError> {
    let own = faults_of(&given, ground)?;
    let mix = match spec.nemesis.as_str() {
        "none" => own,
        named => ground.select(named)?,
    };
    Ok((given, mix))
}

/// The schedule in the file that is named, and the faults that must land for the run to prove
/// something.
fn stored(spec: &RunSpec, ground: Ground<'_>) -> Result<(Schedule, Vec<Selected>), PlanError> {
    let path = spec.schedule.clone().unwrap_or_default();
    let text = std::fs::read_to_string(&path)
        .map_err(|source| PlanError::ReadSchedule { path, source })?;
    let schedule = Schedule::parse(&text)?;
    let mix = faults_of(&schedule, ground)?;
    Ok((schedule, mix))
}

/// How a schedule is drawn.
fn pattern(spec: &RunSpec, workload: &dyn Workload) -> Pattern {
    Pattern {
        aim: spec.target,
        has_administrators: workload.needs() == Needs::Administration,
        at_once: spec.nemesis_at_once,
        interval: spec.nemesis_interval.unwrap_or(NEMESIS_INTERVAL),
        duration: spec.nemesis_duration.unwrap_or(NEMESIS_DURATION),
    }
}

/// A plan that draws without end is found before it begins.
fn check_count(settings: &Settings<'_>) -> Result<(), PlanError> {
    let own = settings.faults.iter().filter_map(|it| it.duration);
    let lasting = own.chain([settings.duration / 2]).min();
    let shortest = settings.interval + lasting.unwrap_or_default();
    let faults = settings.time_limit.as_nanos() / shortest.as_nanos().max(1);
    let faults = faults.saturating_mul(settings.at_once.into());
    if settings.faults.is_empty() || faults <= FAULTS_MAX {
        return Ok(());
    }
    Err(PlanError::TooManyFaults(faults))
}

/// The faults of a stored schedule.
fn faults_of(schedule: &Schedule, ground: Ground<'_>) -> Result<Vec<Selected>, PlanError> {
    let names = schedule.fault_names().join(",");
    let mix = ground.select(if names.is_empty() { "none" } else { &names })?;
    Ok(mix)
}

/// Today's testbeds break workers and what connects them with the broker, nothing inside the
/// service.
fn check_targets(schedule: &Schedule, testbed: &str) -> Result<(), PlanError> {
    let mut faults = schedule.faults.iter();
    match faults.position(|planned| planned.target.is_of_the_service()) {
        None => Ok(()),
        Some(fault) => Err(PlanError::Nodes {
            fault,
            testbed: testbed.to_owned(),
        }),
    }
}

/// What a stored schedule has clients do must be possible.
fn check_calls(
    schedule: &Schedule,
    params: &Params,
    workload: &dyn Workload,
) -> Result<(), PlanError> {
    let is_administered = workload.needs() == Needs::Administration;
    let mut requests = schedule.calls.iter().map(|call| Function::from(call.f));
    if let Some(function) = requests.find(|it| it.is_administration() && !is_administered) {
        return Err(PlanError::Administration {
            function,
            workload: workload.name(),
        });
    }
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

/// What decides the verdict, and what is shown beside it.
type Guarantees = (Vec<Box<dyn Guarantee>>, Vec<Box<dyn Guarantee>>);

fn guarantees(
    spec: &RunSpec,
    (workload, faults): (&dyn Workload, &[&dyn Fault]),
    lock: &dyn Lock,
    progress: Duration,
) -> Result<Guarantees, PlanError> {
    let chosen: Vec<&str> = match spec.guarantees.as_slice() {
        [] => promises(workload, faults, lock).collect(),
        chosen => chosen.iter().map(String::as_str).collect(),
    };
    let chosen = with_slots(chosen, faults);
    let judged = checker::parse_all(chosen.iter().map(|name| bounded(name, progress)))?;
    if judged.is_empty() {
        return Err(PlanError::NothingJudged {
            lock: lock.name().to_owned(),
            workload: workload.name(),
        });
    }
    if judged.iter().all(|guarantee| guarantee.name() == COVERAGE) {
        return Err(PlanError::CoverageAlone);
    }
    let beside = workload.questions().iter();
    let mut shown = checker::parse_all(beside.map(|name| bounded(name, progress)))?;
    let is_judged = |guarantee: &dyn Guarantee| {
        let mut judged = judged.iter();
        judged.any(|other| other.name() == guarantee.name())
    };
    shown.retain(|guarantee| !is_judged(&**guarantee));
    Ok((judged, shown))
}

/// Where slots are added, one slot more hides who is one too many: then whose each slot is, is judged
/// beside how many hold a lock, whoever chose what is judged.
fn with_slots<'a>(mut chosen: Vec<&'a str>, faults: &[&dyn Fault]) -> Vec<&'a str> {
    let is_chosen = |names: &[&str]| chosen.iter().any(|it| names.contains(&checker::stem(it)));
    let is_needed = faults.iter().any(|fault| fault.adds_slots()) && is_chosen(EXCLUSIONS);
    if is_needed && !is_chosen(&[SLOT_EXCLUSION]) {
        chosen.push(SLOT_EXCLUSION);
    }
    chosen
}

/// What a lock promises of that which a workload can put to the test.
fn promises<'a>(
    workload: &dyn Workload,
    faults: &[&dyn Fault],
    lock: &'a dyn Lock,
) -> impl Iterator<Item = &'a str> {
    let promises = lock.promises().into_iter();
    promises.filter(move |promise| puts_to_the_test(workload, faults, promise))
}

/// Whether a lock promises all of this.
fn are_promised(judged: &[Box<dyn Guarantee>], lock: &dyn Lock) -> bool {
    let promises = lock.promises();
    let is_promised = |name: String| {
        let mut promises = promises.iter();
        promises.any(|promise| checker::stem(promise) == checker::stem(&name))
    };
    judged.iter().all(|guarantee| is_promised(guarantee.name()))
}

/// Whose each slot is.
const SLOT_EXCLUSION: &str = "slot-exclusion";

/// One of these makes a lock of what promises it.
const EXCLUSIONS: &[&str] = &["exclusion", "confirmed-exclusion", "overlap"];

/// Makes sure of what a lock promises that is not this program's own: a promise that nobody knows
/// would be one that nobody judges.
///
/// # Errors
/// What is wrong with its promises.
pub fn check_promises(lock: &dyn Lock) -> Result<(), String> {
    let promises = lock.promises();
    let one_second = Duration::from_secs(1);
    let known = checker::parse_all(promises.iter().map(|name| bounded(name, one_second)));
    known.map_err(|error| error.to_string())?;
    if promises.contains(&COVERAGE) {
        return Err(format!("{COVERAGE} is asked of a run, no lock promises it"));
    }
    if promises
        .iter()
        .any(|name| EXCLUSIONS.contains(&checker::stem(name)))
    {
        return Ok(());
    }
    Err(format!(
        "it promises {}, so no exclusion, which makes a lock: name exclusion, confirmed-exclusion or overlap<=1s",
        if promises.is_empty() {
            "nothing".to_owned()
        } else {
            promises.join(", ")
        }
    ))
}

/// Whether a run of a workload can put a promise to the test.
pub fn judges(workload: &dyn Workload, promise: &str) -> bool {
    workload.judges().contains(&checker::stem(promise))
}

/// Who changes slots beside a workload puts to the test what a workload does that changes them.
fn puts_to_the_test(workload: &dyn Workload, faults: &[&dyn Fault], promise: &str) -> bool {
    let mut others = workloads::ALL.iter();
    let is_judged =
        |other: &&dyn Workload| other.needs() == Needs::Administration && judges(*other, promise);
    judges(workload, promise) || changes_slots(faults) && others.any(is_judged)
}

fn changes_slots(faults: &[&dyn Fault]) -> bool {
    faults.iter().any(|fault| fault.needs() == Need::Slots)
}

/// All that may break: what is selected, and what stands in the schedule beside it.
fn played(mix: &[Selected], schedule: &Schedule) -> Vec<&'static dyn Fault> {
    let stored = schedule.fault_names().into_iter().filter_map(nemesis::find);
    mix.iter().map(|it| it.fault).chain(stored).collect()
}

/// The guarantee that is asked for without a bound where a run's heartbeat gives one.
pub const PROGRESS: &str = "progress";

/// A promise of progress says nothing of how soon: that depends on the run.
pub fn bounded(name: &str, progress: Duration) -> String {
    if name == PROGRESS {
        return format!("progress<={}", humantime::format_duration(progress));
    }
    name.to_owned()
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
        let workers = counted(self.params.concurrency.into(), "worker");
        let keys = counted(self.params.keys.into(), "key");
        let until = if self.until_covered {
            "until covered, at most"
        } else {
            "for"
        };
        let cluster = match self.testbed.site.cluster() {
            Some(handling) => format!(", {NODES} nodes with {handling}"),
            None => String::new(),
        };
        format!(
            "{} under {}, {workers} on {keys} {until} {}{cluster}, nemesis {faults}, seed {}",
            self.lock,
            self.workload.name(),
            humantime::format_duration(self.time_limit),
            self.seed,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_phase_has_time_for_every_key() {
        let within = |operation_timeout_s, keys| {
            let spec = RunSpec {
                heartbeat: Some(Duration::from_secs(2)),
                operation_timeout: Duration::from_secs(operation_timeout_s),
                keys,
                ..RunSpec::default()
            };
            let plan = Plan::new(&spec).map_err(|error| error.to_string());
            plan.expect("the plan is fine").finish_within
        };
        let one = within(5, 1);
        assert_eq!(one, Duration::from_millis(10_000 + 5_000 + 500));
        let many = within(5, 100);
        assert_eq!(many, Duration::from_millis(10_000 + 5_000 + 50_000));
        let endless = within(u64::MAX, 10_000);
        assert_eq!(endless, Duration::MAX);
    }

    /// A lock with copies of its queue, in a cluster of this release.
    fn mirrored(rabbitmq: &str) -> RunSpec {
        RunSpec {
            lock: Some("persistent-mutex,queue=mirrored".to_owned()),
            testbed: "docker".to_owned(),
            nodes: NODES,
            rabbitmq: Some(rabbitmq.to_owned()),
            ..RunSpec::default()
        }
    }

    fn refused(spec: &RunSpec) -> Option<String> {
        Plan::new(spec).err().map(|error| error.to_string())
    }

    #[test]
    fn queues_are_mirrored_where_the_release_can_do_that_and_nobody_else_sets_policies() {
        for able in ["3.10", "3.13", "registry/of/mine:4"] {
            assert_eq!(refused(&mirrored(able)), None, "{able}");
        }
        let alone = RunSpec {
            nodes: 1,
            ..mirrored("3.10")
        };
        let simulated = RunSpec {
            testbed: "sim".to_owned(),
            rabbitmq: None,
            ..alone.clone()
        };
        for unable in [mirrored("4.0"), alone, simulated] {
            let said = refused(&unable).expect("there are no mirrors");
            assert!(said.starts_with("queue=mirrored needs a cluster"), "{said}");
        }
        let of_two = RunSpec {
            nemesis: "expire-policy".to_owned(),
            ..mirrored("3.10")
        };
        let said = refused(&of_two).expect("a queue has one policy");
        assert!(said.contains("expire-policy sets another"), "{said}");
    }

    #[test]
    fn services_that_lack_what_the_lock_needs_are_refused() {
        let spec = RunSpec {
            service: vec!["redis".to_owned()],
            ..RunSpec::default()
        };
        let error = Plan::new(&spec).err().expect("the lock needs rabbitmq");
        assert!(
            error.to_string().contains("the lock needs rabbitmq"),
            "{error}"
        );
        let spec = RunSpec {
            service: vec!["rabbitmq=amqp://ada:s3cret@127.0.0.1:1/".to_owned()],
            ..RunSpec::default()
        };
        let plan = Plan::new(&spec).map_err(|error| error.to_string());
        let stored = plan.expect("a plan").spec.service;
        assert_eq!(stored, ["rabbitmq=amqp://ada@127.0.0.1:1/"]);
    }

    #[test]
    fn what_is_judged_is_judged_once_and_not_shown_beside() {
        let guarantees = ["exclusion", "overlap<=1s", "overlap<=1000ms", "progress"];
        let spec = RunSpec {
            guarantees: guarantees.map(str::to_owned).to_vec(),
            ..RunSpec::default()
        };
        let plan = Plan::new(&spec).map_err(|error| error.to_string());
        let plan = plan.expect("the plan is fine");
        let names = |guarantees: &[Box<dyn Guarantee>]| -> Vec<String> {
            let names = guarantees.iter().map(|guarantee| guarantee.name());
            names.collect()
        };
        let judged = ["exclusion", "overlap<=1s", "progress<=10s"];
        assert_eq!(names(&plan.judged), judged);
        assert_eq!(names(&plan.shown), ["confirmed-exclusion"]);
    }
}
