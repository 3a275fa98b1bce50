//! Connections: how to open one, what can be done with it, what it reports unasked.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::stream::BoxStream;

use super::Channel;
use crate::Error;

/// Something to connect to.
#[async_trait]
pub trait Broker: Send + Sync {
    /// Opens a connection. Dropping the future gives the attempt up.
    ///
    /// # Errors
    /// [`ConnectionRefused`](crate::ErrorKind::ConnectionRefused) where nobody listens,
    /// [`AccessRefused`](crate::ErrorKind::AccessRefused) for a wrong password,
    /// [`NotAllowed`](crate::ErrorKind::NotAllowed) for an unknown virtual host,
    /// [`Timeout`](crate::ErrorKind::Timeout) after [`ConnectOptions::timeout`].
    async fn connect(&self, options: &ConnectOptions) -> Result<Box<dyn Connection>, Error>;
}

/// How to open a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectOptions {
    /// `host:port`; an IPv6 address stands in brackets.
    pub address: String,
    /// The virtual host.
    pub vhost: String,
    /// The user.
    pub user: String,
    /// The user's password.
    pub password: String,
    /// The heartbeat asked for, rounded up to whole seconds. A peer is given up after about twice
    /// that silence; the smaller of the client's and the server's wish counts, and zero means the
    /// server's.
    pub heartbeat: Duration,
    /// The connection's name, as the server's logs and management show it.
    pub name: String,
    /// How long the whole attempt may take.
    pub timeout: Duration,
}

impl Default for ConnectOptions {
    /// A fresh RabbitMQ on this machine, with a heartbeat of 2 s.
    fn default() -> Self {
        Self {
            address: "127.0.0.1:5672".into(),
            vhost: "/".into(),
            user: "guest".into(),
            password: "guest".into(),
            heartbeat: Duration::from_secs(2),
            name: "prover".into(),
            timeout: Duration::from_secs(10),
        }
    }
}

/// An open connection. It lives until it and all of its channels are dropped; then it is closed in
/// the background. Dropping never blocks.
#[async_trait]
pub trait Connection: Send + Sync {
    /// Opens a channel.
    ///
    /// # Errors
    /// Those of a dead connection, and [`TooManyChannels`](crate::ErrorKind::TooManyChannels).
    async fn channel(&self) -> Result<Box<dyn Channel>, Error>;

    /// Closes the connection and waits for the server's answer.
    ///
    /// # Errors
    /// Those of a connection that breaks meanwhile, or is dead already.
    async fn close(&self) -> Result<(), Error>;

    /// Resolves when the connection is dead, and at once if it is; says why.
    async fn closed(&self) -> Closed;

    /// What happens to the connection from now on. The last item is always
    /// [`ConnectionEvent::Closed`], also where it is closed already.
    fn events(&self) -> BoxStream<'static, ConnectionEvent>;
}

/// Something a connection reports unasked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectionEvent {
    /// The server takes no publishes from this connection for now; its reason.
    Blocked(String),
    /// The server takes publishes again.
    Unblocked,
    /// The connection is dead.
    Closed(Closed),
}

/// Why a connection is dead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// Who ended it.
    pub by: Party,
    /// The reason; its kind is the server's reply code where the server gave one.
    pub error: Error,
}

/// Who ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// This client, on purpose.
    Client,
    /// The server, with a reply code.
    Server,
    /// Nobody said so: end of file, reset, missed heartbeats, an executor that went away.
    Transport,
}
