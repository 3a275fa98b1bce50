//! A connection to RabbitMQ.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use super::channel::{RabbitChannel, SUCCESS};
use super::end::{ConnectionEnd, closed_by_client};
use super::errors;
use crate::broker::{Channel, Closed, Connection, ConnectionEvent};
use crate::{Error, ErrorKind};

pub(super) struct RabbitConnection {
    lapin: lapin::Connection,
    end: Arc<ConnectionEnd>,
}

impl RabbitConnection {
    pub(super) fn new(lapin: lapin::Connection) -> Self {
        let end = Arc::new(ConnectionEnd::default());
        let events = Box::pin(lapin.events_listener());
        let status = lapin.status().clone();
        let follower = Arc::clone(&end);
        tokio::spawn(async move { follower.follow(events, status).await });
        Self { lapin, end }
    }

    fn ensure_open(&self) -> Result<(), Error> {
        if self.lapin.status().connected() {
            return Ok(());
        }
        let why = match self.end.events.last() {
            Some(ConnectionEvent::Closed(closed)) => closed.error.text,
            _ => "connection is closed".into(),
        };
        Err(Error::new(ErrorKind::NotSent, why))
    }
}

#[async_trait]
impl Connection for RabbitConnection {
    async fn channel(&self) -> Result<Box<dyn Channel>, Error> {
        self.ensure_open()?;
        let channel = self.lapin.create_channel().await;
        let channel = channel.map_err(|error| errors::operating(&error))?;
        let end = self.end.watch(channel.status().clone());
        Ok(Box::new(RabbitChannel::new(channel, end)))
    }

    async fn close(&self) -> Result<(), Error> {
        self.ensure_open()?;
        self.end.close(closed_by_client());
        let closing = self.lapin.close(SUCCESS, "OK".into()).await;
        closing.map_err(|error| errors::operating(&error))
    }

    async fn closed(&self) -> Closed {
        match self.end.events.ended().await {
            ConnectionEvent::Closed(closed) => closed,
            event => unreachable!("a connection ended with {event:?}"),
        }
    }

    fn events(&self) -> BoxStream<'static, ConnectionEvent> {
        self.end.events.listen()
    }
}
