//! What keeps a connection and its channels open: each closes with the last one who holds its
//! handle.

use std::sync::{Arc, Weak};

use locks::{Error, ErrorKind};

use super::connection_state::{Answered, ConnectionState};
use crate::driver::Shared;
use crate::frame::{ChannelId, ConnectionId};

/// What a connection and its channels share. The last one who drops it closes the connection in the
/// background.
pub(super) struct ConnectionHandle {
    shared: Arc<Shared>,
    id: ConnectionId,
}

impl ConnectionHandle {
    pub(super) fn new(shared: Arc<Shared>, id: ConnectionId) -> Self {
        Self { shared, id }
    }

    /// Does something to the connection, at this moment.
    pub(super) fn act<T>(&self, action: impl FnOnce(&mut ConnectionState) -> T) -> Option<T> {
        self.shared.act(|world| world.on_client(self.id, action))
    }
}

impl Drop for ConnectionHandle {
    fn drop(&mut self) {
        self.shared.act(|world| world.abandon(self.id));
    }
}

/// What a channel and its consumers share. The last one who drops it closes the channel in the
/// background.
pub(super) struct ChannelHandle {
    pub(super) connection: Weak<ConnectionHandle>,
    pub(super) id: ChannelId,
}

impl Drop for ChannelHandle {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.upgrade() {
            connection.act(|state| state.close_channel(self.id));
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
