//! Persistent mutexes: a queue that stays stands for the lock, and its only consumer holds it. Two
//! locks that differ in how they ask whether it is there.

use async_trait::async_trait;

use crate::broker::QueueOptions;
use crate::options::{CONFIRM, Choice, QUEUE_CONSUMED, RECONNECT, RELEASE_CONSUMER, VERIFY};
use crate::recipe::queue::{self, ask, ping};
use crate::recipe::{Hold, Recipe, RecipeSession, Wire};
use crate::{Answer, ClientConfig, Error, ErrorKind, Kind, Lock, Session};

/// A mutex that is there until somebody removes it.
#[derive(Debug, Clone, Copy)]
pub enum PersistentMutex {
    /// `persistent-mutex`: asks by a passive declare whether the lock exists, which costs the
    /// channel where it does not.
    Declare,
    /// `publish-then-consume`: asks by a confirmed publish whether the lock exists, which costs no
    /// channel. The pings of those who ask reach the holder; its prefetch of 1 keeps them from
    /// filling it, and the queue keeps none.
    Publish,
}

impl PersistentMutex {
    /// The queue that is a lock.
    pub const QUEUE: QueueOptions = QueueOptions {
        durable: true,
        max_length: Some(0),
        ..QueueOptions::SHARED
    };
}

#[async_trait]
impl Lock for PersistentMutex {
    fn name(&self) -> &str {
        match self {
            Self::Declare => "persistent-mutex",
            Self::Publish => "publish-then-consume",
        }
    }

    fn summary(&self) -> &str {
        match self {
            Self::Declare => "persistent mutex: the exclusive consumer of a durable queue",
            Self::Publish => {
                "persistent mutex on a single queue: a publish asks whether it exists, an exclusive consumer holds it"
            }
        }
    }

    fn kind(&self) -> Kind {
        Kind::PersistentMutex
    }

    fn options(&self) -> &[Choice] {
        &[VERIFY, CONFIRM, RELEASE_CONSUMER, RECONNECT, QUEUE_CONSUMED]
    }

    fn promises(&self) -> Vec<&str> {
        vec!["confirmed-exclusion", "progress"]
    }

    fn needs(&self) -> Vec<&str> {
        vec![
            "durable queues",
            "exclusive consumers",
            "publisher confirms",
        ]
    }

    async fn create(&self, client: &ClientConfig, key: &str, _: u32) -> Result<(), Error> {
        queue::create(client, key, &Self::QUEUE).await
    }

    async fn open(&self, client: &ClientConfig) -> Result<Box<dyn Session>, Error> {
        RecipeSession::open(*self, client).await
    }
}

#[async_trait]
impl Recipe for PersistentMutex {
    async fn take(&self, wire: &mut Wire, key: &str) -> Result<Hold, Error> {
        let queue = wire.client.queue(key);
        let channel = wire.channel().await?;
        match self {
            Self::Declare => drop(channel.declare(&queue, &QueueOptions::PASSIVE).await?),
            Self::Publish if ping(&*channel, &queue).await? == Answer::Lost => {
                wire.keep(channel);
                let text = format!("{queue} does not exist: create it first");
                return Err(Error::new(ErrorKind::NotFound, text));
            }
            Self::Publish => {}
        }
        Hold::by_consuming(channel, queue, false).await
    }

    async fn ask(&self, wire: &mut Wire, hold: &mut Hold) -> Result<Answer, Error> {
        ask(&*hold.channel, &hold.queue, wire.client.options.verify).await
    }

    async fn give_back(&self, _: &mut Wire, hold: &mut Hold) -> Result<(), Error> {
        hold.stop().await
    }
}
