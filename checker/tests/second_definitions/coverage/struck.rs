//! Whom a fault struck: what each of its targets was about at the injection, and what became of it.

use std::collections::{BTreeMap, BTreeSet};

use history::Function;
use history::fault::{Class, Effect, Role, Targets, Window};

use super::super::Verdict;
use super::super::record::Op;
use super::Run;

/// How often a fault struck who was in one role, and how often it was asked to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) struck: u64,
    pub(crate) revoked: u64,
    pub(crate) delayed: u64,
    pub(crate) changed: u64,
    pub(crate) least: u64,
}

/// What a window did to one of its targets.
pub(super) struct Blow {
    pub(super) role: Role,
    pub(super) effect: Effect,
}

/// What must be seen in many histories; in how many, a test counts.
pub(crate) const KINDS: [&str; 27] = [
    "holder",
    "verifying",
    "releasing",
    "waiter",
    "acquiring",
    "administrator",
    "idle",
    "holder revoked",
    "holder delayed",
    "holder changed",
    "holder spared",
    "verifying revoked",
    "verifying delayed",
    "verifying spared",
    "another role revoked or delayed",
    "another role changed",
    "several targets",
    "targets in several roles",
    "targets of several fates",
    "missed",
    "slowing",
    "missed window aimed at somebody",
    "no end or no length",
    "demand met",
    "demand not met",
    "valid with a demand",
    "unknown for a demand alone",
];

