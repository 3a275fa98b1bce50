//! `confirmed-exclusion`, `slot-exclusion` and `justified-refusal`: every explanation is tried.

use std::collections::{BTreeMap, BTreeSet};

use history::Function;

use super::record::{Hold, NEVER, Op, Record};
use super::{Verdict, verdict};

/// What may happen to a lock at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Grant,
    Held,
    Released,
    Over,
    Refused,
}

/// Whether what clients say of losses is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Believed,
    Ignored,
}

/// Something that takes effect at a moment of its operation.
#[derive(Clone, Debug)]
struct Step {
    what: What,
    invoke: usize,
    /// It need not happen if this is never.
    end: usize,
    /// The hold, by the invocation of its acquire.
    hold: usize,
    process: u32,
    shared: bool,
}

/// What takes effect on a lock. Of a hold that its client gave up for lost, `Told` says whether
/// that is taken for what the service did.
fn steps(record: &Record, key: &Option<String>, told: Told, refusals: bool) -> Vec<Step> {
    let mut steps = steps_of(&record.holds_on(key), told);
    for op in record.ops_on(key) {
        if op.is(&Function::Acquire) && op.is_unknown() {
            steps.push(step(What::Grant, op, op, NEVER));
        }
        if refusals && op.is(&Function::Acquire) && op.is_refused() {
            steps.push(step(What::Refused, op, op, op.end));
        }
    }
    steps
}

fn step(what: What, op: &Op, hold: &Op, end: usize) -> Step {
    Step {
        what,
        invoke: op.invoke,
        end,
        hold: hold.invoke,
        process: hold.process,
        shared: hold.is_shared(),
    }
}

fn steps_of(holds: &[&Hold], told: Told) -> Vec<Step> {
    let mut steps = Vec::new();
    for hold in holds {
        steps.push(step(What::Grant, &hold.op, &hold.op, hold.op.end));
        for op in &hold.confirmations {
            let what = if op.says_held() {
                What::Held
            } else {
                What::Released
            };
            steps.push(step(what, op, &hold.op, op.end));
        }
        let told: Vec<&Op> = match told {
            Told::Believed => hold.endings.iter().collect(),
            Told::Ignored => hold.endings_by_service().collect(),
        };
        for op in told.into_iter().filter(|op| !op.is_ok(&Function::Release)) {
            steps.push(step(What::Over, op, &hold.op, op.end));
        }
    }
    steps
}

/// Who holds, and which steps were taken.
type State = (BTreeMap<usize, (u32, bool)>, BTreeSet<usize>);

