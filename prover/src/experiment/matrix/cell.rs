//! A cell of the matrix: one lock under one workload and one nemesis in one place; and what came of
//! it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use checker::{COVERAGE, Verdict};
use jiff::Timestamp;
use plan::manifest::Git;
use plan::spec::RunSpec;
use run::seed::Seed;
use serde::{Deserialize, Serialize};
use suite::Judged;

use crate::exit::Exit;

/// What breaks.
pub(super) const NEMESES: &[&str] = &["none", "partition,cut"];

/// Short enough that several faults of each kind fit into a run, and long enough that some of them
/// outlast the patience of both ends, which is two to three heartbeats.
const HEARTBEAT: Duration = Duration::from_secs(1);
const NEMESIS_INTERVAL: Duration = Duration::from_secs(1);
const NEMESIS_DURATION: Duration = Duration::from_secs(4);

/// Whose belief overlaps.
const EXCLUSION: &str = "exclusion";

/// Where a cell is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Place {
    /// In the simulation.
    Sim,
    /// On this RabbitMQ in a container.
    Docker(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sim => f.write_str("sim"),
            Self::Docker(rabbitmq) => write!(f, "docker {rabbitmq}"),
        }
    }
}

/// What is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cell {
    pub(super) workload: String,
    pub(super) lock: String,
    pub(super) nemesis: String,
    pub(super) place: Place,
    pub(super) time_limit_ms: u64,
    /// The first to be tried.
    pub(super) seed: Seed,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            workload,
            lock,
            nemesis,
            place,
            ..
        } = self;
        write!(f, "{lock} under {workload}, nemesis {nemesis}, {place}")
    }
}

impl Cell {
    /// Its run with this seed.
    pub(super) fn spec(&self, seed: Seed) -> RunSpec {
        let (testbed, rabbitmq) = match &self.place {
            Place::Sim => ("sim", None),
            Place::Docker(rabbitmq) => ("docker", Some(rabbitmq.clone())),
        };
        let is_quiet = self.nemesis == NEMESES[0];
        let unless_quiet = |time| (!is_quiet).then_some(time);
        RunSpec {
            workload: self.workload.clone(),
            lock: Some(self.lock.clone()),
            nemesis: self.nemesis.clone(),
            testbed: testbed.to_owned(),
            rabbitmq,
            time_limit: Duration::from_millis(self.time_limit_ms),
            heartbeat: Some(HEARTBEAT),
            nemesis_interval: unless_quiet(NEMESIS_INTERVAL),
            nemesis_duration: unless_quiet(NEMESIS_DURATION),
            seed: Some(seed),
            ..RunSpec::default()
        }
    }

    /// Whether the lock is broken on purpose.
    pub(super) fn is_broken_on_purpose(&self) -> bool {
        plan::catalogue::find(&self.lock).is_some_and(|lock| lock.breaks().is_some())
    }
}

/// What came of a cell.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct CellRecord {
    pub(super) cell: Cell,
    pub(super) at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) git: Option<Git>,
    /// The broker, as its testbed describes it.
    pub(super) testbed: String,
    /// Of the last run.
    pub(super) verdict: Verdict,
    /// What was violated, or why nothing can be said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) because: Option<String>,
    #[serde(flatten)]
    pub(super) figures: Figures,
    /// The seeds that were tried, one after the other until the verdict was not `unknown`.
    pub(super) seeds: Vec<Seed>,
    /// The command that repeats the last run.
    pub(super) repeat: String,
    /// Where it is stored, unless it was simulated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) folder: Option<PathBuf>,
}

/// The figures of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Figures {
    pub(super) grants: u64,
    /// Faults that were injected.
    pub(super) faults: u64,
    /// Of them those that had the effect that is due of them.
    pub(super) landed: u64,
    /// How long two believed to hold at most, in nanoseconds; 0 if there never were two.
    pub(super) longest_overlap_ns: u64,
}

impl CellRecord {
    /// What the cell says of its lock; one that is broken on purpose may be anything.
    pub(super) fn exit(&self) -> Exit {
        if self.cell.is_broken_on_purpose() {
            return Exit::Valid;
        }
        self.verdict.into()
    }
}

impl Figures {
    /// Of the run that was judged.
    pub(super) fn of(judged: &Judged) -> Self {
        let mut figures = Self::default();
        for row in &judged.guarantees {
            let finding = &row.finding;
            if finding.guarantee == COVERAGE {
                figures.grants = finding.counts.holds;
                figures.faults = finding.counts.faults.iter().map(|one| one.windows).sum();
                figures.landed = finding.counts.faults.iter().map(|one| one.landed).sum();
            }
            if finding.guarantee == EXCLUSION {
                let longest = finding.exposures_ns.iter().copied().max();
                figures.longest_overlap_ns = longest.unwrap_or(0);
            }
        }
        figures
    }
}

/// What was violated, or why nothing can be said.
pub(super) fn because(judged: &Judged) -> Option<String> {
    match judged.verdict {
        Verdict::Valid => None,
        Verdict::Violated => {
            let violated: Vec<_> = judged.violated().collect();
            Some(violated.join(", "))
        }
        Verdict::Unknown => {
            let rows = judged.guarantees.iter().filter(|row| row.judged);
            let open = rows.filter(|row| row.finding.verdict == Verdict::Unknown);
            let reasons = open.filter_map(|row| row.finding.reason.clone());
            let reasons: Vec<_> = judged.unfinished.iter().cloned().chain(reasons).collect();
            Some(reasons.join("; "))
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What could have come of a cell.
    pub(in super::super) fn record(lock: &str, verdict: Verdict) -> CellRecord {
        CellRecord {
            cell: Cell {
                workload: "mutex".to_owned(),
                lock: lock.to_owned(),
                nemesis: "none".to_owned(),
                place: Place::Sim,
                time_limit_ms: 1_000,
                seed: Seed(1),
            },
            at: Timestamp::UNIX_EPOCH,
            git: None,
            testbed: String::new(),
            verdict,
            because: None,
            figures: Figures::default(),
            seeds: vec![Seed(1)],
            repeat: String::new(),
            folder: None,
        }
    }

    #[test]
    fn only_a_correct_lock_has_to_keep_its_promises() {
        let exit = |lock, verdict| record(lock, verdict).exit();
        assert_eq!(exit("exclusive-queue", Verdict::Valid), Exit::Valid);
        assert_eq!(exit("exclusive-queue", Verdict::Violated), Exit::Violation);
        assert_eq!(exit("exclusive-queue", Verdict::Unknown), Exit::Unknown);
        assert_eq!(exit("no-lock", Verdict::Violated), Exit::Valid);
        assert_eq!(exit("no-lock", Verdict::Unknown), Exit::Valid);
    }

    #[test]
    fn a_record_reads_back_as_it_was_stored() {
        let mut record = record("exclusive-queue", Verdict::Valid);
        record.cell.place = Place::Docker("4.0".to_owned());
        record.figures.grants = 7;
        let text = serde_json::to_string(&record).expect("JSON");
        let again: CellRecord = serde_json::from_str(&text).expect("it was stored by us");
        assert_eq!(again.cell, record.cell);
        assert_eq!(again.figures, record.figures);
    }
}
