//! A handle of a simulated connection.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use super::super::driver::Shared;
use super::super::frame::ConnectionId;
use super::channel::SimulatedChannel;
use super::channel_state::ChannelState;
use super::connection_state::{Answered, ConnectionState};
use crate::broker::{Channel, Closed, Connection, ConnectionEvent, Feed};
use crate::{Error, ErrorKind};

/// What a connection and its channels share. The last one who drops it closes the connection in the background.
pub(super) struct Line {
    shared: Arc<Shared>,
    id: ConnectionId,
}

impl Line {
    /// Does something to the connection, at this moment.
    pub(super) fn act<T>(&self, action: impl FnOnce(&mut ConnectionState) -> T) -> Option<T> {
        self.shared.act(|world| world.on_client(self.id, action))
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.shared.act(|world| world.abandon(self.id));
    }
}

pub(in super::super) struct SimulatedConnection {
    line: Arc<Line>,
    events: Arc<Feed<ConnectionEvent>>,
}

impl SimulatedConnection {
    /// A handle of a connection that was just begun.
    pub(in super::super) fn new(shared: Arc<Shared>, id: ConnectionId) -> Self {
        let line = Line { shared, id };
        let events = line.act(|state| Arc::clone(&state.events));
        Self {
            line: Arc::new(line),
            events: events.unwrap_or_default(),
        }
    }
}

/// Awaits an answer. Where the simulation is gone there is none.
pub(super) async fn answer<T>(answered: Answered<T>) -> Result<T, Error> {
    answered.await.unwrap_or_else(|_| Err(gone()))
}

pub(super) fn gone() -> Error {
    Error::new(ErrorKind::ExecutorGone, "the simulation is gone")
}

#[async_trait]
impl Connection for SimulatedConnection {
    async fn channel(&self) -> Result<Box<dyn Channel>, Error> {
        let opening = self.line.act(|state| {
            let (id, answered) = state.open_channel()?;
            let end = state
                .channel(id)
                .map(|channel: &mut ChannelState| Arc::clone(&channel.end));
            Ok((id, end.unwrap_or_default(), answered))
        });
        let (id, end, answered) = opening.unwrap_or_else(|| Err(gone()))?;
        // Made before it is open: whoever gives up now closes it.
        let channel = SimulatedChannel::new(Arc::clone(&self.line), id, end);
        answer(answered).await?;
        Ok(Box::new(channel))
    }

    async fn close(&self) -> Result<(), Error> {
        let closing = self.line.act(ConnectionState::close);
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
