//! What is asked of a run.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use nemesis::Aim;
use run::seed::Seed;
use serde::{Deserialize, Serialize};

use super::{OutOfBounds, bounds, command_line, coverage, heading, number, time, utf8_path};

/// How long the workload runs where nobody says.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(60);

/// What is asked of a run. Each field is an option of the command line by its name there; what is
/// `None` was not asked for: the workload, a default or, in a swarm, chance decides it. As JSON it
/// is an object with those names, times as people write them (`1m30s`).
#[derive(Clone, Debug, PartialEq, Args, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RunSpec {
    /// What the clients do [`prover list workloads`]
    #[arg(short, long, default_value = "mutex", value_name = "NAME", help_heading = heading::TESTED)]
    pub workload: String,
    /// The lock under test, with its options: exclusive-queue,verify=passive-declare; or a program
    /// in any language: 'process:python3 my_lock.py'
    /// [default: the workload's own; `prover list locks`]
    #[arg(long, value_name = "LOCK", help_heading = heading::TESTED)]
    pub lock: Option<String>,
    /// What is said to a lock that is a program, in its `init`: lease=5s; repeatable
    #[arg(long = "option", value_name = "NAME=VALUE", help_heading = heading::TESTED)]
    #[serde(rename = "option")]
    pub options: Vec<String>,
    /// How many clients may hold a lock: its slots
    /// [default: 3 for the workloads semaphore and resize]
    #[arg(long, value_parser = number::above_zero::<u32>, value_name = "N", help_heading = heading::TESTED)]
    pub slots: Option<u32>,
    /// Independent locks
    #[arg(long, default_value_t = 1, value_parser = number::above_zero::<u32>, value_name = "N", help_heading = heading::TESTED)]
    pub keys: u32,
    /// How long the workload runs
    #[arg(long, default_value = "60s", value_parser = time::from_zero, value_name = "TIME", help_heading = heading::CLIENTS)]
    #[serde(with = "time")]
    pub time_limit: Duration,
    /// Go on until each fault has had its effect, in place of a time limit: as soon as that is so
    /// the last phase begins
    #[arg(long, help_heading = heading::CLIENTS)]
    pub until_covered: bool,
    /// With --until-covered: the longest that the workload runs [default: 10m]
    #[arg(long, value_parser = time::above_zero, value_name = "TIME", help_heading = heading::CLIENTS)]
    #[serde(with = "time::optional")]
    pub at_most: Option<Duration>,
    /// Workers that run at the same time [default: 5; of resize 8]
    #[arg(short, long, value_parser = number::above_zero::<u32>, value_name = "N", help_heading = heading::CLIENTS)]
    pub concurrency: Option<u32>,
    /// Make each client a process of its own: pause then stops it as an operating system does
    /// (SIGSTOP), crash kills it, freeze is possible
    #[arg(long, help_heading = heading::CLIENTS)]
    pub isolate: bool,
    /// Attempts to acquire a second, all workers together [default: 20]
    #[arg(short, long, value_parser = number::above_zero::<f64>, value_name = "HZ", help_heading = heading::CLIENTS)]
    pub rate: Option<f64>,
    /// Let all workers acquire at the same instant, again and again, instead of at a rate
    #[arg(long, help_heading = heading::CLIENTS)]
    pub burst: bool,
    /// How long a lock is held on average; each hold lasts between nothing and twice that
    /// [default: 500ms]
    #[arg(long, value_parser = time::from_zero, value_name = "TIME", help_heading = heading::CLIENTS)]
    #[serde(with = "time::optional")]
    pub hold: Option<Duration>,
    /// How long a holder waits between two verifies
    #[arg(long, default_value = "100ms", value_parser = time::above_zero, value_name = "TIME", help_heading = heading::CLIENTS)]
    #[serde(with = "time")]
    pub verify_interval: Duration,
    /// How long an operation may take before nobody knows what became of it
    #[arg(long, default_value = "5s", value_parser = time::above_zero, value_name = "TIME", help_heading = heading::CLIENTS)]
    #[serde(with = "time")]
    pub operation_timeout: Duration,
    /// The AMQP heartbeat, in whole seconds: both ends take silence of a few heartbeats for death
    /// [default: 2s]
    #[arg(long, value_parser = time::above_zero, value_name = "TIME", help_heading = heading::CLIENTS)]
    #[serde(with = "time::optional")]
    pub heartbeat: Option<Duration>,
    /// What breaks: faults separated by commas, each with parameters of its own if need be
    /// ('partition{duration=8s,target=waiter},slow{latency=40ms}'), `all` or `none`
    /// [`prover list faults`]
    #[arg(long, default_value = "none", value_name = "FAULTS", help_heading = heading::BREAKS)]
    pub nemesis: String,
    /// The quiet time before each fault [default: 5s]
    #[arg(long, value_parser = time::from_zero, value_name = "TIME", help_heading = heading::BREAKS)]
    #[serde(with = "time::optional")]
    pub nemesis_interval: Option<Duration>,
    /// The longest a fault lasts; the shortest is half of that [default: 8s]
    #[arg(long, value_parser = time::above_zero, value_name = "TIME", help_heading = heading::BREAKS)]
    #[serde(with = "time::optional")]
    pub nemesis_duration: Option<Duration>,
    /// How many faults may be on at the same time
    #[arg(long, default_value_t = 1, value_parser = number::above_zero::<u32>, value_name = "N", help_heading = heading::BREAKS)]
    pub nemesis_at_once: u32,
    /// Whom a fault strikes: whoever is holder, waiter, acquiring, releasing, verifying or
    /// administrator at that moment, any one worker, random ones (each by the toss of a coin), or
    /// all
    #[arg(long, default_value_t = Aim::Holder, value_name = "WHO", help_heading = heading::BREAKS)]
    pub target: Aim,
    /// Play this stored schedule instead of drawing one
    #[arg(long, value_name = "FILE", value_parser = utf8_path, conflicts_with_all = ["nemesis", "nemesis_interval", "nemesis_duration", "nemesis_at_once", "target"], help_heading = heading::BREAKS)]
    pub schedule: Option<PathBuf>,
    /// Draw from the seed what is not given: which of the faults, and heartbeat, concurrency, rate,
    /// hold, interval and duration
    #[arg(long, conflicts_with = "schedule", help_heading = heading::CHANCE)]
    pub swarm: bool,
    /// Decides all chance [default: drawn, and shown]
    #[arg(long, value_parser = number::from_zero::<Seed>, value_name = "N", help_heading = heading::CHANCE)]
    pub seed: Option<Seed>,
    /// Where: `auto` (Docker if it answers, else `sim`), `sim`, `docker`, or the URL of a running
    /// broker: amqp://user:password@127.0.0.1:5672/vhost (without the password, PROVER_PASSWORD
    /// gives it)
    #[arg(long, default_value = "auto", value_name = "TESTBED", help_heading = heading::WHERE)]
    pub testbed: String,
    /// A service that the lock talks to: a name [`prover list services`], with =IMAGE to choose its
    /// image, =HOST:PORT or =URL where it runs already; repeatable, five times for five instances
    /// [default: what the lock needs]
    #[arg(long, value_name = "SERVICE", help_heading = heading::WHERE)]
    pub service: Vec<String>,
    /// Short for --service rabbitmq=IMAGE: a RabbitMQ version (4.0, 3.10) or any image [default: 4.0]
    #[arg(long, value_name = "IMAGE", help_heading = heading::WHERE)]
    pub rabbitmq: Option<String>,
    /// The nodes of the broker: 1, or 3 for a cluster, in Docker; worker i is a client of node i
    /// modulo 3 [docs/cluster.md]
    #[arg(long, default_value_t = 1, value_parser = number::above_zero::<u32>, value_name = "N", help_heading = heading::WHERE)]
    pub nodes: u32,
    /// What the nodes of a cluster do when they lose sight of each other: ignore, pause_minority or
    /// autoheal [default: ignore]
    #[arg(long, value_name = "HANDLING", help_heading = heading::WHERE)]
    pub partition_handling: Option<String>,
    /// The proxy between workers and broker: `auto`, `embedded`, or the URL of a running Toxiproxy
    /// [default: auto]
    #[arg(long, value_name = "PROXY", help_heading = heading::WHERE)]
    pub toxiproxy: Option<String>,
    /// Leave the containers running
    #[arg(long, help_heading = heading::WHERE)]
    pub keep: bool,
    /// Judge this guarantee instead of what the lock promises; repeatable
    /// [`prover list guarantees`]
    #[arg(long = "guarantee", value_name = "NAME", help_heading = heading::JUDGED)]
    #[serde(rename = "guarantee")]
    pub guarantees: Vec<String>,
    /// The effect that each fault must have at least once for the run to prove something: revoked,
    /// changed, delayed or none, of all faults or by name: partition=delayed,pause=none; and how often a
    /// fault must strike whom: partition.holder=3
    /// [default: what its kind is due]
    #[arg(long, value_name = "EFFECTS", help_heading = heading::JUDGED)]
    #[serde(deserialize_with = "coverage::deserialize")]
    pub coverage: Option<String>,
}

