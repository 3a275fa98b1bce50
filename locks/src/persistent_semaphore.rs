//! The persistent semaphore: a durable queue for each slot, an exclusive queue for each holder.

use async_trait::async_trait;

use crate::broker::{Channel, DeleteOptions, QueueOptions};
use crate::exclusive_queue::{delete, ping};
use crate::recipe::{Hold, Line, Race, Recipe, race};
use crate::session::RecipeSession;
use crate::{Answer, Client, Error, ErrorKind, Lock, Session};

/// `persistent-semaphore`: slot n exists while its A queue does, and is held by whoever owns its B queue.
///
/// - acquire goes through the slots from 1 upward: where A is there and B is not, it declares B exclusively, and makes sure that A is still there. Who is
///   overtaken between looking and declaring loses the channel, and begins again after a random pause, a few times.
/// - verify publishes to A on the channel that declared B: a slot that was removed is given back then.
/// - release deletes B. Closing the channel alone would not: an exclusive queue lives as long as its connection.
#[derive(Debug, Clone, Copy)]
pub struct PersistentSemaphore;

/// An A queue.
const SLOT: QueueOptions = QueueOptions {
    durable: true,
    max_length: Some(0),
    ..QueueOptions::SHARED
};

/// A B queue.
const HOLDER: QueueOptions = QueueOptions {
    exclusive: true,
    max_length: Some(0),
    ..QueueOptions::SHARED
};

#[async_trait]
impl Lock for PersistentSemaphore {
    fn name(&self) -> &'static str {
        "persistent-semaphore"
    }

    fn summary(&self) -> &'static str {
        "persistent semaphore: a durable queue a slot, an exclusive queue a holder"
    }

    fn promises(&self) -> &'static [&'static str] {
        &["confirmed-exclusion", "progress"]
    }

    fn needs(&self) -> &'static [&'static str] {
        &["durable queues", "exclusive queues", "publisher confirms"]
    }

    async fn create(&self, client: &Client, key: &str, slots: u32) -> Result<(), Error> {
        create_slots(client, key, slots).await
    }

    async fn open(&self, client: &Client) -> Result<Box<dyn Session>, Error> {
        RecipeSession::open(*self, client).await
    }
}

#[async_trait]
impl Recipe for PersistentSemaphore {
    async fn take(&self, line: &mut Line, key: &str) -> Result<Hold, Error> {
        race(self, line, key).await
    }

    async fn ask(&self, hold: &mut Hold) -> Result<Answer, Error> {
        let answer = ping(&*hold.channel, &slot_of(&hold.queue)).await?;
        if answer == Answer::Held {
            return Ok(Answer::Held);
        }
        match delete(&*hold.channel, &hold.queue).await {
            Err(error) if error.kind != ErrorKind::Lost => Err(error.unsettled()),
            _ => Ok(Answer::Lost),
        }
    }

    async fn give_back(&self, hold: &mut Hold) -> Result<(), Error> {
        delete(&*hold.channel, &hold.queue).await
    }
}

/// Declares the A queues of the slots.
pub(crate) async fn create_slots(client: &Client, key: &str, slots: u32) -> Result<(), Error> {
    let connection = client.connection().await?;
    let channel = connection.channel().await?;
    for slot in 1..=slots {
        channel
            .declare(&slot_queue(client, key, slot), &SLOT)
            .await?;
    }
    connection.close().await
}

#[async_trait]
impl Race for PersistentSemaphore {
    /// Goes through the slots once.
    async fn claim(&self, line: &mut Line, key: &str) -> Result<Option<Hold>, Error> {
        let channel = line.channel().await?;
        let mut slot = 1;
        let queue = loop {
            let slot_queue = slot_queue(&line.client, key, slot);
            if ping(&*channel, &slot_queue).await? == Answer::Lost {
                line.keep(channel);
                return Err(none_free(key, slot - 1));
            }
            let holder = holder_queue(&slot_queue);
            if ping(&*channel, &holder).await? == Answer::Lost {
                break holder;
            }
            slot += 1;
        };
        match channel.declare(&queue, &HOLDER).await {
            Ok(_) => {}
            Err(error) if error.kind == ErrorKind::ResourceLocked => return Ok(None),
            Err(error) => return Err(error),
        }
        if !still_there(&*channel, &queue).await? {
            line.keep(channel);
            return Err(none_free(key, slot - 1));
        }
        Ok(Some(Hold::of_queue(channel, queue).at(slot)))
    }
}

/// Whether the slot was not removed meanwhile; gives the holder's queue back where it was. Whatever goes wrong here leaves that queue
/// declared, so that only the end of the session settles it: an error that looks definite is not.
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

/// Why no slot was free, when the first so many exist and were found held.
pub(crate) fn none_free(key: &str, slots: u32) -> Error {
    match slots {
        0 => Error::new(
            ErrorKind::NotFound,
            format!("{key} has no slots: create it first"),
        ),
        1 => Error::new(ErrorKind::Busy, format!("the only slot of {key} is held")),
        _ => Error::new(
            ErrorKind::NoSlot,
            format!("all {slots} slots of {key} were found held"),
        ),
    }
}

/// The A queue of a slot.
pub(crate) fn slot_queue(client: &Client, key: &str, slot: u32) -> String {
    format!("{}-{slot}-A", client.queue(key))
}

pub(crate) fn holder_queue(slot_queue: &str) -> String {
    format!("{}B", slot_queue.trim_end_matches('A'))
}

fn slot_of(holder_queue: &str) -> String {
    format!("{}A", holder_queue.trim_end_matches('B'))
}
