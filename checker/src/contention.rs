//! Who wanted a lock while others had or wanted it.

use std::collections::{BTreeMap, BTreeSet};

use history::{Kind, Process};

use crate::Case;
use crate::asks::Ask;
use crate::holds::Lock;
use crate::position::Position;

/// The workers that asked for a lock while so many others had or wanted it that not all of them
/// could have it.
pub(crate) fn contended(case: &Case<'_>) -> BTreeSet<u32> {
    let mut contended = BTreeSet::new();
    for lock in &case.locks {
        let mut crowd = Crowd::new(case.scope.slots());
        for want in wants(case, lock, case.asks.of(&lock.key)) {
            crowd.step(want, &mut contended);
        }
    }
    contended
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
}

/// What happens to a lock before the last phase, in order: somebody asks for it, gets it, or is done
/// with it. Who never sent an acquire asked for nothing.
fn wants(case: &Case<'_>, lock: &Lock, asks: &[Ask]) -> Vec<(Position, Change, u32)> {
    let mut wants = Vec::with_capacity(3 * asks.len());
    for hold in &lock.holds {
        let worker = case.scope.worker(hold.process);
        wants.push((hold.asked, Change::Asks, worker));
        wants.push((hold.granted, Change::Holds, worker));
        wants.push((hold.believed_until, Change::Leaves, worker));
    }
    let ungranted = asks.iter().filter(|ask| ask.kind != Some(Kind::Ok));
    for ask in ungranted {
        let worker = case.scope.worker(ask.process);
        wants.push((ask.invoke, Change::Asks, worker));
        wants.push((ask.end, Change::Leaves, worker));
    }
    wants.retain(|(place, ..)| *place < case.settle);
    wants.sort_unstable();
    wants
}

/// Those who have or want the lock.
struct Crowd {
    slots: usize,
    wanting: BTreeMap<u32, usize>,
    total: usize,
    /// Who is asking and has not met a crowd yet.
    asking: BTreeSet<u32>,
}

impl Crowd {
    fn new(slots: usize) -> Self {
        Self {
            slots,
            wanting: BTreeMap::new(),
            total: 0,
            asking: BTreeSet::new(),
        }
    }

    fn step(
        &mut self,
        (_, change, worker): (Position, Change, u32),
        contended: &mut BTreeSet<u32>,
    ) {
        match change {
            Change::Asks => {
                *self.wanting.entry(worker).or_default() += 1;
                self.total += 1;
                self.asking.insert(worker);
                self.mark(contended);
            }
            Change::Holds => {
                self.asking.remove(&worker);
            }
            Change::Leaves => {
                self.asking.remove(&worker);
                self.total -= 1;
                let count = self.wanting.entry(worker).or_default();
                *count -= 1;
            }
        }
    }

    fn mark(&mut self, contended: &mut BTreeSet<u32>) {
        let others =
            |worker: &u32| self.total - self.wanting.get(worker).copied().unwrap_or_default();
        let met: Vec<u32> = self
            .asking
            .iter()
            .copied()
            .filter(|worker| others(worker) >= self.slots)
            .collect();
        for worker in met {
            self.asking.remove(&worker);
            contended.insert(worker);
        }
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
        let [contended, all] = [contended(&case), workers(&case)];
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
    fn who_has_left_is_in_nobodys_way() {
        let text = "0:acquire 0:acquire! 0:release 0:release! 0:acquire 0:acquire! 0:release 0:release! 1:acquire 1:acquire! 2:acquire 2:acquire!";
        assert_eq!(found(text, 2).0, [0_u32; 0]);
        assert_eq!(found(text, 1).0, [2]);
    }
}
