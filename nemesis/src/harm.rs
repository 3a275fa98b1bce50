//! What can be done to links, to the broker and to nodes: the words that faults and testbeds share.

use std::time::Duration;

use history::fault::Link;

/// Which way bytes go between a worker and the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// From the worker to the broker.
    Upstream,
    /// From the broker to the worker.
    Downstream,
}

/// What can be done to the link of one worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkHarm {
    /// Nothing passes this way any more: bytes, closes and resets are held back. What was held is
    /// delivered when the link heals.
    Hold(Way),
    /// Its connections are reset, and so is every new one.
    Cut,
    /// Everything arrives later, both ways.
    Slow {
        /// By so much.
        latency: Duration,
        /// By so much more or less.
        jitter: Duration,
    },
    /// Bytes trickle, both ways.
    Trickle {
        /// So many a second.
        bytes_per_s: u64,
        /// In pieces of this size.
        slice_bytes: u64,
    },
    /// Each connection is closed after so many bytes in one direction.
    Limit {
        /// So many.
        bytes: u64,
    },
    /// The client's heartbeats do not arrive; all else does.
    Silence,
    /// Right after a method has passed, and before anything further does, nothing passes either way
    /// until the link heals.
    Trap(Trap),
}

/// What a link waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    /// The method, by its name in AMQP: `queue.declare`.
    pub method: String,
    /// Which of those that pass from now on, counted from 1.
    pub nth: u64,
}

/// What a worker does to the slots of all locks, as their administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotChange {
    /// Adds one.
    Grow,
    /// Takes one away.
    Shrink,
    /// Adds and takes away until there are as many as when the run began.
    Restore,
}

/// What the broker runs out of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Memory.
    Memory,
    /// Space on its disk.
    Disk,
}

/// What can be done to the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrokerHarm {
    /// It dies at once and stays down.
    Kill,
    /// It is stopped in order: it tells its clients, and stays down.
    Stop,
    /// It stands still with all it has.
    Pause,
    /// It has too little of something, and blocks who publishes.
    Alarm(Resource),
    /// An operator closes the connections whose names begin with one of these.
    CloseConnections(Vec<String>),
    /// An operator deletes the queues whose names begin so.
    DeleteQueues(String),
    /// An operator empties the queues whose names begin so.
    PurgeQueues(String),
    /// An operator gives the queues whose names begin so a policy.
    Policy {
        /// The beginning of their names.
        prefix: String,
        /// What the policy says.
        rule: Rule,
    },
    /// Its clock is ahead by so much.
    ClockJump(Duration),
}

/// What a policy says of queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A queue that nobody uses for so long is deleted.
    Expires(Duration),
    /// A queue keeps so many messages at the most, and drops the oldest.
    MaxLength(u32),
}

impl Rule {
    /// What it says of expiry, and of length.
    #[must_use]
    pub fn parts(self) -> (Option<Duration>, Option<u32>) {
        match self {
            Self::Expires(after) => (Some(after), None),
            Self::MaxLength(most) => (None, Some(most)),
        }
    }
}

/// What can be done to the nodes of a cluster, counted from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeHarm {
    /// Nothing passes over these links between nodes.
    Split(Vec<Link>),
    /// A node dies at once and stays down.
    Kill(u32),
    /// A node stands still with all it has.
    Pause(u32),
    /// A node leaves the cluster, and knows nothing of it any more.
    Leave(u32),
}