/// Whether there is an explanation. With one slot clients count, unless grants are to count.
fn is_explained(record: &Record, steps: &[Step], slots: u32, by_client: bool) -> bool {
    let mut states: BTreeSet<State> = BTreeSet::from([State::default()]);
    for now in record.moments() {
        states.retain(|(_, taken)| {
            let mut due = steps.iter().enumerate().filter(|(_, step)| step.end == now);
            due.all(|(place, _)| taken.contains(&place))
        });
        let mut open: Vec<State> = states.iter().cloned().collect();
        while let Some(state) = open.pop() {
            for next in nexts(&state, steps, now, slots, by_client) {
                if states.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
    }
    !states.is_empty()
}

fn nexts(
    (held, taken): &State,
    steps: &[Step],
    now: usize,
    slots: u32,
    by_client: bool,
) -> Vec<State> {
    let mut nexts = Vec::new();
    for (place, step) in steps.iter().enumerate() {
        if step.invoke > now || now >= step.end || taken.contains(&place) {
            continue;
        }
        let mut held = held.clone();
        let goes_on = held.contains_key(&step.hold);
        let is_possible = match step.what {
            What::Grant => {
                let fits = fits(&held, step, slots, by_client);
                held.insert(step.hold, (step.process, step.shared));
                fits
            }
            What::Held => goes_on,
            What::Released => held.remove(&step.hold).is_some(),
            What::Over => !goes_on,
            What::Refused => held.len() >= slots as usize,
        };
        if is_possible {
            let mut taken = taken.clone();
            taken.insert(place);
            nexts.push((held, taken));
        }
    }
    for hold in held.keys() {
        let mut fewer = held.clone();
        fewer.remove(hold);
        nexts.push((fewer, taken.clone()));
    }
    nexts
}

fn fits(held: &BTreeMap<usize, (u32, bool)>, step: &Step, slots: u32, by_client: bool) -> bool {
    if by_client && slots == 1 {
        let mut others = held.values();
        return others
            .all(|(process, shared)| *process == step.process || (*shared && step.shared));
    }
    let shared = held.values().filter(|(_, shared)| *shared).count();
    let exclusive = held.len() - shared;
    match step.shared {
        true => exclusive == 0,
        false => shared == 0 && exclusive < slots as usize,
    }
}

pub(crate) fn confirmed_exclusion(record: &Record, slots: u32) -> Verdict {
    let is_explained = |key: &Option<String>| {
        is_explained(
            record,
            &steps(record, key, Told::Believed, false),
            slots,
            true,
        )
    };
    let is_contended = |hold: &Hold| {
        let mut moments = record.moments();
        moments.any(|now| hold.is_certain(now) && record.is_crowded(&hold.op.key, now, slots))
    };
    let is_judged = record.holds.iter().any(is_contended);
    verdict(!record.keys().iter().all(is_explained), true, is_judged)
}

/// Each slot is a mutex, of which grants are counted. A grant of unknown outcome may name any slot,
/// or none, and need not have happened.
pub(crate) fn slot_exclusion(record: &Record) -> Verdict {
    let holds = record.holds.iter();
    let named: Vec<&Hold> = holds.filter(|hold| hold.slot().is_some()).collect();
    let is_broken = |hold: &&Hold| {
        let mut of_slot = record.holds_on(&hold.op.key);
        of_slot.retain(|other| other.slot() == hold.slot());
        !is_explained(record, &steps_of(&of_slot, Told::Believed), 1, false)
    };
    let may_be_named = |hold: &&Hold| {
        let mut holds = record.holds_on(&hold.op.key).into_iter();
        holds.any(|other| !other.shared() && other.slot().is_none())
    };
    let is_contended = |hold: &&Hold| {
        let mut moments = record.moments();
        moments.any(|now| hold.is_certain(now) && record.is_crowded(&hold.op.key, now, 1))
    };
    let is_known = !named.iter().any(may_be_named);
    let is_judged = named.iter().any(is_contended);
    verdict(named.iter().any(is_broken), is_known, is_judged)
}

pub(crate) fn justified_refusal(record: &Record, slots: u32) -> Verdict {
    let keys = record.keys();
    let verdicts = keys.iter().filter_map(|key| of_key(record, key, slots));
    let worst = verdicts.max().unwrap_or(Verdict::Unknown);
    let is_judged = keys.iter().any(|key| {
        let mut refusals = refusals(record, key).into_iter();
        refusals.any(|op| needed(record, op, slots).is_some_and(|needed| needed > 0))
    });
    match (worst, is_judged) {
        (Verdict::Valid, false) => Verdict::Unknown,
        (worst, _) => worst,
    }
}

fn refusals<'a>(record: &'a Record, key: &Option<String>) -> Vec<&'a Op> {
    let ops = record.ops_on(key).into_iter();
    ops.filter(|op| op.is(&Function::Acquire) && op.is_refused())
        .collect()
}

