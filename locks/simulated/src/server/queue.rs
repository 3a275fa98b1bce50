//! A queue: its messages in order, its consumers in turn.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use locks::broker::{ConsumeOptions, Overflow, Publish, QueueOptions};

use super::node::Shutdown;
use super::policy::{Limits, lower};
use super::refusals;
use crate::frame::{ChannelId, ConnectionId, Refusal};

/// A queue of its own: one that is declared anew under an old name has another number.
pub(super) type QueueId = u64;

/// A message in a queue, or on its way out of it.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) body: Vec<u8>,
    pub(super) persistent: bool,
    pub(super) redelivered: bool,
    expires_at: Option<Duration>,
}

/// Who consumes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Who {
    pub(super) connection: ConnectionId,
    pub(super) channel: ChannelId,
    pub(super) tag: String,
}

#[derive(Debug)]
struct Consumer {
    who: Who,
    exclusive: bool,
    no_ack: bool,
    priority: i32,
    /// The most deliveries it may leave unsettled; 0 is no limit.
    prefetch: u16,
    unsettled: u32,
    /// Among those of one priority the lowest is next.
    turn: u64,
    /// It was its turn and it had no room: it is passed over until it has. Who only has no room
    /// keeps its turn.
    is_blocked: bool,
}

/// A message that goes to a consumer.
#[derive(Debug)]
pub(super) struct Handed {
    pub(super) to: Who,
    pub(super) no_ack: bool,
    pub(super) position: u64,
    pub(super) message: Stored,
}

#[derive(Debug)]
pub(super) struct Queue {
    pub(super) id: QueueId,
    pub(super) name: String,
    pub(super) options: QueueOptions,
    /// What the policy says of it.
    limits: Limits,
    /// The connection that it belongs to, where it is exclusive.
    pub(super) owner: Option<ConnectionId>,
    /// Counts its uses: it expires where none has come since the timer was set.
    pub(super) uses: u64,
    /// By position: what comes back goes to its old place.
    ready: BTreeMap<u64, Stored>,
    positions: u64,
    consumers: Vec<Consumer>,
    turns: u64,
    had_consumers: bool,
    /// The consumer that gets everything, where only one may.
    active: Option<Who>,
}

impl Queue {
    pub(super) fn new(
        id: QueueId,
        name: &str,
        options: QueueOptions,
        limits: Limits,
        owner: Option<ConnectionId>,
    ) -> Self {
        Self {
            id,
            name: name.to_owned(),
            options,
            limits,
            owner,
            uses: 0,
            ready: BTreeMap::new(),
            positions: 0,
            consumers: Vec::new(),
            turns: 0,
            had_consumers: false,
            active: None,
        }
    }

    /// Refuses whoever comes through another connection than its owner's.
    pub(super) fn admit(&self, connection: ConnectionId) -> Result<(), Refusal> {
        match self.owner {
            Some(owner) if owner != connection => Err(refusals::locked(&self.name)),
            _ => Ok(()),
        }
    }

    /// Refuses a declaration that differs from the one it was made by.
    pub(super) fn ensure_same(
        &self,
        options: &QueueOptions,
        connection: ConnectionId,
    ) -> Result<(), Refusal> {
        if self.owner != options.exclusive.then_some(connection) {
            return Err(refusals::locked(&self.name));
        }
        let known = &self.options;
        let differs = [
            ("durable", known.durable != options.durable),
            ("auto_delete", known.auto_delete != options.auto_delete),
            ("x-expires", known.expires != options.expires),
            ("x-message-ttl", known.message_ttl != options.message_ttl),
            ("x-max-length", known.max_length != options.max_length),
            ("x-overflow", known.overflow != options.overflow),
            (
                "x-single-active-consumer",
                known.single_active_consumer != options.single_active_consumer,
            ),
        ];
        match differs.iter().find(|(_, differs)| *differs) {
            Some((argument, _)) => Err(refusals::inequivalent(&self.name, argument)),
            None => Ok(()),
        }
    }

    /// How long it may be unused.
    pub(super) fn expires(&self) -> Option<Duration> {
        lower(self.options.expires, self.limits.expires)
    }

    fn max_length(&self) -> Option<u32> {
        lower(self.options.max_length, self.limits.max_length)
    }

    /// The policy says this of it from now on; whether it is something else than before. What is too
    /// much goes, and its time to expire begins anew.
    pub(super) fn restrict(&mut self, limits: Limits) -> bool {
        if self.limits == limits {
            return false;
        }
        self.limits = limits;
        self.uses += 1;
        self.trim();
        true
    }

