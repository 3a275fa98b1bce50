//! When more clients wanted a lock than can have it: only then can its guarantees be broken.

use std::collections::BTreeMap;

use crate::asks::Ask;
use crate::holds::Lock;
use crate::overlap::Capacity;
use crate::position::Position;

/// From one position to another, the second not included.
type Stretch = (Position, Position);

/// The stretches of the record in which not everybody who wanted a lock could have it. Who holds it
/// wants it, and so does who asks for it.
pub(crate) struct Crowds(Vec<Stretch>);

impl Crowds {
    /// Those of a lock. `asks` are the acquires that may have been sent.
    pub(crate) fn new(lock: &Lock, asks: &[Ask], capacity: Capacity) -> Self {
        let mut wanting = Wanting::default();
        let mut stretches = Vec::new();
        let mut since = None;
        let steps = steps(lock, asks);
        for (place, step) in steps.iter().enumerate() {
            wanting.change(*step);
            let here = step.at;
            if steps.get(place + 1).is_some_and(|next| next.at == here) {
                continue;
            }
            match (wanting.is_crowd(capacity), since) {
                (true, None) => since = Some(here),
                (false, Some(begin)) => {
                    stretches.push((begin, here));
                    since = None;
                }
                _ => {}
            }
        }
        stretches.extend(since.map(|begin| (begin, Position::MAX)));
        Self(stretches)
    }

    /// Whether not everybody could have it at some moment between two positions.
    pub(crate) fn meet(&self, begin: Position, end: Position) -> bool {
        let next = self.0.partition_point(|(_, until)| *until <= begin);
        self.0.get(next).is_some_and(|(since, _)| *since < end) && begin < end
    }
}

/// Somebody begins to want the lock, or ends.
#[derive(Clone, Copy)]
struct Step {
    at: Position,
    begins: bool,
    process: u32,
    shared: bool,
}

/// What changes, in the order of the record.
fn steps(lock: &Lock, asks: &[Ask]) -> Vec<Step> {
    let holds = lock.holds.iter();
    let had = holds.flat_map(|hold| {
        let beliefs = hold.beliefs();
        beliefs.map(|it| (it.begin, it.end.position, hold.process, hold.shared))
    });
    let asked = asks.iter();
    let asked = asked.map(|ask| (ask.invoke, ask.end, ask.process, ask.shared));
    let mut steps = Vec::with_capacity(2 * (lock.holds.len() + asks.len()));
    for (begin, end, process, shared) in had.chain(asked) {
        for (at, begins) in [(begin, true), (end, false)] {
            steps.push(Step {
                at,
                begins,
                process,
                shared,
            });
        }
    }
    steps.sort_unstable_by_key(|step| step.at);
    steps
}

/// Who wants the lock at one moment.
#[derive(Default)]
struct Wanting {
    clients: BTreeMap<u32, isize>,
    all: isize,
    alone: isize,
}

impl Wanting {
    fn change(&mut self, step: Step) {
        let change = if step.begins { 1 } else { -1 };
        let count = self.clients.entry(step.process).or_default();
        *count += change;
        if *count == 0 {
            self.clients.remove(&step.process);
        }
        self.all += change;
        self.alone += if step.shared { 0 } else { change };
    }

    /// Readers alone are no crowd.
    fn is_crowd(&self, capacity: Capacity) -> bool {
        let too_many = match capacity {
            Capacity::OneClient => self.clients.len() > 1,
            Capacity::Grants(number) => self.all > isize::try_from(number).unwrap_or(isize::MAX),
        };
        too_many && self.alone > 0
    }
}
