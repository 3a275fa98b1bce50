//! A lock that is held.

use futures_util::{FutureExt, StreamExt};

use super::queue::{busy, ping};
use crate::broker::{Channel, ConsumeOptions, Consumer, ConsumerEvent};
use crate::{Answer, Error, ErrorKind, Grant};

/// How to be the only consumer of a queue.
pub(crate) const ALONE: ConsumeOptions = ConsumeOptions {
    tag: String::new(),
    exclusive: true,
    no_ack: true,
    priority: None,
};

/// A lock that is held, and what it hangs on.
pub struct Hold {
    /// What the acquire returned.
    pub grant: Grant,
    /// The queue that is held.
    pub queue: String,
    /// The channel that took it. The hold does not outlive it.
    pub channel: Box<dyn Channel>,
    /// The consumer that holds it, where one does.
    pub consumer: Option<Consumer>,
    /// The delivery that holds it, where one does.
    pub delivery: Option<u64>,
    /// The queue of a name that only this holder knows, where there is one.
    pub uid_queue: Option<String>,
}

/// How a hold ended without being released.
pub(super) enum End {
    /// The consumer that held it was cancelled; the channel lives on.
    Hold(Error),
    /// The channel is dead. What it held may outlive it on the server, as long as the connection
    /// lives.
    Channel(Error),
}

impl Hold {
    /// A queue that is held by the channel that declared it.
    #[must_use]
    pub fn of_queue(channel: Box<dyn Channel>, queue: String) -> Self {
        Self {
            grant: Grant::default(),
            queue,
            channel,
            consumer: None,
            delivery: None,
            uid_queue: None,
        }
    }

    /// The hold of the only consumer of a queue, once there is one. Where what it gets is not
    /// acknowledged by itself (`no_ack`), a prefetch of 1 keeps the pings of others from filling
    /// the holder.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] where another consumes.
    pub async fn by_consuming(
        channel: Box<dyn Channel>,
        queue: String,
        no_ack: bool,
    ) -> Result<Self, Error> {
        if !no_ack {
            channel.qos(1).await?;
        }
        let options = ConsumeOptions { no_ack, ..ALONE };
        let consumer = channel.consume(&queue, &options).await;
        let consumer = consumer.map_err(|error| busy(error, ErrorKind::AccessRefused))?;
        Ok(Self {
            consumer: Some(consumer),
            ..Self::of_queue(channel, queue)
        })
    }

    /// The hold of this slot of a semaphore.
    #[must_use]
    pub fn at(mut self, slot: u32) -> Self {
        self.grant.slot = Some(slot);
        self
    }

    /// The notice that the holding consumer was cancelled, where it has come.
    pub(super) fn cancelled(&mut self) -> Option<Error> {
        match self.ended().now_or_never() {
            Some(End::Hold(error)) => Some(error),
            _ => None,
        }
    }

    /// Gives the lock back by cancelling the consumer that holds it, having made sure that it was
    /// there to be cancelled: cancelling one that is gone succeeds.
    ///
    /// # Errors
    /// [`ErrorKind::Lost`] where it was not held any more.
    pub async fn stop(&mut self) -> Result<(), Error> {
        let answer = ping(&*self.channel, &self.queue).await?;
        if let Some(error) = self.cancelled() {
            return Err(error.as_kind(ErrorKind::Lost));
        }
        if answer == Answer::Lost {
            let text = format!("{} is gone", self.queue);
            return Err(Error::new(ErrorKind::Lost, text));
        }
        match self.consumer.take() {
            Some(consumer) => self.channel.cancel(&consumer.tag).await,
            None => Ok(()),
        }
    }

    /// Resolves when the hold has ended. Safe to drop and to ask again.
    pub(super) async fn ended(&mut self) -> End {
        let Some(consumer) = &mut self.consumer else {
            return End::Channel(self.channel.closed().await);
        };
        loop {
            tokio::select! {
                biased;
                error = self.channel.closed() => return End::Channel(error),
                event = consumer.events.next() => match event {
                    Some(ConsumerEvent::Delivery(_)) => {}
                    Some(ConsumerEvent::Closed(error)) => return End::Channel(error),
                    Some(ConsumerEvent::Cancelled) | None => return End::Hold(consumer_cancelled(&self.queue)),
                },
            }
        }
    }
}

fn consumer_cancelled(queue: &str) -> Error {
    let text = format!("the broker cancelled the consumer of {queue}");
    Error::new(ErrorKind::ConsumerCancelled, text)
}
