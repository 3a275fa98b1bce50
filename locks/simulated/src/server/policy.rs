//! A policy: what an operator says of queues that others have declared.

use std::time::Duration;

use super::node::Node;

/// The one policy of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Policy {
    /// How the names of the queues begin that it is for.
    pub(crate) prefix: String,
    pub(crate) limits: Limits,
}

/// What is said of a queue beside its own arguments. Of two values the lower counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    /// How long it may be unused.
    pub(crate) expires: Option<Duration>,
    /// How many messages it may hold.
    pub(crate) max_length: Option<u32>,
}

impl Node {
    /// What the policy says of a queue of this name.
    pub(super) fn limits_of(&self, name: &str) -> Limits {
        let policy = self.policy.as_ref();
        let policy = policy.filter(|policy| name.starts_with(&policy.prefix));
        policy.map_or_else(Limits::default, |policy| policy.limits)
    }
}

/// The lower of two values, where there are two.
pub(super) fn lower<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
