//! The persistent semaphore: a durable queue for each slot, an exclusive queue for each holder.

use async_trait::async_trait;

use crate::broker::{Channel, ConsumeOptions, DeleteOptions, QueueOptions};
use crate::options::{CONFIRM, Choice, RECONNECT, RELEASE_HOLDER, ReleaseBy, VERIFY, Verify};
use crate::recipe::queue::{EXCLUSIVE, ask, delete, is_alive, ping};
use crate::recipe::slots::{self, SLOT, Slots, administer, none_free, slot_queue};
use crate::recipe::{Hold, Race, Recipe, RecipeSession, Wire, race};
use crate::{Action, Answer, ClientConfig, Error, ErrorKind, Kind, Lock, Session};

/// `persistent-semaphore`: slot n exists while its A queue does, and is held by whoever owns its B
/// queue.
///
/// - acquire goes through the slots from 1 upward: where A is there and B is not, it declares B
///   exclusively, and makes sure that A is still there. Who is overtaken between looking and
///   declaring loses the channel, and begins again after a random pause, a few times.
/// - verify publishes to A on the channel that declared B: a slot that was removed is given back
///   then.
/// - release deletes B. Closing the channel alone would not: an exclusive queue lives as long as
///   its connection. With `release=close-channel` B is deleted with its last consumer, and the
///   channel that declared it consumes from it.
/// - administration makes and removes A queues, and asks whether a B queue is gone.
#[derive(Debug, Clone, Copy)]
pub struct PersistentSemaphore;

/// A B queue that lives as long as the channel that consumes from it.
const HOLDER_OF_A_CHANNEL: QueueOptions = QueueOptions {
    auto_delete: true,
    ..EXCLUSIVE
};

pub(crate) const OPTIONS: &[Choice] = &[VERIFY, CONFIRM, RELEASE_HOLDER, RECONNECT];

pub(crate) const NEEDS: &[&str] = &["durable queues", "exclusive queues", "publisher confirms"];

/// What a semaphore of numbered slots promises, however it is administered.
pub(crate) const PROMISES: &[&str] = &[
    "confirmed-exclusion",
    "progress",
    "slot-exclusion",
    "slot-existence",
    "slot-removal",
    "slot-sequence",
];

impl PersistentSemaphore {
    /// The B queue of a slot's A queue.
    #[must_use]
    pub fn holder_queue(slot_queue: &str) -> String {
        format!("{}B", slot_queue.trim_end_matches('A'))
    }

    /// Does what an administrator of such a semaphore can ask.
    ///
    /// # Errors
    /// Those of [`Slots::act`], and [`ErrorKind::PreconditionFailed`] where a removed slot has its
    /// holder still.
    pub async fn act(self, slots: &Slots, action: Action) -> Result<Vec<u32>, Error> {
        let Action::Wait { slot } = action else {
            return slots.act(action).await;
        };
        let holder = Self::holder_queue(&slots.queue(slot));
        match ping(&*slots.channel, &holder).await? {
            Answer::Lost => Ok(vec![slot]),
            Answer::Held | Answer::Leased(_) => {
                Err(slots.unfit(&format!("has a holder of slot {slot} still")))
            }
        }
    }
}

#[async_trait]
impl Lock for PersistentSemaphore {
    fn name(&self) -> &str {
        "persistent-semaphore"
    }

    fn summary(&self) -> &str {
        "persistent semaphore: a durable queue a slot, an exclusive queue a holder"
    }

    fn kind(&self) -> Kind {
        Kind::PersistentSemaphore
    }

    fn options(&self) -> &[Choice] {
        OPTIONS
    }

    fn promises(&self) -> Vec<&str> {
        PROMISES.to_vec()
    }

    fn needs(&self) -> Vec<&str> {
        NEEDS.to_vec()
    }

    async fn create(&self, client: &ClientConfig, key: &str, slots: u32) -> Result<(), Error> {
        slots::create(client, key, slots).await
    }

    async fn open(&self, client: &ClientConfig) -> Result<Box<dyn Session>, Error> {
        RecipeSession::open(*self, client).await
    }
}

