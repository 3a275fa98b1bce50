//! What a lock leaves open: how it is verified, confirmed and given back. `--lock
//! exclusive-queue,verify=passive-declare`.

use std::time::Duration;

/// How a session uses its lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// How it asks whether the lock is still held.
    pub verify: Verify,
    /// How it learns that a message has reached its queue.
    pub confirm: ConfirmBy,
    /// How it gives the lock back.
    pub release: ReleaseBy,
    /// After how long unused the lock's queue is deleted; the lock's own choice if nothing.
    pub expiry: Option<Duration>,
    /// What it does when its connection is lost.
    pub reconnect: Reconnect,
    /// What kind of queue the lock is.
    pub queue: QueueKind,
}

/// How a holder asks whether the lock is still held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// By a mandatory publish to the lock's queue, and what [`ConfirmBy`] says of it.
    #[default]
    Publish,
    /// By a passive declare of the lock's queue, which costs the channel where the queue is gone or
    /// another's.
    PassiveDeclare,
    /// By a mandatory publish to a second exclusive queue of a name that nobody else can know,
    /// declared with the lock: no other's queue can answer for it.
    UidQueue,
}

/// How a publish is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConfirmBy {
    /// By RabbitMQ's publisher confirms.
    #[default]
    Confirms,
    /// By a transaction around each publish: AMQP 0-9-1 without extensions.
    Transactions,
}

/// How a lock is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReleaseBy {
    /// By the lock's own last step: the queue is deleted, the consumer cancelled, the message
    /// returned.
    #[default]
    Step,
    /// By closing the channel.
    CloseChannel,
    /// By closing the connection, and whatever else the session holds with it; the next acquire
    /// opens another.
    CloseConnection,
}

/// What a session does when its connection is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reconnect {
    /// It is over; whoever wants to go on opens another.
    #[default]
    Never,
    /// What it held is lost and said to be; the next acquire opens a fresh connection.
    FreshSession,
}

/// What kind of queue a lock is that stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QueueKind {
    /// On one node.
    #[default]
    Classic,
    /// On a majority of the nodes, which agree on what is in it.
    Quorum,
    /// On one node, with copies on all others: a policy of the broker makes them, which whoever starts
    /// it has to set, and not the lock.
    Mirrored,
}

/// An option by its name, with its values by theirs; the default comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The name: `verify`.
    pub name: &'static str,
    /// The values that a lock understands. Empty where it takes a duration.
    pub values: &'static [&'static str],
}

/// How a publish is confirmed.
pub(crate) const CONFIRM: Choice = Choice {
    name: "confirm",
    values: &["confirms", "transactions"],
};
/// What happens when the connection is lost.
pub(crate) const RECONNECT: Choice = Choice {
    name: "reconnect",
    values: &["never", "fresh-session"],
};
/// The ways to verify that every lock with a queue of its own has.
pub(crate) const VERIFY: Choice = Choice {
    name: "verify",
    values: &["publish-confirm", "publish-tx", "passive-declare"],
};
/// All ways to verify.
pub(crate) const VERIFY_UID: Choice = Choice {
    name: "verify",
    values: &[
        "publish-confirm",
        "publish-tx",
        "passive-declare",
        "uid-queue",
    ],
};
/// The ways to give back what lives as long as its connection.
pub(crate) const RELEASE_QUEUE: Choice = Choice {
    name: "release",
    values: &["delete", "close-connection"],
};
/// The ways to give back what can be bound to its channel.
pub(crate) const RELEASE_HOLDER: Choice = Choice {
    name: "release",
    values: &["delete", "close-channel", "close-connection"],
};
/// The ways to give back what a consumer holds.
pub(crate) const RELEASE_CONSUMER: Choice = Choice {
    name: "release",
    values: &["cancel", "close-channel", "close-connection"],
};
/// The ways to give back a message.
pub(crate) const RELEASE_MESSAGE: Choice = Choice {
    name: "release",
    values: &["reject", "close-channel", "close-connection"],
};
/// What kind of queue the lock is.
pub(crate) const QUEUE: Choice = Choice {
    name: "queue",
    values: &["classic", "quorum", "mirrored"],
};
/// The same where its only consumer holds it.
pub(crate) const QUEUE_CONSUMED: Choice = Choice {
    name: "queue",
    values: &["classic", "mirrored"],
};
/// After how long unused a queue goes.
pub(crate) const EXPIRY: Choice = Choice {
    name: "expiry",
    values: &[],
};
