//! Mistakes in how a persistent mutex is consumed from. They show without any fault, as soon as two
//! clients want the lock.

use async_trait::async_trait;
use locks::broker::{ConsumeOptions, QueueOptions};
use locks::recipe::queue;
use locks::recipe::{Hold, Wire};
use locks::{ClientConfig, Error, ErrorKind, PersistentMutex};

use crate::mistake::Mistake;

/// As `persistent-mutex`, but its consumer is not exclusive.
#[derive(Debug, Clone, Copy)]
pub enum Consuming {
    /// `shared-consumer`: the queue outlives its holders and belongs to nobody, and its consumers
    /// do not keep each other out: everybody is granted the lock.
    Shared,
    /// `check-then-consume`: consumes where it has counted no consumer. Two that count at the same
    /// time both find none.
    CheckFirst,
    /// `single-active-consumer`: the queue sends its messages to one consumer at a time, but lets
    /// any number of them wait, and tells nobody who waits.
    SingleActive,
}

#[async_trait]
impl Mistake for Consuming {
    type Original = PersistentMutex;

    fn original(&self) -> &PersistentMutex {
        &PersistentMutex::Declare
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Shared => "shared-consumer",
            Self::CheckFirst => "check-then-consume",
            Self::SingleActive => "single-active-consumer",
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            Self::Shared => "broken: consumes from the lock's queue without the exclusive flag",
            Self::CheckFirst => {
                "broken: counts the consumers of the lock's queue, and then consumes without the exclusive flag"
            }
            Self::SingleActive => "broken: takes a waiting consumer for the single active one",
        }
    }

    fn breaks(&self) -> &'static str {
        "confirmed-exclusion"
    }

    async fn create(&self, client: &ClientConfig, key: &str, _: u32) -> Result<(), Error> {
        let options = QueueOptions {
            single_active_consumer: matches!(self, Self::SingleActive),
            ..PersistentMutex::QUEUE
        };
        queue::create(client, key, &options).await
    }

    async fn take(&self, wire: &mut Wire, key: &str) -> Result<Hold, Error> {
        let queue = wire.client.queue(key);
        let channel = wire.channel().await?;
        let status = channel.declare(&queue, &QueueOptions::PASSIVE).await?;
        if matches!(self, Self::CheckFirst) && status.consumers > 0 {
            wire.keep(channel);
            let text = format!("{queue} has a consumer");
            return Err(Error::new(ErrorKind::Busy, text));
        }
        channel.qos(1).await?;
        let consumer = channel.consume(&queue, &ConsumeOptions::default()).await?;
        Ok(Hold {
            consumer: Some(consumer),
            ..Hold::of_queue(channel, queue)
        })
    }
}
