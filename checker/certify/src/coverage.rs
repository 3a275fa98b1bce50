//! `coverage`: the run puts something to the test.

use std::collections::{BTreeMap, BTreeSet};

use history::fault::Class;
use history::{Answer, Event, Function, History, Kind, Process, Value};

use super::error::{Flaw, ensure};
use super::fault::{Window, windows};
use super::file::Scope;
use super::record::{NEVER, Record};

pub(super) fn check(history: &History, record: &Record, scope: &Scope) -> Result<(), Flaw> {
    ensure(!record.holds.is_empty(), || {
        Flaw::new("no lock was ever granted")
    })?;
    ensure(is_contended(record, scope), || {
        Flaw::new("no two workers wanted the same lock at the same time")
    })?;
    let windows = windows(history);
    let sessions = sessions(history, record);
    for fault in &scope.faults {
        let landed =
            |window: &Window<'_>| window.fault == fault && has_landed(&sessions, window, scope);
        ensure(windows.iter().any(landed), || {
            Flaw::new(format!("the fault {fault} never landed on a holder"))
        })?;
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Leaves,
    Asks,
    Holds,
}

/// Whether somebody waited for a lock while so many others had or wanted it that not all could have
/// it.
fn is_contended(record: &Record, scope: &Scope) -> bool {
    let granted: BTreeMap<usize, usize> = record
        .holds
        .iter()
        .enumerate()
        .map(|(index, hold)| (hold.asked, index))
        .collect();
    let mut changes = Vec::new();
    for (index, ask) in record.asks.iter().enumerate() {
        let hold = granted.get(&ask.invoked).map(|hold| &record.holds[*hold]);
        changes.push((ask.invoked, Change::Asks, index));
        changes.push((
            hold.map_or(ask.ended, |hold| hold.believed_until),
            Change::Leaves,
            index,
        ));
        changes.extend(hold.map(|hold| (hold.granted, Change::Holds, index)));
    }
    changes.sort_unstable();
    let mut crowds: BTreeMap<usize, Crowd> = BTreeMap::new();
    changes.into_iter().any(|(_, change, index)| {
        let ask = &record.asks[index];
        let crowd = crowds.entry(ask.key).or_default();
        crowd.change(change, index, scope.worker(ask.process));
        change == Change::Asks && crowd.is_too_large(scope.slots.get().into())
    })
}

/// Who has or wants a lock.
#[derive(Default)]
struct Crowd {
    /// How many wants each worker has.
    workers: BTreeMap<u32, u64>,
    /// The acquires that wait for their grant, with their workers.
    waiting: BTreeSet<(usize, u32)>,
}

impl Crowd {
    fn change(&mut self, change: Change, ask: usize, worker: u32) {
        let wants = self.workers.entry(worker).or_default();
        match change {
            Change::Asks => *wants += 1,
            Change::Leaves => *wants -= 1,
            Change::Holds => {}
        }
        if change == Change::Asks {
            self.waiting.insert((ask, worker));
        } else {
            self.waiting.remove(&(ask, worker));
        }
    }

    fn is_too_large(&self, slots: u64) -> bool {
        let total: u64 = self.workers.values().sum();
        self.waiting
            .iter()
            .any(|(_, worker)| total - self.workers[worker] >= slots)
    }
}

/// What one process did and believed.
#[derive(Default)]
struct Session<'a> {
    steps: Vec<Step<'a>>,
    /// From grant to end of belief, on all keys.
    believed: Vec<(usize, usize)>,
}

struct Step<'a> {
    invoked: usize,
    /// The position of the end, of whatever kind; `NEVER` if there is none.
    ended: usize,
    end: Option<&'a Event>,
}

fn sessions<'a>(history: &'a History, record: &Record) -> BTreeMap<u32, Session<'a>> {
    let mut sessions: BTreeMap<u32, Session<'_>> = BTreeMap::new();
    for (invoked, event) in history.events().iter().enumerate() {
        if let (Process::Client(process), Kind::Invoke) = (event.process, event.kind) {
            let ended = history.partner(invoked);
            sessions.entry(process).or_default().steps.push(Step {
                invoked,
                ended: ended.unwrap_or(NEVER),
                end: ended.map(|ended| &history.events()[ended]),
            });
        }
    }
    for hold in &record.holds {
        let session = sessions.entry(hold.process).or_default();
        session.believed.push((hold.granted, hold.believed_until));
    }
    sessions
}

