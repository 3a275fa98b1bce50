//! Who wanted a lock while others had or wanted it.

use std::collections::{BTreeMap, BTreeSet};

use history::{Kind, Process};

use crate::Case;
use crate::asks::Ask;
use crate::holds::Lock;
use crate::position::Position;
use crate::search::Reason;

/// The workers that asked for a lock while so many others had or wanted it that not all of them
/// could have it.
///
/// # Errors
/// The caller said to stop.
pub(crate) fn contended(case: &Case<'_>) -> Result<BTreeSet<u32>, Reason> {
    let mut contended = BTreeSet::new();
    let mut steps = case.steps();
    for lock in &case.locks {
        let mut crowd = Crowd::new(case.scope.slots());
        for want in wants(case, lock, case.asks.of(&lock.key)) {
            steps.step()?;
            crowd.step(want, &mut contended);
        }
    }
    Ok(contended)
}

/// All workers that appear in the history.
pub(crate) fn workers(case: &Case<'_>) -> BTreeSet<u32> {
    let client = |process| {
        if let Process::Client(number) = process {
            Some(number)
        } else {
            None
        }
    };
    let processes = case
        .history
        .events()
        .iter()
        .filter_map(|event| client(event.process));
    processes
        .map(|process| case.scope.worker(process))
        .collect()
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Leaves,
    Asks,
    Holds,
    /// Believes again.
    Returns,
}

/// What happens to a lock at a position: an acquire is asked for, granted, or done with, and where
/// it was a lease, that may be renewed when it was over.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Want {
    at: Position,
    change: Change,
    asked: Position,
    worker: u32,
    shared: bool,
}

/// What happens to a lock before the last phase, in order. Who never sent an acquire asked for
/// nothing.
fn wants(case: &Case<'_>, lock: &Lock, asks: &[Ask]) -> Vec<Want> {
    let want = |(process, shared), asked, at, change| Want {
        at,
        change,
        asked,
        worker: case.scope.worker(process),
        shared,
    };
    let mut wants = Vec::with_capacity(3 * asks.len());
    for hold in &lock.holds {
        let want = |at, change| want((hold.process, hold.shared), hold.asked, at, change);
        wants.push(want(hold.asked, Change::Asks));
        wants.push(want(hold.granted, Change::Holds));
        let mut left = hold.granted;
        for belief in hold.beliefs() {
            if belief.begin == hold.granted {
                left = belief.end.position;
            } else {
                wants.push(want(belief.begin, Change::Returns));
                wants.push(want(belief.end.position, Change::Leaves));
            }
        }
        wants.push(want(left, Change::Leaves));
    }
    for ask in asks.iter().filter(|ask| ask.kind != Some(Kind::Ok)) {
        let want = |at, change| want((ask.process, ask.shared), ask.invoke, at, change);
        wants.push(want(ask.invoke, Change::Asks));
        wants.push(want(ask.end, Change::Leaves));
    }
    wants.retain(|want| want.at < case.settle);
    wants.sort_unstable();
    wants
}

/// How many want something, and how many of them want it for themselves.
#[derive(Clone, Copy, Default)]
struct Wanted {
    all: usize,
    exclusive: usize,
}

impl Wanted {
    fn add(&mut self, shared: bool) {
        self.all += 1;
        self.exclusive += usize::from(!shared);
    }

    fn remove(&mut self, shared: bool) {
        self.all -= 1;
        self.exclusive -= usize::from(!shared);
    }

    fn without(self, some: Self) -> Self {
        Self {
            all: self.all - some.all,
            exclusive: self.exclusive - some.exclusive,
        }
    }
}

/// Those who have or want the lock.
struct Crowd {
    slots: usize,
    wanting: BTreeMap<u32, Wanted>,
    total: Wanted,
    /// The acquires that are under way and have not met a crowd yet, by where they were asked for.
    asking: BTreeMap<Position, Want>,
}

impl Crowd {
    fn new(slots: usize) -> Self {
        Self {
            slots,
            wanting: BTreeMap::new(),
            total: Wanted::default(),
            asking: BTreeMap::new(),
        }
    }

    fn step(&mut self, want: Want, contended: &mut BTreeSet<u32>) {
        match want.change {
            Change::Asks | Change::Returns => {
                self.wanting
                    .entry(want.worker)
                    .or_default()
                    .add(want.shared);
                self.total.add(want.shared);
                if want.change == Change::Asks {
                    self.asking.insert(want.asked, want);
                }
                self.mark(contended);
            }
            Change::Holds => {
                self.asking.remove(&want.asked);
            }
            Change::Leaves => {
                self.asking.remove(&want.asked);
                self.total.remove(want.shared);
                self.wanting
                    .entry(want.worker)
                    .or_default()
                    .remove(want.shared);
            }
        }
    }

    /// Readers alone are in nobody's way, and neither are as many as there are slots: then nobody
    /// is looked at.
    fn mark(&mut self, contended: &mut BTreeSet<u32>) {
        if self.total.all <= self.slots || self.total.exclusive == 0 {
            return;
        }
        let (wanting, total, slots) = (&self.wanting, self.total, self.slots);
        let is_met = |want: &Want| {
            let own = wanting.get(&want.worker).copied().unwrap_or_default();
            let others = total.without(own);
            others.all >= slots && (!want.shared || others.exclusive > 0)
        };
        self.asking.retain(|_, want| {
            let is_met = is_met(want);
            if is_met {
                contended.insert(want.worker);
            }
            !is_met
        });
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::Scope;
    use crate::search::Limits;
    use crate::testing::history;

    fn found(text: &str, slots: u32) -> (Vec<u32>, Vec<u32>) {
        let history = history(text);
        let scope = Scope {
            slots: slots.try_into().expect("not 0"),
            workers: NonZeroU32::new(3),
            ..Scope::default()
        };
        let case = Case::new(&history, &scope, Limits::none());
        let contended = contended(&case).expect("nobody stops it");
        let all = workers(&case);
        (contended.into_iter().collect(), all.into_iter().collect())
    }

    #[test]
    fn who_waits_for_another_is_contended() {
        let one_after_the_other = "0:acquire 0:acquire! 0:release 0:release! 1:acquire 1:acquire!";
        assert_eq!(found(one_after_the_other, 1), (vec![], vec![0, 1]));
        let refused = "0:acquire 0:acquire! 1:acquire 1:acquireX 5:acquire 5:acquireX";
        assert_eq!(found(refused, 1), (vec![1, 2], vec![0, 1, 2]));
        assert_eq!(found(refused, 2), (vec![], vec![0, 1, 2]));
    }

    #[test]
    fn readers_alone_are_in_nobodys_way() {
        let readers = "0:acquire 0:acquire!read 1:acquire 1:acquire!read";
        assert_eq!(found(readers, 1).0, [0_u32; 0]);
        let writer = format!("{readers} 2:acquire 2:acquireX");
        assert_eq!(found(&writer, 1).0, [2]);
        let reader = "0:acquire 0:acquire! 1:acquire 1:acquire!read";
        assert_eq!(found(reader, 1).0, [1]);
    }

    #[test]
    fn who_has_left_is_in_nobodys_way() {
        let text = "0:acquire 0:acquire! 0:release 0:release! 0:acquire 0:acquire! 0:release 0:release! 1:acquire 1:acquire! 2:acquire 2:acquire!";
        assert_eq!(found(text, 2).0, [0_u32; 0]);
        assert_eq!(found(text, 1).0, [2]);
    }
}
