//! The true mutex: whoever declares the lock's queue exclusively holds the lock, and the server
//! gives it back with the connection.

use async_trait::async_trait;

use crate::options::{CONFIRM, Choice, RECONNECT, RELEASE_QUEUE, VERIFY_UID, Verify};
use crate::recipe::queue::{EXCLUSIVE, ask, busy, delete};
use crate::recipe::{Hold, Recipe, RecipeSession, Wire};
use crate::{Answer, ClientConfig, Error, ErrorKind, Kind, Lock, Session};

/// `exclusive-queue`: the lock of a key is an exclusive queue of a name that all can predict.
///
/// - acquire declares it; RESOURCE_LOCKED means that another connection has it, and costs the
///   channel but not the connection.
/// - verify publishes a mandatory message on the channel that declared it, and waits for the
///   confirm. The queue keeps no message (`x-max-length = 0`), so that verifying does not fill it.
///   The answer rests on the queue being ours as long as that channel lives: where an operator
///   deletes the queue and another client declares it anew, a publish is acknowledged all the same.
/// - release deletes it. A delete succeeds in RabbitMQ even where there is no such queue, so a
///   passive declare is sent ahead of it: that is refused where the queue is gone or another's, and
///   then nothing is deleted.
#[derive(Debug, Clone, Copy)]
pub struct ExclusiveQueue;

#[async_trait]
impl Lock for ExclusiveQueue {
    fn name(&self) -> &str {
        "exclusive-queue"
    }

    fn summary(&self) -> &str {
        "true mutex: an exclusive queue, verified by a confirmed publish"
    }

    fn kind(&self) -> Kind {
        Kind::TrueMutex
    }

    fn options(&self) -> &[Choice] {
        &[VERIFY_UID, CONFIRM, RELEASE_QUEUE, RECONNECT]
    }

    fn promises(&self) -> Vec<&str> {
        vec!["confirmed-exclusion", "progress"]
    }

    fn needs(&self) -> Vec<&str> {
        vec!["exclusive queues", "publisher confirms"]
    }

    async fn open(&self, client: &ClientConfig) -> Result<Box<dyn Session>, Error> {
        RecipeSession::open(*self, client).await
    }
}

#[async_trait]
impl Recipe for ExclusiveQueue {
    async fn take(&self, wire: &mut Wire, key: &str) -> Result<Hold, Error> {
        let queue = wire.client.queue(key);
        let channel = wire.channel().await?;
        let declared = channel.declare(&queue, &EXCLUSIVE).await;
        declared.map_err(|error| busy(error, ErrorKind::ResourceLocked))?;
        let mut hold = Hold::of_queue(channel, queue);
        if wire.client.options.verify == Verify::UidQueue {
            // The server chooses the name, and nobody else hears of it. Where this fails the lock
            // is left declared.
            let named = hold.channel.declare("", &EXCLUSIVE).await;
            hold.uid_queue = Some(named.map_err(Error::unsettled)?.name);
        }
        Ok(hold)
    }

    async fn ask(&self, wire: &mut Wire, hold: &mut Hold) -> Result<Answer, Error> {
        let queue = hold.uid_queue.as_ref().unwrap_or(&hold.queue);
        ask(&*hold.channel, queue, wire.client.options.verify).await
    }

    async fn give_back(&self, _: &mut Wire, hold: &mut Hold) -> Result<(), Error> {
        if let Some(uid_queue) = &hold.uid_queue {
            delete(&*hold.channel, uid_queue).await?;
        }
        delete(&*hold.channel, &hold.queue).await
    }
}
