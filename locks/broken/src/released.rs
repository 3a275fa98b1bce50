//! Mistakes in how a true mutex is given back.

use async_trait::async_trait;
use locks::recipe::queue::{delete, ping};
use locks::recipe::{Hold, Recipe, Wire};
use locks::{Answer, Error, ErrorKind, ExclusiveQueue};

use crate::mistake::Mistake;

/// As `exclusive-queue`, but gives the lock back too soon, or never.
#[derive(Debug, Clone, Copy)]
pub enum Released {
    /// `released-at-verify`: gives the lock back as soon as a verify has confirmed it, though the
    /// work goes on. The next verify is acknowledged by the queue of whoever has declared it since.
    AtVerify,
    /// `release-by-channel`: closes the channel that declared the queue. An exclusive queue lives
    /// as long as its connection, so nobody else is granted the lock before the session ends; the
    /// same session is granted it again and again.
    ByChannel,
    /// `watched-connection`: keeps a channel in the background that watches over the connection,
    /// and so keeps the connection. A session that is dropped while it holds the lock, as after an
    /// operation of unknown outcome, never gives it back.
    Watched,
}

#[async_trait]
impl Mistake for Released {
    type Original = ExclusiveQueue;

    fn original(&self) -> &ExclusiveQueue {
        &ExclusiveQueue
    }

    fn name(&self) -> &'static str {
        match self {
            Self::AtVerify => "released-at-verify",
            Self::ByChannel => "release-by-channel",
            Self::Watched => "watched-connection",
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            Self::AtVerify => "broken: gives the lock back at the first verify",
            Self::ByChannel => {
                "broken: closes the channel to give the lock back, which keeps the exclusive queue"
            }
            Self::Watched => {
                "broken: a watchdog in the background keeps the connection of a session that is gone"
            }
        }
    }

    fn breaks(&self) -> &'static str {
        match self {
            Self::AtVerify => "confirmed-exclusion",
            Self::ByChannel | Self::Watched => "progress",
        }
    }

    async fn take(&self, wire: &mut Wire, key: &str) -> Result<Hold, Error> {
        let hold = ExclusiveQueue.take(wire, key).await?;
        if let Self::Watched = self {
            let channel = wire.connection.channel().await.map_err(Error::unsettled)?;
            tokio::spawn(async move { channel.closed().await });
        }
        Ok(hold)
    }

    async fn ask(&self, _: &mut Wire, hold: &mut Hold) -> Result<Answer, Error> {
        let answer = ping(&*hold.channel, &hold.queue).await?;
        if let Self::AtVerify = self {
            match delete(&*hold.channel, &hold.queue).await {
                // Given back before.
                Err(error) if error.kind == ErrorKind::Lost => {}
                deleted => deleted?,
            }
        }
        Ok(answer)
    }

    async fn give_back(&self, wire: &mut Wire, hold: &mut Hold) -> Result<(), Error> {
        match self {
            Self::ByChannel => hold.channel.close().await,
            _ => ExclusiveQueue.give_back(wire, hold).await,
        }
    }
}
