//! Mistakes in how a client of a true mutex reads the answer to its acquire.

use std::time::Duration;

use async_trait::async_trait;
use locks::recipe::queue::{EXCLUSIVE, busy};
use locks::recipe::{Hold, Recipe, Wire};
use locks::{Error, ErrorKind, ExclusiveQueue};
use tokio::time::timeout;

use crate::mistake::Mistake;

/// As `exclusive-queue`, but takes something else than a yes for a yes.
#[derive(Debug, Clone, Copy)]
pub enum Granted {
    /// `refusal-is-grant`: declares once more where it was refused, and takes a second refusal for
    /// a sign that the queue is its own. The owner's queue acknowledges its pings from then on.
    Refusal,
    /// `timeout-is-grant`: takes silence for consent. Whoever is cut off while another holds the
    /// lock believes to have it.
    Silence,
}

/// How long an answer may take before silence counts as one.
const PATIENCE: Duration = Duration::from_millis(200);

#[async_trait]
impl Mistake for Granted {
    type Original = ExclusiveQueue;

    fn original(&self) -> &ExclusiveQueue {
        &ExclusiveQueue
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Refusal => "refusal-is-grant",
            Self::Silence => "timeout-is-grant",
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            Self::Refusal => "broken: takes a second RESOURCE_LOCKED for success",
            Self::Silence => "broken: takes an acquire that was not answered in time for success",
        }
    }

    fn breaks(&self) -> &'static str {
        "confirmed-exclusion"
    }

    async fn take(&self, wire: &mut Wire, key: &str) -> Result<Hold, Error> {
        match self {
            Self::Refusal => twice(wire, key).await,
            Self::Silence => in_time(wire, key).await,
        }
    }
}

async fn twice(wire: &mut Wire, key: &str) -> Result<Hold, Error> {
    match ExclusiveQueue.take(wire, key).await {
        Err(error) if error.kind == ErrorKind::Busy => {}
        other => return other,
    }
    match ExclusiveQueue.take(wire, key).await {
        Err(error) if error.kind == ErrorKind::Busy => {
            let queue = wire.client.queue(key);
            Ok(Hold::of_queue(wire.channel().await?, queue))
        }
        other => other,
    }
}

async fn in_time(wire: &mut Wire, key: &str) -> Result<Hold, Error> {
    let queue = wire.client.queue(key);
    let channel = wire.channel().await?;
    if let Ok(declared) = timeout(PATIENCE, channel.declare(&queue, &EXCLUSIVE)).await {
        declared.map_err(|error| busy(error, ErrorKind::ResourceLocked))?;
    }
    Ok(Hold::of_queue(channel, queue))
}
