//! What a run was: enough to repeat it, and to know how it ended.

use std::collections::BTreeMap;
use std::time::Duration;

use history::fault::{Effect, Struck};
use nemesis::Need;
use run::seed::Seed;
use run::{Skew, Stop};
use serde::{Deserialize, Serialize};
use testbed::Described;

pub use crate::git::Git;
use crate::plan::{PROGRAM, Plan};
use crate::progress::Progress;
use crate::spec::RunSpec;

/// The manifest of a run, `manifest.json`. It is written when the run begins and again when it has
/// ended, so a manifest that still says `running` beside no running process is that of a killed
/// run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the prover.
    pub prover: String,
    /// The commit of the source that was tested, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<Git>,
    /// When it began.
    pub began: jiff::Timestamp,
    /// How it ended.
    pub state: State,
    /// What was under test, and how.
    pub plan: Planned,
    /// Where it ran; known once the testbed has started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub testbed: Option<Described>,
    /// How close to simultaneous the bursts were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skew: Option<Skew>,
    /// How long its workload ran, in milliseconds, before the last phase began; of a run that went
    /// on until it was covered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_ms: Option<u64>,
    /// When services noticed that clients are gone, by their own word.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<run::NoticedLoss>,
    /// What it has recorded; known once it has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded: Option<Recorded>,
    /// What was asked for, with the seed: it repeats the run.
    pub spec: RunSpec,
}

/// What a run has recorded: the manifest says it, and so does the certificate. A history that is
/// shorter was cut off, and one with other events is that of no such run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// How many events.
    pub events: u64,
    /// SHA-256 of the canonical bytes of the history, in lower-case hex.
    pub history: String,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Not yet, or it was killed.
    Running,
    /// Through all its phases.
    Finished,
    /// The last phase took too long: some lock could not be had any more.
    Stuck,
    /// Somebody interrupted it.
    Interrupted,
    /// The harness broke down; the text says how.
    Broken(String),
}

impl State {
    /// Why a run that ended like this proves nothing.
    #[must_use]
    pub fn unfinished(&self) -> Option<String> {
        match self {
            Self::Finished => None,
            Self::Running => Some("the run was killed, or is not over yet".to_owned()),
            Self::Stuck => Some(
                "the last phase was broken off, for some lock could not be had any more".to_owned(),
            ),
            Self::Interrupted => Some("the run was interrupted".to_owned()),
            Self::Broken(why) => Some(format!("the harness broke down: {why}")),
        }
    }
}

impl Manifest {
    /// Whether its run can be played as a script: in the simulation, where no program takes part.
    #[must_use]
    pub fn is_of_script(&self) -> bool {
        let testbed = self.testbed.as_ref();
        let is_simulated = testbed.is_some_and(|testbed| testbed.caveat().is_some());
        let lock = self.spec.lock.as_deref();
        is_simulated && !lock.is_some_and(|lock| lock.starts_with(PROGRAM))
    }
}

impl From<Stop> for State {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Done => Self::Finished,
            Stop::Stuck => Self::Stuck,
            Stop::Interrupted => Self::Interrupted,
        }
    }
}

/// The plan as it is stored. Times are in milliseconds where their names say so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the options of the command line, by their names"
)]
pub struct Planned {
    pub workload: String,
    pub lock: String,
    pub faults: Vec<String>,
    /// The effects that were asked of faults in place of those that they are due, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub effects: BTreeMap<String, Effect>,
    /// How often faults were to strike whom at the least.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub struck: Struck,
    pub judged: Vec<String>,
    pub shown: Vec<String>,
    pub by_promises: bool,
    pub seed: Seed,
    pub concurrency: u32,
    pub rate_per_second: f64,
    pub keys: u32,
    /// How many clients may hold a lock at one time.
    #[serde(default = "one")]
    pub most_slots: u32,
    pub burst: bool,
    pub hold_ms: u128,
    pub verify_interval_ms: u128,
    pub time_limit_ms: u128,
    pub heartbeat_ms: u128,
    /// How soon after the last fault every lock must be granted again, where it says that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_ms: Option<u64>,
    /// Of what that is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress_of: Option<Progress>,
    pub operation_timeout_ms: u128,
}

/// Runs that were stored before there were semaphores.
const fn one() -> u32 {
    1
}

impl Manifest {
    /// The manifest of a run that begins; `git` is the state of the source that is tested.
    #[must_use]
    pub fn begin(plan: &Plan, began: jiff::Timestamp, git: Option<Git>) -> Self {
        Self {
            prover: env!("CARGO_PKG_VERSION").to_owned(),
            git,
            began,
            state: State::Running,
            plan: Planned::of(plan),
            testbed: None,
            skew: None,
            settled_ms: None,
            losses: Vec::new(),
            recorded: None,
            spec: plan.spec.clone(),
        }
    }
}

impl Manifest {
    /// What repeats the run where it was: `auto` may have found no Docker then, and another time it
    /// does.
    #[must_use]
    pub fn ran(&self) -> RunSpec {
        let spec = self.spec.clone();
        let is_simulated = self
            .testbed
            .as_ref()
            .is_some_and(|testbed| testbed.caveat().is_some());
        if !is_simulated || spec.testbed == "sim" {
            return spec;
        }
        // All that Docker could have broken; the simulation can break more.
        let all = nemesis::ALL
            .iter()
            .filter(|fault| fault.is_in_all() && fault.needs() != Need::Processes);
        let all: Vec<_> = all.map(|fault| fault.name()).collect();
        RunSpec {
            testbed: "sim".to_owned(),
            nemesis: match spec.nemesis.as_str() {
                "all" => all.join(","),
                named => named.to_owned(),
            },
            service: Vec::new(),
            rabbitmq: None,
            toxiproxy: None,
            keep: false,
            ..spec
        }
    }
}

impl Planned {
    /// The AMQP heartbeat.
    #[must_use]
    pub fn heartbeat(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.heartbeat_ms).unwrap_or(u64::MAX))
    }

    /// How soon after the last fault every lock must be granted again.
    #[must_use]
    pub fn progress_within(&self) -> Duration {
        let stored = self.progress_ms.map(Duration::from_millis);
        stored.unwrap_or_else(|| Progress::on_rabbitmq(self.heartbeat(), []).within())
    }

    fn of(plan: &Plan) -> Self {
        let names = |guarantees: &[Box<dyn checker::Guarantee>]| {
            guarantees.iter().map(|one| one.name()).collect()
        };
        Self {
            workload: plan.workload.name().to_owned(),
            lock: plan.lock.to_string(),
            faults: plan.faults.iter().map(ToString::to_string).collect(),
            effects: plan.effects.clone(),
            struck: plan.struck.clone(),
            judged: names(&plan.judged),
            shown: names(&plan.shown),
            by_promises: plan.by_promises,
            seed: plan.seed,
            concurrency: plan.params.concurrency,
            rate_per_second: plan.params.rate_per_second,
            keys: plan.params.keys,
            most_slots: plan.workload.most_slots(plan.params.slots),
            burst: plan.params.burst,
            hold_ms: plan.params.hold.as_millis(),
            verify_interval_ms: plan.params.verify_every.as_millis(),
            time_limit_ms: plan.time_limit.as_millis(),
            heartbeat_ms: plan.heartbeat.as_millis(),
            progress_ms: u64::try_from(plan.progress.within().as_millis()).ok(),
            progress_of: Some(plan.progress),
            operation_timeout_ms: plan.operation_timeout.as_millis(),
        }
    }
}
