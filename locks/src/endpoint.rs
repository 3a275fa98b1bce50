//! Where a worker reaches a service, over its own link.

/// One service as one worker reaches it: the locks that are programs of their own are told all of
/// them, and know what to do with each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The sort of service: `redis`.
    pub service: String,
    /// Its name in the run, where there are several of a sort: `redis-2`.
    pub name: String,
    /// The host that the worker connects to.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The same as a client library takes it, with the account's password if it has one.
    pub url: String,
}
