//! The seam between a worker and a lock: what can be asked, what comes back, what the lock promises.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::administration::Action;
use crate::broker::{Broker, ConnectOptions, Connection, RabbitMq};
use crate::options::{Choice, Options};
use crate::{Error, ErrorKind, Kind};

/// A lock under test.
#[async_trait]
pub trait Lock: Send + Sync {
    /// The name on the command line and in reports: `exclusive-queue`.
    fn name(&self) -> &'static str;

    /// One line for `prover list locks`.
    fn summary(&self) -> &'static str;

    /// What sort of lock it is, and so what can be asked of it.
    fn kind(&self) -> Kind;

    /// The options that it understands.
    fn options(&self) -> &'static [Choice] {
        &[]
    }

    /// The names of the guarantees that the lock is judged by when nobody names others.
    fn promises(&self) -> &'static [&'static str];

    /// The promise that the lock does not keep, where it is broken on purpose: a prover that does not find that out is itself broken.
    fn breaks(&self) -> Option<&'static str> {
        None
    }

    /// What the lock needs from its broker: `exclusive queues`, `publisher confirms`.
    fn needs(&self) -> &'static [&'static str];

    /// Creates what must be there before anybody can take the lock of this key: its queues, one set for each slot. Asking twice does no harm.
    /// Locks that exist only by being held need nothing.
    ///
    /// # Errors
    /// Whatever stood in the way; what was created before stays.
    async fn create(&self, client: &Client, key: &str, slots: u32) -> Result<(), Error> {
        let _ = (client, key, slots);
        Ok(())
    }

    /// Opens a session of its own for one client.
    ///
    /// # Errors
    /// Whatever stood in the way of connecting. No lock is asked for yet, so nothing is held afterwards.
    async fn open(&self, client: &Client) -> Result<Box<dyn Session>, Error>;
}

impl fmt::Debug for dyn Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who asks for locks, and through which broker.
#[derive(Clone)]
pub struct Client {
    /// The broker to connect to.
    pub broker: Arc<dyn Broker>,
    /// How to connect to it.
    pub connect: ConnectOptions,
    /// Stands before every key in the broker's names, so that runs do not meet: the run's id.
    pub prefix: String,
    /// The client's name, unique in the run.
    pub name: String,
    /// The seed of whatever the lock draws at random: skew, retries.
    pub seed: u64,
    /// How the lock is used, where it leaves a choice. Options that a lock does not understand change nothing.
    pub options: Options,
}

impl Client {
    /// A client of the RabbitMQ at `host:port`, as the user `guest`, with a heartbeat of 2 s; its queues' names begin with `prefix`. Whoever shares a lock shares the prefix.
    #[must_use]
    pub fn of_rabbitmq(address: &str, prefix: &str) -> Self {
        Self {
            broker: Arc::new(RabbitMq),
            connect: ConnectOptions {
                address: address.to_owned(),
                ..ConnectOptions::default()
            },
            prefix: prefix.to_owned(),
            name: format!("{prefix}-{}", std::process::id()),
            seed: rand::random(),
            options: Options::default(),
        }
    }

    /// Connects to the broker under the client's name.
    ///
    /// # Errors
    /// Those of [`Broker::connect`].
    pub async fn connection(&self) -> Result<Box<dyn Connection>, Error> {
        let options = ConnectOptions {
            name: self.name.clone(),
            ..self.connect.clone()
        };
        self.broker.connect(&options).await
    }

    /// The broker's name for a key: `{prefix}.{key}`.
    #[must_use]
    pub fn queue(&self, key: &str) -> String {
        format!("{}.{key}", self.prefix)
    }
}

/// One client's session with a lock: one operation at a time, and it never reconnects by itself.
///
/// A future that is dropped before it ends leaves no grant that the session later believes in; what the server made of
/// the request is unknown, and only dropping the session settles it. The kind of an error says how much is
/// known ([`ErrorKind::certainty`](crate::ErrorKind::certainty)).
#[async_trait]
pub trait Session: Send {
    /// Asks once for the lock of this key. It does not wait for the lock: a lock that is held elsewhere is an error of
    /// kind [`Busy`](crate::ErrorKind::Busy).
    async fn acquire(&mut self, key: &str) -> Result<Grant, Error>;

    /// Asks the server whether the lock is still held.
    ///
    /// # Errors
    /// Among others [`NotHeld`](crate::ErrorKind::NotHeld) where the session itself knows that it is not.
    async fn verify(&mut self, key: &str) -> Result<Answer, Error>;

    /// Gives the lock back. After an error it is not held either, as far as this session is concerned.
    ///
    /// # Errors
    /// [`Lost`](crate::ErrorKind::Lost) where the server says that it was not held any more.
    async fn release(&mut self, key: &str) -> Result<(), Error>;

    /// Administers the lock of this key: makes it, changes or finds its slots. Returns the slots that were made, removed or found.
    ///
    /// # Errors
    /// Among others [`NotFound`](crate::ErrorKind::NotFound) where there is no such lock, [`Busy`](crate::ErrorKind::Busy) where another administers it,
    /// [`PreconditionFailed`](crate::ErrorKind::PreconditionFailed) where it is not as the action needs it.
    async fn administer(&mut self, key: &str, action: Action) -> Result<Vec<u32>, Error> {
        Err(not_administered(key, action))
    }

    /// Resolves when the session learns, unasked, that it lost what it held. Safe to drop and to ask again: no news is
    /// lost. After [`Loss::All`] it resolves at once, with the same answer.
    async fn news(&mut self) -> Loss;

    /// Ends the session politely, giving back what it holds. Bound it with a time-out of your own; dropping the
    /// session instead never blocks.
    async fn close(self: Box<Self>);
}

/// Why a lock cannot do what an administrator asks.
pub(crate) fn not_administered(key: &str, action: Action) -> Error {
    let text = format!("{key} is a lock that knows no {}", action.name());
    Error::new(ErrorKind::Invalid, text)
}

/// What a successful acquire returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Grant {
    /// The slot of a semaphore, counted from 1.
    pub slot: Option<u32>,
    /// The fencing token, which grows from grant to grant of one key.
    pub token: Option<u64>,
}

/// What the server said when asked whether the lock is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// It is held by this session.
    Held,
    /// It is not, says the server itself. The session does not believe in it any more.
    Lost,
}

/// What a session learned unasked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Loss {
    /// The lock of one key is lost; the session goes on.
    Key(String, Error),
    /// The session is over, and with it whatever it held.
    All(Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nowhere;

    #[async_trait]
    impl Broker for Nowhere {
        async fn connect(&self, options: &ConnectOptions) -> Result<Box<dyn Connection>, Error> {
            Err(Error::new(ErrorKind::ConnectionRefused, &options.name))
        }
    }

    #[tokio::test]
    async fn a_client_names_its_queues_and_passes_errors_on() {
        let client = Client {
            broker: Arc::new(Nowhere),
            connect: ConnectOptions::default(),
            prefix: "run-7".into(),
            name: "client-0".into(),
            seed: 0,
            options: Options::default(),
        };
        assert_eq!(client.queue("lock-0"), "run-7.lock-0");
        let error = client.connection().await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::ConnectionRefused);
        assert_eq!(error.text, "client-0");
    }
}
