//! The semaphore by receiving: a queue of messages, one for each slot, and whoever has taken one
//! without acknowledging it holds a slot.

use async_trait::async_trait;

use crate::broker::{Publish, QueueOptions};
use crate::options::{Choice, QUEUE, QueueKind, RECONNECT, RELEASE_MESSAGE};
use crate::recipe::{Hold, Recipe, RecipeSession, Wire};
use crate::{Answer, ClientConfig, Error, ErrorKind, Kind, Lock, Session};

/// `receive-semaphore`: the existing approach, for comparison.
///
/// - acquire gets a message and keeps it unacknowledged; an empty queue means that no slot is free.
/// - verify can only ask whether the queue is there, on the channel that got the message: the
///   server puts the message back when that channel ends.
/// - release rejects the message, so that it goes back to the queue. Nothing answers a reject, so a
///   passive declare is sent behind it.
/// - the server ends a channel that keeps a message unacknowledged for too long (30 minutes by
///   default).
#[derive(Debug, Clone, Copy)]
pub struct ReceiveSemaphore;

impl ReceiveSemaphore {
    /// The queue of free slots.
    pub const SLOTS: QueueOptions = QueueOptions {
        durable: true,
        ..QueueOptions::SHARED
    };
}

#[async_trait]
impl Lock for ReceiveSemaphore {
    fn name(&self) -> &str {
        "receive-semaphore"
    }

    fn summary(&self) -> &str {
        "semaphore by unacknowledged messages: the existing approach, for comparison"
    }

    fn kind(&self) -> Kind {
        Kind::Semaphore
    }

    fn options(&self) -> &[Choice] {
        &[RELEASE_MESSAGE, RECONNECT, QUEUE]
    }

    fn promises(&self) -> Vec<&str> {
        vec!["confirmed-exclusion", "progress"]
    }

    fn needs(&self) -> Vec<&str> {
        vec!["durable queues", "unacknowledged deliveries"]
    }

    /// Puts as many messages into the queue as there are slots, unless it exists already: create a
    /// key from one place only.
    async fn create(&self, client: &ClientConfig, key: &str, slots: u32) -> Result<(), Error> {
        let queue = client.queue(key);
        let connection = client.connection().await?;
        let asking = connection.channel().await?;
        match asking.declare(&queue, &QueueOptions::PASSIVE).await {
            Err(error) if error.kind == ErrorKind::NotFound => {}
            other => return other.map(drop),
        }
        let channel = connection.channel().await?;
        channel.tx_select().await?;
        let options = QueueOptions {
            quorum: client.options.queue == QueueKind::Quorum,
            ..Self::SLOTS
        };
        channel.declare(&queue, &options).await?;
        let slot = Publish {
            persistent: true,
            ..Publish::ping()
        };
        for _ in 0..slots {
            channel.send(&queue, &slot).await?;
        }
        channel.tx_commit().await?;
        connection.close().await
    }

    async fn open(&self, client: &ClientConfig) -> Result<Box<dyn Session>, Error> {
        RecipeSession::open(*self, client).await
    }
}

#[async_trait]
impl Recipe for ReceiveSemaphore {
    async fn take(&self, wire: &mut Wire, key: &str) -> Result<Hold, Error> {
        let queue = wire.client.queue(key);
        let channel = wire.channel().await?;
        let Some(message) = channel.get(&queue, false).await? else {
            wire.keep(channel);
            let text = format!("no slot of {key} is free");
            return Err(Error::new(ErrorKind::NoSlot, text));
        };
        Ok(Hold {
            delivery: Some(message.tag),
            ..Hold::of_queue(channel, queue)
        })
    }

    async fn ask(&self, _: &mut Wire, hold: &mut Hold) -> Result<Answer, Error> {
        let asked = hold.channel.declare(&hold.queue, &QueueOptions::PASSIVE);
        match asked.await {
            Ok(_) => Ok(Answer::Held),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(Answer::Lost),
            Err(error) => Err(error),
        }
    }

    async fn give_back(&self, _: &mut Wire, hold: &mut Hold) -> Result<(), Error> {
        if let Some(tag) = hold.delivery {
            hold.channel.reject(tag, true).await?;
        }
        let asked = hold.channel.declare(&hold.queue, &QueueOptions::PASSIVE);
        asked.await.map(drop).map_err(|error| match error.kind {
            ErrorKind::NotFound => error.as_kind(ErrorKind::Lost),
            _ => error,
        })
    }
}
