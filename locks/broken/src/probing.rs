//! A persistent semaphore that never finds a free slot.

use async_trait::async_trait;
use locks::broker::{Confirm, Publish};
use locks::recipe::queue::ping;
use locks::recipe::slots::{none_free, slot_queue};
use locks::recipe::{Hold, Wire};
use locks::{Answer, Error, PersistentSemaphore};

use crate::mistake::Mistake;

/// `returned-is-taken`: as `persistent-semaphore`, but takes any confirm of the message to a
/// holder's queue for a sign that there is one. The server confirms a message that it returns, too;
/// so every slot looks taken, and nobody is ever granted one.
#[derive(Debug, Clone, Copy)]
pub struct ReturnedIsTaken;

#[async_trait]
impl Mistake for ReturnedIsTaken {
    type Original = PersistentSemaphore;

    fn original(&self) -> &PersistentSemaphore {
        &PersistentSemaphore
    }

    fn name(&self) -> &'static str {
        "returned-is-taken"
    }

    fn summary(&self) -> &'static str {
        "broken: takes a message that was returned for one that reached a holder"
    }

    fn breaks(&self) -> &'static str {
        "progress"
    }

    async fn take(&self, wire: &mut Wire, key: &str) -> Result<Hold, Error> {
        let channel = wire.channel().await?;
        let mut slot = 1;
        loop {
            let slot_queue = slot_queue(&wire.client.queue(key), slot);
            if ping(&*channel, &slot_queue).await? == Answer::Lost {
                wire.keep(channel);
                return Err(none_free(key, slot - 1));
            }
            let holder = PersistentSemaphore::holder_queue(&slot_queue);
            match channel.publish(&holder, &Publish::ping()).await? {
                Confirm::Ack | Confirm::Returned(_) => slot += 1,
                // A queue that keeps nothing takes everything.
                Confirm::Nack => return Err(none_free(key, slot)),
            }
        }
    }
}
