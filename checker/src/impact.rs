//! What each fault did to those who held a lock, from the record alone.
//!
//! A window has one effect, the most that it had on any of its targets, and none if it missed or was
//! not in force for any time. It *revoked* a hold that a target had at the injection if, before it healed,
//! the service or the session declared that hold lost, or if another was granted that lock
//! while the target believed in it. It revoked a lease, too, if it kept the target from renewing it
//! or giving it back until that was over, and then another was granted the lock or the target was
//! told of the loss. A lease that runs out by itself is no revocation. It *delayed* a target that held a lock if an operation of the
//! target waited until the healing, or came to no known end before, or if it made the target stand
//! still; but one that slows its targets down did only if an operation took longer than twice any
//! that nothing disturbed. It *changed* a lock if a target added slots to it or took some away. It is *disproved* by an answer that came through what lets nothing pass, and by
//! anything that a target did which it made stand still.
//!
//! What the last phase does is no evidence.

mod role;
mod session;
mod spans;
mod usual;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use history::fault::{Class, Effect, Parameters, Role, Window};

use crate::Case;
use crate::belief::{Belief, Clock};
use crate::hold::{End, Hold};
use crate::holds::Lock;
use crate::position::{NEVER, Position, position, position_or_never};
use crate::search::Reason;
use session::{Session, sessions};
use spans::Spans;
use usual::Usual;

/// What one fault did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impact {
    /// The fault's name.
    pub fault: Arc<str>,
    /// Tells the fault from all others of the history.
    pub id: u64,
    /// The effect that is due of its class: without it the fault put nothing to the test.
    pub due: Effect,
    /// The effect that it had.
    pub effect: Effect,
    /// Whether the record shows that it cannot have been in force; then its effect is none.
    pub is_disproved: bool,
    /// Whether it revoked a hold of a lock that others wanted meanwhile.
    pub took_what_others_wanted: bool,
    /// What it did to each target, by what that was about.
    pub struck: Vec<(Role, Effect)>,
}

/// What every fault of a history did that was injected before the last phase, in the order of their
/// injections.
///
/// # Errors
/// The case's limits end it too soon.
pub fn impacts(case: &Case<'_>) -> Result<Vec<Impact>, Reason> {
    let mut windows = case.history.windows();
    windows.retain(|window| position(window.inject) < case.settle);
    if windows.is_empty() {
        return Ok(Vec::new());
    }
    let is_slowing = |window: &Window| window.class == Class::Slowing;
    let mut scene = Scene::of(case);
    if windows.iter().any(is_slowing) {
        scene.usual = Usual::of(case.history, case.settle);
    }
    let impact = |window: &Window| {
        case.limits.go_on()?;
        Ok(scene.impact(window))
    };
    windows.iter().map(impact).collect()
}

/// The effect that is due of a fault with this class and these parameters.
#[must_use]
pub fn due(class: Class, parameters: &Parameters) -> Effect {
    match class {
        Class::Isolating | Class::Breaking => Effect::Revoked,
        Class::Slowing => Effect::Delayed,
        Class::Changing => Effect::Changed,
        // Whose connection lives has nothing to lose.
        Class::Halting => match parameters.get("connection").and_then(|it| it.as_str()) {
            Some("lives") => Effect::Delayed,
            _ => Effect::Revoked,
        },
    }
}

/// A window by positions.
#[derive(Clone, Copy)]
struct Span {
    class: Class,
    inject: Position,
    /// From here to `over` it is surely on.
    on: Position,
    /// Where it is taken off, or the last phase begins.
    over: Position,
}

/// Everything that windows are held against.
struct Scene<'a> {
    case: &'a Case<'a>,
    /// Of each worker, the earliest first.
    sessions: BTreeMap<u32, Spans<Session<'a>>>,
    /// What each process believes, by lock and place of the hold in it.
    beliefs: BTreeMap<u32, Spans<(usize, usize, Belief)>>,
    /// Who wanted each lock, by its place: workers.
    wants: Vec<Spans<u32>>,
    /// Who believed in a hold of each lock, by its place: processes.
    believers: Vec<Spans<u32>>,
    /// How long operations take where nothing is broken, for faults that slow them down.
    usual: Usual<'a>,
}

impl<'a> Scene<'a> {
    fn of(case: &'a Case<'a>) -> Self {
        let mut beliefs: BTreeMap<u32, Vec<_>> = BTreeMap::new();
        for (place, lock) in case.locks.iter().enumerate() {
            for (number, belief) in lock.beliefs() {
                let what = (place, number, belief);
                let span = (belief.begin, belief.end.position, what);
                let process = lock.holds[number].process;
                beliefs.entry(process).or_default().push(span);
            }
        }
        let wants = case.locks.iter().map(|lock| {
            let asks = case.asks.of(&lock.key).iter();
            Spans::new(asks.map(|ask| (ask.invoke, ask.end, case.scope.worker(ask.process))))
        });
        Self {
            case,
            sessions: sessions(case),
            beliefs: beliefs
                .into_iter()
                .map(|(process, beliefs)| (process, Spans::new(beliefs)))
                .collect(),
            wants: wants.collect(),
            believers: case.locks.iter().map(believers).collect(),
            usual: Usual::default(),
        }
    }

