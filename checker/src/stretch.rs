//! For how long somebody believes without a break: beliefs that follow each other, joined.

use std::collections::{BTreeMap, BTreeSet};

use crate::Case;
use crate::belief::{Belief, Moment};
use crate::holds::Lock;
use crate::overlap::{Capacity, Interval};

/// A belief, or several without a break.
#[derive(Clone, Copy)]
pub(crate) struct Stretch {
    /// The place of the hold that it begins with.
    pub(crate) place: usize,
    pub(crate) belief: Belief,
    shared: bool,
    /// The last time at which a lease of it was over.
    lapsed_ns: Option<u64>,
}

impl Stretch {
    pub(crate) fn of(lock: &Lock, place: usize, belief: Belief) -> Self {
        Self {
            place,
            belief,
            shared: lock.holds[place].shared,
            lapsed_ns: belief.runs_out.then_some(belief.end.time_ns),
        }
    }

    pub(crate) fn interval(&self, lock: &Lock) -> Interval<Moment> {
        Interval {
            process: lock.holds[self.place].process,
            begin: self.belief.begin,
            end: self.belief.end,
            shared: self.shared,
        }
    }

    /// Whether the next one begins before this is over. A lease has ended at a time, not with an
    /// event: what begins at that time goes on with it, however the events of that time are ordered.
    fn goes_on_with(&self, case: &Case<'_>, next: &Self) -> bool {
        let begin = next.belief.begin;
        begin < self.belief.end.position || self.lapsed_ns >= Some(case.time(begin))
    }

    fn join(&mut self, next: &Self) {
        if self.belief.end < next.belief.end {
            self.belief.end = next.belief.end;
            self.belief.runs_out = next.belief.runs_out;
        }
        self.lapsed_ns = self.lapsed_ns.max(next.lapsed_ns);
    }
}

/// Beliefs as they are.
pub(crate) fn each(_: &Case<'_>, lock: &Lock, beliefs: &[(usize, Belief)]) -> Vec<Stretch> {
    let beliefs = beliefs.iter();
    beliefs
        .map(|(place, belief)| Stretch::of(lock, *place, *belief))
        .collect()
}

/// Beliefs without a break joined: those of one client where clients count, else those of one hold.
/// A client with shared holds has two kinds: of its exclusive beliefs, and of all of them, which
/// are as little in the way of other readers as shared ones.
pub(crate) fn joined(case: &Case<'_>, lock: &Lock, beliefs: &[(usize, Belief)]) -> Vec<Stretch> {
    let each = each(case, lock, beliefs);
    if case.scope.capacity() != Capacity::OneClient {
        return join(case, each.into_iter(), |stretch| stretch.place);
    }
    let client = |stretch: &Stretch| lock.holds[stretch.place].process;
    let readers: BTreeSet<u32> = each.iter().filter(|it| it.shared).map(client).collect();
    let alone = each.iter().copied().filter(|stretch| !stretch.shared);
    let mixed = each.iter().copied();
    let mixed = mixed.filter(|stretch| readers.contains(&client(stretch)));
    let mixed = mixed.map(|stretch| Stretch {
        shared: true,
        ..stretch
    });
    let mut joined = join(case, alone, client);
    joined.extend(join(case, mixed, client));
    joined.sort_by_key(|stretch| stretch.belief.begin);
    joined
}

/// In the order of their beginnings, as they come.
fn join<K: Ord>(
    case: &Case<'_>,
    stretches: impl Iterator<Item = Stretch>,
    whose: impl Fn(&Stretch) -> K,
) -> Vec<Stretch> {
    let (mut joined, mut last) = (Vec::<Stretch>::new(), BTreeMap::new());
    for next in stretches {
        let whose = whose(&next);
        let before = last.get(&whose).map(|place: &usize| &mut joined[*place]);
        match before.filter(|before| before.goes_on_with(case, &next)) {
            Some(before) => before.join(&next),
            None => {
                last.insert(whose, joined.len());
                joined.push(next);
            }
        }
    }
    joined
}
