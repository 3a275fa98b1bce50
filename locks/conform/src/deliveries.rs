//! The deliveries of a channel, and which of them are settled.

use locks::broker::Message;

use crate::script::Which;
use crate::transcript::Delivery;

/// A tag that no script gets far enough to be given.
const UNKNOWN_TAG: u64 = 1_000_000;

#[derive(Debug, Default)]
pub(super) struct Deliveries {
    kept: Vec<Kept>,
    last_settled: Option<u64>,
    /// What is settled only when the transaction is committed.
    tentative: Vec<u64>,
}

#[derive(Debug)]
struct Kept {
    tag: u64,
    /// The step that published it. Tags would not do: queues that deliver to one channel at the
    /// same time do so in any order.
    step: usize,
    is_settled: bool,
}

/// The body of the message that a step publishes.
pub(super) fn body(step: usize) -> String {
    format!("m{step}")
}

impl Deliveries {
    /// Takes note of a message.
    pub(super) fn receive(&mut self, message: &Message, is_settled: bool) -> Delivery {
        let body = String::from_utf8_lossy(&message.body).into_owned();
        self.kept.push(Kept {
            tag: message.tag,
            step: body.trim_start_matches('m').parse().unwrap_or(0),
            is_settled,
        });
        Delivery {
            body,
            redelivered: message.redelivered,
        }
    }

    /// The tag that is meant, where there is such a delivery.
    pub(super) fn pick(&self, which: Which) -> Option<u64> {
        let unsettled = self.kept.iter().filter(|kept| !kept.is_settled);
        let place = |kept: &&Kept| (kept.step, kept.tag);
        match which {
            Which::Oldest => unsettled.min_by_key(place).map(|kept| kept.tag),
            Which::Newest => unsettled.max_by_key(place).map(|kept| kept.tag),
            Which::Settled => self.last_settled,
            Which::Zero => Some(0),
            Which::Unknown => Some(UNKNOWN_TAG),
        }
    }

    /// A delivery is settled, with `multiple` all up to it; in a transaction until that is rolled
    /// back.
    pub(super) fn settle(&mut self, tag: u64, multiple: bool, in_transaction: bool) {
        let is_meant = |kept: &Kept| match (multiple, tag) {
            (true, 0) => true,
            (true, tag) => kept.tag <= tag,
            (false, tag) => kept.tag == tag,
        };
        let meant = self
            .kept
            .iter_mut()
            .filter(|kept| !kept.is_settled && is_meant(kept));
        for kept in meant {
            kept.is_settled = true;
            self.last_settled = Some(kept.tag);
            if in_transaction {
                self.tentative.push(kept.tag);
            }
        }
    }

    pub(super) fn commit(&mut self) {
        self.tentative.clear();
    }

    pub(super) fn roll_back(&mut self) {
        let tentative = std::mem::take(&mut self.tentative);
        for kept in &mut self.kept {
            kept.is_settled &= !tentative.contains(&kept.tag);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(steps: &[usize]) -> Deliveries {
        let mut deliveries = Deliveries::default();
        for (tag, step) in (1..).zip(steps) {
            let message = Message {
                tag,
                redelivered: false,
                body: body(*step).into(),
            };
            assert_eq!(deliveries.receive(&message, false).body, body(*step));
        }
        deliveries
    }

    #[test]
    fn the_oldest_is_the_one_published_first() {
        let mut deliveries = with(&[7, 3, 5]);
        assert_eq!(deliveries.pick(Which::Oldest), Some(2));
        assert_eq!(deliveries.pick(Which::Newest), Some(1));
        deliveries.settle(2, false, false);
        assert_eq!(deliveries.pick(Which::Oldest), Some(3));
        assert_eq!(deliveries.pick(Which::Settled), Some(2));
        deliveries.settle(0, true, false);
        assert_eq!(deliveries.pick(Which::Oldest), None);
    }

    #[test]
    fn what_is_rolled_back_can_be_settled_again() {
        let mut deliveries = with(&[1, 2]);
        deliveries.settle(1, false, true);
        deliveries.commit();
        deliveries.settle(2, true, true);
        assert_eq!(deliveries.pick(Which::Newest), None);
        deliveries.roll_back();
        assert_eq!(deliveries.pick(Which::Oldest), Some(2));
    }
}
