//! What breaks, for whom, when and for how long: decided before the run begins, from the seed
//! alone.

use std::time::Duration;

use history::fault::Parameters;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::{Aim, Call, Part, Selected, Target, parameter, registry};

/// The plan of the nemesis. A fault's place in the list is its id in the record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// The faults, in any order; they may overlap, but no two have hold of the same at one time.
    pub faults: Vec<Planned>,
    /// What clients do and when, in place of what the workload would have them do. If there are
    /// none the workload decides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Call>,
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
    /// Its parameters.
    #[serde(default, skip_serializing_if = "Parameters::is_empty")]
    pub parameters: Parameters,
}

/// What a schedule is made from.
#[derive(Clone, Debug)]
pub struct Settings<'a> {
    /// The faults to choose from.
    pub faults: &'a [Selected],
    /// What those are aimed at of which nothing else was said.
    pub aim: Aim,
    /// Whether some workers administer locks: then every third fault that is aimed at a holder,
    /// and of which nothing else was said, strikes one of them.
    pub has_administrators: bool,
    /// The quiet time before each fault.
    pub interval: Duration,
    /// The longest a fault lasts of which nothing else was said; the shortest is half of that.
    pub duration: Duration,
    /// When the run's time is up: a fault that could not heal before is left out.
    pub time_limit: Duration,
    /// How many faults may be on at the same time.
    pub at_once: u32,
}

impl Settings<'_> {
    fn target(&self, selected: &Selected, draw: u32) -> Target {
        match selected.aim {
            Some(aim) => aim.target(draw),
            None if self.aim == Aim::Holder
                && self.has_administrators
                && draw.is_multiple_of(3) =>
            {
                Target::Administrator { draw }
            }
            None => self.aim.target(draw),
        }
    }
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
    /// It gives a fault parameters that it does not have, or lacks some.
    #[error("fault {place} of the schedule: {mistake}")]
    Parameters {
        /// Its place in the schedule, counted from 0.
        place: usize,
        /// What is wrong.
        mistake: String,
    },
    /// It names a worker twice.
    #[error("fault {place} of the schedule names worker {worker} twice: once is enough")]
    Twice {
        /// Its place in the schedule, counted from 0.
        place: usize,
        /// The worker.
        worker: usize,
    },
    /// A client is told to do something about slots and not about which, or the reverse.
    #[error(
        "call {0} of the schedule must list the slots that it is about in \"value\" if it is a create, grow or wait, and nothing else may"
    )]
    Slots(usize),
    /// Two faults have hold of the same at one time: what heals the one would take off the other.
    #[error(
        "faults {first} and {second} of the schedule both break {what} at the same time: let one heal before the other begins, or strike another worker"
    )]
    Overlap {
        /// The place of one in the schedule, counted from 0.
        first: usize,
        /// That of the other.
        second: usize,
        /// What they break.
        what: String,
    },
}

impl Schedule {
    /// Draws a schedule. With several faults each is drawn equally often, in an order that the
    /// stream decides. Where several may be on at the same time, each of them has a row of its own,
    /// from which those are left out that would surely meet one of the rows before.
    #[must_use]
    pub fn draw(settings: &Settings<'_>, random: &mut ChaCha8Rng) -> Self {
        let mut schedule = Self::default();
        for _ in 0..settings.at_once {
            let mut row = draw_row(settings, random);
            row.retain(|planned| !schedule.faults.iter().any(|other| other.meets(planned)));
            schedule.faults.append(&mut row);
        }
        schedule
    }

