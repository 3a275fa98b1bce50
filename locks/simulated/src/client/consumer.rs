//! A consumer's stream: deliveries, then exactly one end. Dropping it stops the consumer in the
//! background.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use locks::broker::ConsumerEvent;
use tokio::sync::mpsc::UnboundedReceiver;

use super::handle::ChannelHandle;

/// Stops a consumer when it is dropped.
pub(super) struct Stop {
    pub(super) tag: String,
    /// A channel lives as long as its consumers.
    pub(super) channel: Arc<ChannelHandle>,
}

impl Drop for Stop {
    fn drop(&mut self) {
        if let Some(connection) = self.channel.connection.upgrade() {
            connection.act(|state| state.forget_consumer(self.channel.id, &self.tag));
        }
    }
}

pub(super) fn events(
    receiver: UnboundedReceiver<ConsumerEvent>,
    stop: Stop,
) -> BoxStream<'static, ConsumerEvent> {
    stream::unfold(Some((receiver, stop)), |running| async move {
        let (mut receiver, stop) = running?;
        let event = receiver.recv().await?;
        let goes_on = matches!(event, ConsumerEvent::Delivery(_));
        Some((event, goes_on.then_some((receiver, stop))))
    })
    .boxed()
}
