//! What a nemesis asks of a set of proxies, whoever runs them.

use std::error::Error;
use std::fmt::Debug;

use async_trait::async_trait;

use crate::account::Account;
use crate::toxic::Toxic;

/// A set of proxies that can be put up, given toxics and taken down: those of this process by
/// direct calls, those of a Toxiproxy by its HTTP API.
///
/// Each call returns when the change is in force, on open connections too.
#[async_trait]
pub trait Proxies: Debug + Send + Sync {
    /// Puts up a proxy, in place of any other of that name, and returns where it listens: `listen`
    /// may leave the port open (port 0). `upstream` is the server's address as the proxy sees it.
    ///
    /// # Errors
    /// The proxy cannot listen there, or nobody answers.
    async fn put(&self, name: &str, listen: &str, upstream: &str) -> Result<String, ProxiesError>;

    /// Takes a proxy down and closes its connections; one that is not there is as good as taken
    /// down.
    ///
    /// # Errors
    /// Nobody answers.
    async fn remove(&self, name: &str) -> Result<(), ProxiesError>;

    /// A proxy's toxics.
    ///
    /// # Errors
    /// There is no such proxy, or nobody answers.
    async fn toxics(&self, proxy: &str) -> Result<Vec<Toxic>, ProxiesError>;

    /// Adds a toxic behind the others of its direction.
    ///
    /// # Errors
    /// There is no such proxy, it has a toxic of that name, the toxic makes no sense, or nobody
    /// answers.
    async fn add_toxic(&self, proxy: &str, toxic: &Toxic) -> Result<(), ProxiesError>;

    /// Removes a toxic; one that is not there is as good as removed.
    ///
    /// # Errors
    /// Nobody answers.
    async fn remove_toxic(&self, proxy: &str, toxic: &str) -> Result<(), ProxiesError>;

    /// Stops accepting and closes all connections of a proxy, or lets it accept again; its toxics
    /// stay.
    ///
    /// # Errors
    /// There is no such proxy, it cannot listen any more, or nobody answers.
    async fn set_enabled(&self, proxy: &str, enabled: bool) -> Result<(), ProxiesError>;

    /// What a proxy has done. A Toxiproxy counts a connection when it is over, and where it was told
    /// to count.
    ///
    /// # Errors
    /// There is no such proxy of this process.
    async fn account(&self, proxy: &str) -> Result<Account, ProxiesError>;

    /// Whether they are this crate's: those read AMQP, reset what is open, and take off a toxic at
    /// once. A real Toxiproxy does none of that.
    ///
    /// # Errors
    /// Nobody answers.
    async fn are_own(&self) -> Result<bool, ProxiesError>;
}

/// Why proxies are not as somebody wanted them, as whoever runs them says it.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct ProxiesError(#[from] pub Box<dyn Error + Send + Sync>);
