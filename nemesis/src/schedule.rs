//! What breaks, for whom, when and for how long: decided before the run begins, from the seed alone.

use std::time::Duration;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{Worker, fault};

/// The plan of the nemesis: faults one after another, in the order in which they begin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The faults; no two overlap.
    pub faults: Vec<Planned>,
    /// What clients do and when, in place of what the workload would have them do. If there are none the workload decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Call>,
}

/// One operation to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// When it is due, in milliseconds since the run began; it waits until the worker's operation before has ended.
    pub at_ms: u64,
    /// The worker, counted from 0.
    pub worker: u32,
    /// The operation.
    pub f: Request,
    /// The lock.
    pub key: String,
}

/// One fault to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// When it begins, in milliseconds since the run began.
    pub at_ms: u64,
    /// How long it lasts, in milliseconds.
    pub for_ms: u64,
    /// Its name.
    pub fault: String,
    /// Whom it strikes.
    pub target: Target,
}

/// What a client can be told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Request {
    /// Ask for the lock.
    Acquire,
    /// Ask whether it is still held.
    Verify,
    /// Give it back.
    Release,
}

/// Whom a fault strikes. `draw` chooses among those that qualify at that moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Target {
    /// One worker that holds a lock; any one worker if nobody does in time.
    Holder {
        /// Taken modulo the number of candidates.
        draw: u32,
    },
    /// One worker in the middle of administering a lock, a moment after it has begun; any one worker if nobody does in time.
    Administrator {
        /// Taken modulo the number of candidates; decides the moment, too.
        draw: u32,
    },
    /// One worker.
    Any {
        /// Taken modulo the number of workers.
        draw: u32,
    },
    /// Each worker by the toss of a coin, at least one.
    Random {
        /// One bit a worker, lowest first.
        draw: u32,
    },
    /// These and nobody else.
    Workers(Vec<Worker>),
}

/// What a schedule is made from.
#[derive(Clone, Debug)]
pub struct Settings<'a> {
    /// The names of the faults to choose from.
    pub faults: &'a [&'a str],
    /// Which kind of target: `holder`, `any` or `random`.
    pub target: fn(u32) -> Target,
    /// The quiet time before each fault.
    pub interval: Duration,
    /// The longest a fault lasts; the shortest is half of that.
    pub duration: Duration,
    /// When the run's time is up: a fault that could not heal before is left out.
    pub time_limit: Duration,
}

/// Why a stored schedule cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// It is not the JSON of a schedule.
    #[error("the schedule is not readable: {0}")]
    Json(#[from] serde_json::Error),
    /// It names a fault that does not exist.
    #[error(
        "the schedule names the fault \"{0}\", which does not exist: `prover list faults` shows them"
    )]
    UnknownFault(String),
    /// A fault begins before the one before it has healed.
    #[error("fault {0} of the schedule begins before the one before it has healed")]
    Overlap(usize),
}

impl Schedule {
    /// Draws a schedule. With several faults each is drawn equally often, in an order that the stream decides.
    #[must_use]
    pub fn draw(settings: &Settings<'_>, random: &mut ChaCha8Rng) -> Self {
        let mut faults = Vec::new();
        let mut bag: Vec<&str> = Vec::new();
        let mut at = settings.interval;
        while !settings.faults.is_empty() {
            let lasting = random.random_range(settings.duration / 2..=settings.duration);
            if at + lasting > settings.time_limit {
                break;
            }
            let fault = draw_from_bag(&mut bag, settings.faults, random);
            faults.push(Planned {
                at_ms: millis(at),
                for_ms: millis(lasting),
                fault: fault.to_owned(),
                target: (settings.target)(random.random()),
            });
            at += lasting + settings.interval;
        }
        Self {
            faults,
            calls: Vec::new(),
        }
    }

