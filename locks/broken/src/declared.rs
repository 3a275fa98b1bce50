//! Mistakes in how the queue of a true mutex is declared. They show without any fault, as soon as
//! two clients want the lock.

use std::time::Duration;

use async_trait::async_trait;
use locks::broker::QueueOptions;
use locks::recipe::queue::{EXCLUSIVE, busy};
use locks::recipe::{Hold, Wire};
use locks::{Error, ErrorKind, ExclusiveQueue};

use crate::mistake::Mistake;

/// As `exclusive-queue`, but the queue does not keep others out.
#[derive(Debug, Clone, Copy)]
pub enum Declared {
    /// `shared-queue`: without the exclusive flag. Every declare of the queue succeeds, so
    /// everybody is granted the lock, and everybody's verify is acknowledged by the one queue.
    Shared,
    /// `check-then-declare`: asks whether the queue is there, and declares it for all where it is
    /// not. Two that ask at the same time both find nothing, and both declares succeed. (A holder
    /// that crashes leaves its queue behind besides, so progress goes as well.)
    CheckFirst,
    /// `expiring-queue`: exclusively, but with an expiry shorter than most holds. A queue that
    /// nobody declares, consumes or gets from is unused, whoever publishes to it; so it goes while
    /// it is held, the next client declares it anew, and that one acknowledges the pings of both.
    Expiring,
    /// `queue-per-client`: under a name that has the client's in it. Nobody ever meets anybody.
    PerClient,
}

const SHARED: QueueOptions = QueueOptions {
    exclusive: false,
    ..EXCLUSIVE
};

const EXPIRING: QueueOptions = QueueOptions {
    expires: Some(Duration::from_millis(250)),
    ..EXCLUSIVE
};

#[async_trait]
impl Mistake for Declared {
    type Original = ExclusiveQueue;

    fn original(&self) -> &ExclusiveQueue {
        &ExclusiveQueue
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Shared => "shared-queue",
            Self::CheckFirst => "check-then-declare",
            Self::Expiring => "expiring-queue",
            Self::PerClient => "queue-per-client",
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            Self::Shared => "broken: declares the lock's queue without the exclusive flag",
            Self::CheckFirst => {
                "broken: asks whether the lock's queue exists, and then declares it for all"
            }
            Self::Expiring => "broken: the lock's queue expires while it is held",
            Self::PerClient => "broken: the name of the lock's queue has the client's in it",
        }
    }

    fn breaks(&self) -> &'static str {
        "confirmed-exclusion"
    }

    async fn take(&self, wire: &mut Wire, key: &str) -> Result<Hold, Error> {
        let queue = match self {
            Self::PerClient => format!("{}-{}", wire.client.queue(key), wire.client.name),
            _ => wire.client.queue(key),
        };
        if let Self::CheckFirst = self {
            must_be_free(wire, &queue).await?;
        }
        let channel = wire.channel().await?;
        let options = match self {
            Self::Shared | Self::CheckFirst => &SHARED,
            Self::Expiring => &EXPIRING,
            Self::PerClient => &EXCLUSIVE,
        };
        let declared = channel.declare(&queue, options).await;
        declared.map_err(|error| busy(error, ErrorKind::ResourceLocked))?;
        Ok(Hold::of_queue(channel, queue))
    }
}

async fn must_be_free(wire: &mut Wire, queue: &str) -> Result<(), Error> {
    let channel = wire.channel().await?;
    match channel.declare(queue, &QueueOptions::PASSIVE).await {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(_) => {
            wire.keep(channel);
            Err(Error::new(ErrorKind::Busy, format!("{queue} exists")))
        }
    }
}
