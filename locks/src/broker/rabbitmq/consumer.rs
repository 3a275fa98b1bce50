//! A consumer's stream: deliveries, then exactly one end.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use super::end::ChannelEnd;
use super::errors;
use crate::broker::{ConsumerEvent, Message};

pub(super) fn events(
    consumer: lapin::Consumer,
    end: Arc<ChannelEnd>,
) -> BoxStream<'static, ConsumerEvent> {
    stream::unfold(Some(consumer), move |consumer| {
        let end = Arc::clone(&end);
        async move {
            let mut consumer = consumer?;
            let event = match consumer.next().await {
                Some(Ok(delivery)) => ConsumerEvent::Delivery(message(delivery)),
                Some(Err(error)) => ConsumerEvent::Closed(errors::operating(&error)),
                None if end.is_dead() => ConsumerEvent::Closed(end.reason()),
                None => ConsumerEvent::Cancelled,
            };
            let goes_on = matches!(event, ConsumerEvent::Delivery(_));
            Some((event, goes_on.then_some(consumer)))
        }
    })
    .boxed()
}

pub(super) fn message(delivery: lapin::message::Delivery) -> Message {
    Message {
        tag: delivery.delivery_tag,
        redelivered: delivery.redelivered,
        body: delivery.data,
    }
}
