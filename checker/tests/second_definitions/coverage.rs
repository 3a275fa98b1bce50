//! `coverage`: every moment at which somebody asks, every window, and all that its targets did.

pub(crate) mod changes;
pub(crate) mod struck;

use std::collections::BTreeMap;

use checker::Scope;
use history::fault::{Class, Effect, Role, Window};
use history::{Function, History, Kind, Mark};

use super::Verdict;
use super::record::{Hold, NEVER, Op, Reach, Record};
use struck::Times;

/// The verdict and what it stands on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Coverage {
    pub(crate) verdict: Verdict,
    /// The windows of each selected fault.
    pub(crate) faults: BTreeMap<String, Windows>,
    /// Windows that revoked a hold which another worker wanted.
    pub(crate) taken: u64,
}

/// How many windows there were, and how many of them had an effect.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Windows {
    /// The effect that some window must have.
    pub(crate) due: Effect,
    pub(crate) all: u64,
    pub(crate) landed: u64,
    pub(crate) revoked: u64,
    pub(crate) delayed: u64,
    pub(crate) changed: u64,
    pub(crate) disproved: u64,
    /// How often whom of their targets they struck.
    pub(crate) roles: BTreeMap<Role, Times>,
}

/// What must be seen in many histories; in how many, a test counts.
pub(crate) const KINDS: [&str; 8] = [
    "valid",
    "valid with a hold taken from who wanted it",
    "unknown",
    "revoked",
    "delayed",
    "changed",
    "disproved",
    "none",
];

impl Windows {
    fn with_effect(&self) -> u64 {
        self.revoked + self.delayed + self.changed
    }
}

impl Coverage {
    /// Which of the [`KINDS`] are seen in a history.
    fn seen(&self) -> Vec<&'static str> {
        let is_valid = self.verdict == Verdict::Valid;
        let some = |of: fn(&Windows) -> u64| self.faults.values().any(|windows| of(windows) > 0);
        let seen = [
            is_valid,
            is_valid && self.taken > 0,
            !is_valid,
            some(|windows| windows.revoked),
            some(|windows| windows.delayed),
            some(|windows| windows.changed),
            some(|windows| windows.disproved),
            some(|windows| windows.all - windows.with_effect() - windows.disproved),
        ];
        let kinds = KINDS.into_iter().zip(seen);
        kinds
            .filter(|(_, seen)| *seen)
            .map(|(kind, _)| kind)
            .collect()
    }
}

/// What a history covers, and which of the [`KINDS`] and of those of [`struck`] and [`changes`] are
/// seen in it.
pub(crate) fn coverage(history: &History, scope: &Scope) -> (Coverage, Vec<&'static str>) {
    let settle = history.mark(Mark::Settle).unwrap_or(NEVER);
    let mut windows = history.windows();
    windows.retain(|window| {
        let is_selected = scope.faults.iter().any(|fault| *fault == *window.name);
        is_selected && window.inject < settle
    });
    let run = Run {
        record: Record::new(history),
        windows,
        history_windows: history.windows(),
        settle,
        scope,
    };
    let coverage = Coverage {
        verdict: if run.is_covered() {
            Verdict::Valid
        } else {
            Verdict::Unknown
        },
        faults: run.counts(),
        taken: run.taken(),
    };
    let mut seen = coverage.seen();
    seen.extend(struck::seen(&run, coverage.verdict));
    seen.extend(changes::seen(&run, coverage.verdict));
    (coverage, seen)
}

struct Run<'a> {
    record: Record,
    /// Those of selected faults before the last phase.
    windows: Vec<Window>,
    /// All windows of the record.
    history_windows: Vec<Window>,
    /// Where the last phase begins.
    settle: usize,
    scope: &'a Scope,
}

