//! Persistent mutexes: a queue that stays stands for the lock, and its only consumer holds it. Two locks that differ in how they ask whether it is there.

use async_trait::async_trait;

use crate::broker::{Channel, ConsumeOptions, QueueOptions};
use crate::exclusive_consumer::stop;
use crate::exclusive_queue::ping;
use crate::recipe::{Hold, Line, Recipe, busy};
use crate::session::RecipeSession;
use crate::{Answer, Client, Error, ErrorKind, Grant, Lock, Session};

/// `persistent-mutex`: asks by a passive declare whether the lock exists, which costs the channel where it does not.
#[derive(Debug, Clone, Copy)]
pub struct PersistentMutex;

/// `publish-then-consume`: asks by a confirmed publish whether the lock exists, which costs no channel. The pings of those who ask reach the holder;
/// its prefetch of 1 keeps them from filling it, and the queue keeps none.
#[derive(Debug, Clone, Copy)]
pub struct PublishThenConsume;

const PROMISES: &[&str] = &["confirmed-exclusion", "progress"];

/// The queue that is a lock.
const LOCK: QueueOptions = QueueOptions {
    durable: true,
    max_length: Some(0),
    ..QueueOptions::SHARED
};

#[async_trait]
impl Lock for PersistentMutex {
    fn name(&self) -> &'static str {
        "persistent-mutex"
    }

    fn summary(&self) -> &'static str {
        "persistent mutex: the exclusive consumer of a durable queue"
    }

    fn promises(&self) -> &'static [&'static str] {
        PROMISES
    }

    fn needs(&self) -> &'static [&'static str] {
        &[
            "durable queues",
            "exclusive consumers",
            "publisher confirms",
        ]
    }

    async fn create(&self, client: &Client, key: &str, _: u32) -> Result<(), Error> {
        create(client, key).await
    }

    async fn open(&self, client: &Client) -> Result<Box<dyn Session>, Error> {
        RecipeSession::open(*self, client).await
    }
}

#[async_trait]
impl Lock for PublishThenConsume {
    fn name(&self) -> &'static str {
        "publish-then-consume"
    }

    fn summary(&self) -> &'static str {
        "persistent mutex on a single queue: a publish asks whether it exists, an exclusive consumer holds it"
    }

    fn promises(&self) -> &'static [&'static str] {
        PROMISES
    }

    fn needs(&self) -> &'static [&'static str] {
        &[
            "durable queues",
            "exclusive consumers",
            "publisher confirms",
        ]
    }

    async fn create(&self, client: &Client, key: &str, _: u32) -> Result<(), Error> {
        create(client, key).await
    }

    async fn open(&self, client: &Client) -> Result<Box<dyn Session>, Error> {
        RecipeSession::open(*self, client).await
    }
}

#[async_trait]
impl Recipe for PersistentMutex {
    async fn take(&self, line: &mut Line, key: &str) -> Result<Hold, Error> {
        let queue = line.client.queue(key);
        let channel = line.channel().await?;
        channel.declare(&queue, &QueueOptions::PASSIVE).await?;
        consume(channel, queue).await
    }

    async fn ask(&self, hold: &mut Hold) -> Result<Answer, Error> {
        ping(&*hold.channel, &hold.queue).await
    }

    async fn give_back(&self, hold: &mut Hold) -> Result<(), Error> {
        stop(hold).await
    }
}

#[async_trait]
impl Recipe for PublishThenConsume {
    async fn take(&self, line: &mut Line, key: &str) -> Result<Hold, Error> {
        let queue = line.client.queue(key);
        let channel = line.channel().await?;
        if ping(&*channel, &queue).await? == Answer::Lost {
            line.keep(channel);
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("{queue} does not exist: create it first"),
            ));
        }
        consume(channel, queue).await
    }

    async fn ask(&self, hold: &mut Hold) -> Result<Answer, Error> {
        ping(&*hold.channel, &hold.queue).await
    }

    async fn give_back(&self, hold: &mut Hold) -> Result<(), Error> {
        stop(hold).await
    }
}

async fn create(client: &Client, key: &str) -> Result<(), Error> {
    let connection = client.connection().await?;
    let channel = connection.channel().await?;
    channel.declare(&client.queue(key), &LOCK).await?;
    connection.close().await
}

/// Consumes exclusively, with a prefetch that keeps the pings of others from filling the holder.
pub(crate) async fn consume(channel: Box<dyn Channel>, queue: String) -> Result<Hold, Error> {
    channel.qos(1).await?;
    let options = ConsumeOptions {
        exclusive: true,
        ..ConsumeOptions::default()
    };
    let consumer = channel.consume(&queue, &options).await;
    let consumer = consumer.map_err(|error| busy(error, ErrorKind::AccessRefused))?;
    Ok(Hold {
        grant: Grant::default(),
        queue,
        channel,
        consumer: Some(consumer),
        delivery: None,
    })
}
