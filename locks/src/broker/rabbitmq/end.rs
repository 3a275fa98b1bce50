//! How connections and channels end, and who is told why.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use futures_util::{Stream, StreamExt};
use lapin::{ChannelStatus, ConnectionStatus, Event};
use tokio::sync::SetOnce;

use super::errors;
use crate::broker::{Closed, ConnectionEvent, Feed, Party};
use crate::{Error, ErrorKind};

/// The end of one channel.
#[derive(Debug)]
pub(super) struct ChannelEnd {
    status: ChannelStatus,
    reason: SetOnce<Error>,
}

impl ChannelEnd {
    fn new(status: ChannelStatus) -> Self {
        Self {
            status,
            reason: SetOnce::new(),
        }
    }

    /// Whether the channel is known to be dead. lapin sends nothing for a channel in that state.
    pub(super) fn is_dead(&self) -> bool {
        !self.status.connected()
    }

    /// Records why; the first reason stays.
    pub(super) fn because(&self, error: Error) {
        let _ = self.reason.set(error);
    }

    /// Why the channel is dead, as far as is known by now.
    pub(super) fn reason(&self) -> Error {
        self.reason
            .get()
            .cloned()
            .unwrap_or_else(|| Error::new(ErrorKind::ChannelClosed, "channel is closed"))
    }

    /// Resolves when it is known why the channel is dead.
    pub(super) async fn wait(&self) -> Error {
        self.reason.wait().await.clone()
    }
}

/// The end of a connection, and of all that lives on it.
#[derive(Debug, Default)]
pub(super) struct ConnectionEnd {
    pub(super) events: Feed<ConnectionEvent>,
    channels: Mutex<Vec<Weak<ChannelEnd>>>,
}

impl ConnectionEnd {
    /// Watches over a new channel.
    pub(super) fn watch(&self, status: ChannelStatus) -> Arc<ChannelEnd> {
        let end = Arc::new(ChannelEnd::new(status));
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        channels.retain(|channel| channel.strong_count() > 0);
        channels.push(Arc::downgrade(&end));
        if let Some(ConnectionEvent::Closed(closed)) = self.events.last() {
            end.because(closed.error);
        }
        end
    }

    /// The connection is dead, and so are its channels.
    pub(super) fn close(&self, closed: Closed) {
        let error = closed.error.clone();
        self.events.end(ConnectionEvent::Closed(closed));
        for channel in self.alive() {
            channel.because(error.clone());
        }
    }

    /// Passes on what lapin reports, until the connection is dead.
    pub(super) async fn follow(
        &self,
        mut events: impl Stream<Item = Event> + Unpin,
        status: ConnectionStatus,
    ) {
        if !status.connected() {
            return self.close(died_before());
        }
        while let Some(event) = events.next().await {
            match event {
                Event::ConnectionBlocked(reason) => {
                    self.events.send(ConnectionEvent::Blocked(reason));
                }
                Event::ConnectionUnblocked => self.events.send(ConnectionEvent::Unblocked),
                Event::Error(error) if status.connected() => {
                    self.close_channel(errors::operating(&error));
                }
                Event::Error(error) => return self.close(closed_by_other(&error)),
                _ => {}
            }
        }
        self.close(closed_by_client());
    }

    /// Some channel is dead for this reason, and lapin does not say which. Where several have died
    /// meanwhile, none of them is told a code.
    fn close_channel(&self, error: Error) {
        let dead: Vec<_> = self
            .alive()
            .into_iter()
            .filter(|channel| channel.is_dead() && channel.reason.get().is_none())
            .collect();
        let several = dead.len() > 1;
        for channel in dead {
            channel.because(if several {
                error.clone().as_kind(ErrorKind::ChannelClosed)
            } else {
                error.clone()
            });
        }
    }

    fn alive(&self) -> Vec<Arc<ChannelEnd>> {
        let channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        channels.iter().filter_map(Weak::upgrade).collect()
    }
}

/// This client closed the connection, or dropped it.
pub(super) fn closed_by_client() -> Closed {
    Closed {
        by: Party::Client,
        error: Error::new(
            ErrorKind::ConnectionClosed,
            "connection closed by this client",
        ),
    }
}

/// It died before anybody listened.
fn died_before() -> Closed {
    Closed {
        by: Party::Transport,
        error: Error::new(ErrorKind::ConnectionClosed, "connection died at once"),
    }
}

fn closed_by_other(error: &lapin::Error) -> Closed {
    let error = errors::operating(error);
    let by = if error.kind.is_amqp() {
        Party::Server
    } else {
        Party::Transport
    };
    Closed { by, error }
}