/// Which of the [`KINDS`] are seen in a history.
pub(super) fn seen(run: &Run<'_>, verdict: Verdict) -> Vec<&'static str> {
    let kinds = KINDS.into_iter().zip(sights(run, verdict));
    kinds
        .filter(|(_, seen)| *seen)
        .map(|(kind, _)| kind)
        .collect()
}

fn sights(run: &Run<'_>, verdict: Verdict) -> [bool; 27] {
    let windows: Vec<&Window> = run.windows.iter().collect();
    let any = |is_meant: &dyn Fn(&Window) -> bool| windows.iter().any(|window| is_meant(window));
    let some = |is_meant: &dyn Fn(Role, Effect) -> bool| {
        any(&|window| {
            let mut blows = run.blows(window).into_iter();
            blows.any(|blow| is_meant(blow.role, blow.effect))
        })
    };
    let is = |meant: Role| some(&|role, _| role == meant);
    let became = |meant: (Role, Effect)| some(&|role, effect| (role, effect) == meant);
    let roles = |window: &Window| {
        let blows = run.blows(window).into_iter();
        blows.map(|blow| blow.role).collect::<BTreeSet<_>>().len()
    };
    let fates = |window: &Window| {
        let blows = run.blows(window).into_iter();
        blows.map(|blow| blow.effect).collect::<BTreeSet<_>>().len()
    };
    let is_asked = run
        .scope
        .struck
        .values()
        .flat_map(BTreeMap::values)
        .sum::<u64>()
        > 0;
    let is_met = run.meets_demands();
    [
        is(Role::Holder),
        is(Role::Verifying),
        is(Role::Releasing),
        is(Role::Waiter),
        is(Role::Acquiring),
        is(Role::Administrator),
        is(Role::Idle),
        became((Role::Holder, Effect::Revoked)),
        became((Role::Holder, Effect::Delayed)),
        became((Role::Holder, Effect::Changed)),
        became((Role::Holder, Effect::None)),
        became((Role::Verifying, Effect::Revoked)),
        became((Role::Verifying, Effect::Delayed)),
        became((Role::Verifying, Effect::None)),
        some(&|role, effect| {
            !is_of_holders(role) && [Effect::Delayed, Effect::Revoked].contains(&effect)
        }),
        some(&|role, effect| !is_of_holders(role) && effect == Effect::Changed),
        any(&|window| run.blows(window).len() > 1),
        any(&|window| roles(window) > 1),
        any(&|window| fates(window) > 1),
        any(&|window| window.missed),
        any(&|window| window.class == Class::Slowing),
        any(&|window| window.missed && !targets(window).is_empty()),
        any(&|window| !window.missed && run.strike(window).is_none()),
        is_asked && is_met,
        is_asked && !is_met,
        is_asked && verdict == Verdict::Valid,
        !is_met && run.is_covered_but_for_demands(),
    ]
}

impl Run<'_> {
    /// How often a fault struck whom, in each role that it struck or was asked to strike.
    pub(super) fn roles(&self, fault: &str) -> BTreeMap<Role, Times> {
        let mut roles: BTreeMap<Role, Times> = BTreeMap::new();
        for blow in self.blows_of(fault) {
            let times = roles.entry(blow.role).or_default();
            times.struck += 1;
            times.revoked += u64::from(blow.effect == Effect::Revoked);
            times.delayed += u64::from(blow.effect == Effect::Delayed);
            times.changed += u64::from(blow.effect == Effect::Changed);
        }
        for (role, least) in self.scope.struck.get(fault).into_iter().flatten() {
            roles.entry(*role).or_default().least = *least;
        }
        roles.retain(|_, times| *times != Times::default());
        roles
    }

    /// Whether each fault struck as often as was asked for.
    pub(super) fn meets_demands(&self) -> bool {
        let mut demands = self.scope.struck.iter();
        demands.all(|(fault, roles)| {
            let mut roles = roles.iter();
            roles.all(|(role, least)| self.times(fault, *role) >= *least)
        })
    }

    /// How often a fault counts under a role.
    fn times(&self, fault: &str, role: Role) -> u64 {
        let due = self.due(fault).unwrap_or(Effect::Delayed);
        let counts =
            |blow: &Blow| blow.role == role && (!is_of_holders(role) || blow.effect >= due);
        self.blows_of(fault)
            .iter()
            .filter(|blow| counts(blow))
            .count() as u64
    }

    fn blows_of(&self, fault: &str) -> Vec<Blow> {
        let windows = self.windows_of(fault);
        windows.flat_map(|window| self.blows(window)).collect()
    }

    /// What a window did to each of its targets. None if it missed, was not on for any time, or was
    /// disproved by whichever of them.
    pub(super) fn blows(&self, window: &Window) -> Vec<Blow> {
        let counts = self
            .strike(window)
            .is_some_and(|strike| !strike.is_disproved());
        let struck = targets(window).into_iter().filter(|_| counts);
        struck
            .map(|process| Blow {
                role: self.role(process, window.inject),
                effect: self.effect_on(process, window),
            })
            .collect()
    }

    /// The effect that a window would have if it had this target only.
    fn effect_on(&self, process: u32, window: &Window) -> Effect {
        let alone = Window {
            targets: Targets::Processes(vec![process]),
            ..window.clone()
        };
        self.effect(&alone).expect("disproved by none of all")
    }

    /// What a process was about at the injection.
    fn role(&self, process: u32, inject: usize) -> Role {
        let mut ops = self.record.ops.iter();
        let under_way =
            ops.find(|op| op.process == process && op.invoke < inject && inject < op.end);
        let by_operation = under_way.and_then(|op| self.role_in(op, inject));
        let is_holder = || self.believers(inject).any(|(holder, _)| holder == process);
        match by_operation {
            Some(role) => role,
            None if is_holder() => Role::Holder,
            None => Role::Idle,
        }
    }

    /// What who has an operation under way is about; nothing if that does not decide.
    fn role_in(&self, op: &Op, inject: usize) -> Option<Role> {
        let is_held_by_another = || {
            let mut believers = self.believers(inject);
            believers.any(|(holder, key)| holder != op.process && *key == op.key)
        };
        match op.function {
            Function::Acquire if is_held_by_another() => Some(Role::Waiter),
            Function::Acquire => Some(Role::Acquiring),
            Function::Verify => Some(Role::Verifying),
            Function::Release => Some(Role::Releasing),
            _ => administers(&op.function).then_some(Role::Administrator),
        }
    }

    /// Who believes in a hold at a moment, and of which lock.
    fn believers(&self, moment: usize) -> impl Iterator<Item = (u32, &Option<String>)> {
        let holds = self.record.holds.iter();
        let believed = holds.filter(move |hold| hold.is_believed(moment));
        believed.map(|hold| (hold.op.process, &hold.op.key))
    }
}

/// The processes that a window struck, each once.
fn targets(window: &Window) -> BTreeSet<u32> {
    window.targets.processes().iter().copied().collect()
}

/// Whether who is in this role has something that can be taken away.
fn is_of_holders(role: Role) -> bool {
    role == Role::Holder || role == Role::Verifying
}

fn administers(function: &Function) -> bool {
    use Function::{Count, Create, Destroy, Grow, Overshoot, Request, Shrink, Wait};
    [
        Count, Create, Destroy, Grow, Overshoot, Request, Shrink, Wait,
    ]
    .contains(function)
}