    /// Reads a stored schedule.
    ///
    /// # Errors
    /// It is not a schedule, names an unknown fault, or has two faults that break the same at one
    /// time.
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        let mut schedule: Self = serde_json::from_str(text)?;
        schedule.fill_parameters()?;
        schedule.check_workers()?;
        let is_told_of_slots = |call: &Call| call.value.is_empty() != call.f.is_about_slots();
        if let Some(place) = schedule
            .calls
            .iter()
            .position(|call| !is_told_of_slots(call))
        {
            return Err(ScheduleError::Slots(place));
        }
        match schedule.overlap() {
            Some(overlap) => Err(overlap),
            None => Ok(schedule),
        }
    }

    /// Each fault has the parameters that can be set of it, and no others; those that are left out
    /// are as assumed.
    fn fill_parameters(&mut self) -> Result<(), ScheduleError> {
        for (place, planned) in self.faults.iter_mut().enumerate() {
            let Some(fault) = registry::find(&planned.fault) else {
                return Err(ScheduleError::UnknownFault(planned.fault.clone()));
            };
            let given = std::mem::take(&mut planned.parameters);
            let filled = parameter::filled(fault.settable(), given);
            planned.parameters = filled.map_err(|mistake| ScheduleError::Parameters {
                place,
                mistake: format!("{} {mistake}", planned.fault),
            })?;
        }
        Ok(())
    }

    /// Nobody is struck twice by one fault.
    fn check_workers(&self) -> Result<(), ScheduleError> {
        for (place, planned) in self.faults.iter().enumerate() {
            let named = planned.target.named().unwrap_or_default();
            let mut seen = std::collections::BTreeSet::new();
            if let Some(worker) = named.iter().find(|worker| !seen.insert(**worker)) {
                let worker = *worker;
                return Err(ScheduleError::Twice { place, worker });
            }
        }
        Ok(())
    }

    /// The first two faults that surely break the same at one time. Whom others strike is drawn
    /// when they begin, among those whom nothing strikes.
    fn overlap(&self) -> Option<ScheduleError> {
        let order = self.by_beginning();
        let mut on: Vec<usize> = Vec::new();
        for second in order {
            let planned = &self.faults[second];
            on.retain(|first| planned.at_ms < self.faults[*first].ends_ms());
            for first in &on {
                if let Some(what) = self.faults[*first].shared_with(planned) {
                    let (first, second) = (*first, second);
                    return Some(ScheduleError::Overlap {
                        first,
                        second,
                        what,
                    });
                }
            }
            on.push(second);
        }
        None
    }

    /// The faults by their places, in as few lanes as there are faults at one time: those of a lane
    /// come one after the other, each begins only when the one before has healed.
    #[must_use]
    pub fn lanes(&self) -> Vec<Vec<usize>> {
        let mut lanes: Vec<Vec<usize>> = Vec::new();
        for place in self.by_beginning() {
            let at_ms = self.faults[place].at_ms;
            let is_free = |lane: &&mut Vec<usize>| {
                let last = lane.last().map_or(0, |last| self.faults[*last].ends_ms());
                last <= at_ms
            };
            match lanes.iter_mut().find(is_free) {
                Some(lane) => lane.push(place),
                None => lanes.push(vec![place]),
            }
        }
        lanes
    }

    fn by_beginning(&self) -> Vec<usize> {
        let mut places: Vec<usize> = (0..self.faults.len()).collect();
        places.sort_by_key(|place| self.faults[*place].at_ms);
        places
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

    /// Whether both surely break the same at one time.
    fn meets(&self, other: &Self) -> bool {
        let together = self.at_ms < other.ends_ms() && other.at_ms < self.ends_ms();
        together && self.shared_with(other).is_some()
    }

    /// What it surely breaks that another breaks, too.
    fn shared_with(&self, other: &Self) -> Option<String> {
        let (one, two) = (registry::find(&self.fault)?, registry::find(&other.fault)?);
        let part = one.parts().iter().find(|part| two.parts().contains(part))?;
        if *part == Part::Broker {
            return Some("the broker".to_owned());
        }
        let (mine, theirs) = (self.target.named()?, other.target.named()?);
        let worker = mine.iter().find(|worker| theirs.contains(worker))?;
        Some(format!("the {part} of worker {worker}"))
    }
}

/// Faults that come one after the other.
fn draw_row(settings: &Settings<'_>, random: &mut ChaCha8Rng) -> Vec<Planned> {
    let mut row = Vec::new();
    let mut bag: Vec<&Selected> = Vec::new();
    let mut at = settings.interval;
    while !settings.faults.is_empty() {
        let drawn = random.random_range(settings.duration / 2..=settings.duration);
        // Looked at before it is taken, so that a longer run begins as a shorter one does.
        let shortest = settings.faults.iter().filter_map(|it| it.duration).min();
        if at + shortest.map_or(drawn, |shortest| shortest.min(drawn)) > settings.time_limit {
            break;
        }
        let selected = draw_from_bag(&mut bag, settings.faults, random);
        let lasting = selected.duration.unwrap_or(drawn);
        let draw = random.random();
        if at + lasting > settings.time_limit {
            break;
        }
        row.push(Planned {
            at_ms: millis(at),
            for_ms: millis(lasting),
            fault: selected.fault.name().to_owned(),
            target: settings.target(selected, draw),
            parameters: selected.parameters.clone(),
        });
        at += lasting + settings.interval;
    }
    row
}

