//! Mistakes with the message that stands for a slot: it is lost, or there are two of it.

use std::time::Duration;

use async_trait::async_trait;
use locks::broker::{Channel, Confirm, Publish, QueueOptions};
use locks::recipe::{Hold, Recipe, Wire};
use locks::{ClientConfig, Error, ErrorKind, QueueKind, ReceiveSemaphore};

use crate::mistake::Mistake;

/// As `receive-semaphore`, but the number of messages does not stay the number of slots.
#[derive(Debug, Clone, Copy)]
pub enum Messages {
    /// `slot-acked-at-acquire`: acknowledges the message when it has it, and publishes it again to
    /// give it back. Whoever loses its connection or crashes in between takes the slot along.
    AckedAtAcquire,
    /// `slot-got-without-ack`: gets the message without having to acknowledge it. There is nothing
    /// to reject afterwards: the release costs the channel, and the slot is gone.
    GotWithoutAck,
    /// `slot-rejected-for-good`: rejects the message without putting it back.
    RejectedForGood,
    /// `slot-given-back-twice`: publishes the message again, and puts the old one back. From then
    /// on there are two.
    GivenBackTwice,
    /// `slot-added-at-acquire`: who asks for the lock creates it first, without looking whether it
    /// is there.
    Added,
    /// `slot-topped-up`: who asks for the lock adds a slot where it finds no message. One that is
    /// held does not count as one that is there.
    ToppedUp,
    /// `expiring-slot`: the message has a time to live that was meant for the hold. While it is
    /// held it lives on; a slot that is free for so long is gone.
    Expiring,
    /// `transient-slot`: the queue is durable, the message is not, and a broker that starts anew
    /// has only the queue.
    Transient,
}

/// How long a free slot lives, where it does not live for ever.
const TIME_TO_LIVE: Duration = Duration::from_millis(500);

#[async_trait]
impl Mistake for Messages {
    type Original = ReceiveSemaphore;

    fn original(&self) -> &ReceiveSemaphore {
        &ReceiveSemaphore
    }

    fn name(&self) -> &'static str {
        match self {
            Self::AckedAtAcquire => "slot-acked-at-acquire",
            Self::GotWithoutAck => "slot-got-without-ack",
            Self::RejectedForGood => "slot-rejected-for-good",
            Self::GivenBackTwice => "slot-given-back-twice",
            Self::Added => "slot-added-at-acquire",
            Self::ToppedUp => "slot-topped-up",
            Self::Expiring => "expiring-slot",
            Self::Transient => "transient-slot",
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            Self::AckedAtAcquire => "broken: acknowledges the message of a slot when it gets it",
            Self::GotWithoutAck => "broken: gets the message of a slot in automatic-ack mode",
            Self::RejectedForGood => "broken: rejects the message of a slot without requeueing it",
            Self::GivenBackTwice => {
                "broken: publishes the message of a slot again and requeues the old one, too"
            }
            Self::Added => "broken: every acquire creates the lock, which adds a message",
            Self::ToppedUp => "broken: every acquire that finds no message ready adds one",
            Self::Expiring => "broken: the message of a slot has a time to live",
            Self::Transient => "broken: the message of a slot does not survive the broker",
        }
    }

    fn breaks(&self) -> &'static str {
        match self {
            Self::GivenBackTwice | Self::Added | Self::ToppedUp => "confirmed-exclusion",
            _ => "progress",
        }
    }

    async fn create(&self, client: &ClientConfig, key: &str, slots: u32) -> Result<(), Error> {
        let options = QueueOptions {
            message_ttl: matches!(self, Self::Expiring).then_some(TIME_TO_LIVE),
            quorum: client.options.queue == QueueKind::Quorum,
            ..ReceiveSemaphore::SLOTS
        };
        let connection = client.connection().await?;
        let channel = connection.channel().await?;
        channel.confirm_select().await?;
        let queue = client.queue(key);
        channel.declare(&queue, &options).await?;
        for _ in 0..slots {
            self.put(&*channel, &queue).await?;
        }
        connection.close().await
    }

    async fn take(&self, wire: &mut Wire, key: &str) -> Result<Hold, Error> {
        let queue = wire.client.queue(key);
        let channel = wire.channel().await?;
        match self {
            Self::Added => self.put(&*channel, &queue).await?,
            Self::ToppedUp => {
                let found = channel.declare(&queue, &QueueOptions::PASSIVE).await?;
                if found.messages == 0 {
                    self.put(&*channel, &queue).await?;
                }
            }
            Self::GotWithoutAck => return got_without_ack(channel, queue).await,
            _ => {}
        }
        wire.keep(channel);
        let hold = ReceiveSemaphore.take(wire, key).await?;
        if let (Self::AckedAtAcquire, Some(tag)) = (self, hold.delivery) {
            hold.channel.ack(tag).await.map_err(Error::unsettled)?;
        }
        Ok(hold)
    }

    async fn give_back(&self, wire: &mut Wire, hold: &mut Hold) -> Result<(), Error> {
        match (self, hold.delivery) {
            (Self::AckedAtAcquire, _) => self.put(&*hold.channel, &hold.queue).await,
            (Self::RejectedForGood, Some(tag)) => hold.channel.reject(tag, false).await,
            (Self::GivenBackTwice, _) => {
                self.put(&*hold.channel, &hold.queue).await?;
                ReceiveSemaphore.give_back(wire, hold).await
            }
            _ => ReceiveSemaphore.give_back(wire, hold).await,
        }
    }
}

impl Messages {
    /// Puts a slot into the queue.
    async fn put(&self, channel: &dyn Channel, queue: &str) -> Result<(), Error> {
        let slot = Publish {
            persistent: !matches!(self, Self::Transient),
            ..Publish::ping()
        };
        match channel.publish(queue, &slot).await? {
            Confirm::Ack => Ok(()),
            Confirm::Nack | Confirm::Returned(_) => {
                let text = format!("{queue} did not take the message of a slot");
                Err(Error::new(ErrorKind::Nacked, text))
            }
        }
    }
}

async fn got_without_ack(channel: Box<dyn Channel>, queue: String) -> Result<Hold, Error> {
    match channel.get(&queue, true).await? {
        Some(message) => Ok(Hold {
            delivery: Some(message.tag),
            ..Hold::of_queue(channel, queue)
        }),
        None => Err(Error::new(
            ErrorKind::NoSlot,
            format!("{queue} has no message"),
        )),
    }
}
