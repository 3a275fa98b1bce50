//! Where a run stands, for whoever looks on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use history::fault::{Note, Targets};
use history::{Event, Function, Kind, Mark, Value};
use nemesis::{Schedule, Worker};
use tokio::time::Instant;

use crate::observer::Observer;

/// Follows what is recorded, beside what is planned.
#[derive(Debug)]
pub struct Live {
    schedule: Schedule,
    workers: usize,
    time_limit: Duration,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    began: Option<Instant>,
    settled: Option<Instant>,
    grants: u64,
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
    /// Acquires that returned held.
    pub grants: u64,
    /// The faults that are on.
    pub on: Vec<Struck>,
    /// How long it is until the next fault is due; nothing where one is late.
    pub next: Option<Duration>,
}

impl Live {
    /// Of a run with this schedule, of so many workers, that lasts for so long at the longest.
    #[must_use]
    pub fn new(schedule: Schedule, workers: u32, time_limit: Duration) -> Self {
        Self {
            schedule,
            workers: workers as usize,
            time_limit,
            seen: Mutex::default(),
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
            grants: seen.grants,
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
        let worker = |process: &u32| *process as usize % self.workers.max(1);
        let workers: BTreeSet<_> = targets.processes().iter().map(worker).collect();
        Struck {
            fault: fault.clone(),
            workers: workers.into_iter().collect(),
        }
    }
}

impl Observer for Live {
    fn see(&self, event: &Event) {
        let mut seen = self.seen();
        seen.began.get_or_insert_with(Instant::now);
        match (&event.function, event.kind, &event.value) {
            (Function::Acquire, Kind::Ok, _) => seen.grants += 1,
            (Function::Fault(fault), _, Value::Note(note)) => match &**note {
                Note::Inject { id, targets, .. } => {
                    seen.begun.insert(*id);
                    seen.on.insert(*id, self.struck(fault, targets));
                }
                Note::Healed { id } => {
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
    use history::fault::{Class, Parameters};
    use history::{Draft, Process};
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
            grants: 1,
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
        see(&live, Draft::fault("cut", Note::Healed { id: 0 }));
        assert_eq!(live.now().expect("begun").on, []);
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