#[async_trait]
impl Recipe for PersistentSemaphore {
    async fn take(&self, wire: &mut Wire, key: &str) -> Result<Hold, Error> {
        race(self, wire, key).await
    }

    async fn ask(&self, wire: &mut Wire, hold: &mut Hold) -> Result<Answer, Error> {
        let slot = slot_of(&hold.queue);
        let answer = match wire.client.options.verify {
            // An answer that costs the channel must not cost the one that B is to be deleted on.
            Verify::PassiveDeclare => {
                let asking = wire.channel().await?;
                let answer = ask(&*asking, &slot, Verify::PassiveDeclare).await?;
                wire.keep(asking);
                if !is_alive(&*hold.channel) {
                    // B may have gone with it, and the other channel does not tell.
                    return Err(hold.channel.closed().await.unsettled());
                }
                answer
            }
            _ => ping(&*hold.channel, &slot).await?,
        };
        if answer == Answer::Held {
            return Ok(Answer::Held);
        }
        match delete(&*hold.channel, &hold.queue).await {
            Err(error) if error.kind != ErrorKind::Lost => Err(error.unsettled()),
            _ => Ok(Answer::Lost),
        }
    }

    async fn give_back(&self, _: &mut Wire, hold: &mut Hold) -> Result<(), Error> {
        delete(&*hold.channel, &hold.queue).await
    }

    async fn administer(
        &self,
        wire: &mut Wire,
        key: &str,
        action: Action,
    ) -> Result<Vec<u32>, Error> {
        if action == Action::Request {
            return Err(action.unknown_to(key));
        }
        administer(wire, key, SLOT, async |slots| self.act(slots, action).await).await
    }
}

#[async_trait]
impl Race for PersistentSemaphore {
    /// Goes through the slots once.
    async fn claim(&self, wire: &mut Wire, key: &str) -> Result<Option<Hold>, Error> {
        let channel = wire.channel().await?;
        let mut slot = 1;
        let queue = loop {
            let slot_queue = slot_queue(&wire.client.queue(key), slot);
            if ping(&*channel, &slot_queue).await? == Answer::Lost {
                wire.keep(channel);
                return Err(none_free(key, slot - 1));
            }
            let holder = Self::holder_queue(&slot_queue);
            if ping(&*channel, &holder).await? == Answer::Lost {
                break holder;
            }
            slot += 1;
        };
        let is_bound = wire.client.options.release == ReleaseBy::CloseChannel;
        let holder = if is_bound {
            HOLDER_OF_A_CHANNEL
        } else {
            EXCLUSIVE
        };
        match channel.declare(&queue, &holder).await {
            Ok(_) => {}
            Err(error) if error.kind == ErrorKind::ResourceLocked => return Ok(None),
            Err(error) => return Err(error),
        }
        if !still_there(&*channel, &queue).await? {
            wire.keep(channel);
            return Err(none_free(key, slot - 1));
        }
        let mut hold = Hold::of_queue(channel, queue).at(slot);
        if is_bound {
            let options = ConsumeOptions {
                no_ack: true,
                ..ConsumeOptions::default()
            };
            let consumer = hold.channel.consume(&hold.queue, &options).await;
            hold.consumer = Some(consumer.map_err(Error::unsettled)?);
        }
        Ok(Some(hold))
    }
}

/// Whether the slot was not removed meanwhile; gives the holder's queue back where it was. Whatever
/// goes wrong here leaves that queue declared, so that only the end of the session settles it: an
/// error that looks definite is not.
async fn still_there(channel: &dyn Channel, holder: &str) -> Result<bool, Error> {
    let asked = async {
        let there = ping(channel, &slot_of(holder)).await? == Answer::Held;
        if !there {
            channel.delete(holder, &DeleteOptions::default()).await?;
        }
        Ok(there)
    };
    asked.await.map_err(Error::unsettled)
}

/// The A queue of a holder's B queue.
fn slot_of(holder_queue: &str) -> String {
    format!("{}A", holder_queue.trim_end_matches('B'))
}