    /// The number of messages ready for delivery.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.ready.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn consumers(&self) -> u32 {
        u32::try_from(self.consumers.len()).unwrap_or(u32::MAX)
    }

    pub(super) fn is_unused(&self) -> bool {
        self.consumers.is_empty()
    }

    /// Whether it goes now that its last consumer has.
    pub(super) fn is_over(&self) -> bool {
        self.options.auto_delete && self.had_consumers && self.is_unused()
    }

    /// Whether one more message would be refused.
    pub(super) fn refuses(&self) -> bool {
        self.options.overflow == Some(Overflow::RejectPublish)
            && self.max_length().is_some_and(|max| self.len() >= max)
    }

    /// Takes a message. Whoever hands it in hands out next, and trims last.
    pub(super) fn push(&mut self, publish: Publish, now: Duration) {
        let message = Stored {
            body: publish.body,
            persistent: publish.persistent,
            redelivered: false,
            expires_at: self.options.message_ttl.map(|ttl| now + ttl),
        };
        self.positions += 1;
        self.ready.insert(self.positions, message);
    }

    /// Puts a message back where it was.
    pub(super) fn put_back(&mut self, position: u64, message: Stored) {
        let message = Stored {
            redelivered: true,
            ..message
        };
        self.ready.insert(position, message);
    }

    pub(super) fn pop(&mut self) -> Option<(u64, Stored)> {
        self.ready.pop_first()
    }

    pub(super) fn purge(&mut self) -> u32 {
        let count = self.len();
        self.ready.clear();
        count
    }

    /// Drops the messages at its head whose time is up.
    pub(super) fn expire(&mut self, now: Duration) {
        while let Some(head) = self.ready.first_entry()
            && head.get().expires_at.is_some_and(|at| at <= now)
        {
            head.remove();
        }
    }

    /// Drops what is too much, from the head. A queue that refuses drops nothing, and keeps what
    /// comes back beyond its length.
    pub(super) fn trim(&mut self) {
        if self.options.overflow == Some(Overflow::RejectPublish) {
            return;
        }
        let max = self.max_length().unwrap_or(u32::MAX);
        while self.len() > max {
            self.ready.pop_first();
        }
    }

    /// Keeps what survives a restart. After a kill the server does not know any more what it has
    /// delivered, and says of all that it may have been.
    pub(super) fn restart(&mut self, how: Shutdown) {
        self.ready.retain(|_, message| message.persistent);
        for message in self.ready.values_mut() {
            message.redelivered |= how == Shutdown::Killed;
        }
    }

    /// Takes the next message to the consumer whose turn it is, where there are both.
    pub(super) fn hand_out(&mut self) -> Option<Handed> {
        if self.ready.is_empty() {
            return None;
        }
        let turn = self.turns + 1;
        let consumer = self.next_with_room()?;
        consumer.turn = turn;
        if !consumer.no_ack {
            consumer.unsettled += 1;
        }
        let (to, no_ack) = (consumer.who.clone(), consumer.no_ack);
        self.turns = turn;
        let (position, message) = self.ready.pop_first()?;
        Some(Handed {
            to,
            no_ack,
            position,
            message,
        })
    }

    /// Passes over those who have no room, which costs them their turn.
    fn next_with_room(&mut self) -> Option<&mut Consumer> {
        let single = self.options.single_active_consumer;
        let mut candidates: Vec<_> = self
            .consumers
            .iter_mut()
            .filter(|consumer| !single || Some(&consumer.who) == self.active.as_ref())
            .filter(|consumer| !consumer.is_blocked)
            .collect();
        candidates.sort_by_key(|consumer| (Reverse(consumer.priority), consumer.turn));
        candidates.into_iter().find_map(|consumer| {
            consumer.is_blocked = !consumer.has_room();
            (!consumer.is_blocked).then_some(consumer)
        })
    }

    /// Adds a consumer.
    pub(super) fn consume(
        &mut self,
        who: Who,
        options: &ConsumeOptions,
        prefetch: u16,
    ) -> Result<(), Refusal> {
        let taken = self.consumers.iter().any(|consumer| consumer.exclusive);
        let crowded = options.exclusive && !self.is_unused();
        let shared = options.exclusive && self.options.single_active_consumer;
        if taken || crowded || shared {
            return Err(refusals::in_exclusive_use(&self.name));
        }
        self.turns += 1;
        self.consumers.push(Consumer {
            who,
            exclusive: options.exclusive,
            no_ack: options.no_ack,
            priority: options.priority.unwrap_or(0),
            prefetch,
            unsettled: 0,
            turn: self.turns,
            is_blocked: false,
        });
        self.had_consumers = true;
        self.activate();
        Ok(())
    }

    /// Removes a consumer; whether it was there.
    pub(super) fn cancel(&mut self, who: &Who) -> bool {
        let before = self.consumers.len();
        self.consumers.retain(|consumer| consumer.who != *who);
        if self.active.as_ref() == Some(who) {
            self.active = None;
            self.activate();
        }
        self.consumers.len() < before
    }

    /// A delivery of a consumer is settled, so that it may get another.
    pub(super) fn settled(&mut self, who: &Who) {
        let found = self.consumers.iter_mut();
        if let Some(consumer) = found.into_iter().find(|consumer| consumer.who == *who) {
            consumer.unsettled = consumer.unsettled.saturating_sub(1);
            if consumer.is_blocked && consumer.has_room() {
                consumer.is_blocked = false;
                self.turns += 1;
                consumer.turn = self.turns;
            }
        }
    }

    /// All who consume, to be told that it is gone.
    pub(super) fn audience(&self) -> impl Iterator<Item = &Who> {
        self.consumers.iter().map(|consumer| &consumer.who)
    }

    fn activate(&mut self) {
        if self.options.single_active_consumer && self.active.is_none() {
            let next = self
                .consumers
                .iter()
                .min_by_key(|consumer| (Reverse(consumer.priority), consumer.turn));
            self.active = next.map(|consumer| consumer.who.clone());
        }
    }
}

