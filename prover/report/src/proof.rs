//! What is known of a violation: the events that prove it, whose holds took part, and which faults
//! touch it.

use std::collections::BTreeSet;

use checker::{Hold, Lock, Rule, Violation};
use history::fault::Window;
use history::{Event, Function, History, Kind, Process};

use crate::scene::Scene;
use crate::starvation::Blocker;

/// A moment between events or at one, in the order of the record: events are odd.
pub(crate) type Moment = usize;

/// The moment of an event.
pub(crate) fn at(place: usize) -> Moment {
    2 * place + 1
}

/// A violation with what belongs to it.
pub(crate) struct Evidence<'a> {
    pub(crate) history: &'a History,
    pub(crate) scene: &'a Scene,
    pub(crate) violation: &'a Violation,
    /// The holds that took part, in the order of the grants.
    pub(crate) holds: Vec<&'a Hold>,
    /// The windows of faults that touch it, those that strike who took part first.
    pub(crate) windows: Vec<Window>,
    pub(crate) processes: BTreeSet<u32>,
    /// Who stands in the way of those that wait in vain, where that is the violation.
    pub(crate) blocker: Option<Blocker<'a>>,
    pub(crate) slots: usize,
    /// The places of the events that the violation names, and of their other ends.
    pub(crate) places: BTreeSet<usize>,
}

impl<'a> Evidence<'a> {
    pub(crate) fn new(
        history: &'a History,
        scene: &'a Scene,
        locks: &'a [Lock],
        violation: &'a Violation,
        slots: u32,
    ) -> Self {
        let named = violation
            .events
            .iter()
            .filter_map(|index| place_of(history, *index));
        let read =
            |place| (violation.rule == Rule::LostUpdate).then(|| read_before(history, place));
        let lock = locks
            .iter()
            .find(|lock| lock.key() == violation.key.as_ref());
        let blocker = (violation.rule == Rule::NeverGranted)
            .then(|| Blocker::of(history, lock, violation, slots as usize))
            .flatten();
        let blocked = blocker.iter().map(|it| it.from);
        let places: BTreeSet<usize> = named
            .chain(blocked)
            .flat_map(|place| [Some(place), read(place).flatten()])
            .flatten()
            .flat_map(|place| [Some(place), history.partner(place)])
            .flatten()
            .collect();
        let processes: BTreeSet<u32> = places
            .iter()
            .filter_map(|place| client(&history.events()[*place]))
            .collect();
        let holds = taking_part(lock, &places, &processes);
        let mut evidence = Self {
            history,
            scene,
            violation,
            holds,
            windows: Vec::new(),
            processes,
            blocker,
            slots: slots as usize,
            places,
        };
        evidence.windows = evidence.touching();
        evidence
    }

    pub(crate) fn event(&self, place: usize) -> &'a Event {
        &self.history.events()[place]
    }

    pub(crate) fn time(&self, place: usize) -> u64 {
        self.event(place).time
    }

    /// The worker of a process, in words; with the process where these are two numbers.
    pub(crate) fn worker(&self, process: u32) -> String {
        let worker = self.scene.worker(process);
        if worker == process {
            format!("worker {worker}")
        } else {
            format!("worker {worker} (process {process})")
        }
    }

    pub(crate) fn key(&self) -> &str {
        self.violation.key.as_deref().unwrap_or("the lock")
    }

    pub(crate) fn strikes_who_took_part(&self, window: &Window) -> bool {
        let targets = window.targets.processes();
        targets.iter().any(|target| self.processes.contains(target))
    }

    /// Faults that were on at some time between the first event and the last, and the last before
    /// that struck who took part.
    fn touching(&self) -> Vec<Window> {
        let (Some(first), Some(last)) = (self.places.first(), self.last()) else {
            return Vec::new();
        };
        let mut windows = self.history.windows();
        windows.retain(|window| {
            window.inject <= last
                && window
                    .healed
                    .or(window.heal)
                    .is_none_or(|heal| heal >= *first)
        });
        windows.sort_by_key(|window| {
            let is_broad = window.targets.processes().is_empty();
            (
                !self.strikes_who_took_part(window),
                !is_broad,
                window.inject,
            )
        });
        windows
    }

    fn last(&self) -> Option<usize> {
        let ends = self.holds.iter().filter_map(|hold| hold.believed_until());
        self.places.iter().copied().chain(ends).max()
    }

    /// When a client stops to believe in a hold: an event, or the end of its lease, or not at all.
    pub(crate) fn end(&self, hold: &Hold) -> End {
        let Some(until) = hold.beliefs().last().map(|belief| belief.until_ns()) else {
            return End::Never;
        };
        let Some(until) = until else {
            return End::Never;
        };
        match hold.believed_until() {
            Some(place) if self.time(place) == until => End::Event(place),
            _ => End::Lease(until),
        }
    }

    pub(crate) fn moment(&self, end: &End) -> Moment {
        match end {
            End::Event(place) => at(*place),
            End::Lease(time) => {
                2 * self
                    .history
                    .events()
                    .partition_point(|event| event.time < *time)
            }
            End::Never => Moment::MAX,
        }
    }
}

/// How belief ends.
#[derive(Debug)]
pub(crate) enum End {
    Event(usize),
    Lease(u64),
    Never,
}

/// The place of the event of an index.
fn place_of(history: &History, index: u64) -> Option<usize> {
    history
        .events()
        .binary_search_by_key(&index, |event| event.index)
        .ok()
}

/// Whose event it is, if a client's.
pub(crate) fn client(event: &Event) -> Option<u32> {
    match event.process {
        Process::Client(number) => Some(number),
        Process::Nemesis | Process::Run => None,
    }
}

/// The read that a write was made from: the last of its process and key, if it is near.
pub(crate) fn read_before(history: &History, place: usize) -> Option<usize> {
    const NEAR: usize = 10_000;
    let events = history.events();
    let write = events
        .get(place)
        .filter(|event| event.function == Function::Write)?;
    let is_read = |place: &usize| {
        let event = &events[*place];
        event.kind == Kind::Ok
            && event.function == Function::Read
            && (event.process, &event.key) == (write.process, &write.key)
    };
    (place.saturating_sub(NEAR)..place).rev().find(is_read)
}

/// The holds whose grants are named; of who took part without such a grant, those that were
/// believed in meanwhile.
fn taking_part<'a>(
    lock: Option<&'a Lock>,
    places: &BTreeSet<usize>,
    processes: &BTreeSet<u32>,
) -> Vec<&'a Hold> {
    let holds = lock.into_iter().flat_map(Lock::holds);
    let own: Vec<&Hold> = holds
        .filter(|hold| processes.contains(&hold.process()))
        .collect();
    let is_named = |hold: &&Hold| places.contains(&hold.granted());
    let has_named = |process: u32| {
        own.iter()
            .any(|hold| hold.process() == process && is_named(hold))
    };
    let is_believed = |hold: &Hold| places.iter().any(|place| hold.is_believed_at(*place));
    own.iter()
        .filter(|hold| is_named(hold) || (!has_named(hold.process()) && is_believed(hold)))
        .copied()
        .collect()
}

impl Evidence<'_> {
    /// After this nothing is recorded.
    pub(crate) fn last_moment(&self) -> Moment {
        at(self.history.events().len())
    }
}