impl Default for RunSpec {
    /// The run of which nothing was said.
    fn default() -> Self {
        Self {
            workload: "mutex".to_owned(),
            lock: None,
            options: Vec::new(),
            isolate: false,
            nemesis: "none".to_owned(),
            testbed: "auto".to_owned(),
            time_limit: TIME_LIMIT,
            until_covered: false,
            at_most: None,
            concurrency: None,
            rate: None,
            keys: 1,
            slots: None,
            hold: None,
            verify_interval: Duration::from_millis(100),
            burst: false,
            heartbeat: None,
            operation_timeout: Duration::from_secs(5),
            service: Vec::new(),
            rabbitmq: None,
            nodes: 1,
            partition_handling: None,
            toxiproxy: None,
            nemesis_interval: None,
            nemesis_duration: None,
            nemesis_at_once: 1,
            target: Aim::Holder,
            schedule: None,
            guarantees: Vec::new(),
            coverage: None,
            seed: None,
            swarm: false,
            keep: false,
        }
    }
}

impl RunSpec {
    /// The command that asks for this run, as it can be typed.
    #[must_use]
    pub fn command_line(&self) -> String {
        command_line(&[], self, &Self::default())
    }

    /// Looks at every number by itself.
    ///
    /// # Errors
    /// The first that is out of its bounds.
    pub fn check(&self) -> Result<(), OutOfBounds> {
        bounds::check(self)
    }
}
