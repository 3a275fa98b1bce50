//! What locks do with a queue by its name.

use futures_util::FutureExt;

use crate::broker::{Channel, Confirm, DeleteOptions, Publish, QueueOptions};
use crate::options::Verify;
use crate::{Answer, ClientConfig, Error, ErrorKind};

/// The queue of one holder: it goes with the holder's connection, and keeps no message.
pub const EXCLUSIVE: QueueOptions = QueueOptions {
    exclusive: true,
    max_length: Some(0),
    ..QueueOptions::SHARED
};

/// Declares the queue that is a lock, over a connection of its own.
///
/// # Errors
/// Those of connecting and declaring.
pub async fn create(client: &ClientConfig, key: &str, lock: &QueueOptions) -> Result<(), Error> {
    let connection = client.connection().await?;
    let channel = connection.channel().await?;
    channel.declare(&client.queue(key), lock).await?;
    connection.close().await
}

/// Asks for a queue by its name, in the way that the options name.
pub(crate) async fn ask(
    channel: &dyn Channel,
    queue: &str,
    verify: Verify,
) -> Result<Answer, Error> {
    if verify != Verify::PassiveDeclare {
        return ping(channel, queue).await;
    }
    match channel.declare(queue, &QueueOptions::PASSIVE).await {
        Ok(_) => Ok(Answer::Held),
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::ResourceLocked) => {
            Ok(Answer::Lost)
        }
        Err(error) => Err(error),
    }
}

/// Whether there is a queue of that name: a mandatory message is published to it, and the answer is
/// `Held` where it was not returned.
///
/// # Errors
/// [`ErrorKind::Nacked`] where the broker did not take the message; those of publishing.
pub async fn ping(channel: &dyn Channel, queue: &str) -> Result<Answer, Error> {
    match channel.publish(queue, &Publish::ping()).await? {
        Confirm::Ack => Ok(Answer::Held),
        Confirm::Returned(_) => Ok(Answer::Lost),
        Confirm::Nack => Err(Error::new(
            ErrorKind::Nacked,
            format!("the broker did not take the message for {queue}"),
        )),
    }
}

/// Deletes the queue of a hold, unless it is gone or another's.
///
/// # Errors
/// [`ErrorKind::Lost`] where it is; those of deleting.
pub async fn delete(channel: &dyn Channel, queue: &str) -> Result<(), Error> {
    let options = DeleteOptions::default();
    // Where the question is refused the server closes the channel, and does not look at the delete.
    let (asked, deleted) = tokio::join!(
        biased;
        channel.declare(queue, &QueueOptions::PASSIVE),
        channel.delete(queue, &options)
    );
    asked.map_err(lost)?;
    deleted.map(drop)
}

fn lost(error: Error) -> Error {
    match error.kind {
        ErrorKind::NotFound | ErrorKind::ResourceLocked => error.as_kind(ErrorKind::Lost),
        _ => error,
    }
}

/// The error as [`ErrorKind::Busy`] instead of the server's way to say that another has it.
#[must_use]
pub fn busy(error: Error, taken: ErrorKind) -> Error {
    if error.kind == taken {
        return error.as_kind(ErrorKind::Busy);
    }
    error
}

/// Whether a channel is not known to be dead.
#[must_use]
pub fn is_alive(channel: &dyn Channel) -> bool {
    channel.closed().now_or_never().is_none()
}