impl Consumer {
    fn has_room(&self) -> bool {
        self.no_ack || self.prefetch == 0 || self.unsettled < self.prefetch.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(tag: &str) -> Who {
        Who {
            connection: 1,
            channel: 1,
            tag: tag.into(),
        }
    }

    fn queue(options: QueueOptions) -> Queue {
        Queue::new(1, "q", options, Limits::default(), None)
    }

    fn push(queue: &mut Queue, body: &str) {
        let publish = Publish {
            body: body.into(),
            ..Publish::default()
        };
        queue.push(publish, Duration::ZERO);
    }

    fn served(queue: &mut Queue) -> Vec<String> {
        std::iter::from_fn(|| queue.hand_out().map(|handed| handed.to.tag)).collect()
    }

    #[test]
    fn consumers_take_turns_within_their_priority_and_prefetch() {
        let mut queue = queue(QueueOptions::SHARED);
        let with = |priority| ConsumeOptions {
            priority: Some(priority),
            ..ConsumeOptions::default()
        };
        queue.consume(who("low"), &with(0), 0).unwrap();
        queue.consume(who("a"), &with(1), 2).unwrap();
        queue.consume(who("b"), &with(1), 1).unwrap();
        (0..5).for_each(|_| push(&mut queue, ""));
        assert_eq!(served(&mut queue), ["a", "b", "a", "low", "low"]);
        push(&mut queue, "");
        queue.settled(&who("b"));
        assert_eq!(served(&mut queue), ["b"]);
    }

    #[test]
    fn who_only_has_no_room_keeps_its_turn() {
        let mut queue = queue(QueueOptions::SHARED);
        let options = ConsumeOptions::default();
        queue.consume(who("a"), &options, 2).unwrap();
        queue.consume(who("b"), &options, 1).unwrap();
        (0..3).for_each(|_| push(&mut queue, ""));
        assert_eq!(served(&mut queue), ["a", "b", "a"]);
        queue.settled(&who("a"));
        queue.settled(&who("b"));
        push(&mut queue, "");
        assert_eq!(served(&mut queue), ["b"], "nobody was passed over");
        (0..2).for_each(|_| push(&mut queue, ""));
        assert_eq!(served(&mut queue), ["a"], "now both are");
        queue.settled(&who("b"));
        queue.settled(&who("a"));
        assert_eq!(served(&mut queue), ["b"]);
    }

    #[test]
    fn a_single_active_consumer_is_followed_by_the_next() {
        let mut queue = queue(QueueOptions {
            single_active_consumer: true,
            ..QueueOptions::SHARED
        });
        let options = ConsumeOptions::default();
        queue.consume(who("a"), &options, 1).unwrap();
        queue.consume(who("b"), &options, 1).unwrap();
        (0..3).for_each(|_| push(&mut queue, ""));
        assert_eq!(served(&mut queue), ["a"]);
        assert!(queue.cancel(&who("a")));
        assert_eq!(served(&mut queue), ["b"]);
    }

    #[test]
    fn what_comes_back_stands_where_it_was() {
        let mut queue = queue(QueueOptions::SHARED);
        push(&mut queue, "1");
        push(&mut queue, "2");
        let (position, message) = queue.pop().unwrap();
        queue.put_back(position, message);
        let (_, first) = queue.pop().unwrap();
        assert_eq!(
            (first.body.as_slice(), first.redelivered),
            (&b"1"[..], true)
        );
        let (_, second) = queue.pop().unwrap();
        assert!(!second.redelivered);
    }

    #[test]
    fn a_full_queue_drops_its_head_or_refuses() {
        let full = QueueOptions {
            max_length: Some(1),
            ..QueueOptions::SHARED
        };
        let mut dropping = queue(full);
        push(&mut dropping, "1");
        push(&mut dropping, "2");
        dropping.trim();
        assert_eq!(dropping.pop().unwrap().1.body, b"2");
        let mut refusing = queue(QueueOptions {
            overflow: Some(Overflow::RejectPublish),
            ..full
        });
        assert!(!refusing.refuses());
        push(&mut refusing, "1");
        assert!(refusing.refuses());
        push(&mut refusing, "2");
        refusing.trim();
        assert_eq!(refusing.len(), 2, "it keeps what comes back");
    }

    #[test]
    fn messages_die_when_their_time_is_up() {
        let mut queue = queue(QueueOptions {
            message_ttl: Some(Duration::from_secs(1)),
            ..QueueOptions::SHARED
        });
        push(&mut queue, "1");
        queue.expire(Duration::from_millis(999));
        assert_eq!(queue.len(), 1);
        queue.expire(Duration::from_secs(1));
        assert_eq!(queue.len(), 0);
    }
}
