//! What a fault changed: slots that its targets gave a lock, or took away.

use history::fault::{Class, Effect, Role, Window};
use history::{Function, Kind};

use super::super::Verdict;
use super::super::record::{NEVER, Op};
use super::{Run, Strike};

/// What must be seen in many histories; in how many, a test counts. What only just missed has all
/// that it takes to change something but this, and nothing else changed anything.
pub(crate) const KINDS: [&str; 24] = [
    "changed by what is listed",
    "changed by the target",
    "changed by a later session",
    "changed by an earlier session",
    "changed by one of several targets",
    "changed before it was on",
    "changed in a window that settling ends",
    "changed by who held nothing",
    "changed by who was verifying",
    "changing, while a target lost its hold",
    "changed, while a target lost its hold",
    "changing, and none",
    "only just missed: an empty list",
    "only just missed: no list",
    "only just missed: failed",
    "only just missed: nobody knows",
    "only just missed: begun before the injection",
    "only just missed: ended after the end",
    "only just missed: another worker",
    "only just missed: another operation",
    "only just missed: another class",
    "only just missed: no window",
    "asked for a change, and had it",
    "valid where a change was due",
];

impl<'a> Strike<'a> {
    /// Whether the worker of a target gave a lock slots, or took some away.
    pub(super) fn changes(&self) -> bool {
        self.changing().next().is_some()
    }

    fn changing(&self) -> impl Iterator<Item = &'a Op> {
        let ops = self.run.record.ops.iter();
        ops.filter(|op| self.window.class == Class::Changing && self.lacks(op).is_empty())
    }

    /// What an operation lacks to change something, whatever the class of the fault.
    fn lacks(&self, op: &Op) -> Vec<Lack> {
        let is_change = op.is(&Function::Grow) || op.is(&Function::Shrink);
        let answer = match (op.kind, op.slots()) {
            (Kind::Ok, Some([])) => Some(Lack::Slots),
            (Kind::Ok, Some(_)) => None,
            (Kind::Ok, None) => Some(Lack::List),
            (Kind::Fail, _) => Some(Lack::Success),
            _ => Some(Lack::Answer),
        };
        let rules = [
            (!is_change).then_some(Lack::Function),
            (!self.is_of_targets(op)).then_some(Lack::Worker),
            (op.invoke < self.window.inject).then_some(Lack::Cause),
            (op.end > self.end).then_some(Lack::Time),
            answer,
        ];
        rules.into_iter().flatten().collect()
    }
}

/// What keeps an operation from being a change of a window.
#[derive(Clone, Copy, PartialEq)]
enum Lack {
    Function,
    Worker,
    /// It began before the injection.
    Cause,
    /// It ended after the window did.
    Time,
    /// The list names no slot.
    Slots,
    List,
    Success,
    Answer,
}

/// Which of the [`KINDS`] are seen in a history.
pub(super) fn seen(run: &Run<'_>, verdict: Verdict) -> Vec<&'static str> {
    let kinds = KINDS.into_iter().zip(sights(run, verdict));
    kinds
        .filter(|(_, seen)| *seen)
        .map(|(kind, _)| kind)
        .collect()
}

fn sights(run: &Run<'_>, verdict: Verdict) -> [bool; 24] {
    let faults = || run.scope.faults.iter();
    let lands = |fault: &String| run.count(fault).landed > 0;
    let windows = || run.windows.iter();
    let has = |window: &Window, effect| run.effect(window) == Some(effect);
    let changing = || windows().filter(|window| window.class == Class::Changing);
    let any = |is_meant: &dyn Fn(&Window) -> bool| changing().any(is_meant);
    let changed = |is_meant: &dyn Fn(&Strike<'_>, &Op) -> bool| {
        any(&|window| {
            let strike = run.strike(window);
            has(window, Effect::Changed)
                && strike.is_some_and(|strike| strike.changing().all(|op| is_meant(&strike, op)))
        })
    };
    let missed = |lack: Lack| {
        any(&|window| {
            let strike = run.strike(window);
            has(window, Effect::None) && strike.is_some_and(|strike| lacks_only(&strike, lack))
        })
    };
    let loses = |window: &Window| {
        let strike = run.strike(window);
        strike.is_some_and(|strike| strike.holds().any(|hold| strike.revokes(hold)))
    };
    let is_target = |strike: &Strike<'_>, op: &Op| its_targets(strike, op).contains(&op.process);
    [
        changed(&|_, _| true),
        changed(&is_target),
        changed(&|strike, op| its_targets(strike, op).iter().all(|it| *it < op.process)),
        changed(&|strike, op| its_targets(strike, op).iter().all(|it| *it > op.process)),
        changed(&|strike, op| its_targets(strike, op).len() < targets(strike).len()),
        changed(&|strike, op| op.invoke < strike.on),
        changed(&|strike, _| strike.end == run.settle),
        changed(&|strike, _| strike.holds().next().is_none()),
        any(&|window| {
            let mut blows = run.blows(window).into_iter();
            blows.any(|blow| blow.role == Role::Verifying && blow.effect == Effect::Changed)
        }),
        any(&loses),
        any(&|window| has(window, Effect::Changed) && loses(window)),
        any(&|window| has(window, Effect::None)),
        missed(Lack::Slots),
        missed(Lack::List),
        missed(Lack::Success),
        missed(Lack::Answer),
        missed(Lack::Cause),
        missed(Lack::Time),
        missed(Lack::Worker),
        missed(Lack::Function),
        windows().any(|window| {
            let strike = run.strike(window);
            let has_less = run.effect(window) < Some(Effect::Changed);
            let is_change =
                |strike: &Strike<'_>| strike.ops().any(|op| strike.lacks(op).is_empty());
            window.class != Class::Changing
                && has_less
                && strike.is_some_and(|strike| is_change(&strike))
        }),
        any(&|window| run.strike(window).is_none() && would_change(run, window)),
        faults()
            .any(|fault| run.scope.effects.get(fault) == Some(&Effect::Changed) && lands(fault)),
        verdict == Verdict::Valid && faults().any(|fault| run.due(fault) == Some(Effect::Changed)),
    ]
}

fn targets<'a>(strike: &Strike<'a>) -> &'a [u32] {
    strike.window.targets.processes()
}

/// Those of the worker whose operation it is.
fn its_targets(strike: &Strike<'_>, op: &Op) -> Vec<u32> {
    let mut its = targets(strike).to_vec();
    its.retain(|target| strike.run.are_of_one_worker(*target, op.process));
    its
}

fn lacks_only(strike: &Strike<'_>, lack: Lack) -> bool {
    strike.ops().any(|op| strike.lacks(op) == [lack])
}

/// Whether something would be changed if the window had been on, and to its end.
fn would_change(run: &Run<'_>, window: &Window) -> bool {
    let strike = Strike {
        run,
        window,
        on: window.inject,
        end: window.heal.unwrap_or(NEVER).min(run.settle),
    };
    strike.changes()
}