impl Run<'_> {
    fn is_covered(&self) -> bool {
        self.is_covered_but_for_demands() && self.meets_demands()
    }

    /// Whether all is there but, perhaps, whom faults were asked to strike.
    fn is_covered_but_for_demands(&self) -> bool {
        let is_granted = self
            .record
            .holds
            .iter()
            .any(|hold| hold.op.end < self.settle);
        let has_effect =
            |fault: &String| self.due(fault) == Some(Effect::None) || self.count(fault).landed > 0;
        is_granted
            && self.is_contended()
            && self.scope.faults.iter().all(has_effect)
            && (self.taken() > 0 || !self.must_take())
    }

    /// Whether some window has to revoke what others wanted.
    fn must_take(&self) -> bool {
        let faults = &self.scope.faults;
        let is_asked = |fault: &String| self.scope.effects.contains_key(fault);
        // What is due of a fault that never happened nobody knows, nor does it matter: it had none.
        let is_spared = |fault: &String| self.due(fault) < Some(Effect::Revoked);
        let is_lowered = faults.iter().any(is_asked) && faults.iter().all(is_spared);
        !faults.is_empty() && !is_lowered
    }

    fn are_of_one_worker(&self, one: u32, other: u32) -> bool {
        let workers = self.scope.workers;
        let worker = |process: u32| workers.map_or(process, |workers| process % workers);
        worker(one) == worker(other)
    }

    fn asks(&self) -> impl Iterator<Item = &Op> {
        let ops = self.record.ops.iter();
        ops.filter(|op| op.is(&Function::Acquire) && op.was_sent())
    }

    fn is_contended(&self) -> bool {
        let mut moments = self.record.moments().filter(|now| *now < self.settle);
        moments.any(|now| {
            let mut under_way = self.asks().filter(|ask| ask.invoke <= now && now < ask.end);
            under_way.any(|ask| self.is_contended_at(ask, now))
        })
    }

    /// Whether others have or want so much of what somebody asks for that not all can have it.
    fn is_contended_at(&self, ask: &Op, now: usize) -> bool {
        let mut others = self.record.wants(&ask.key, now);
        others.retain(|(process, _)| !self.are_of_one_worker(*process, ask.process));
        let all_read = ask.is_shared() && others.iter().all(|(_, shared)| *shared);
        others.len() >= self.scope.slots.get() as usize && !all_read
    }

    /// The windows of a fault before the last phase, whether it is selected or not.
    fn windows_of(&self, fault: &str) -> impl Iterator<Item = &Window> {
        let windows = self.history_windows.iter();
        windows.filter(move |window| *window.name == *fault && window.inject < self.settle)
    }

    /// The effect without which a fault put nothing to the test.
    fn due(&self, fault: &str) -> Option<Effect> {
        let asked = self.scope.effects.get(fault).copied();
        asked.or_else(|| self.windows_of(fault).map(due_of_class).max())
    }

    fn counts(&self) -> BTreeMap<String, Windows> {
        let faults = self.scope.faults.iter();
        faults
            .map(|fault| (fault.clone(), self.count(fault)))
            .collect()
    }

    fn count(&self, fault: &str) -> Windows {
        let mut windows = Windows {
            due: self.due(fault).unwrap_or(Effect::Delayed),
            roles: self.roles(fault),
            ..Windows::default()
        };
        for window in self.windows_of(fault) {
            let effect = self.effect(window);
            let shown = Some(effect.unwrap_or(Effect::None));
            windows.all += 1;
            windows.landed += u64::from(shown >= self.due(fault));
            windows.revoked += u64::from(effect == Some(Effect::Revoked));
            windows.delayed += u64::from(effect == Some(Effect::Delayed));
            windows.changed += u64::from(effect == Some(Effect::Changed));
            windows.disproved += u64::from(effect.is_none());
        }
        windows
    }

    fn taken(&self) -> u64 {
        let windows = self.windows.iter();
        windows.filter(|window| self.takes(window)).count() as u64
    }

    /// When a window surely was on. Nothing if it missed, or that has no end or lasts no time.
    fn strike<'a>(&'a self, window: &'a Window) -> Option<Strike<'a>> {
        let end = window.heal.unwrap_or(NEVER).min(self.settle);
        let strike = Strike {
            run: self,
            window,
            on: window.on.unwrap_or(window.inject),
            end,
        };
        let came_to_something = !window.missed && end != NEVER;
        (came_to_something && strike.lasts(strike.on, end)).then_some(strike)
    }

    /// Nothing if it is disproved.
    fn effect(&self, window: &Window) -> Option<Effect> {
        let Some(strike) = self.strike(window) else {
            return Some(Effect::None);
        };
        if strike.is_disproved() {
            None
        } else if window.class != Class::Changing && strike.holds().any(|hold| strike.revokes(hold))
        {
            Some(Effect::Revoked)
        } else if strike.changes() {
            Some(Effect::Changed)
        } else if strike.holds().any(|hold| strike.delays(hold)) {
            Some(Effect::Delayed)
        } else {
            Some(Effect::None)
        }
    }

    /// Whether a window revoked a hold that another worker wanted.
    fn takes(&self, window: &Window) -> bool {
        let Some(strike) = self.strike(window) else {
            return false;
        };
        let mut revoked = strike.holds().filter(|hold| strike.revokes(hold));
        self.effect(window) == Some(Effect::Revoked)
            && revoked.any(|hold| self.is_wanted(hold, strike.end))
    }

    /// Whether another worker was asking when a hold began, or asked from then on until `end`.
    fn is_wanted(&self, hold: &Hold, end: usize) -> bool {
        self.asks().any(|ask| {
            let is_other = !self.are_of_one_worker(ask.process, hold.op.process);
            let is_meant = is_other && ask.key == hold.op.key;
            is_meant && ask.end > hold.op.end && ask.invoke < end
        })
    }
}