/// Whether the fault took effect on a target that held a lock. One that isolates did not if a
/// target got an answer all the same, one that halts if a target did anything at all.
fn has_landed(sessions: &BTreeMap<u32, Session<'_>>, window: &Window<'_>, scope: &Scope) -> bool {
    let targets = || {
        window
            .targets
            .iter()
            .filter_map(|target| sessions.get(target))
    };
    let workers: BTreeSet<u32> = window
        .targets
        .iter()
        .map(|target| scope.worker(*target))
        .collect();
    let of_workers = || {
        let is_meant = |process: &u32| workers.contains(&scope.worker(*process));
        sessions
            .iter()
            .filter(move |(process, _)| is_meant(process))
    };
    if window.class == Class::Halting {
        return !of_workers().any(|(_, session)| session.acts_in(window))
            && targets().any(|target| target.holds_throughout(window));
    }
    let is_disproved = window.class == Class::Isolating
        && of_workers().any(|(_, session)| session.is_answered_in(window));
    !is_disproved && targets().any(|target| target.is_hurt_in(window))
}

impl Session<'_> {
    fn is_answered_in(&self, window: &Window<'_>) -> bool {
        let mut within = self
            .steps
            .iter()
            .filter(|step| window.on < step.invoked && step.ended < window.healed);
        within.any(Step::is_answered)
    }

    fn acts_in(&self, window: &Window<'_>) -> bool {
        let is_in = |position: usize| window.on < position && position < window.healed;
        self.steps
            .iter()
            .any(|step| is_in(step.invoked) || is_in(step.ended))
    }

    /// Until when it believes in what it holds at the injection.
    fn holds_until(&self, window: &Window<'_>) -> Option<usize> {
        let held = self
            .believed
            .iter()
            .filter(|(begin, end)| *begin < window.injected && window.injected < *end);
        held.map(|(_, end)| *end).max()
    }

    fn holds_throughout(&self, window: &Window<'_>) -> bool {
        self.holds_until(window)
            .is_some_and(|until| window.healed < until)
    }

    fn is_hurt_in(&self, window: &Window<'_>) -> bool {
        let Some(until) = self.holds_until(window) else {
            return false;
        };
        let mut meets = self.steps.iter().filter(|step| {
            step.ended > window.injected && step.invoked < window.healed && step.invoked <= until
        });
        meets.any(|step| step.is_hurt_by(window))
    }
}

impl Step<'_> {
    fn is_hurt_by(&self, window: &Window<'_>) -> bool {
        let is_unknown = self.end.is_some_and(|end| end.kind == Kind::Info);
        if window.class == Class::Isolating {
            self.ended > window.healed || is_unknown || self.is_loss()
        } else {
            self.ended < window.healed && (is_unknown || self.is_loss())
        }
    }

    /// Only the other side can have said so; that a lock is lost a client may also conclude by
    /// itself, and the guarded resource is beyond all faults.
    fn is_answered(&self) -> bool {
        self.end.is_some_and(|end| {
            let is_of_the_lock = !matches!(end.function, Function::Read | Function::Write);
            end.kind == Kind::Ok && is_of_the_lock && !is_lost(end)
        })
    }

    /// Its process learned that the lock or the connection is gone.
    fn is_loss(&self) -> bool {
        self.end.is_some_and(|end| {
            let kind = end.error.as_ref().map_or("", |error| &*error.kind);
            let is_connection = kind.starts_with("connection")
                || ["io", "heartbeat-missed", "not-sent"].contains(&kind);
            (end.kind == Kind::Ok && is_lost(end)) || is_connection
        })
    }
}

fn is_lost(end: &Event) -> bool {
    end.function == Function::Lost || end.value == Value::Answer(Answer::Lost)
}
