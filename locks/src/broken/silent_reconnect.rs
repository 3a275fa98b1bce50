//! A true mutex whose session reconnects by itself and goes on as if nothing had happened.

use std::time::Duration;

use async_trait::async_trait;

use crate::broker::{Channel, Connection, DeleteOptions, QueueOptions};
use crate::exclusive_queue::{LOCK, ping};
use crate::recipe::{busy, is_alive};
use crate::{Answer, Client, Error, ErrorKind, Grant, Kind, Lock, Loss, Session};

/// How long it waits before it connects once more.
const RECONNECT_AFTER: Duration = Duration::from_millis(100);

/// `silent-reconnect`: as `exclusive-queue`, but a connection that is lost is replaced without a word. Its verify publishes to the queue of the lock, which
/// somebody else may own by then; RabbitMQ takes that message just as it took ours.
#[derive(Debug, Clone, Copy)]
pub struct SilentReconnect;

#[async_trait]
impl Lock for SilentReconnect {
    fn name(&self) -> &'static str {
        "silent-reconnect"
    }

    fn summary(&self) -> &'static str {
        "broken: reconnects silently, and verifies by a publish to a queue that somebody else may own"
    }

    fn kind(&self) -> Kind {
        Kind::TrueMutex
    }

    fn promises(&self) -> &'static [&'static str] {
        &["confirmed-exclusion", "progress"]
    }

    fn breaks(&self) -> Option<&'static str> {
        Some("confirmed-exclusion")
    }

    fn needs(&self) -> &'static [&'static str] {
        &["exclusive queues", "publisher confirms"]
    }

    async fn open(&self, client: &Client) -> Result<Box<dyn Session>, Error> {
        let connection = client.connection().await?;
        Ok(Box::new(ForgetfulSession {
            client: client.clone(),
            open: Some(Open {
                channel: channel(&*connection).await?,
                _connection: connection,
            }),
        }))
    }
}

struct ForgetfulSession {
    client: Client,
    open: Option<Open>,
}

struct Open {
    channel: Box<dyn Channel>,
    _connection: Box<dyn Connection>,
}

async fn channel(connection: &dyn Connection) -> Result<Box<dyn Channel>, Error> {
    let channel = connection.channel().await?;
    channel.confirm_select().await?;
    Ok(channel)
}

impl ForgetfulSession {
    /// A channel that is alive: the mistake is that nobody asks on which one the lock was taken.
    async fn channel(&mut self) -> Result<&dyn Channel, Error> {
        let open = match self.open.take() {
            Some(open) if is_alive(&*open.channel) => open,
            _ => {
                let unsent = |error: Error| error.as_kind(ErrorKind::NotSent);
                let connection = self.client.connection().await.map_err(unsent)?;
                let channel = channel(&*connection).await.map_err(unsent)?;
                Open {
                    channel,
                    _connection: connection,
                }
            }
        };
        Ok(&*self.open.insert(open).channel)
    }

    async fn try_to_verify(&mut self, key: &str) -> Result<Answer, Error> {
        let queue = self.client.queue(key);
        ping(self.channel().await?, &queue).await
    }
}

/// What libraries that recover by themselves do not bother their users with.
fn is_about_the_connection(kind: ErrorKind) -> bool {
    use ErrorKind::{
        ChannelClosed, ConnectionClosed, ConnectionForced, ConnectionRefused, HeartbeatMissed, Io,
        NotSent,
    };
    matches!(
        kind,
        Io | HeartbeatMissed
            | ConnectionClosed
            | ConnectionForced
            | ConnectionRefused
            | ChannelClosed
            | NotSent
    )
}

#[async_trait]
impl Session for ForgetfulSession {
    async fn acquire(&mut self, key: &str) -> Result<Grant, Error> {
        let queue = self.client.queue(key);
        let declared = self.channel().await?.declare(&queue, &LOCK).await;
        declared.map_err(|error| busy(error, ErrorKind::ResourceLocked))?;
        Ok(Grant::default())
    }

    async fn verify(&mut self, key: &str) -> Result<Answer, Error> {
        loop {
            match self.try_to_verify(key).await {
                Err(error) if is_about_the_connection(error.kind) => {
                    tokio::time::sleep(RECONNECT_AFTER).await;
                }
                answered => return answered,
            }
        }
    }

    async fn release(&mut self, key: &str) -> Result<(), Error> {
        let queue = self.client.queue(key);
        let channel = self.channel().await?;
        let asked = channel.declare(&queue, &QueueOptions::PASSIVE).await;
        asked.map_err(|error| match error.kind {
            ErrorKind::NotFound | ErrorKind::ResourceLocked => error.as_kind(ErrorKind::Lost),
            _ => error,
        })?;
        channel.delete(&queue, &DeleteOptions::default()).await?;
        Ok(())
    }

    /// It never hears of anything.
    async fn news(&mut self) -> Loss {
        std::future::pending().await
    }

    async fn close(self: Box<Self>) {}
}
