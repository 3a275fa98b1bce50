//! A lock: what it is, what it promises, how its sessions are opened.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::options::Choice;
use crate::{ClientConfig, Error, Kind, Session};

/// A lock under test. Whoever runs it owns it (`Arc<dyn Lock>`), and what it says of itself is its
/// own: it may stand in the code, or come from a file while the program runs.
#[async_trait]
pub trait Lock: Send + Sync {
    /// The name on the command line and in reports: `exclusive-queue`.
    fn name(&self) -> &str;

    /// One line for `prover list locks`.
    fn summary(&self) -> &str;

    /// What sort of lock it is, and so what can be asked of it.
    fn kind(&self) -> Kind;

    /// The options that it understands.
    fn options(&self) -> &[Choice] {
        &[]
    }

    /// The names of the guarantees that the lock is judged by when nobody names others.
    fn promises(&self) -> Vec<&str>;

    /// The promise that the lock does not keep, where it is broken on purpose: a prover that does
    /// not find that out is itself broken.
    fn breaks(&self) -> Option<&str> {
        None
    }

    /// The services that it talks to, one entry for each instance: `rabbitmq`.
    fn services(&self) -> Vec<&str> {
        vec!["rabbitmq"]
    }

    /// What the lock needs from its broker: `exclusive queues`, `publisher confirms`.
    fn needs(&self) -> Vec<&str>;

    /// Whether each of its sessions is a process of its own.
    fn has_processes(&self) -> bool {
        false
    }

    /// Whether its sessions can ask whether the lock is still held.
    fn verifies(&self) -> bool {
        true
    }

    /// How long the service leaves a lock with a client that has died, where the lock itself decides
    /// that: its lease.
    fn lease(&self) -> Option<Duration> {
        None
    }

    /// Creates what must be there before anybody can take the lock of this key: its queues, one set
    /// for each slot. Asking twice does no harm. Locks that exist only by being held need nothing.
    ///
    /// # Errors
    /// Whatever stood in the way; what was created before stays.
    async fn create(&self, client: &ClientConfig, key: &str, slots: u32) -> Result<(), Error> {
        let _ = (client, key, slots);
        Ok(())
    }

    /// Opens a session of its own for one client.
    ///
    /// # Errors
    /// Whatever stood in the way of connecting. No lock is asked for yet, so nothing is held
    /// afterwards.
    async fn open(&self, client: &ClientConfig) -> Result<Box<dyn Session>, Error>;

    /// Resolves when the lock's own program does what no verdict may rest on, and says what it was.
    /// A lock of this program's own code never does.
    async fn misconduct(&self) -> Error {
        std::future::pending().await
    }

    /// Ends what its sessions may have left running, once all of them are over.
    ///
    /// # Errors
    /// There was something, or [`Lock::misconduct`] that nobody has heard of yet.
    async fn end(&self) -> Result<(), Error> {
        Ok(())
    }
}

impl fmt::Debug for dyn Lock + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
