//! How long a run must last for every fault to have one window in which it can do what is due of
//! it.

use std::fmt;
use std::time::Duration;

use history::fault::{Class, Effect};
use nemesis::{Aim, Planned, Schedule, Selected, Settings, Target};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use run::seed::{Seed, Stream};
use testbed::{Service, services};

use crate::plan::Plan;
use crate::spec::time::written;

/// After so many heartbeats of silence one side takes the other for dead, and no earlier.
pub(crate) const HEARTBEATS_OF_SILENCE: u32 = 2;

/// A fault may begin so much later than it was planned to: it waits for a holder.
const LATE: Duration = Duration::from_secs(2);

/// No schedule is drawn that is longer than so many times the time in which each fault has one
/// window.
const ROUNDS_MAX: u32 = 64;

/// The shortest time for which a run with this seed is long enough; with another seed the faults
/// come in another order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needed {
    /// The time.
    pub time: Duration,
    /// The seed.
    pub seed: Seed,
}

impl fmt::Display for Needed {
    /// As options: `--time-limit 2m11s --seed 7`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { time, seed } = self;
        write!(out, "--time-limit {} --seed {seed}", written(*time))
    }
}

/// How a schedule was drawn.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    pub aim: Aim,
    pub has_administrators: bool,
    pub at_once: u32,
    pub interval: Duration,
    pub duration: Duration,
}

impl Pattern {
    /// The schedule of a run of this length. That of a longer run begins with it.
    pub(crate) fn draw(&self, mix: &[Selected], time_limit: Duration, seed: Seed) -> Schedule {
        let mut random = ChaCha8Rng::from_seed(seed.stream(Stream::Schedule));
        Schedule::draw(&self.settings(mix, time_limit), &mut random)
    }

    pub(crate) fn settings<'a>(&self, mix: &'a [Selected], time_limit: Duration) -> Settings<'a> {
        Settings {
            faults: mix,
            aim: self.aim,
            has_administrators: self.has_administrators,
            interval: self.interval,
            duration: self.duration,
            time_limit,
            at_once: self.at_once,
        }
    }
}

impl Plan {
    /// How long the run must last at the least for every fault to have one window that is aimed at
    /// a holder and lasts long enough for what is due of it. `None` where there are no faults,
    /// where their schedule was not drawn, or where no time is long enough.
    #[must_use]
    pub fn needed(&self) -> Option<Needed> {
        let pattern = self.pattern.as_ref()?;
        let count = u32::try_from(self.faults.len()).ok()?;
        let round = (pattern.interval + pattern.duration).saturating_mul(count);
        let mut rounds = 1;
        while rounds <= ROUNDS_MAX && !round.is_zero() {
            let time_limit = round.saturating_mul(rounds);
            let drawn = pattern.draw(&self.mix, time_limit, self.seed);
            if let Some(ends) = self.all_could_show(&drawn) {
                let whole = Duration::from_secs((ends + LATE).as_millis().div_ceil(1_000) as u64);
                return Some(Needed {
                    time: whole,
                    seed: self.seed,
                });
            }
            rounds *= 2;
        }
        None
    }

