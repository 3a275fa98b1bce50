//! Mistakes that make an end of a persistent mutex. From then on nobody is granted it: it does not
//! exist.

use async_trait::async_trait;
use locks::broker::{DeleteOptions, QueueOptions};
use locks::recipe::queue::{self, delete};
use locks::recipe::{Hold, Recipe, Wire};
use locks::{ClientConfig, Error, ErrorKind, PersistentMutex};

use crate::mistake::Mistake;

/// As `persistent-mutex`, but it does not persist.
#[derive(Debug, Clone, Copy)]
pub enum Persisting {
    /// `transient-mutex`: its queue is not durable, so that it is gone once the broker has been
    /// started anew.
    Transient,
    /// `release-deletes-mutex`: release deletes the queue, as that of `exclusive-queue` does.
    DeletedByRelease,
    /// `refusal-deletes-mutex`: who is refused cleans up after itself, and what it deletes is
    /// everybody's. The holder is told; nobody finds the lock again.
    DeletedByRefusal,
}

#[async_trait]
impl Mistake for Persisting {
    type Original = PersistentMutex;

    fn original(&self) -> &PersistentMutex {
        &PersistentMutex::Declare
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Transient => "transient-mutex",
            Self::DeletedByRelease => "release-deletes-mutex",
            Self::DeletedByRefusal => "refusal-deletes-mutex",
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            Self::Transient => "broken: the queue of a persistent mutex is not durable",
            Self::DeletedByRelease => "broken: the release of a persistent mutex deletes it",
            Self::DeletedByRefusal => "broken: who is refused a persistent mutex deletes it",
        }
    }

    fn breaks(&self) -> &'static str {
        "progress"
    }

    async fn create(&self, client: &ClientConfig, key: &str, _: u32) -> Result<(), Error> {
        let options = QueueOptions {
            durable: !matches!(self, Self::Transient),
            ..PersistentMutex::QUEUE
        };
        queue::create(client, key, &options).await
    }

    async fn take(&self, wire: &mut Wire, key: &str) -> Result<Hold, Error> {
        let taken = self.original().take(wire, key).await;
        let is_refused = |error: &Error| error.kind == ErrorKind::Busy;
        if matches!(self, Self::DeletedByRefusal) && taken.as_ref().err().is_some_and(is_refused) {
            let channel = wire.channel().await?;
            let queue = wire.client.queue(key);
            channel.delete(&queue, &DeleteOptions::default()).await?;
        }
        taken
    }

    async fn give_back(&self, wire: &mut Wire, hold: &mut Hold) -> Result<(), Error> {
        match self {
            Self::DeletedByRelease => delete(&*hold.channel, &hold.queue).await,
            _ => self.original().give_back(wire, hold).await,
        }
    }
}
