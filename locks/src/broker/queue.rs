//! Queues: how they are declared, and what the server says about them.

use std::time::Duration;

/// How to declare a queue. The default is [`QueueOptions::SHARED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueOptions {
    /// Only ask whether the queue exists; create nothing.
    pub passive: bool,
    /// The queue survives a restart of the server.
    pub durable: bool,
    /// The queue belongs to this connection alone and dies with it.
    pub exclusive: bool,
    /// The queue is deleted when its last consumer goes.
    pub auto_delete: bool,
    /// Deleted when unused for this long (`x-expires`), in whole milliseconds.
    pub expires: Option<Duration>,
    /// Messages die after this long (`x-message-ttl`), in whole milliseconds.
    pub message_ttl: Option<Duration>,
    /// The most messages it keeps (`x-max-length`); 0 keeps none and still acknowledges publishes.
    pub max_length: Option<u32>,
    /// What happens to messages beyond that (`x-overflow`); the server drops from the head by
    /// default.
    pub overflow: Option<Overflow>,
    /// Only one consumer at a time gets messages (`x-single-active-consumer`).
    pub single_active_consumer: bool,
    /// Kept by a majority of a cluster's nodes (`x-queue-type` is `quorum`). Such a queue is durable
    /// and belongs to nobody; a message may come back to it as often as need be
    /// (`x-delivery-limit`).
    pub quorum: bool,
}

impl QueueOptions {
    /// A transient queue for everybody, which stays until it is deleted.
    pub const SHARED: Self = Self {
        passive: false,
        durable: false,
        exclusive: false,
        auto_delete: false,
        expires: None,
        message_ttl: None,
        max_length: None,
        overflow: None,
        single_active_consumer: false,
        quorum: false,
    };

    /// Only the question whether the queue exists.
    pub const PASSIVE: Self = Self {
        passive: true,
        ..Self::SHARED
    };
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self::SHARED
    }
}

/// What a full queue does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    /// Forgets the oldest message (`drop-head`).
    DropHead,
    /// Refuses the new one, which is then nacked (`reject-publish`).
    RejectPublish,
}

/// Under which conditions to delete a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DeleteOptions {
    /// Only where it has no consumers.
    pub if_unused: bool,
    /// Only where it has no messages.
    pub if_empty: bool,
}

/// What the server says about a queue when it is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueStatus {
    /// Its name: the one asked for, or the server's choice where that was empty.
    pub name: String,
    /// The messages ready for delivery.
    pub messages: u32,
    /// The active consumers.
    pub consumers: u32,
}
