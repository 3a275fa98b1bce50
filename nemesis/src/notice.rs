//! What a service itself says of clients that it lost.

use std::time::Duration;

/// A connection of which a service noticed that its client is gone, without having closed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How long ago it did.
    pub ago: Duration,
    /// The connection, by the name that its client gave it.
    pub connection: String,
    /// Why, in the service's words.
    pub reason: String,
}
