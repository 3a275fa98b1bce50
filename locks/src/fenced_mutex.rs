//! The true mutex with fencing tokens: the broker keeps the last token as a message, and only a
//! holder can replace it.

use async_trait::async_trait;

use crate::broker::{Channel, Publish, QueueOptions};
use crate::options::{Choice, RECONNECT, RELEASE_QUEUE, VERIFY_UID};
use crate::recipe::{Hold, Recipe, RecipeSession, Wire};
use crate::{Answer, ClientConfig, Error, ErrorKind, ExclusiveQueue, Kind, Lock, Session};

/// `fenced-mutex`: as [`ExclusiveQueue`], and each grant carries a token that is greater than those
/// of all grants before it.
///
/// A durable queue beside the lock's holds one persistent message, the last token. Who has taken
/// the lock gets that message, and replaces it by the next token in one transaction, on a channel
/// of the connection that holds the lock: when the server has given the lock to another, it commits
/// nothing of ours any more. While it still keeps the message for a holder that is gone, acquire is
/// refused.
#[derive(Debug, Clone, Copy)]
pub struct FencedMutex;

/// The queue of the last token.
const TOKEN: QueueOptions = QueueOptions {
    durable: true,
    ..QueueOptions::SHARED
};

#[async_trait]
impl Lock for FencedMutex {
    fn name(&self) -> &str {
        "fenced-mutex"
    }

    fn summary(&self) -> &str {
        "true mutex with fencing tokens: an exclusive queue, and a counter that the broker keeps as a message"
    }

    fn kind(&self) -> Kind {
        Kind::FencedMutex
    }

    fn options(&self) -> &[Choice] {
        &[VERIFY_UID, RELEASE_QUEUE, RECONNECT]
    }

    fn promises(&self) -> Vec<&str> {
        vec![
            "confirmed-exclusion",
            "progress",
            "fencing",
            "no-lost-update",
        ]
    }

    fn needs(&self) -> Vec<&str> {
        vec![
            "durable queues",
            "exclusive queues",
            "publisher confirms",
            "transactions",
        ]
    }

    /// Puts the first token into the queue, unless it exists already: create a key from one place
    /// only.
    async fn create(&self, client: &ClientConfig, key: &str, _: u32) -> Result<(), Error> {
        let queue = token_queue(client, key);
        let connection = client.connection().await?;
        let asking = connection.channel().await?;
        match asking.declare(&queue, &QueueOptions::PASSIVE).await {
            Err(error) if error.kind == ErrorKind::NotFound => {}
            other => return other.map(drop),
        }
        let channel = connection.channel().await?;
        channel.tx_select().await?;
        channel.declare(&queue, &TOKEN).await?;
        channel.send(&queue, &message(0)).await?;
        channel.tx_commit().await?;
        connection.close().await
    }

    async fn open(&self, client: &ClientConfig) -> Result<Box<dyn Session>, Error> {
        RecipeSession::open(*self, client).await
    }
}

#[async_trait]
impl Recipe for FencedMutex {
    async fn take(&self, wire: &mut Wire, key: &str) -> Result<Hold, Error> {
        let counter = token_queue(&wire.client, key);
        let mut hold = ExclusiveQueue.take(wire, key).await?;
        let channel = wire.connection.channel().await.map_err(Error::unsettled)?;
        match next_token(&*channel, &counter).await {
            Ok(Some(token)) => {
                hold.grant.token = Some(token);
                Ok(hold)
            }
            Ok(None) => {
                let given_back = ExclusiveQueue.give_back(wire, &mut hold).await;
                given_back.map_err(Error::unsettled)?;
                wire.keep(hold.channel);
                let text = format!("the token of {key} is with a holder before, or was never made");
                Err(Error::new(ErrorKind::NoSlot, text))
            }
            // The lock's queue is still declared.
            Err(error) => Err(error.unsettled()),
        }
    }

    async fn ask(&self, wire: &mut Wire, hold: &mut Hold) -> Result<Answer, Error> {
        ExclusiveQueue.ask(wire, hold).await
    }

    async fn give_back(&self, wire: &mut Wire, hold: &mut Hold) -> Result<(), Error> {
        ExclusiveQueue.give_back(wire, hold).await
    }
}

/// Replaces the last token by the next, which it returns; nothing if the last is not there.
async fn next_token(channel: &dyn Channel, queue: &str) -> Result<Option<u64>, Error> {
    channel.tx_select().await?;
    let Some(last) = channel.get(queue, false).await? else {
        channel.close().await?;
        return Ok(None);
    };
    let token = read(&last.body)? + 1;
    channel.ack(last.tag).await?;
    channel.send(queue, &message(token)).await?;
    channel.tx_commit().await?;
    channel.close().await?;
    Ok(Some(token))
}

fn token_queue(client: &ClientConfig, key: &str) -> String {
    format!("{}-token", client.queue(key))
}

fn message(token: u64) -> Publish {
    Publish {
        mandatory: true,
        persistent: true,
        body: token.to_string().into_bytes(),
    }
}

fn read(body: &[u8]) -> Result<u64, Error> {
    let number = std::str::from_utf8(body)
        .ok()
        .and_then(|text| text.parse().ok());
    number.ok_or_else(|| Error::new(ErrorKind::Protocol, "the token is no number"))
}