fn due_of_class(window: &Window) -> Effect {
    let connection = window.parameters.get("connection");
    match window.class {
        Class::Slowing => Effect::Delayed,
        Class::Changing => Effect::Changed,
        Class::Halting if connection.is_some_and(|it| it == "lives") => Effect::Delayed,
        _ => Effect::Revoked,
    }
}

/// A window from when it surely was on to its end.
struct Strike<'a> {
    run: &'a Run<'a>,
    window: &'a Window,
    on: usize,
    end: usize,
}

impl<'a> Strike<'a> {
    fn ops(&self) -> impl Iterator<Item = &'a Op> {
        self.run.record.ops.iter()
    }

    /// Whether there is time between two places.
    fn lasts(&self, from: usize, until: usize) -> bool {
        self.run.record.time(from) < self.run.record.time(until)
    }

    fn is_on(&self, place: usize) -> bool {
        self.on < place && place < self.end
    }

    /// Whether an operation is of the worker of a target, in whatever session.
    fn is_of_targets(&self, op: &Op) -> bool {
        let mut targets = self.window.targets.processes().iter();
        targets.any(|target| self.run.are_of_one_worker(*target, op.process))
    }

    /// Whether a target went on undisturbed, in whatever session.
    fn is_disproved(&self) -> bool {
        let mut ops = self.ops().filter(|op| self.is_of_targets(op));
        match self.window.class {
            Class::Isolating => {
                ops.any(|op| is_answered(op) && self.is_on(op.invoke) && self.is_on(op.end))
            }
            Class::Halting => ops.any(|op| self.is_on(op.invoke) || self.is_on(op.end)),
            Class::Breaking | Class::Slowing | Class::Changing => false,
        }
    }

    /// What targets believed in at the injection.
    fn holds(&self) -> impl Iterator<Item = &'a Hold> {
        let window = self.window;
        let targets = window.targets.processes();
        let holds = self.run.record.holds.iter();
        holds.filter(|hold| targets.contains(&hold.op.process) && hold.is_believed(window.inject))
    }

    /// Whether an operation began while the fault was surely on and took longer than twice each of its
    /// function that lies outside of all windows.
    fn slows(&self, op: &Op) -> bool {
        let record = &self.run.record;
        let took = |op: &Op| record.time(op.end) - record.time(op.invoke);
        let lies_outside = |other: &&Op| {
            let is_before_or_after = |window: &Window| {
                let over = window.healed.or(window.heal).unwrap_or(NEVER);
                other.end < window.inject || over < other.invoke
            };
            other.function == op.function
                && other.end < self.run.settle
                && self.run.history_windows.iter().all(is_before_or_after)
        };
        let usual = self.ops().filter(lies_outside).map(took).max();
        self.is_on(op.invoke) && op.end != NEVER && usual.is_some_and(|usual| took(op) > 2 * usual)
    }

    fn revokes(&self, hold: &Hold) -> bool {
        let is_believed = |place| hold.is_believed(place);
        (self.loses(hold) && matches!(self.last_end(hold), Some(Reach::Event(_))))
            || self.gives_away(hold, is_believed)
            || self.keeps_until_lapsed(hold)
    }

    /// How the last belief in a hold ended.
    fn last_end(&self, hold: &Hold) -> Option<Reach> {
        let mut moments = self.run.record.moments().rev();
        let last = moments.find(|now| hold.is_believed(*now));
        last.map(|last| hold.reach(last))
    }

    /// Whether the fault kept the holder from renewing its lease, or from giving it back, until that
    /// was over, and before it was renewed it was gone.
    fn keeps_until_lapsed(&self, hold: &Hold) -> bool {
        let Reach::Lapse(over) = hold.reach(self.window.inject) else {
            return false;
        };
        let time = |place: usize| self.run.record.time(place);
        if time(self.on) >= over || time(self.end) < over {
            return false;
        }
        let is_kept = |op: &Op| {
            op.process == hold.op.process
                && !is_out_of_reach(op)
                && op.end != NEVER
                && time(op.invoke.max(self.on)) < over
                && time(op.end) >= over
        };
        let is_over = |place: usize| time(place) >= over;
        let is_still_over = |place: usize| {
            let mut before = 0..=place;
            is_over(place) && !before.any(|now| is_over(now) && hold.is_believed(now))
        };
        let until = hold.believed_until;
        let is_told = until != NEVER && is_still_over(until) && self.loses(hold);
        (self.window.class == Class::Halting || self.ops().any(is_kept))
            && (is_told || self.gives_away(hold, is_still_over))
    }

    /// Whether belief in a hold ended by loss.
    fn loses(&self, hold: &Hold) -> bool {
        let mut ops = self.ops().filter(|op| op.process == hold.op.process);
        hold.believed_until < self.end && ops.any(|op| op.end == hold.believed_until && is_loss(op))
    }

    /// Whether another was granted what a target had not given up, at a place that is meant.
    fn gives_away(&self, hold: &Hold, is_meant: impl Fn(usize) -> bool) -> bool {
        let mut others = self.run.record.holds.iter();
        others.any(|other| {
            let granted = other.op.end;
            let is_meanwhile = self.window.inject < granted && granted < self.end;
            other.op.process != hold.op.process
                && other.op.key == hold.op.key
                && is_meanwhile
                && hold.is_kept(granted)
                && is_meant(granted)
                && self.exclude_each_other(hold, other)
        })
    }

    fn exclude_each_other(&self, one: &Hold, other: &Hold) -> bool {
        if self.run.scope.slots.get() == 1 {
            return !(one.shared() && other.shared());
        }
        one.slot().is_some() && one.slot() == other.slot()
    }

    fn delays(&self, hold: &Hold) -> bool {
        match self.window.class {
            Class::Halting => {
                let record = &self.run.record;
                let reach = hold.reach(self.window.inject);
                let end_ns = record.time(self.end).min(reach.time(record));
                reach.is_after(record, self.on) && record.time(self.on) < end_ns
            }
            Class::Changing => false,
            Class::Isolating | Class::Breaking | Class::Slowing => {
                self.ops().any(|op| self.delays_op(op, hold))
            }
        }
    }

    /// Whether belief had ended before an event; who asks for the release believes until then.
    fn is_over_before(&self, hold: &Hold, place: usize) -> bool {
        match hold.reach(self.window.inject) {
            Reach::Event(end) => end < place,
            Reach::Lapse(over) => over <= self.run.record.time(place),
            Reach::Open => false,
        }
    }

    /// Whether an operation waited for some time while the fault was on, and beyond.
    fn holds_up(&self, op: &Op) -> bool {
        self.lasts(op.invoke.max(self.on), op.end.min(self.end))
            && op.end != NEVER
            && (op.end > self.end || op.is_unknown())
    }

    /// Whether an operation of who held was made to wait.
    fn delays_op(&self, op: &Op, hold: &Hold) -> bool {
        // Belief ends with the invocation of the release, so that one began while there was some.
        let is_holders = op.process == hold.op.process
            && (hold.op.end < op.invoke && !self.is_over_before(hold, op.invoke));
        let is_delayed = match self.window.class {
            Class::Slowing => self.slows(op),
            _ => self.holds_up(op),
        };
        is_holders && !is_out_of_reach(op) && is_delayed
    }
}

/// What faults do not reach: the guarded resource, and what a client tells itself.
fn is_out_of_reach(op: &Op) -> bool {
    [Function::Read, Function::Write, Function::Lost].contains(&op.function)
}

/// Whether the other side answered. A client may conclude by itself that a lock is lost.
fn is_answered(op: &Op) -> bool {
    let concludes = op.is_ok(&Function::Verify) && !op.says_held();
    let is_answer = op.kind == Kind::Ok || op.is_refused();
    is_answer && !concludes && !is_out_of_reach(op)
}

/// Whether the end of an operation is a loss of what its process held.
fn is_loss(op: &Op) -> bool {
    let errors = ["io", "heartbeat-missed", "not-sent", "crashed"];
    let is_broken = op.error.starts_with("connection") || errors.contains(&&*op.error);
    op.tells_loss() || (op.is_unknown() && is_broken)
}