    /// Reads a stored schedule.
    ///
    /// # Errors
    /// It is not a schedule, names an unknown fault, or has faults that overlap.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        let schedule: Self = serde_json::from_str(text)?;
        if let Some(planned) = schedule
            .faults
            .iter()
            .find(|planned| fault::find(&planned.fault).is_none())
        {
            return Err(ScheduleError::UnknownFault(planned.fault.clone()));
        }
        let overlap = schedule
            .faults
            .windows(2)
            .position(|pair| pair[1].at_ms < pair[0].ends_ms());
        match overlap {
            Some(position) => Err(ScheduleError::Overlap(position + 1)),
            None => Ok(schedule),
        }
    }

    /// The names of the faults in it, each once, sorted.
    #[must_use]
    pub fn fault_names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self
            .faults
            .iter()
            .map(|planned| planned.fault.as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

impl Planned {
    /// When it heals, in milliseconds since the run began.
    #[must_use]
    pub fn ends_ms(&self) -> u64 {
        self.at_ms.saturating_add(self.for_ms)
    }
}

impl Target {
    /// The workers it means, given who is at this moment as it wants them. Empty only if there are no workers.
    #[must_use]
    pub fn resolve(&self, workers: usize, wanted: &[Worker]) -> Vec<Worker> {
        let everybody: Vec<Worker> = (0..workers).collect();
        match self {
            Self::Holder { draw } | Self::Administrator { draw } if !wanted.is_empty() => {
                pick(wanted, *draw)
            }
            Self::Holder { draw } | Self::Administrator { draw } | Self::Any { draw } => {
                pick(&everybody, *draw)
            }
            Self::Random { draw } => toss(&everybody, *draw),
            Self::Workers(chosen) => {
                let is_there = |worker: &&Worker| **worker < workers;
                chosen.iter().filter(is_there).copied().collect()
            }
        }
    }
}

/// Each fault once, in random order, before any comes again: a short run still sees all of them.
fn draw_from_bag<'a>(bag: &mut Vec<&'a str>, all: &[&'a str], random: &mut ChaCha8Rng) -> &'a str {
    if bag.is_empty() {
        bag.extend(all);
    }
    let position = random.random_range(0..bag.len());
    bag.swap_remove(position)
}

fn pick(candidates: &[Worker], draw: u32) -> Vec<Worker> {
    let position = draw as usize % candidates.len().max(1);
    candidates.get(position).copied().into_iter().collect()
}

fn toss(candidates: &[Worker], draw: u32) -> Vec<Worker> {
    let chosen: Vec<_> = candidates
        .iter()
        .copied()
        .filter(|worker| draw >> (worker % 32) & 1 == 1)
        .collect();
    if chosen.is_empty() {
        pick(candidates, draw)
    } else {
        chosen
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn draw(faults: &[&str], limit_s: u64, seed: u64) -> Schedule {
        let settings = Settings {
            faults,
            target: |draw| Target::Holder { draw },
            interval: Duration::from_secs(5),
            duration: Duration::from_secs(8),
            time_limit: Duration::from_secs(limit_s),
        };
        Schedule::draw(&settings, &mut ChaCha8Rng::seed_from_u64(seed))
    }

    #[test]
    fn every_fault_heals_within_the_run() {
        for seed in 0..200 {
            let schedule = draw(&["partition", "cut"], 60, seed);
            assert_eq!(schedule.fault_names(), ["cut", "partition"]);
            assert!(
                schedule
                    .faults
                    .iter()
                    .all(|planned| planned.ends_ms() <= 60_000)
            );
            let text = serde_json::to_string(&schedule).expect("a schedule is JSON");
            assert_eq!(Schedule::parse(&text).expect("it reads back"), schedule);
        }
    }

    #[test]
    fn a_run_too_short_for_a_fault_has_none() {
        assert_eq!(draw(&["partition"], 3, 1), Schedule::default());
        assert_eq!(draw(&[], 60, 1), Schedule::default());
    }

    #[test]
    fn a_schedule_may_say_what_clients_do() {
        let text = r#"{"faults":[{"at_ms":1,"for_ms":2,"fault":"cut","target":{"workers":[0]}}],
            "calls":[{"at_ms":3,"worker":1,"f":"acquire","key":"lock-0"}]}"#;
        let schedule = Schedule::parse(text).expect("a schedule");
        assert_eq!(schedule.calls[0].f, Request::Acquire);
        let again = serde_json::to_string(&schedule).expect("JSON");
        assert_eq!(Schedule::parse(&again).expect("it reads back"), schedule);
    }

    #[test]
    fn the_seed_decides() {
        assert_eq!(draw(&["partition"], 60, 1), draw(&["partition"], 60, 1));
        assert_ne!(draw(&["partition"], 60, 1), draw(&["partition"], 60, 2));
    }

    #[test]
    fn targets_are_resolved_among_those_that_qualify() {
        assert_eq!(Target::Holder { draw: 7 }.resolve(5, &[3]), [3]);
        assert_eq!(Target::Holder { draw: 7 }.resolve(5, &[]), [2]);
        assert_eq!(Target::Any { draw: 7 }.resolve(5, &[3]), [2]);
        assert_eq!(Target::Random { draw: 0b10110 }.resolve(5, &[]), [1, 2, 4]);
        assert_eq!(Target::Random { draw: 0 }.resolve(5, &[]), [0]);
        assert_eq!(Target::Any { draw: 7 }.resolve(0, &[]), [] as [usize; 0]);
        assert_eq!(Target::Workers(vec![1, 9]).resolve(5, &[3]), [1]);
    }

    #[test]
    fn a_bad_schedule_is_named() {
        let said = |text: &str| {
            Schedule::parse(text)
                .expect_err("it must be refused")
                .to_string()
        };
        let planned = |at: u64, fault: &str| {
            format!(
                r#"{{"at_ms":{at},"for_ms":100,"fault":"{fault}","target":{{"any":{{"draw":1}}}}}}"#
            )
        };
        assert!(said("{").contains("not readable"));
        assert!(said(&format!(r#"{{"faults":[{}]}}"#, planned(0, "flood"))).contains("\"flood\""));
        let overlapping = format!(
            r#"{{"faults":[{},{}]}}"#,
            planned(0, "cut"),
            planned(50, "cut")
        );
        assert!(said(&overlapping).contains("fault 1 of the schedule begins before"));
    }
}
