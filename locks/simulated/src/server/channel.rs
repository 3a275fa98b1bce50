//! A channel as the server keeps it: its mode, its deliveries that are not settled, its consumers.

use std::collections::BTreeMap;
use std::time::Duration;

use locks::broker::Publish;

use super::queue::{QueueId, Stored};
use super::refusals;
use crate::frame::{Refusal, Settlement};

/// A delivery that is not settled.
#[derive(Debug)]
pub(super) struct Unsettled {
    pub(super) queue: String,
    pub(super) id: QueueId,
    pub(super) position: u64,
    pub(super) message: Stored,
    /// The tag of the consumer it went to; none where it was got.
    pub(super) consumer: Option<String>,
    pub(super) since: Duration,
}

/// How publishes and settlements on a channel take effect.
#[derive(Debug)]
pub(super) enum Mode {
    /// At once, unanswered.
    Plain,
    /// At once, and publishes are confirmed by their number.
    Confirm { published: u64 },
    /// When they are committed.
    Tx(Transaction),
}

/// What waits to be committed.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    pub(super) publishes: Vec<Pending>,
    pub(super) settled: Vec<(Settlement, BTreeMap<u64, Unsettled>)>,
}

/// A publish that waits to be committed. It goes to the queue that there was when it was sent.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) queue: String,
    pub(super) publish: Publish,
    pub(super) is_routed: bool,
}

#[derive(Debug)]
pub(super) struct Channel {
    /// Counts the channels of this number: what was meant for an earlier one is not for this.
    pub(super) generation: u64,
    /// The server has closed it, and waits for the client to agree.
    pub(super) closing: bool,
    pub(super) mode: Mode,
    pub(super) prefetch: u16,
    pub(super) unsettled: BTreeMap<u64, Unsettled>,
    /// The queue of each consumer, by its tag.
    pub(super) consumers: BTreeMap<String, String>,
    delivered: u64,
}

impl Channel {
    pub(super) fn new(generation: u64) -> Self {
        Self {
            generation,
            closing: false,
            mode: Mode::Plain,
            prefetch: 0,
            unsettled: BTreeMap::new(),
            consumers: BTreeMap::new(),
            delivered: 0,
        }
    }

    /// The tag of the next delivery.
    pub(super) fn next_delivery(&mut self) -> u64 {
        self.delivered += 1;
        self.delivered
    }

    /// Takes out what a settlement means.
    pub(super) fn take(
        &mut self,
        settlement: Settlement,
    ) -> Result<BTreeMap<u64, Unsettled>, Refusal> {
        let Settlement { tag, multiple, .. } = settlement;
        if multiple && tag == 0 {
            return Ok(std::mem::take(&mut self.unsettled));
        }
        let unknown = || refusals::precondition(format_args!("unknown delivery tag {tag}"));
        if multiple {
            if !self.unsettled.contains_key(&tag) {
                return Err(unknown());
            }
            let rest = self.unsettled.split_off(&(tag + 1));
            return Ok(std::mem::replace(&mut self.unsettled, rest));
        }
        let taken = self.unsettled.remove(&tag).ok_or_else(unknown)?;
        Ok(BTreeMap::from([(tag, taken)]))
    }

    /// Everything that goes back to its queue when the channel ends.
    pub(super) fn drain(&mut self) -> Vec<Unsettled> {
        let mut all = std::mem::take(&mut self.unsettled);
        if let Mode::Tx(transaction) = &mut self.mode {
            transaction
                .settled
                .drain(..)
                .for_each(|(_, taken)| all.extend(taken));
        }
        all.into_values().collect()
    }
}
