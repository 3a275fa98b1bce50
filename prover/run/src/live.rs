//! Where a run stands, for whoever looks on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use history::fault::{Note, Targets};
use history::{Event, Function, Kind, Mark, Process, Value};
use nemesis::{Schedule, Worker};
use tokio::time::Instant;

use crate::beliefs::Beliefs;
use crate::observer::Observer;

/// Follows what is recorded, beside what is planned.
#[derive(Debug)]
pub struct Live {
    schedule: Schedule,
    workers: usize,
    time_limit: Duration,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    began: Option<Instant>,
    settled: Option<Instant>,
    /// The time of the last event in the record, and when it was seen.
    last: Option<(u64, Instant)>,
    operations: u64,
    grants: u64,
    beliefs: Beliefs,
    /// The faults of the schedule that were injected, by their places in it.
    begun: BTreeSet<u64>,
    on: BTreeMap<u64, Struck>,
}

/// A fault that is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Struck {
    /// Its name.
    pub fault: Arc<str>,
    /// Whom it strikes.
    pub workers: Vec<Worker>,
}

/// Where a run stands at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// How long the workload has run.
    pub elapsed: Duration,
    /// How long the last phase has gone on, once it has begun.
    pub settling: Option<Duration>,
    /// Operations of clients that have begun.
    pub operations: u64,
    /// Acquires that returned held.
    pub grants: u64,
    /// The workers that believe to hold a lock.
    pub holders: Vec<Worker>,
    /// Grants that came while as many others as the lock has slots believed to hold it. Nobody has
    /// judged them yet.
    pub overlaps: u64,
    /// The faults that are on.
    pub on: Vec<Struck>,
    /// How long it is until the next fault is due; nothing where one is late.
    pub next: Option<Duration>,
}

impl Live {
    /// Of a run with this schedule, of so many workers, that lasts for so long at the longest, on
    /// locks of one slot.
    #[must_use]
    pub fn new(schedule: Schedule, workers: u32, time_limit: Duration) -> Self {
        Self {
            schedule,
            workers: workers as usize,
            time_limit,
            seen: Mutex::new(Seen::new(1)),
        }
    }

    /// The same on locks that so many clients may hold at one time.
    #[must_use]
    pub fn of_slots(self, slots: u32) -> Self {
        Self {
            seen: Mutex::new(Seen::new(slots)),
            ..self
        }
    }

    /// Where the run stands now; nothing before it has begun.
    #[must_use]
    pub fn now(&self) -> Option<Moment> {
        let seen = self.seen();
        let began = seen.began?;
        let until = seen.settled.unwrap_or_else(Instant::now);
        let elapsed = until.duration_since(began);
        Some(Moment {
            elapsed,
            settling: seen.settled.map(|settled| settled.elapsed()),
            operations: seen.operations,
            grants: seen.grants,
            holders: self.holders(&seen),
            overlaps: seen.beliefs.overlaps(),
            on: seen.on.values().cloned().collect(),
            next: match seen.settled {
                None => self.next(&seen.begun, elapsed),
                Some(_) => None,
            },
        })
    }