    fn impact(&self, window: &Window) -> Impact {
        let mut impact = Impact {
            fault: window.name.clone(),
            id: window.id,
            due: due(window.class, &window.parameters),
            effect: Effect::None,
            is_disproved: false,
            took_what_others_wanted: false,
            struck: Vec::new(),
        };
        let Some(span) = self.span(window) else {
            return impact;
        };
        // A record may name one twice.
        let targets: BTreeSet<u32> = window.targets.processes().iter().copied().collect();
        let targets: Vec<u32> = targets.into_iter().collect();
        if self.is_disproved(&targets, span) {
            impact.is_disproved = true;
            return impact;
        }
        for target in &targets {
            let revoked = self.revoked(*target, span);
            let effect = if !revoked.is_empty() {
                Effect::Revoked
            } else if self.has_changed(*target, span) {
                Effect::Changed
            } else if self.is_delayed(*target, span) {
                Effect::Delayed
            } else {
                Effect::None
            };
            let is_wanted = |(lock, hold): &(usize, &Hold)| self.is_wanted(*lock, hold, span);
            impact.took_what_others_wanted |= revoked.iter().any(is_wanted);
            impact.effect = impact.effect.max(effect);
            impact
                .struck
                .push((self.role(*target, span.inject), effect));
        }
        impact
    }

    /// Nothing if it missed, or was not surely on for any time before the last phase.
    fn span(&self, window: &Window) -> Option<Span> {
        let heal = position_or_never(window.heal);
        let over = heal.min(self.case.settle);
        let on = position(window.on.unwrap_or(window.inject));
        let is_over = (over as usize) < self.case.history.events().len();
        let lasted = !window.missed && on < over && self.case.span_ns(on, over) > 0;
        (is_over && lasted).then_some(Span {
            class: window.class,
            inject: position(window.inject),
            on,
            over,
        })
    }

    /// A new session of a worker goes over the same link and is the same client.
    fn is_disproved(&self, targets: &[u32], span: Span) -> bool {
        let worker = |target: &u32| self.case.scope.worker(*target);
        let workers: BTreeSet<u32> = targets.iter().map(worker).collect();
        let sessions = workers
            .iter()
            .filter_map(|worker| self.sessions.get(worker));
        let mut sessions = sessions.flat_map(|spans| spans.meeting(span.on, span.over));
        match span.class {
            Class::Isolating => sessions.any(|session| session.is_answered_within(span)),
            Class::Halting => sessions.any(|session| session.acts_within(span)),
            Class::Breaking | Class::Slowing | Class::Changing => false,
        }
    }

    /// What a process held at the injection, by the place of the lock, and its belief then.
    fn held(&self, process: u32, span: Span) -> impl Iterator<Item = (usize, &'a Hold, Belief)> {
        let beliefs = self.beliefs.get(&process);
        let met = beliefs
            .into_iter()
            .flat_map(move |beliefs| beliefs.meeting(span.inject, span.inject));
        met.map(|(lock, hold, belief)| (*lock, &self.case.locks[*lock].holds[*hold], *belief))
    }

    /// An administrator has its own hold, and whatever becomes of that comes of something else.
    fn revoked(&self, process: u32, span: Span) -> Vec<(usize, &'a Hold)> {
        if span.class == Class::Changing {
            return Vec::new();
        }
        let held = self.held(process, span);
        let revoked = held.filter(|(lock, hold, belief)| {
            let lock = &self.case.locks[*lock];
            let is_believed = |place| hold.belief_at(place).is_some();
            (ends_believed(hold) && self.is_declared_lost(hold, span))
                || self.is_granted_to_another(lock, hold, span, is_believed)
                || self.runs_out(lock, hold, *belief, span)
        });
        revoked.map(|(lock, hold, _)| (lock, hold)).collect()
    }

    /// Whether the fault kept a lease from being renewed or given back until it was over, and then
    /// it was gone for all to see: another was granted the lock, or the process was told.
    fn runs_out(&self, lock: &Lock, hold: &Hold, belief: Belief, span: Span) -> bool {
        let over = belief.end.position;
        if !belief.runs_out || over <= span.on || span.over < over {
            return false;
        }
        let next = hold.beliefs().find(|next| next.begin >= over);
        let renewed = next.map_or(NEVER, |next| next.begin);
        let is_after = |place| over <= place && place < renewed;
        let is_gone = (is_after(hold.believed_until) && self.is_declared_lost(hold, span))
            || self.is_granted_to_another(lock, hold, span, is_after);
        is_gone && (span.class == Class::Halting || self.is_kept_waiting(hold, belief, span))
    }

