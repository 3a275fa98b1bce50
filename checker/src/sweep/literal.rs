//! Lock models taken literally: no hold ends but by its release.
//!
//! A process does one thing at a time, so whether it holds is known at each of its operations; only
//! how operations of different processes interleave is open. Each hold is certain from the grant's
//! return to the release's invocation, and an order exists if and only if these cores fit together.

use crate::finding::Rule;
use crate::hold::Hold;
use crate::holds::{Lock, Said, Statement};
use crate::order::{Instant, Order, OrderEntry, Side, in_sequence};
use crate::overlap::{Capacity, Interval, for_overlaps};
use crate::position::{NEVER, Position};
use crate::sweep::lazy::{Revocation, justify};
use crate::sweep::{flips, revocable};

/// The lock models that a sweep decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LockModel {
    Mutex,
    OwnerMutex,
    Semaphore(u32),
    OwnerSemaphore(u32),
    RwLock,
    Reentrant(u32),
    Fenced,
    ReentrantFenced(u32),
}

impl LockModel {
    /// The lock model with a name such as `owner-mutex` or `semaphore:2`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let (stem, count) = name
            .split_once(':')
            .map_or((name, None), |(stem, count)| (stem, Some(count)));
        let count = match count {
            Some(count) => Some(count.parse().ok().filter(|count: &u32| *count > 0)?),
            None => None,
        };
        match (stem, count) {
            ("mutex", None) => Some(Self::Mutex),
            ("owner-mutex", None) => Some(Self::OwnerMutex),
            ("rwlock", None) => Some(Self::RwLock),
            ("fenced", None) => Some(Self::Fenced),
            ("semaphore", Some(count)) => Some(Self::Semaphore(count)),
            ("owner-semaphore", Some(count)) => Some(Self::OwnerSemaphore(count)),
            ("reentrant", Some(count)) => Some(Self::Reentrant(count)),
            ("reentrant-fenced", Some(count)) => Some(Self::ReentrantFenced(count)),
            _ => None,
        }
    }

    fn permits(self) -> usize {
        match self {
            Self::Semaphore(count) | Self::OwnerSemaphore(count) => count as usize,
            _ => 1,
        }
    }

    fn has_owners(self) -> bool {
        !matches!(self, Self::Mutex | Self::Semaphore(_))
    }

    fn limit(self) -> Option<u32> {
        if let Self::Reentrant(limit) | Self::ReentrantFenced(limit) = self {
            Some(limit)
        } else {
            None
        }
    }

    /// Whether the sweeps decide what is in the record of this lock.
    fn covers(self, lock: &Lock) -> bool {
        let observes = |said: &[Said]| {
            lock.statements
                .iter()
                .any(|statement| said.contains(&statement.said))
        };
        match self {
            Self::Mutex | Self::Semaphore(_) => {
                lock.refusals.is_empty() && !observes(&[Said::Held, Said::NotReleased])
            }
            Self::OwnerMutex | Self::Fenced => true,
            _ => lock.refusals.is_empty(),
        }
    }
}

/// What a sweep says about one lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Swept {
    Legal(Order),
    Illegal(Contradiction),
    /// Only a search can decide this.
    NotCovered,
}

/// Events that break a rule, in the rule's sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Contradiction {
    pub(crate) rule: Rule,
    pub(crate) events: Vec<Position>,
    /// Further events without which nobody sees what is wrong.
    pub(crate) beside: Vec<Position>,
}

impl Contradiction {
    fn new(rule: Rule, events: impl IntoIterator<Item = Position>) -> Self {
        Self {
            rule,
            events: events.into_iter().collect(),
            beside: Vec::new(),
        }
    }

    fn beside(self, events: impl IntoIterator<Item = Position>) -> Self {
        Self {
            beside: events.into_iter().collect(),
            ..self
        }
    }
}

/// Whether the lock with this record behaved like the model. `unknown_releases` are only needed
/// without owners.
pub(crate) fn check(model: LockModel, lock: &Lock) -> Swept {
    if !model.covers(lock) {
        return Swept::NotCovered;
    }
    let order = if model.has_owners() {
        owned(model, lock)
    } else {
        anonymous(model, lock)
    };
    order.map_or_else(Swept::Illegal, Swept::Legal)
}

fn anonymous(model: LockModel, lock: &Lock) -> Result<Order, Contradiction> {
    let stuck =
        |stuck: flips::Stuck| Contradiction::new(Rule::NoOrder, [stuck.end]).beside(stuck.behind);
    flips::count(lock, &lock.unknown_releases, model.permits()).map_err(stuck)
}

fn owned(model: LockModel, lock: &Lock) -> Result<Order, Contradiction> {
    let contradiction = said_wrong(lock)
        .or_else(|| too_deep(model, lock))
        .or_else(|| too_many(model, lock))
        .or_else(|| out_of_order(model, lock));
    if let Some(contradiction) = contradiction {
        return Err(contradiction);
    }
    if lock.refusals.is_empty() {
        return Ok(order(lock));
    }
    let last = lock.last_event();
    // Who was refused last, and who held last before that.
    let held = lock.holds.iter().rev().find(|hold| hold.granted < last);
    let shown = held.into_iter().flat_map(|hold| {
        let released = hold.released.map(|(invoke, _)| invoke);
        std::iter::once(hold.granted).chain(released)
    });
    justify(lock, Revocation::Impossible)
        .map_err(|_| Contradiction::new(Rule::NoOrder, [last]).beside(shown))
}