    /// How long it is until the next of the faults that have not begun and still fit into the run.
    fn next(&self, begun: &BTreeSet<u64>, elapsed: Duration) -> Option<Duration> {
        let planned = (0..).zip(&self.schedule.faults);
        let to_come = planned.filter(|(id, _)| !begun.contains(id));
        let waits = to_come.filter_map(|(_, planned)| {
            let at = Duration::from_millis(planned.at_ms).max(elapsed);
            let fits = at + Duration::from_millis(planned.for_ms) <= self.time_limit;
            fits.then(|| at - elapsed)
        });
        waits.min()
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn struck(&self, fault: &Arc<str>, targets: &Targets) -> Struck {
        Struck {
            fault: fault.clone(),
            workers: self.workers_of(targets.processes().iter().copied()),
        }
    }

    /// Those who believe to hold something now; what a lease ends has no event of its own.
    fn holders(&self, seen: &Seen) -> Vec<Worker> {
        let Some((time, at)) = seen.last else {
            return Vec::new();
        };
        let since = u64::try_from(at.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.workers_of(seen.beliefs.holders(time.saturating_add(since)))
    }

    fn workers_of(&self, processes: impl Iterator<Item = u32>) -> Vec<Worker> {
        let worker = |process: u32| process as usize % self.workers.max(1);
        let workers: BTreeSet<_> = processes.map(worker).collect();
        workers.into_iter().collect()
    }
}

impl Seen {
    fn new(slots: u32) -> Self {
        Self {
            began: None,
            settled: None,
            last: None,
            operations: 0,
            grants: 0,
            beliefs: Beliefs::new(slots),
            begun: BTreeSet::new(),
            on: BTreeMap::new(),
        }
    }
}

impl Observer for Live {
    fn see(&self, event: &Event) {
        let mut seen = self.seen();
        let now = Instant::now();
        seen.began.get_or_insert(now);
        seen.last = Some((event.time, now));
        seen.beliefs.see(event);
        if let (Process::Client(_), Kind::Invoke) = (event.process, event.kind) {
            seen.operations += 1;
        }
        match (&event.function, event.kind, &event.value) {
            (Function::Acquire, Kind::Ok, _) => seen.grants += 1,
            (Function::Fault(fault), _, Value::Note(note)) => match &**note {
                Note::Inject { id, targets, .. } => {
                    seen.begun.insert(*id);
                    seen.on.insert(*id, self.struck(fault, targets));
                }
                Note::Healed { id, .. } => {
                    seen.on.remove(id);
                }
                Note::On { .. } | Note::Heal { .. } => {}
            },
            (Function::Mark(Mark::Settle), ..) => seen.settled = Some(Instant::now()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use history::Draft;
    use history::fault::{Class, Parameters};
    use nemesis::{Planned, Target};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Of two workers and 20 s: a cut from 5 s to 8 s, and another from 12 s to 15 s.
    fn live() -> Live {
        let cut = |at_ms| Planned {
            at_ms,
            for_ms: 3_000,
            fault: "cut".to_owned(),
            target: Target::Any { draw: 0 },
            parameters: Default::default(),
        };
        let schedule = Schedule {
            faults: vec![cut(5_000), cut(12_000)],
            calls: Vec::new(),
        };
        Live::new(schedule, 2, 20 * SECOND)
    }

    fn see(live: &Live, draft: Draft) {
        live.see(&draft.at(0, 0));
    }

    fn inject(id: u64) -> Draft {
        let note = Note::Inject {
            id,
            class: Class::Breaking,
            targets: Targets::Processes(vec![3]),
            parameters: Parameters::new(),
        };
        Draft::fault("cut", note)
    }

    #[tokio::test(start_paused = true)]
    async fn it_follows_the_record_beside_the_schedule() {
        let live = live();
        assert_eq!(live.now(), None);
        let client = |kind| Draft::new(Process::Client(0), kind, Function::Acquire);
        see(&live, client(Kind::Invoke));
        see(&live, client(Kind::Ok));
        see(&live, client(Kind::Fail));
        tokio::time::advance(2 * SECOND).await;
        let quiet = Moment {
            elapsed: 2 * SECOND,
            settling: None,
            operations: 1,
            grants: 1,
            holders: vec![0],
            overlaps: 0,
            on: Vec::new(),
            next: Some(3 * SECOND),
        };
        assert_eq!(live.now(), Some(quiet));
        tokio::time::advance(4 * SECOND).await;
        assert_eq!(live.now().expect("begun").next, Some(Duration::ZERO));
        see(&live, inject(0));
        let struck = live.now().expect("begun");
        assert_eq!(struck.next, Some(6 * SECOND));
        assert_eq!(
            (&*struck.on[0].fault, &*struck.on[0].workers),
            ("cut", &[1][..])
        );
        see(&live, Draft::fault("cut", Note::healed(0)));
        assert_eq!(live.now().expect("begun").on, []);
    }

    #[tokio::test(start_paused = true)]
    async fn it_says_who_holds_and_how_often_too_many_did() {
        let live = live();
        let granted = |process| Draft::new(Process::Client(process), Kind::Ok, Function::Acquire);
        see(&live, granted(0));
        see(&live, granted(3));
        let both = live.now().expect("begun");
        assert_eq!((both.holders, both.overlaps), (vec![0, 1], 1));
        let of_two = self::live().of_slots(2);
        see(&of_two, granted(0));
        see(&of_two, granted(3));
        assert_eq!(of_two.now().expect("begun").overlaps, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_fault_that_does_not_fit_any_more_is_none_to_come() {
        let live = live();
        see(
            &live,
            Draft::new(Process::Client(0), Kind::Ok, Function::Acquire),
        );
        see(&live, inject(0));
        tokio::time::advance(17 * SECOND).await;
        assert_eq!(live.now().expect("begun").next, Some(Duration::ZERO));
        tokio::time::advance(SECOND).await;
        assert_eq!(live.now().expect("begun").next, None);
    }

    #[tokio::test(start_paused = true)]
    async fn in_the_last_phase_only_that_goes_on() {
        let live = live();
        see(
            &live,
            Draft::new(Process::Client(0), Kind::Ok, Function::Acquire),
        );
        tokio::time::advance(3 * SECOND).await;
        see(&live, Draft::mark(Mark::Settle));
        tokio::time::advance(2 * SECOND).await;
        let moment = live.now().expect("begun");
        assert_eq!(moment.elapsed, 3 * SECOND);
        assert_eq!((moment.settling, moment.next), (Some(2 * SECOND), None));
    }
}
