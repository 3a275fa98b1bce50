//! When the server noticed that a client is gone, and what it says of it.

use std::time::Duration;

use super::node::Node;
use crate::frame::ConnectionId;

/// A connection that ended and whose client had not closed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoticedLoss {
    /// The time since the simulation began.
    pub at: Duration,
    /// The connection's name, as the client gave it.
    pub connection: String,
    /// The server's reason, in RabbitMQ's words.
    pub reason: String,
}

impl Node {
    /// What it has noticed since it began.
    pub(crate) fn losses(&self) -> &[NoticedLoss] {
        &self.losses
    }

    /// Writes down that an open connection ends.
    pub(super) fn notice(&mut self, connection: ConnectionId, reason: &str) {
        let session = self.sessions.get(&connection);
        if let Some(session) = session.filter(|session| session.open) {
            self.losses.push(NoticedLoss {
                at: self.now,
                connection: session.name.clone(),
                reason: reason.to_owned(),
            });
        }
    }
}