    /// When the last of the faults has had its first window that could show what is due of it.
    fn all_could_show(&self, schedule: &Schedule) -> Option<Duration> {
        let first = |fault: &&str| {
            let mut own = schedule.faults.iter().filter(|it| it.fault == **fault);
            own.find(|planned| self.surely_lasts(planned) && is_aimed_at_a_holder(planned))
        };
        let ends = self.faults.iter().map(|fault| first(fault).map(ends));
        ends.collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// Whether a window is long enough for what is due of its fault; where none of the plan can be
    /// so long for certain, whether it may be.
    fn surely_lasts(&self, planned: &Planned) -> bool {
        let longest = self.pattern.as_ref().map(|pattern| pattern.duration);
        let kept = self.progress.kept();
        let least = if longest > Some(kept) {
            kept
        } else {
            self.silence().unwrap_or_default()
        };
        !self.is_due_by_silence(&planned.fault) || lasting(planned) >= least
    }

    /// No silence that is shorter takes a lock away, where that is known: a lease may be nearly over
    /// when the silence begins.
    pub(crate) fn silence(&self) -> Option<Duration> {
        let is_broker = |service: &&str| *service == services::RabbitMq.name();
        let is_by_heartbeats = self.lock.lock.services().iter().all(is_broker);
        (is_by_heartbeats && self.lock.lock.lease().is_none())
            .then(|| HEARTBEATS_OF_SILENCE * self.heartbeat)
    }

    /// Whether a fault is to take a lock away, and does so only by the silence of its targets.
    pub(crate) fn is_due_by_silence(&self, fault: &str) -> bool {
        let is_silence = nemesis::find(fault).is_some_and(|fault| {
            let is_of_class = matches!(fault.class(), Class::Isolating | Class::Halting);
            is_of_class || fault.spares_the_busy()
        });
        is_silence && self.due(fault) == Some(Effect::Revoked)
    }
}

/// Who administers a lock holds no slot of it.
pub(crate) fn is_aimed_at_a_holder(planned: &Planned) -> bool {
    !matches!(planned.target, Target::Administrator { .. })
}

pub(crate) fn lasting(planned: &Planned) -> Duration {
    Duration::from_millis(planned.for_ms)
}

pub(crate) fn ends(planned: &Planned) -> Duration {
    Duration::from_millis(planned.ends_ms())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::RunSpec;

    /// Sixteen times the time in which each of sixteen faults has one window.
    const LONG: Duration = Duration::from_secs(16 * 16 * 13);

    fn plan(change: impl Fn(&mut RunSpec), seed: u64) -> Plan {
        let mut spec = RunSpec {
            nemesis: "all".to_owned(),
            testbed: "sim".to_owned(),
            seed: Some(Seed(seed)),
            ..RunSpec::default()
        };
        change(&mut spec);
        Plan::new(&spec)
            .map_err(|error| error.to_string())
            .expect("a plan")
    }

    #[test]
    fn each_fault_has_its_window_in_the_time_that_is_needed_and_not_in_a_shorter_one() {
        for seed in 0..100 {
            let needed = plan(|_| (), seed).needed().expect("faults");
            assert_eq!(needed.seed, Seed(seed));
            let lasts = |time: Duration| plan(|spec| spec.time_limit = time, seed);
            let enough = lasts(needed.time);
            assert_eq!(enough.doubts(), Vec::<String>::new());
            assert!(enough.all_could_show(&enough.schedule).is_some());
            let short = lasts(needed.time - LATE - Duration::from_secs(1));
            assert_eq!(short.all_could_show(&short.schedule), None, "seed {seed}");
            assert!(needed.time < LONG, "{needed}");
        }
    }

    #[test]
    fn a_window_that_is_aimed_at_an_administrator_is_none() {
        let resize = |spec: &mut RunSpec| {
            spec.workload = "resize".to_owned();
            spec.nemesis = "cut,crash".to_owned();
        };
        let first_is_missed = |seed| {
            let plan = plan(resize, seed);
            let all: Vec<_> = plan.schedule.faults.iter().map(|it| &it.fault).collect();
            let both = all.iter().position(|fault| *fault != all[0]);
            let ends = ends(&plan.schedule.faults[both.expect("two faults")]);
            plan.needed().expect("faults").time > ends + LATE + Duration::from_secs(1)
        };
        assert!((0..20).any(first_is_missed));
        assert!(!(0..20).all(first_is_missed));
    }

    #[test]
    fn where_no_time_is_enough_none_is_named() {
        let short = |spec: &mut RunSpec| spec.nemesis_duration = Some(Duration::from_secs(1));
        assert_eq!(plan(short, 1).needed(), None);
        let without = |spec: &mut RunSpec| spec.nemesis = "none".to_owned();
        assert_eq!(plan(without, 1).needed(), None);
        let less = |spec: &mut RunSpec| {
            short(spec);
            spec.coverage = Some("delayed".to_owned());
        };
        assert!(plan(less, 1).needed().is_some());
    }
}
