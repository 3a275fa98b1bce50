//! What of a target a fault takes hold of.

use std::fmt;

/// What of a target a fault takes hold of. No two faults have hold of the same at one time: what
/// heals the one would take off the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// The link between a worker and the broker.
    Link,
    /// The worker itself.
    Process,
    /// The broker, which all workers share.
    Broker,
}

impl fmt::Display for Part {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Link => "link",
            Self::Process => "process",
            Self::Broker => "broker",
        })
    }
}
