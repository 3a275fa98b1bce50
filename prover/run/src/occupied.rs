//! Whom the faults that are on have hold of.

use std::collections::BTreeSet;

use nemesis::{Part, Worker};

use crate::watch::Watch;

/// What of which worker is in the hold of a fault. Two faults that had hold of the same would heal
/// each other.
#[derive(Debug, Default)]
pub(crate) struct Occupied(Watch<BTreeSet<(Part, Worker)>>);

impl Occupied {
    /// Takes hold of those whom `choose` picks among the workers of whom none of these parts is
    /// taken; as long as it picks nobody, waits until others are free.
    pub(crate) async fn take(
        &self,
        parts: &[Part],
        workers: usize,
        choose: impl Fn(&[Worker]) -> Option<Vec<Worker>>,
    ) -> Vec<Worker> {
        loop {
            let before = self.0.see(BTreeSet::clone);
            let is_free =
                |worker: &Worker| parts.iter().all(|part| !before.contains(&(*part, *worker)));
            let free: Vec<Worker> = (0..workers).filter(is_free).collect();
            if let Some(targets) = choose(&free) {
                self.0.change(|now| now.extend(pairs(parts, &targets)));
                return targets;
            }
            self.0.when(|now| *now != before).await;
        }
    }

    /// Lets go of them.
    pub(crate) fn release(&self, parts: &[Part], targets: &[Worker]) {
        self.0.change(|occupied| {
            for pair in pairs(parts, targets) {
                occupied.remove(&pair);
            }
        });
    }
}

fn pairs(parts: &[Part], targets: &[Worker]) -> Vec<(Part, Worker)> {
    let mut pairs = Vec::new();
    for target in targets {
        pairs.extend(parts.iter().map(|part| (*part, *target)));
    }
    pairs
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn first(free: &[Worker]) -> Option<Vec<Worker>> {
        free.first().map(|worker| vec![*worker])
    }

    #[test]
    fn nobody_is_taken_twice_by_the_same_part() {
        let occupied = Occupied::default();
        let take = |parts: &[Part]| occupied.take(parts, 2, first).now_or_never();
        assert_eq!(take(&[Part::Link]), Some(vec![0]));
        assert_eq!(take(&[Part::Process]), Some(vec![0]));
        assert_eq!(take(&[Part::Process, Part::Link]), Some(vec![1]));
        assert_eq!(take(&[Part::Link]), None);
        assert_eq!(take(&[Part::Broker]), Some(vec![0]));
    }

    #[tokio::test]
    async fn who_is_let_go_can_be_taken() {
        let occupied = Occupied::default();
        let held = occupied.take(&[Part::Link], 1, first).await;
        let next = occupied.take(&[Part::Link], 1, first);
        let release = async { occupied.release(&[Part::Link], &held) };
        assert_eq!(tokio::join!(next, release).0, [0]);
    }
}