/// A release or an answer that does not fit what the process has.
fn said_wrong(lock: &Lock) -> Option<Contradiction> {
    let wrong = |statement: &Statement| match statement.hold {
        None => statement
            .is_unowned()
            .then(|| Contradiction::new(Rule::Unowned, [statement.span.end])),
        Some(hold) => matches!(statement.said, Said::Lost | Said::NotReleased).then(|| {
            let granted = lock.holds[hold as usize].granted;
            Contradiction::new(Rule::ToldLost, [granted, statement.span.end])
        }),
    };
    lock.statements.iter().find_map(wrong)
}

fn too_deep(model: LockModel, lock: &Lock) -> Option<Contradiction> {
    let limit = model.limit()?;
    let at = lock.holds.iter().position(|hold| hold.depth >= limit)?;
    let hold = &lock.holds[at];
    // Those that it was granted on top of, the latest first.
    let mut depth = hold.depth;
    let below = lock.holds[..at].iter().rev().filter(|below| {
        let is_below = below.process == hold.process && below.depth + 1 == depth;
        depth -= u32::from(is_below);
        is_below
    });
    let below: Vec<Position> = below.map(|below| below.granted).collect();
    Some(Contradiction::new(Rule::NoOrder, [hold.granted]).beside(below))
}

pub(crate) fn literal_core(model: LockModel, hold: &Hold) -> Interval {
    let end = hold.released.map_or(NEVER, |(invoke, _)| invoke);
    Interval {
        process: hold.process,
        begin: hold.granted,
        end,
        shared: model == LockModel::RwLock && hold.shared,
    }
}

fn too_many(model: LockModel, lock: &Lock) -> Option<Contradiction> {
    let is_counted = |hold: &&Hold| model.limit().is_none() || hold.depth == 0;
    let cores: Vec<Interval> = lock
        .holds
        .iter()
        .filter(is_counted)
        .map(|hold| literal_core(model, hold))
        .collect();
    let capacity = Capacity::Grants(model.permits());
    let first = for_overlaps(&cores, capacity, |_, _, members| Err(members()));
    let members = first.err()?;
    let rule = if model.limit().is_some() {
        Rule::NoOrder
    } else {
        Rule::TooManyHold
    };
    let begins = || members.iter().map(|place| cores[*place].begin);
    match rule {
        Rule::NoOrder => Some(Contradiction::new(rule, begins().max()).beside(begins())),
        _ => Some(Contradiction::new(rule, begins())),
    }
}

/// Tokens grow from hold to hold; grants of one reentrant hold carry the same, where it is known.
fn out_of_order(model: LockModel, lock: &Lock) -> Option<Contradiction> {
    match model {
        LockModel::Fenced => fenced(lock),
        LockModel::ReentrantFenced(_) => reentrant_fenced(lock),
        _ => None,
    }
}

fn fenced(lock: &Lock) -> Option<Contradiction> {
    let known: Vec<&Hold> = lock.holds.iter().filter(|hold| hold.token != 0).collect();
    let pair = known
        .windows(2)
        .find(|pair| pair[0].token >= pair[1].token)?;
    Some(Contradiction::new(
        Rule::OrderOfTokens,
        pair.iter().map(|hold| hold.granted),
    ))
}

fn reentrant_fenced(lock: &Lock) -> Option<Contradiction> {
    let (mut current, mut highest) = (0, 0);
    let mut last = None;
    for hold in &lock.holds {
        if hold.depth == 0 {
            current = 0;
        }
        if hold.token == 0 || hold.token == current {
            continue;
        }
        if current != 0 || hold.token <= highest {
            return Some(Contradiction::new(Rule::NoOrder, [hold.granted]).beside(last));
        }
        (current, highest) = (hold.token, hold.token);
        last = Some(hold.granted);
    }
    None
}

/// Every grant takes effect just before it returns, everything else as soon as it is invoked.
fn order(lock: &Lock) -> Order {
    let grants = lock.holds.iter().map(|hold| {
        let instant = Instant::new(hold.granted, Side::Before);
        (instant, OrderEntry::operation(hold.asked))
    });
    let unknown_release = |hold: &Hold| {
        hold.released
            .filter(|(_, end)| *end == NEVER)
            .map(|(invoke, _)| invoke)
    };
    let unknown = lock
        .holds
        .iter()
        .filter_map(unknown_release)
        .map(revocable::after);
    let statements = lock
        .statements
        .iter()
        .map(|statement| revocable::after(statement.span.invoke));
    in_sequence(
        lock.key.clone(),
        grants.chain(unknown).chain(statements).collect(),
    )
}
