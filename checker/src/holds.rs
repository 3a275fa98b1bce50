//! From events to holds: which grant each release, answer and loss notification belongs to.
//!
//! Everything here is in positions, which never tie, so neither do holds.
//!
//! Each grant begins a hold of its own. What a process does to a key afterwards concerns the latest
//! hold that it has not successfully released; a client's belief ends with the latest hold that it
//! still believes in.

use std::collections::BTreeMap;
use std::sync::Arc;

use history::{Answer, Event, Function, Grant, History, Kind, Lease, Mode, Process, Value};
use rustc_hash::FxHashMap;

use crate::belief::{Belief, Clock, Promise};
use crate::hold::{End, Hold};
use crate::position::{NEVER, Position, position};

/// An operation by its two ends; the end is [`NEVER`] where the outcome is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) process: u32,
    pub(crate) invoke: Position,
    pub(crate) end: Position,
    /// For acquires: whether others may hold at the same time.
    pub(crate) shared: bool,
}

/// What the service said about a hold, or about there being none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// It goes on: a verify answered `held`.
    Held,
    /// It is over: a verify that was answered `lost` or refused, or a loss notification.
    Lost,
    /// It is over: the release was refused.
    NotReleased,
    /// It was released.
    Released,
}

/// A statement of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) said: Said,
    pub(crate) span: Span,
    /// The hold that it belongs to, if its process had one that it had not released.
    pub(crate) hold: Option<u32>,
    /// Whether it is a failure that the service itself told of; of that a hold is lost, a client
    /// may convince itself.
    pub(crate) observed: bool,
}

impl Statement {
    /// Whether it says that its process holds, or did until now.
    pub(crate) fn is_affirmative(&self) -> bool {
        matches!(self.said, Said::Held | Said::Released)
    }

    /// Whether it affirms a hold for a process that has none.
    pub(crate) fn is_unowned(&self) -> bool {
        self.hold.is_none() && self.is_affirmative()
    }
}

/// Everything about the lock with one key.
#[derive(Clone, Debug, Default)]
pub struct Lock {
    pub(crate) key: Option<Arc<str>>,
    /// In the order of the grants.
    pub(crate) holds: Vec<Hold>,
    /// Acquires of which nobody knows the outcome.
    pub(crate) unknown: Vec<Span>,
    /// Releases of which nobody knows the outcome.
    pub(crate) unknown_releases: Vec<Span>,
    /// Acquires that the server refused.
    pub(crate) refusals: Vec<Span>,
    /// What the service said about holds, in the order in which it was said.
    pub(crate) statements: Vec<Statement>,
}

impl Lock {
    /// The lock's key.
    #[must_use]
    pub fn key(&self) -> Option<&Arc<str>> {
        self.key.as_ref()
    }

    /// What clients held of it, in the order of the grants.
    #[must_use]
    pub fn holds(&self) -> &[Hold] {
        &self.holds
    }

    /// When clients believe in its holds, by their places, in the order of the beginnings.
    pub(crate) fn beliefs(&self) -> Vec<(usize, Belief)> {
        let holds = self.holds.iter().enumerate();
        in_order(holds.flat_map(|(place, hold)| hold.beliefs().map(move |it| (place, it))))
    }

    /// The last event that says something certain about the lock.
    pub(crate) fn last_event(&self) -> Position {
        let granted = self.holds.iter().map(|hold| hold.granted);
        let said = self.statements.iter().map(|statement| statement.span.end);
        let refused = self.refusals.iter().map(|span| span.end);
        granted.chain(said).chain(refused).max().unwrap_or(0)
    }
}

/// The locks of a history, in the order in which their keys appear.
#[must_use]
pub fn locks(history: &History) -> Vec<Lock> {
    let mut scan = Scan::default();
    for (position, event) in history.events().iter().enumerate() {
        if let Process::Client(process) = event.process {
            scan.step(history, position, event, process);
        }
    }
    let (clock, runs) = (Clock::of(history), history.has_clock());
    let holds = scan.locks.iter_mut().flat_map(|lock| &mut lock.holds);
    holds.for_each(|hold| hold.find_beliefs(clock, runs));
    scan.locks
}

