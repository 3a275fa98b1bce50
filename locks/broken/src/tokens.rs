//! True mutexes with a fencing token that does not fence.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use locks::broker::{Channel, Publish, QueueOptions};
use locks::recipe::{Hold, Recipe, RecipeSession, Wire};
use locks::{Answer, ClientConfig, Error, ExclusiveQueue, Kind, Session};
use tokio::time::Instant;

use crate::mistake::Mistake;

/// As `exclusive-queue`, with a number for each grant: that of a counter that is kept as the only
/// message of a queue of its own, and is read, and replaced in the same transaction, by whoever
/// holds the lock. Or that is how it should be.
#[derive(Debug, Clone, Copy)]
pub enum Tokens {
    /// `token-of-session`: every session counts its own grants, so that the first of each is number
    /// 1.
    OfSession,
    /// `token-of-uptime`: the milliseconds since the session opened. A session that opens later
    /// begins with smaller ones.
    OfUptime,
    /// `transient-token`: the counter does not survive the broker, and begins anew.
    Transient,
    /// `requeued-token`: the message that was read is put back instead of being taken out, and is
    /// read again before the one that should replace it.
    Requeued,
}

const COUNTER: QueueOptions = QueueOptions {
    durable: true,
    ..QueueOptions::SHARED
};

#[async_trait]
impl Mistake for Tokens {
    type Original = ExclusiveQueue;

    fn original(&self) -> &ExclusiveQueue {
        &ExclusiveQueue
    }

    fn name(&self) -> &'static str {
        match self {
            Self::OfSession => "token-of-session",
            Self::OfUptime => "token-of-uptime",
            Self::Transient => "transient-token",
            Self::Requeued => "requeued-token",
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            Self::OfSession => "broken: every session counts its own fencing tokens",
            Self::OfUptime => "broken: the fencing token is the client's uptime",
            Self::Transient => "broken: the counter of fencing tokens does not survive the broker",
            Self::Requeued => "broken: the counter of fencing tokens is read and put back",
        }
    }

    fn kind(&self) -> Kind {
        Kind::FencedMutex
    }

    fn promises(&self) -> Vec<&str> {
        vec!["confirmed-exclusion", "fencing", "progress"]
    }

    fn breaks(&self) -> &'static str {
        "fencing"
    }

    async fn open(&self, client: &ClientConfig) -> Result<Box<dyn Session>, Error> {
        let tokened = Tokened {
            mistake: *self,
            grants: AtomicU64::new(0),
            opened: Instant::now(),
        };
        RecipeSession::open(tokened, client).await
    }
}

struct Tokened {
    mistake: Tokens,
    grants: AtomicU64,
    opened: Instant,
}

#[async_trait]
impl Recipe for Tokened {
    async fn take(&self, wire: &mut Wire, key: &str) -> Result<Hold, Error> {
        let mut hold = ExclusiveQueue.take(wire, key).await?;
        let token = match self.mistake {
            Tokens::OfSession => Ok(self.grants.fetch_add(1, Ordering::Relaxed) + 1),
            Tokens::OfUptime => {
                let uptime_ms = self.opened.elapsed().as_millis();
                Ok(u64::try_from(uptime_ms).unwrap_or(u64::MAX).max(1))
            }
            Tokens::Transient | Tokens::Requeued => {
                self.mistake
                    .next(wire, &format!("{}-token", hold.queue))
                    .await
            }
        };
        // The lock is taken already, and only the end of the session gives it back.
        hold.grant.token = Some(token.map_err(Error::unsettled)?);
        Ok(hold)
    }

    async fn ask(&self, wire: &mut Wire, hold: &mut Hold) -> Result<Answer, Error> {
        ExclusiveQueue.ask(wire, hold).await
    }

    async fn give_back(&self, wire: &mut Wire, hold: &mut Hold) -> Result<(), Error> {
        ExclusiveQueue.give_back(wire, hold).await
    }
}

impl Tokens {
    /// Draws the next number, in one transaction.
    async fn next(&self, wire: &Wire, counter: &str) -> Result<u64, Error> {
        let channel = wire.connection.channel().await?;
        let options = QueueOptions {
            durable: !matches!(self, Self::Transient),
            ..COUNTER
        };
        channel.declare(counter, &options).await?;
        channel.tx_select().await?;
        let before = channel.get(counter, false).await?;
        let number = before.as_ref().map_or(0, |message| number(&message.body)) + 1;
        write(&*channel, counter, number).await?;
        if let Some(message) = before {
            match self {
                Self::Requeued => channel.reject(message.tag, true).await?,
                _ => channel.ack(message.tag).await?,
            }
        }
        channel.tx_commit().await?;
        channel.close().await?;
        Ok(number)
    }
}

async fn write(channel: &dyn Channel, counter: &str, number: u64) -> Result<(), Error> {
    let message = Publish {
        persistent: true,
        body: number.to_be_bytes().to_vec(),
        ..Publish::ping()
    };
    channel.send(counter, &message).await
}

fn number(body: &[u8]) -> u64 {
    body.try_into().map_or(0, u64::from_be_bytes)
}
