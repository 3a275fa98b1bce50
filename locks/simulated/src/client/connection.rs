//! A handle of a simulated connection.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use locks::Error;
use locks::broker::{Channel, Closed, Connection, ConnectionEvent, Feed};

use super::channel::SimulatedChannel;
use super::channel_state::ChannelState;
use super::connection_state::ConnectionState;
use super::handle::{ConnectionHandle, answer, gone};
use crate::driver::Shared;
use crate::frame::ConnectionId;

pub(crate) struct SimulatedConnection {
    handle: Arc<ConnectionHandle>,
    events: Arc<Feed<ConnectionEvent>>,
}

impl SimulatedConnection {
    /// A handle of a connection that was just begun.
    pub(crate) fn new(shared: Arc<Shared>, id: ConnectionId) -> Self {
        let handle = ConnectionHandle::new(shared, id);
        let events = handle.act(|state| Arc::clone(&state.events));
        Self {
            handle: Arc::new(handle),
            events: events.unwrap_or_default(),
        }
    }
}

#[async_trait]
impl Connection for SimulatedConnection {
    async fn channel(&self) -> Result<Box<dyn Channel>, Error> {
        let opening = self.handle.act(|state| {
            let (id, answered) = state.open_channel()?;
            let end = state
                .channel(id)
                .map(|channel: &mut ChannelState| Arc::clone(&channel.end));
            Ok((id, end.unwrap_or_default(), answered))
        });
        let (id, end, answered) = opening.unwrap_or_else(|| Err(gone()))?;
        // Made before it is open: whoever gives up now closes it.
        let channel = SimulatedChannel::new(Arc::clone(&self.handle), id, end);
        answer(answered).await?;
        Ok(Box::new(channel))
    }

    async fn close(&self) -> Result<(), Error> {
        let closing = self.handle.act(ConnectionState::close);
        answer(closing.unwrap_or_else(|| Err(gone()))?).await
    }

    async fn closed(&self) -> Closed {
        match self.events.ended().await {
            ConnectionEvent::Closed(closed) => closed,
            event => unreachable!("a connection ended with {event:?}"),
        }
    }

    fn events(&self) -> BoxStream<'static, ConnectionEvent> {
        self.events.listen()
    }
}