/// Beliefs in the order of their beginnings, as they are already where nothing is renewed.
pub(crate) fn in_order(beliefs: impl Iterator<Item = (usize, Belief)>) -> Vec<(usize, Belief)> {
    let mut beliefs: Vec<_> = beliefs.collect();
    beliefs.sort_by_key(|(_, belief)| belief.begin);
    beliefs
}

#[derive(Default)]
struct Scan {
    by_key: BTreeMap<Option<Arc<str>>, u32>,
    locks: Vec<Lock>,
    /// For each process and lock the holds that it has not released, the latest last.
    unreleased: FxHashMap<(u32, u32), Vec<u32>>,
    /// For each process and lock the holds in which it still believes, the latest last.
    believed: FxHashMap<u32, BTreeMap<u32, Vec<u32>>>,
}

impl Scan {
    fn step(&mut self, history: &History, place: usize, event: &Event, process: u32) {
        let here = position(place);
        let partner = history.partner(place).map(position);
        match event.kind {
            Kind::Invoke => self.invoked(history, event, process, here, partner),
            Kind::Info => self.retire(process, here),
            Kind::Ok | Kind::Fail => {
                let invoke = partner.expect("an end has an invocation");
                self.ended(event, history, process, invoke, here);
            }
        }
    }

    fn lock(&mut self, key: &Option<Arc<str>>) -> u32 {
        if let Some(known) = self.by_key.get(key) {
            return *known;
        }
        let lock = position(self.locks.len());
        self.by_key.insert(key.clone(), lock);
        self.locks.push(Lock {
            key: key.clone(),
            ..Lock::default()
        });
        lock
    }

    /// A release ends belief as soon as it is asked for. An operation without a known end is
    /// entered here, because its end may not exist.
    fn invoked(
        &mut self,
        history: &History,
        event: &Event,
        process: u32,
        here: Position,
        end: Option<Position>,
    ) {
        let is_unknown = end.is_none_or(|end| history.events()[end as usize].kind == Kind::Info);
        match event.function {
            Function::Acquire if is_unknown => {
                let shared = event.value == Value::Mode(Mode::Read);
                let span = Span {
                    process,
                    invoke: here,
                    end: NEVER,
                    shared,
                };
                let lock = self.lock(&event.key);
                self.locks[lock as usize].unknown.push(span);
            }
            Function::Release => {
                let lock = self.lock(&event.key);
                self.disbelieve(process, lock, here, End::Release);
                if is_unknown {
                    self.release_unknown(
                        lock,
                        Span {
                            process,
                            invoke: here,
                            end: NEVER,
                            shared: false,
                        },
                    );
                }
            }
            _ => {}
        }
    }

    fn ended(
        &mut self,
        event: &Event,
        history: &History,
        process: u32,
        invoke: Position,
        end: Position,
    ) {
        let lock = self.lock(&event.key);
        let asked = &history.events()[invoke as usize].value;
        let span = Span {
            process,
            invoke,
            end,
            shared: is_shared(asked, &event.value),
        };
        match (&event.function, event.kind, &event.value) {
            (Function::Acquire, Kind::Ok, value) => self.grant(lock, span, value),
            (Function::Acquire, Kind::Fail, _) if event.observed => {
                self.locks[lock as usize].refusals.push(span);
            }
            (Function::Verify, Kind::Ok, Value::Answer(Answer::Held)) => {
                self.state(lock, Said::Held, span, false);
            }
            (Function::Verify, Kind::Ok, Value::Answer(Answer::Leased(lease))) => {
                self.state(lock, Said::Held, span, false);
                self.renew(lock, span, *lease);
            }
            (Function::Verify, Kind::Ok, Value::Answer(Answer::Lost))
            | (Function::Lost, Kind::Ok, _) => {
                self.state(lock, Said::Lost, span, false);
            }
            (Function::Verify, Kind::Fail, _) if event.observed => {
                self.state(lock, Said::Lost, span, true);
            }
            (Function::Release, Kind::Ok, _) => self.state(lock, Said::Released, span, false),
            (Function::Release, Kind::Fail, _) if event.observed => {
                self.state(lock, Said::NotReleased, span, true);
            }
            _ => {}
        }
    }

