//! What an operator can do to a node: alarms, administrative closes, deletes, purges, policies.

use std::collections::BTreeMap;
use std::time::Duration;

use super::heartbeat::Monitor;
use super::node::Node;
use super::policy::Policy;
use super::refusals;
use crate::frame::{ClientFrame, ConnectionId, Segment, ServerFrame};

/// What a node can run short of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Resource {
    Disk,
    Memory,
}

impl Node {
    /// Reads nothing more of a connection, beginning with this frame, as long as there is an alarm.
    pub(super) fn block(&mut self, connection: ConnectionId, unread: Option<ClientFrame>) {
        let short: Vec<_> = self.alarms.iter().map(|alarm| alarm.name()).collect();
        let reason = format!("low on {}", short.join(" & "));
        if let Some(session) = self.sessions.get_mut(&connection) {
            session.unread = Some(unread.into_iter().map(Segment::Frame).collect());
            self.send(connection, ServerFrame::Blocked(reason));
        }
    }

    /// Raises or clears an alarm; who was blocked is let go when there is none left.
    pub(crate) fn set_alarm(&mut self, resource: Resource, raised: bool, now: Duration) {
        self.now = now;
        if raised {
            self.alarms.insert(resource);
            return;
        }
        self.alarms.remove(&resource);
        if self.alarms.is_empty() {
            self.unblock(now);
        }
    }

    fn unblock(&mut self, now: Duration) {
        for connection in self.sessions.keys().copied().collect::<Vec<_>>() {
            let Some(session) = self.sessions.get_mut(&connection) else {
                continue;
            };
            let Some(unread) = session.unread.take() else {
                continue;
            };
            session.receiving = Monitor::default();
            self.send(connection, ServerFrame::Unblocked);
            for segment in unread {
                self.receive(connection, segment, now);
            }
        }
    }

    /// Deletes a queue, whoever owns it; whether it was there.
    pub(crate) fn delete_queue(&mut self, name: &str, now: Duration) -> bool {
        self.now = now;
        self.remove_queue(name)
    }

    /// Deletes the queues whose name begins so, whoever owns them; how many messages were ready in
    /// each.
    pub(crate) fn delete_queues(&mut self, prefix: &str, now: Duration) -> BTreeMap<String, u32> {
        self.now = now;
        let deleted = self.counts(prefix);
        for name in deleted.keys() {
            self.remove_queue(name);
        }
        deleted
    }

    /// Removes what is ready in them.
    pub(crate) fn purge_queues(&mut self, prefix: &str, now: Duration) -> BTreeMap<String, u32> {
        self.now = now;
        let purged = self.counts(prefix);
        for name in purged.keys() {
            if let Some(queue) = self.queues.get_mut(name) {
                queue.purge();
            }
        }
        purged
    }

    fn counts(&mut self, prefix: &str) -> BTreeMap<String, u32> {
        let now = self.now;
        let named = self.queues.iter_mut();
        let named = named.filter(|(name, _)| name.starts_with(prefix));
        let counted = named.map(|(name, queue)| {
            queue.expire(now);
            (name.clone(), queue.len())
        });
        counted.collect()
    }

    /// Closes the connections of these names, and gives the name of each: a name, or one with
    /// something behind it that is neither letter nor digit.
    pub(crate) fn close_connections(
        &mut self,
        names: &[String],
        reason: &str,
        now: Duration,
    ) -> Vec<String> {
        self.now = now;
        let sessions = self.sessions.iter().filter(|(_, session)| session.open);
        let meant = sessions.filter(|(_, session)| {
            let mut names = names.iter();
            names.any(|name| is_of(&session.name, name))
        });
        let meant: Vec<_> = meant
            .map(|(connection, session)| (*connection, session.name.clone()))
            .collect();
        let close = |(connection, name)| {
            self.refuse_connection(connection, refusals::forced(reason));
            name
        };
        meant.into_iter().map(close).collect()
    }

    /// Puts a policy in the place of the one there is, or none. It is in force at once, for queues
    /// that are there and for those to come.
    pub(crate) fn set_policy(&mut self, policy: Option<Policy>, now: Duration) {
        self.now = now;
        self.policy = policy;
        for name in self.queues.keys().cloned().collect::<Vec<_>>() {
            let limits = self.limits_of(&name);
            let queue = self.queues.get_mut(&name);
            if queue.is_some_and(|queue| queue.restrict(limits)) {
                self.touch(&name);
            }
        }
    }
}

impl Resource {
    fn name(self) -> &'static str {
        match self {
            Self::Disk => "disk",
            Self::Memory => "memory",
        }
    }
}

fn is_of(connection: &str, name: &str) -> bool {
    let rest = connection.strip_prefix(name);
    rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_the_beginning_of_another_number() {
        assert!(is_of("run-1", "run-1") && is_of("run-1-a", "run-1"));
        assert!(!is_of("run-10", "run-1") && !is_of("run-1", "run-1-a"));
    }
}