    /// Whether an operation of the holder was under way when its lease was over, and had waited for
    /// some time while the fault was surely on.
    fn is_kept_waiting(&self, hold: &Hold, belief: Belief, span: Span) -> bool {
        let mut own = self.own_sessions(hold.process, belief.begin, belief.end.position);
        own.any(|session| {
            let since = session.waits_at(belief.end.position);
            since.is_some_and(|since| self.case.until_ns(since.max(span.on), belief.end) > 0)
        })
    }

    fn own_sessions(
        &self,
        process: u32,
        from: Position,
        until: Position,
    ) -> impl Iterator<Item = &Session<'a>> {
        let worker = self.case.scope.worker(process);
        let sessions = self.sessions.get(&worker).into_iter();
        sessions
            .flat_map(move |spans| spans.meeting(from, until))
            .filter(move |session| session.process == process)
    }

    fn is_declared_lost(&self, hold: &Hold, span: Span) -> bool {
        let is_told = match hold.end {
            End::Loss => true,
            End::Retired => {
                let event = self.case.history.events().get(hold.believed_until as usize);
                event.is_some_and(session::ends_the_session)
            }
            End::Release | End::Open => false,
        };
        is_told && hold.believed_until < span.over
    }

    /// Whether somebody else was granted what the hold's process has not given up, at a place of
    /// which `is_meant` tells. Where there are several slots, it is the hold's own only if both name
    /// it.
    fn is_granted_to_another(
        &self,
        lock: &Lock,
        hold: &Hold,
        span: Span,
        is_meant: impl Fn(Position) -> bool,
    ) -> bool {
        let until = span.over.min(hold.believed_until);
        let first = lock
            .holds
            .partition_point(|other| other.granted <= span.inject);
        let meanwhile = lock.holds[first..]
            .iter()
            .take_while(|other| other.granted < until);
        let is_of_the_same = |other: &Hold| {
            self.case.scope.slots() == 1 || (hold.slot.is_some() && hold.slot == other.slot)
        };
        meanwhile
            .filter(|other| other.process != hold.process && !(hold.shared && other.shared))
            .filter(|other| is_meant(other.granted))
            .any(is_of_the_same)
    }

    /// Whether another worker asked for the lock while it was held, before the fault was over.
    fn is_wanted(&self, lock: usize, hold: &Hold, span: Span) -> bool {
        let mut wants = self.wants[lock].meeting(hold.granted, span.over);
        let holder = self.case.scope.worker(hold.process);
        wants.any(|worker| *worker != holder)
    }

    /// Whether it is about slots, and the target's worker added some to a lock or took some away.
    fn has_changed(&self, process: u32, span: Span) -> bool {
        let own = self.sessions.get(&self.case.scope.worker(process));
        let mut own = own
            .into_iter()
            .flat_map(|spans| spans.meeting(span.inject, span.over));
        span.class == Class::Changing && own.any(|session| session.changes_slots_within(span))
    }

    fn is_delayed(&self, process: u32, span: Span) -> bool {
        let beliefs = || self.held(process, span).map(|(.., belief)| belief);
        if span.class == Class::Halting {
            let stands_still = |belief: Belief| {
                let until = belief.end.min(Clock::of(self.case.history).at(span.over));
                span.on < until.position && self.case.until_ns(span.on, until) > 0
            };
            return beliefs().any(stands_still);
        }
        let Some(until) = beliefs().map(|belief| belief.last()).max() else {
            return false;
        };
        let mut own = self.own_sessions(process, span.inject, span.over);
        own.any(|session| match span.class {
            // All that it does not slow down waits until some moment, too.
            Class::Slowing => self.is_slowed(session, span, until),
            // What it does itself takes time.
            Class::Changing => false,
            Class::Isolating | Class::Breaking | Class::Halting => {
                session.waits(span, until, |from, to| self.case.span_ns(from, to) > 0)
            }
        })
    }
}

impl Scene<'_> {
    /// Whether an operation that began while the fault was surely on, and while the process still
    /// believed, took longer than twice any that nothing disturbed.
    fn is_slowed(&self, session: &Session<'_>, span: Span, until: Position) -> bool {
        let mut operations = session.begun_within(span, until);
        operations.any(|(function, invoke, end)| {
            let took_ns = self.case.span_ns(invoke, end);
            self.usual.is_exceeded(function, took_ns)
        })
    }
}

/// Who believed in a hold of a lock, and when.
fn believers(lock: &Lock) -> Spans<u32> {
    let beliefs = lock.beliefs().into_iter();
    Spans::new(beliefs.map(|(number, belief)| {
        let process = lock.holds[number].process;
        (belief.begin, belief.end.position, process)
    }))
}

/// Whether belief in a hold ended with an event, and not before because the lease was over.
fn ends_believed(hold: &Hold) -> bool {
    let last = hold.beliefs().last();
    last.is_some_and(|belief| !belief.runs_out)
}

#[cfg(test)]
mod tests;