/// Each fault once, in random order, before any comes again: a short run still sees all of them.
fn draw_from_bag<'a>(
    bag: &mut Vec<&'a Selected>,
    all: &'a [Selected],
    random: &mut ChaCha8Rng,
) -> &'a Selected {
    if bag.is_empty() {
        bag.extend(all);
    }
    let position = random.random_range(0..bag.len());
    bag.swap_remove(position)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn draw(faults: &[&str], limit_s: u64, seed: u64) -> Schedule {
        let faults: Vec<Selected> = faults
            .iter()
            .map(|name| Selected::plain(registry::find(name).expect("known")))
            .collect();
        let settings = Settings {
            faults: &faults,
            aim: Aim::Holder,
            has_administrators: false,
            interval: Duration::from_secs(5),
            duration: Duration::from_secs(8),
            time_limit: Duration::from_secs(limit_s),
            at_once: 1,
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
        assert_eq!(schedule.calls[0].f, crate::Request::Acquire);
        let again = serde_json::to_string(&schedule).expect("JSON");
        assert_eq!(Schedule::parse(&again).expect("it reads back"), schedule);
    }

    #[test]
    fn the_seed_decides() {
        assert_eq!(draw(&["partition"], 60, 1), draw(&["partition"], 60, 1));
        assert_ne!(draw(&["partition"], 60, 1), draw(&["partition"], 60, 2));
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
        let twice =
            r#"{"faults":[{"at_ms":1,"for_ms":2,"fault":"cut","target":{"workers":[2,2]}}]}"#;
        assert!(said(twice).contains("names worker 2 twice"));
        assert!(said("{").contains("not readable"));
        assert!(said(&format!(r#"{{"faults":[{}]}}"#, planned(0, "flood"))).contains("\"flood\""));
        for (f, value) in [("create", "[]"), ("grow", "[]"), ("acquire", "[1]")] {
            let call = format!(r#"{{"at_ms":1,"worker":0,"f":"{f}","key":"k","value":{value}}}"#);
            let said = said(&format!(r#"{{"faults":[],"calls":[{call}]}}"#));
            assert!(
                said.starts_with("call 0 of the schedule must list"),
                "{said}"
            );
        }
    }

    /// Faults of 100 ms on worker 1.
    fn on_worker_1(faults: &[(u64, &str)]) -> String {
        let planned = |(at, fault): &(u64, &str)| {
            format!(r#"{{"at_ms":{at},"for_ms":100,"fault":"{fault}","target":{{"workers":[1]}}}}"#)
        };
        let faults: Vec<String> = faults.iter().map(planned).collect();
        format!(r#"{{"faults":[{}]}}"#, faults.join(","))
    }

    #[test]
    fn two_faults_never_break_the_same_at_one_time() {
        for (faults, expected) in [
            (
                [(0, "cut"), (50, "partition")],
                "faults 0 and 1 of the schedule both break the link of worker 1",
            ),
            (
                [(50, "freeze"), (0, "pause")],
                "faults 1 and 0 of the schedule both break the process of worker 1",
            ),
            ([(0, "kill"), (99, "restart")], "both break the broker"),
        ] {
            let error = Schedule::parse(&on_worker_1(&faults)).expect_err("they overlap");
            assert!(error.to_string().contains(expected), "{error}");
        }
        for faults in [
            [(0, "cut"), (100, "cut")],
            [(0, "partition"), (50, "pause")],
            [(0, "restart"), (50, "partition")],
        ] {
            Schedule::parse(&on_worker_1(&faults)).expect("they do not get in each other's way");
        }
        let elsewhere = on_worker_1(&[(0, "cut"), (50, "cut")]).replacen("[1]", "[0]", 1);
        Schedule::parse(&elsewhere).expect("each has a worker of its own");
    }

    #[test]
    fn what_overlaps_is_in_lanes_of_its_own() {
        let lanes = |faults| {
            Schedule::parse(&on_worker_1(faults))
                .expect("a schedule")
                .lanes()
        };
        assert_eq!(lanes(&[]), [] as [Vec<usize>; 0]);
        assert_eq!(
            lanes(&[(200, "cut"), (0, "cut"), (100, "pause")]),
            [[1, 2, 0]]
        );
        let crossing = [
            (0, "cut"),
            (50, "pause"),
            (70, "restart"),
            (150, "crash"),
            (160, "cut"),
        ];
        assert_eq!(lanes(&crossing), [vec![0, 3], vec![1, 4], vec![2]]);
    }

    #[test]
    fn what_is_drawn_has_one_lane() {
        let schedule = draw(&["partition", "cut"], 60, 7);
        assert_eq!(
            schedule.lanes(),
            [(0..schedule.faults.len()).collect::<Vec<_>>()]
        );
    }
}
