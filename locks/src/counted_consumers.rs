//! The semaphore by counting: a durable queue for each slot, a passive declare that counts its
//! consumers, an exclusive consumer that holds it.

use async_trait::async_trait;

use crate::broker::QueueOptions;
use crate::options::{CONFIRM, Choice, RECONNECT, RELEASE_CONSUMER, VERIFY};
use crate::persistent_semaphore::PROMISES;
use crate::recipe::queue::ask;
use crate::recipe::slots::{self, SLOT, administer, none_free, slot_queue};
use crate::recipe::{Hold, Race, Recipe, RecipeSession, Wire, race};
use crate::{Action, Answer, ClientConfig, Error, ErrorKind, Kind, Lock, Session};

/// `counted-consumers`: slot n exists while its queue does, and is held by its exclusive consumer.
///
/// - acquire goes through the slots from 1 upward by passive declares; the first without a consumer
///   it consumes from exclusively. Who is overtaken loses the channel, and begins again after a
///   random pause, a few times. Coming to the end of the slots costs a channel too.
/// - verify publishes to the slot's queue and looks whether the server has cancelled the consumer;
///   release cancels it.
#[derive(Debug, Clone, Copy)]
pub struct CountedConsumers;

#[async_trait]
impl Lock for CountedConsumers {
    fn name(&self) -> &str {
        "counted-consumers"
    }

    fn summary(&self) -> &str {
        "semaphore by exclusive consumers, one queue a slot, found by counting consumers"
    }

    fn kind(&self) -> Kind {
        Kind::PersistentSemaphore
    }

    fn options(&self) -> &[Choice] {
        &[VERIFY, CONFIRM, RELEASE_CONSUMER, RECONNECT]
    }

    fn promises(&self) -> Vec<&str> {
        PROMISES.to_vec()
    }

    fn needs(&self) -> Vec<&str> {
        vec![
            "durable queues",
            "exclusive consumers",
            "publisher confirms",
        ]
    }

    async fn create(&self, client: &ClientConfig, key: &str, slots: u32) -> Result<(), Error> {
        slots::create(client, key, slots).await
    }

    async fn open(&self, client: &ClientConfig) -> Result<Box<dyn Session>, Error> {
        RecipeSession::open(*self, client).await
    }
}

#[async_trait]
impl Recipe for CountedConsumers {
    async fn take(&self, wire: &mut Wire, key: &str) -> Result<Hold, Error> {
        race(self, wire, key).await
    }

    async fn ask(&self, wire: &mut Wire, hold: &mut Hold) -> Result<Answer, Error> {
        ask(&*hold.channel, &hold.queue, wire.client.options.verify).await
    }

    async fn give_back(&self, _: &mut Wire, hold: &mut Hold) -> Result<(), Error> {
        hold.stop().await
    }

    async fn administer(
        &self,
        wire: &mut Wire,
        key: &str,
        action: Action,
    ) -> Result<Vec<u32>, Error> {
        if action == Action::Request {
            return Err(action.unknown_to(key));
        }
        administer(wire, key, SLOT, async |slots| match action {
            // The holder's consumer went with the queue.
            Action::Wait { slot } if !slots.is_there(slot).await? => Ok(vec![slot]),
            Action::Wait { slot } => Err(slots.unfit(&format!("has slot {slot} still"))),
            action => slots.act(action).await,
        })
        .await
    }
}

#[async_trait]
impl Race for CountedConsumers {
    /// Goes through the slots once.
    async fn claim(&self, wire: &mut Wire, key: &str) -> Result<Option<Hold>, Error> {
        let channel = wire.channel().await?;
        let mut slot = 1;
        let queue = loop {
            let queue = slot_queue(&wire.client.queue(key), slot);
            match channel.declare(&queue, &QueueOptions::PASSIVE).await {
                Ok(status) if status.consumers == 0 => break queue,
                Ok(_) => slot += 1,
                Err(error) if error.kind == ErrorKind::NotFound => {
                    return Err(none_free(key, slot - 1));
                }
                Err(error) => return Err(error),
            }
        };
        match Hold::by_consuming(channel, queue, false).await {
            Ok(hold) => Ok(Some(hold.at(slot))),
            Err(error) if error.kind == ErrorKind::Busy => Ok(None),
            Err(error) => Err(error),
        }
    }
}