    fn grant(&mut self, lock: u32, span: Span, value: &Value) {
        let grant = if let Value::Grant(grant) = value {
            *grant
        } else {
            Grant::default()
        };
        let process = span.process;
        let believed = self.believed.entry(process).or_default();
        let believed = believed.entry(lock).or_default();
        let within = believed.first().copied();
        let holds = &mut self.locks[lock as usize].holds;
        let hold = position(holds.len());
        let unreleased = self.unreleased.entry((process, lock)).or_default();
        let depth = position(unreleased.len());
        holds.push(Hold::new(span, grant, depth, within));
        unreleased.push(hold);
        believed.push(hold);
    }

    /// A renewal is of the latest hold that its process did not give up and was not told to be lost.
    fn renew(&mut self, lock: u32, span: Span, lease: Lease) {
        let believed = self.believed.get(&span.process);
        let latest = believed.and_then(|locks| locks.get(&lock)?.last());
        let lock = &mut self.locks[lock as usize];
        if let Some(latest) = latest {
            lock.holds[*latest as usize].renew(Promise {
                asked: span.invoke,
                answered: span.end,
                lease_ns: lease.ns(),
            });
        }
    }

    fn release_unknown(&mut self, lock: u32, span: Span) {
        let latest = self.latest(span.process, lock);
        let lock = &mut self.locks[lock as usize];
        lock.unknown_releases.push(span);
        if let Some(hold) = latest {
            lock.holds[hold as usize].released = Some((span.invoke, NEVER));
        }
    }

    /// The latest hold of a process that it has not released.
    fn latest(&self, process: u32, lock: u32) -> Option<u32> {
        self.unreleased.get(&(process, lock))?.last().copied()
    }

    /// Enters what the service said of the latest hold of the process.
    fn state(&mut self, lock: u32, said: Said, span: Span, observed: bool) {
        if said == Said::Lost {
            self.disbelieve(span.process, lock, span.end, End::Loss);
        }
        let latest = self.latest(span.process, lock);
        if said == Said::Released {
            self.unreleased
                .entry((span.process, lock))
                .or_default()
                .pop();
        }
        let lock = &mut self.locks[lock as usize];
        if let Some(latest) = latest {
            enter(&mut lock.holds[latest as usize], said, span);
        }
        lock.statements.push(Statement {
            said,
            span,
            hold: latest,
            observed,
        });
    }

    fn disbelieve(&mut self, process: u32, lock: u32, until: Position, end: End) {
        let Some(locks) = self.believed.get_mut(&process) else {
            return;
        };
        let Some(hold) = locks.get_mut(&lock).and_then(Vec::pop) else {
            return;
        };
        self.locks[lock as usize].holds[hold as usize].disbelieve(until, end);
    }

    fn retire(&mut self, process: u32, here: Position) {
        for (lock, holds) in self.believed.remove(&process).unwrap_or_default() {
            for hold in holds {
                self.locks[lock as usize].holds[hold as usize].disbelieve(here, End::Retired);
            }
        }
    }
}

/// A lock is asked for alone unless the invocation, or else the end, says otherwise.
pub(crate) fn is_shared(asked: &Value, answered: &Value) -> bool {
    match asked {
        Value::Mode(mode) => *mode == Mode::Read,
        _ => *answered == Value::Mode(Mode::Read),
    }
}

/// Enters what the service said of a hold.
fn enter(hold: &mut Hold, said: Said, span: Span) {
    match said {
        Said::Held => hold.held = Some(span.invoke),
        Said::Lost | Said::NotReleased => hold.lost = hold.lost.or(Some(span.end)),
        Said::Released => hold.released = Some((span.invoke, span.end)),
    }
}
