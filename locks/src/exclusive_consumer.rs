//! The true mutex by consuming: whoever is the exclusive consumer of the lock's queue holds the
//! lock.

use std::time::Duration;

use async_trait::async_trait;

use crate::broker::QueueOptions;
use crate::options::{CONFIRM, Choice, EXPIRY, RECONNECT, RELEASE_CONSUMER, VERIFY};
use crate::recipe::queue::ask;
use crate::recipe::{Hold, Recipe, RecipeSession, Wire};
use crate::{Answer, ClientConfig, Error, ErrorKind, Kind, Lock, Session};

/// `exclusive-consumer`: the lock of a key is an auto-delete queue for all, and its only consumer.
///
/// - acquire declares the queue and consumes from it exclusively; ACCESS_REFUSED means that another
///   does. Between the two steps the queue can vanish with a holder that leaves, so acquire begins
///   again then, a few times.
/// - verify publishes a mandatory message on the consuming channel, and looks whether the server
///   has cancelled the consumer.
/// - release verifies, and cancels the consumer; the queue goes with it.
/// - a queue that is deleted under its holder is notified: the server cancels the consumer.
#[derive(Debug, Clone, Copy)]
pub struct ExclusiveConsumer;

/// How often acquire begins again after the queue has vanished between its two steps.
const ATTEMPTS: usize = 3;

/// The queue that is a lock: its consumer drops what it gets, and nothing else is kept. It expires
/// where whoever declared it never came to consume from it; a queue with a consumer does not
/// expire.
const LOCK: QueueOptions = QueueOptions {
    auto_delete: true,
    expires: Some(Duration::from_secs(10)),
    max_length: Some(0),
    ..QueueOptions::SHARED
};

#[async_trait]
impl Lock for ExclusiveConsumer {
    fn name(&self) -> &str {
        "exclusive-consumer"
    }

    fn summary(&self) -> &str {
        "true mutex: the exclusive consumer of an auto-delete queue"
    }

    fn kind(&self) -> Kind {
        Kind::TrueMutex
    }

    fn options(&self) -> &[Choice] {
        &[VERIFY, CONFIRM, RELEASE_CONSUMER, EXPIRY, RECONNECT]
    }

    fn promises(&self) -> Vec<&str> {
        vec!["confirmed-exclusion", "progress"]
    }

    fn needs(&self) -> Vec<&str> {
        vec![
            "auto-delete queues",
            "exclusive consumers",
            "consumer cancel notices",
            "publisher confirms",
        ]
    }

    async fn open(&self, client: &ClientConfig) -> Result<Box<dyn Session>, Error> {
        RecipeSession::open(*self, client).await
    }
}

#[async_trait]
impl Recipe for ExclusiveConsumer {
    async fn take(&self, wire: &mut Wire, key: &str) -> Result<Hold, Error> {
        let mut taken = consume(wire, key).await;
        for _ in 1..ATTEMPTS {
            match taken {
                Err(error) if error.kind == ErrorKind::NotFound => {
                    taken = consume(wire, key).await;
                }
                _ => break,
            }
        }
        taken
    }

    async fn ask(&self, wire: &mut Wire, hold: &mut Hold) -> Result<Answer, Error> {
        ask(&*hold.channel, &hold.queue, wire.client.options.verify).await
    }

    async fn give_back(&self, _: &mut Wire, hold: &mut Hold) -> Result<(), Error> {
        hold.stop().await
    }
}

async fn consume(wire: &mut Wire, key: &str) -> Result<Hold, Error> {
    let queue = wire.client.queue(key);
    let channel = wire.channel().await?;
    let expires = wire.client.options.expiry.or(LOCK.expires);
    channel
        .declare(&queue, &QueueOptions { expires, ..LOCK })
        .await?;
    Hold::by_consuming(channel, queue, true).await
}
