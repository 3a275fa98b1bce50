//! Channels: every operation that a lock can ask of the broker.

use async_trait::async_trait;

use super::{
    Confirm, ConsumeOptions, Consumer, DeleteOptions, Message, Publish, QueueOptions, QueueStatus,
    Returned,
};
use crate::Error;

/// An open channel. The server works through a channel's operations in order, and closes the
/// channel at the first one it refuses.
///
/// Operations are sent in the order in which their futures are first polled, so several may be
/// under way at once. An operation on a channel that is known to be dead is an error of kind
/// [`NotSent`](crate::ErrorKind::NotSent). Dropping the channel closes it in the background.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Declares a queue, or asks about it where [`QueueOptions::passive`].
    ///
    /// # Errors
    /// [`ResourceLocked`](crate::ErrorKind::ResourceLocked) where another connection owns the queue
    /// exclusively, [`NotFound`](crate::ErrorKind::NotFound) for a passive declare of nothing,
    /// [`PreconditionFailed`](crate::ErrorKind::PreconditionFailed) where it exists with other
    /// properties.
    async fn declare(&self, queue: &str, options: &QueueOptions) -> Result<QueueStatus, Error>;

    /// Deletes a queue and returns the number of messages that were in it.
    ///
    /// It is idempotent in RabbitMQ: deleting a queue that does not exist succeeds, with 0
    /// messages. So a success does not show that the queue was still there; a passive
    /// [`declare`](Self::declare) sent ahead of it is refused where it is not.
    ///
    /// # Errors
    /// [`PreconditionFailed`](crate::ErrorKind::PreconditionFailed) where a condition of `options`
    /// does not hold, [`ResourceLocked`](crate::ErrorKind::ResourceLocked) where another connection
    /// owns it exclusively.
    async fn delete(&self, queue: &str, options: &DeleteOptions) -> Result<u32, Error>;

    /// Removes the messages of a queue that are not delivered, and returns their number.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound),
    /// [`ResourceLocked`](crate::ErrorKind::ResourceLocked).
    async fn purge(&self, queue: &str) -> Result<u32, Error>;

    /// Turns publisher confirms on for this channel.
    async fn confirm_select(&self) -> Result<(), Error>;

    /// Publishes to a queue by its name (through the default exchange) and waits for the server's
    /// confirm. The channel must be in confirm mode. At most one confirm is awaited at a time;
    /// others queue up behind it.
    ///
    /// An [`Ack`](Confirm::Ack) says that some queue of that name took the message, whoever owns
    /// it.
    ///
    /// # Errors
    /// [`Abandoned`](crate::ErrorKind::Abandoned) where an earlier publish on this channel was
    /// dropped before its confirm came.
    async fn publish(&self, queue: &str, publish: &Publish) -> Result<Confirm, Error>;

    /// Publishes without a confirm: inside a transaction, or where nobody needs to know. Returns
    /// when it is written.
    async fn send(&self, queue: &str, publish: &Publish) -> Result<(), Error>;

    /// Takes one message from a queue, if there is any; it must be settled by [`ack`](Self::ack) or
    /// [`reject`](Self::reject) unless `no_ack`.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound),
    /// [`ResourceLocked`](crate::ErrorKind::ResourceLocked),
    /// [`AccessRefused`](crate::ErrorKind::AccessRefused).
    async fn get(&self, queue: &str, no_ack: bool) -> Result<Option<Message>, Error>;

    /// Acknowledges a delivery. Nothing answers: it returns when it is written, and an unknown tag
    /// closes the channel later.
    async fn ack(&self, tag: u64) -> Result<(), Error>;

    /// Rejects a delivery; with `requeue` it goes back to its queue. Nothing answers, as for
    /// [`ack`](Self::ack).
    async fn reject(&self, tag: u64, requeue: bool) -> Result<(), Error>;

    /// Rejects a delivery, with `multiple` all up to it. Nothing answers, as for
    /// [`ack`](Self::ack).
    async fn nack(&self, tag: u64, multiple: bool, requeue: bool) -> Result<(), Error>;

    /// Limits the unsettled deliveries of each consumer that is started from now on; 0 is no limit.
    async fn qos(&self, prefetch: u16) -> Result<(), Error>;

    /// Starts a consumer.
    ///
    /// # Errors
    /// [`AccessRefused`](crate::ErrorKind::AccessRefused) where another consumer has the queue for
    /// itself (or this one wants that, and there are others),
    /// [`NotFound`](crate::ErrorKind::NotFound),
    /// [`ResourceLocked`](crate::ErrorKind::ResourceLocked).
    async fn consume(&self, queue: &str, options: &ConsumeOptions) -> Result<Consumer, Error>;

    /// Stops a consumer by its tag.
    async fn cancel(&self, tag: &str) -> Result<(), Error>;

    /// Makes the channel transactional.
    async fn tx_select(&self) -> Result<(), Error>;

    /// Commits what was sent and settled since, and returns the mandatory messages that reached no
    /// queue.
    async fn tx_commit(&self) -> Result<Vec<Returned>, Error>;

    /// Forgets what was sent and settled since.
    async fn tx_rollback(&self) -> Result<(), Error>;

    /// Closes the channel and waits for the server's answer.
    async fn close(&self) -> Result<(), Error>;

    /// Resolves when the channel is dead, and at once if it is; says why. The kind is the server's
    /// reply code where it is known to be this channel's.
    async fn closed(&self) -> Error;
}