/// Nothing where there is no refusal.
fn of_key(record: &Record, key: &Option<String>, slots: u32) -> Option<Verdict> {
    let refusals = refusals(record, key);
    if refusals.is_empty() {
        return None;
    }
    let holds = record.holds_on(key);
    let acquires = record.asks_on(key).into_iter();
    let mut acquires = acquires.filter(|op| op.is_unknown() || op.kind == history::Kind::Ok);
    if acquires.any(Op::is_shared) || refusals.iter().any(|op| op.is_shared()) {
        return Some(Verdict::Unknown);
    }
    let needs = || refusals.iter().map(|op| needed(record, op, slots));
    let is_free = |op: &Op| {
        let needed = needed(record, op, slots).unwrap_or(0);
        (op.invoke..op.end).all(|now| possible(record, key, now) < needed)
    };
    if refusals.iter().copied().any(is_free) {
        return Some(Verdict::Violated);
    }
    if is_administered(record, key) {
        let is_known = needs().all(|needed| needed.is_some())
            && holds
                .iter()
                .all(|hold| hold.confirmed_until() <= let_go_by(record, hold));
        return Some(verdict(false, is_known, true));
    }
    let [plain, all] = [false, true].map(|refusals| steps(record, key, Told::Ignored, refusals));
    if !is_explained(record, &plain, slots, true) {
        return Some(Verdict::Unknown);
    }
    let is_justified = is_explained(record, &all, slots, false);
    let may_be_twice = slots == 1
        && holds.iter().any(|hold| {
            let mut others = holds.iter();
            others.any(|other| {
                let is_own = hold.op.process == other.op.process;
                is_own
                    && other.op.invoke > hold.op.invoke
                    && let_go_by(record, hold) > other.op.invoke
            })
        });
    Some(verdict(!is_justified && !may_be_twice, is_justified, true))
}

/// When the service had let go of a hold for certain: it said so, or somebody was granted the same
/// slot after its client had ceased to believe in it, who asked for it after this grant.
fn let_go_by(record: &Record, hold: &Hold) -> usize {
    let told = hold.endings_by_service().map(|op| op.end);
    let holds = record.holds_on(&hold.op.key).into_iter();
    let again = holds.filter(|other| {
        let is_same = hold.slot().is_some() && hold.slot() == other.slot();
        is_same && other.op.invoke > hold.op.end && other.op.end > hold.believed_until
    });
    told.chain(again.map(|other| other.op.end))
        .min()
        .unwrap_or(NEVER)
}

/// How many can have held at a moment: from the request until it was known to be over.
fn possible(record: &Record, key: &Option<String>, now: usize) -> usize {
    let holds = record.holds_on(key).into_iter();
    let holds = holds.filter(|hold| hold.op.invoke <= now && now < let_go_by(record, hold));
    let unknown = record.asks_on(key).into_iter();
    let unknown = unknown.filter(|op| op.is_unknown() && op.invoke <= now);
    holds.count() + unknown.count()
}

fn is_administered(record: &Record, key: &Option<String>) -> bool {
    let mut ops = record.ops_on(key).into_iter();
    ops.any(|op| op.is_change() || op.is_finding())
}

/// How many holders a refusal needs.
fn needed(record: &Record, refusal: &Op, slots: u32) -> Option<usize> {
    if !is_administered(record, &refusal.key) {
        return Some(slots as usize);
    }
    let ops = record.ops_on(&refusal.key);
    let counts = ops
        .iter()
        .filter(|op| op.is_finding() && op.end < refusal.invoke);
    let count = counts.max_by_key(|op| op.invoke).copied();
    if count.is_none() && !is_created_first(&ops) {
        return None;
    }
    let number = |op: &Op| op.slots().map(distinct);
    let mut least = count.and_then(number).unwrap_or(0);
    let mut gone = 0;
    for op in ops.iter().filter(|op| op.is_change()) {
        let is_before = count.is_some_and(|count| op.settled() < count.invoke);
        if is_before || op.invoke > refusal.end {
            continue;
        }
        let is_since = count.is_none_or(|count| count.end < op.invoke);
        match op.function {
            Function::Destroy => return None,
            Function::Shrink | Function::Overshoot => gone += number(op)?,
            _ if is_since && op.settled() < refusal.invoke => least += number(op).unwrap_or(0),
            _ => {}
        }
    }
    Some(least.saturating_sub(gone))
}

pub(crate) fn distinct(slots: &[u32]) -> usize {
    slots.iter().collect::<BTreeSet<_>>().len()
}

/// Whether a lock was created by the first thing that was done to it.
pub(crate) fn is_created_first(ops: &[&Op]) -> bool {
    let mut admin = ops
        .iter()
        .filter(|op| op.function.is_administration() && op.may_count());
    let Some(first) = admin.next() else {
        return false;
    };
    first.is_ok(&Function::Create) && admin.all(|op| first.end < op.invoke)
}
