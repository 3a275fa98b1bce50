//! What one lock does differently from another: three steps. Everything else is the same for all, and lives in `session`.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::{FutureExt, StreamExt};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::administration::Action;
use crate::broker::{Channel, Connection, ConsumeOptions, Consumer, ConsumerEvent, QueueOptions};
use crate::exclusive_queue::ping;
use crate::lock::not_administered;
use crate::options::{ConfirmBy, Verify};
use crate::transactions::Transactional;
use crate::{Answer, Client, Error, ErrorKind, Grant};

/// How often a lock that takes several steps begins again when another was faster between two of them.
const RACES: u32 = 4;
/// The longest pause before it does, in milliseconds.
const SKEW_MS_MAX: u64 = 20;

/// How to be the only consumer of a queue.
pub(crate) const ALONE: ConsumeOptions = ConsumeOptions {
    tag: String::new(),
    exclusive: true,
    no_ack: true,
    priority: None,
};

/// The steps of a lock.
#[async_trait]
pub(crate) trait Recipe: Send + Sync {
    /// Asks once for the lock.
    async fn take(&self, line: &mut Line, key: &str) -> Result<Hold, Error>;

    /// Asks the server whether the lock is still held.
    async fn ask(&self, line: &mut Line, hold: &mut Hold) -> Result<Answer, Error>;

    /// Gives the lock back. After a success the hold's channel can be used for another.
    ///
    /// # Errors
    /// [`ErrorKind::Lost`] where the server says that it was not held; after any other error the session ends, so that the server takes back what
    /// it may still have for it.
    async fn give_back(&self, line: &mut Line, hold: &mut Hold) -> Result<(), Error>;

    /// Administers the lock.
    async fn administer(
        &self,
        line: &mut Line,
        key: &str,
        action: Action,
    ) -> Result<Vec<u32>, Error> {
        let _ = line;
        Err(not_administered(key, action))
    }
}

/// A lock that takes several steps, between which another client may be faster.
#[async_trait]
pub(crate) trait Race: Send + Sync {
    /// Tries once; `None` where another was faster.
    async fn claim(&self, line: &mut Line, key: &str) -> Result<Option<Hold>, Error>;
}

/// Tries again where another was faster, a few times.
///
/// # Errors
/// [`ErrorKind::NoSlot`] where another was always faster, or the lock's own.
pub(crate) async fn race(lock: &impl Race, line: &mut Line, key: &str) -> Result<Hold, Error> {
    for _ in 0..RACES {
        if let Some(hold) = lock.claim(line, key).await? {
            return Ok(hold);
        }
        line.pause().await;
    }
    let text = format!("others were faster {RACES} times");
    Err(Error::new(ErrorKind::NoSlot, text))
}

/// The connection of a session, and its channels that hold nothing.
pub(crate) struct Line {
    pub(crate) client: Client,
    pub(crate) connection: Box<dyn Connection>,
    random: ChaCha8Rng,
    spare: Option<Box<dyn Channel>>,
}

impl Line {
    pub(crate) async fn open(client: &Client) -> Result<Self, Error> {
        Ok(Self {
            client: client.clone(),
            connection: client.connection().await?,
            random: ChaCha8Rng::seed_from_u64(client.seed),
            spare: None,
        })
    }

    /// A channel that holds nothing and confirms publishes, in the way that the options name.
    ///
    /// # Errors
    /// [`ErrorKind::NotSent`], whatever the reason: no lock was asked for yet.
    pub(crate) async fn channel(&mut self) -> Result<Box<dyn Channel>, Error> {
        if let Some(spare) = self.spare.take()
            && is_alive(&*spare)
        {
            return Ok(spare);
        }
        let opened = async {
            let channel = self.connection.channel().await?;
            if self.client.options.confirm == ConfirmBy::Transactions {
                let transactional = Transactional::over(channel).await?;
                return Ok(Box::new(transactional) as Box<dyn Channel>);
            }
            channel.confirm_select().await?;
            Ok(channel)
        };
        opened
            .await
            .map_err(|error: Error| error.as_kind(ErrorKind::NotSent))
    }

    /// A random pause, so that those who were overtaken at the same moment do not meet again.
    async fn pause(&mut self) {
        let pause = self.random.random_range(0..=SKEW_MS_MAX);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }

    /// Keeps a channel that holds nothing for the next lock.
    pub(crate) fn keep(&mut self, channel: Box<dyn Channel>) {
        self.spare = Some(channel);
    }
}

/// Asks for a queue by its name, in the way that the options name.
pub(crate) async fn ask(
    channel: &dyn Channel,
    queue: &str,
    verify: Verify,
) -> Result<Answer, Error> {
    if verify != Verify::PassiveDeclare {
        return ping(channel, queue).await;
    }
    match channel.declare(queue, &QueueOptions::PASSIVE).await {
        Ok(_) => Ok(Answer::Held),
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::ResourceLocked) => {
            Ok(Answer::Lost)
        }
        Err(error) => Err(error),
    }
}

pub(crate) fn is_alive(channel: &dyn Channel) -> bool {
    channel.closed().now_or_never().is_none()
}

/// A lock that is held, and what it hangs on.
pub(crate) struct Hold {
    /// What the acquire returned.
    pub(crate) grant: Grant,
    /// The queue that is held.
    pub(crate) queue: String,
    /// The channel that took it. The hold does not outlive it.
    pub(crate) channel: Box<dyn Channel>,
    /// The consumer that holds it, where one does.
    pub(crate) consumer: Option<Consumer>,
    /// The delivery that holds it, where one does.
    pub(crate) delivery: Option<u64>,
    /// The queue of a name that only this holder knows, where there is one.
    pub(crate) uid_queue: Option<String>,
}

/// How a hold ended without being released.
pub(crate) enum End {
    /// The consumer that held it was cancelled; the channel lives on.
    Hold(Error),
    /// The channel is dead. What it held may outlive it on the server, as long as the connection lives.
    Channel(Error),
}

impl Hold {
    /// A queue that is held by the channel that declared it.
    pub(crate) fn of_queue(channel: Box<dyn Channel>, queue: String) -> Self {
        Self {
            grant: Grant::default(),
            queue,
            channel,
            consumer: None,
            delivery: None,
            uid_queue: None,
        }
    }

    /// The hold of the only consumer of a queue, once there is one.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] where another consumes.
    pub(crate) async fn by_consuming(
        channel: Box<dyn Channel>,
        queue: String,
        no_ack: bool,
    ) -> Result<Self, Error> {
        let options = ConsumeOptions { no_ack, ..ALONE };
        let consumer = channel.consume(&queue, &options).await;
        let consumer = consumer.map_err(|error| busy(error, ErrorKind::AccessRefused))?;
        Ok(Self {
            consumer: Some(consumer),
            ..Self::of_queue(channel, queue)
        })
    }

    /// The hold of this slot of a semaphore.
    pub(crate) fn at(mut self, slot: u32) -> Self {
        self.grant.slot = Some(slot);
        self
    }

    /// The notice that the holding consumer was cancelled, where it has come.
    pub(crate) fn cancelled(&mut self) -> Option<Error> {
        match self.ended().now_or_never() {
            Some(End::Hold(error)) => Some(error),
            _ => None,
        }
    }

    /// Resolves when the hold has ended. Safe to drop and to ask again.
    pub(crate) async fn ended(&mut self) -> End {
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

/// [`ErrorKind::Busy`] instead of the server's way to say that another has it.
pub(crate) fn busy(error: Error, taken: ErrorKind) -> Error {
    if error.kind == taken {
        return error.as_kind(ErrorKind::Busy);
    }
    error
}
