//! Consumers: how to start one, and what comes out of it.

use std::fmt;

use futures_util::stream::BoxStream;

use super::Message;
use crate::Error;

/// How to start a consumer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConsumeOptions {
    /// The consumer's tag on its channel; empty lets the server choose.
    pub tag: String,
    /// Nobody else may consume from the queue meanwhile.
    pub exclusive: bool,
    /// Deliveries count as acknowledged when they are sent.
    pub no_ack: bool,
    /// Consumers of a higher priority get messages first (`x-priority`).
    pub priority: Option<i32>,
}

/// A running consumer. Dropping it stops it in the background.
pub struct Consumer {
    /// Its tag, for [`Channel::cancel`](super::Channel::cancel).
    pub tag: String,
    /// What comes out of it. The last item is never a delivery.
    pub events: BoxStream<'static, ConsumerEvent>,
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").field("tag", &self.tag).finish()
    }
}

/// Something a consumer reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsumerEvent {
    /// A message.
    Delivery(Message),
    /// The consumer is stopped while its channel lives on: by
    /// [`Channel::cancel`](super::Channel::cancel), or by the server because the queue is gone.
    Cancelled,
    /// The channel is dead; why.
    Closed(Error),
}
