//! The node: its queues and its sessions. What an operator can do to it is in `operator`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use locks::broker::{Message, Publish};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::channel::{Channel, Unsettled};
use super::heartbeat;
use super::loss::NoticedLoss;
use super::operator::Resource;
use super::pause::{Heard, Pause};
use super::policy::Policy;
use super::queue::{Queue, QueueId, Who};
use super::refusals;
use super::session::Session;
use crate::frame::{
    ChannelId, ClientFrame, ConnectionId, Method, Refusal, Reply, Segment, ServerFrame, Verdict,
};

/// The heartbeat that the server suggests.
const HEARTBEAT_SECS: u16 = 60;
/// How often a channel looks for deliveries that were not settled in time.
const TICK: Duration = Duration::from_secs(60);
/// How long a delivery may stay unsettled, unless somebody says otherwise.
const CONSUMER_TIMEOUT: Duration = Duration::from_secs(30 * 60);
const USER: &str = "guest";
const PASSWORD: &str = "guest";

/// How a node goes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shutdown {
    /// It is stopped: clients are told.
    Stopped,
    /// It is killed: clients see the end of the stream, and no reason.
    Killed,
}

/// Something that the server wants to look at later.
#[derive(Debug)]
pub(crate) enum Timer {
    Sending(ConnectionId),
    Receiving(ConnectionId),
    Tick {
        connection: ConnectionId,
        channel: ChannelId,
        generation: u64,
    },
    Expiry {
        queue: QueueId,
        uses: u64,
    },
}

/// What the server sends and plans in answer to what came.
#[derive(Debug, Default)]
pub(crate) struct Output {
    pub(crate) segments: Vec<(ConnectionId, Segment<ServerFrame>)>,
    pub(crate) timers: Vec<(Duration, Timer)>,
}

/// A RabbitMQ node.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) consumer_timeout: Duration,
    /// How often a channel looks whether it is over.
    pub(crate) tick: Duration,
    pub(crate) output: Output,
    pub(super) queues: BTreeMap<String, Queue>,
    pub(super) sessions: BTreeMap<ConnectionId, Session>,
    pub(super) now: Duration,
    pub(super) alarms: BTreeSet<Resource>,
    pub(super) policy: Option<Policy>,
    /// What waits for it while it stands still.
    pub(super) pause: Option<Pause>,
    /// In the order in which they were noticed.
    pub(super) losses: Vec<NoticedLoss>,
    running: bool,
    /// Numbers queues and channels.
    numbers: u64,
    pub(super) names: ChaCha8Rng,
}

impl Node {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            consumer_timeout: CONSUMER_TIMEOUT,
            tick: TICK,
            output: Output::default(),
            queues: BTreeMap::new(),
            sessions: BTreeMap::new(),
            now: Duration::ZERO,
            alarms: BTreeSet::new(),
            policy: None,
            pause: None,
            losses: Vec::new(),
            running: true,
            numbers: 0,
            names: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running
    }

    /// Something came from a client.
    pub(crate) fn receive(
        &mut self,
        connection: ConnectionId,
        segment: Segment<ClientFrame>,
        now: Duration,
    ) {
        self.now = now;
        if let Some(pause) = &mut self.pause {
            return pause.hear(connection, Heard::Segment(segment));
        }
        if let Some(session) = self.sessions.get_mut(&connection)
            && let Some(unread) = &mut session.unread
        {
            unread.push_back(segment);
            return;
        }
        match segment {
            Segment::Fin => self.lose(connection, now),
            Segment::Frame(frame) => self.read(connection, frame),
        }
    }

    /// A client's connection is gone, and nobody said goodbye.
    pub(crate) fn lose(&mut self, connection: ConnectionId, now: Duration) {
        self.now = now;
        if let Some(pause) = &mut self.pause {
            return pause.hear(connection, Heard::Reset);
        }
        self.notice(connection, "client unexpectedly closed TCP connection");
        self.end_session(connection);
    }

    /// A timer has run down.
    pub(crate) fn remind(&mut self, timer: Timer, now: Duration) {
        self.now = now;
        if let Some(pause) = &mut self.pause {
            return pause.delay(timer);
        }
        match timer {
            Timer::Sending(connection) => self.look_at_sending(connection),
            Timer::Receiving(connection) => self.look_at_receiving(connection),
            Timer::Tick {
                connection,
                channel,
                generation,
            } => self.tick(connection, channel, generation),
            Timer::Expiry { queue, uses } => self.look_at_expiry(queue, uses),
        }
    }

    fn read(&mut self, connection: ConnectionId, frame: ClientFrame) {
        if let ClientFrame::Header = frame {
            return self.greet(connection);
        }
        let Some(session) = self.sessions.get_mut(&connection) else {
            return;
        };
        session.received += 1;
        let published = match &frame {
            ClientFrame::Channel(_, Method::Publish(_, publish)) => Some(publish),
            _ => None,
        };
        let blocks = published.is_some() && !self.alarms.is_empty();
        // It stops reading behind the header of what is published: a body is not read any more.
        if blocks && published.is_some_and(|publish| !publish.body.is_empty()) {
            return self.block(connection, Some(frame));
        }
        if let Err(refusal) = self.obey(connection, frame) {
            self.refuse_connection(connection, refusal);
        }
        if blocks {
            self.block(connection, None);
        }
    }

    fn greet(&mut self, connection: ConnectionId) {
        if self.running {
            self.sessions.insert(connection, Session::default());
            self.send(connection, ServerFrame::Start);
        } else {
            self.output.segments.push((connection, Segment::Fin));
        }
    }

    fn obey(&mut self, connection: ConnectionId, frame: ClientFrame) -> Result<(), Refusal> {
        let session = self.session(connection)?;
        match frame {
            ClientFrame::StartOk { user, password } => {
                if (user.as_str(), password.as_str()) != (USER, PASSWORD) {
                    return Err(refusals::wrong_password());
                }
                session.authenticated = true;
                let heartbeat_secs = HEARTBEAT_SECS;
                self.send(connection, ServerFrame::Tune { heartbeat_secs });
            }
            ClientFrame::TuneOk { heartbeat_secs } => self.tune(connection, heartbeat_secs),
            ClientFrame::Open { vhost, name } => {
                if !session.authenticated {
                    return Err(refusals::out_of_order("connection.open before start-ok"));
                }
                if vhost != refusals::VHOST {
                    return Err(refusals::unknown_vhost(&vhost));
                }
                session.name = name;
                session.open = true;
                self.send(connection, ServerFrame::OpenOk);
            }
            ClientFrame::Close => {
                self.send(connection, ServerFrame::CloseOk);
                self.end_session(connection);
            }
            ClientFrame::Channel(..) if !session.open => {
                return Err(refusals::out_of_order(
                    "channel method before connection.open-ok",
                ));
            }
            ClientFrame::Channel(channel, method) => {
                return self.obey_on_channel(connection, channel, method);
            }
            ClientFrame::Header | ClientFrame::Heartbeat => {}
        }
        Ok(())
    }

    fn tune(&mut self, connection: ConnectionId, heartbeat_secs: u16) {
        let Some(session) = self.sessions.get_mut(&connection) else {
            return;
        };
        session.heartbeat_secs = heartbeat_secs;
        if heartbeat_secs > 0 {
            self.plan(
                heartbeat::sending_interval(heartbeat_secs),
                Timer::Sending(connection),
            );
            self.plan(
                heartbeat::receiving_interval(heartbeat_secs),
                Timer::Receiving(connection),
            );
        }
    }

    fn look_at_sending(&mut self, connection: ConnectionId) {
        let Some(session) = self.sessions.get_mut(&connection) else {
            return;
        };
        let interval = heartbeat::sending_interval(session.heartbeat_secs);
        if session.sending.is_still(session.sent, heartbeat::SENDING) {
            self.send(connection, ServerFrame::Heartbeat);
        }
        self.plan(interval, Timer::Sending(connection));
    }

    fn look_at_receiving(&mut self, connection: ConnectionId) {
        let Some(session) = self.sessions.get_mut(&connection) else {
            return;
        };
        // Who is blocked is not read from, so silence is no sign.
        let watched = session.unread.is_none();
        if watched
            && session
                .receiving
                .is_still(session.received, heartbeat::RECEIVING)
        {
            let seconds = session.heartbeat_secs;
            let reason = format!("missed heartbeats from client, timeout: {seconds}s");
            self.notice(connection, &reason);
            return self.end_session(connection);
        }
        let interval = heartbeat::receiving_interval(session.heartbeat_secs);
        self.plan(interval, Timer::Receiving(connection));
    }

    fn tick(&mut self, connection: ConnectionId, channel: ChannelId, generation: u64) {
        let (now, limit) = (self.now, self.consumer_timeout);
        let Ok(open) = self.channel(connection, channel) else {
            return;
        };
        if open.generation != generation || open.closing {
            return;
        }
        let late = open
            .unsettled
            .values()
            .next()
            .is_some_and(|delivery| delivery.since + limit < now);
        if late {
            let refusal = refusals::consumer_timeout(channel, limit.as_millis());
            return self.refuse_channel(connection, channel, refusal);
        }
        self.plan_tick(connection, channel, generation);
    }

    pub(super) fn plan_tick(
        &mut self,
        connection: ConnectionId,
        channel: ChannelId,
        generation: u64,
    ) {
        let timer = Timer::Tick {
            connection,
            channel,
            generation,
        };
        self.plan(self.tick, timer);
    }

    fn look_at_expiry(&mut self, id: QueueId, uses: u64) {
        let expired = self
            .queues
            .values()
            .find(|queue| queue.id == id && queue.uses == uses && queue.is_unused());
        if let Some(name) = expired.map(|queue| queue.name.clone()) {
            self.remove_queue(&name);
        }
    }

    /// The client has used a queue, or stopped to, so that its time to expire begins anew.
    pub(super) fn touch(&mut self, name: &str) {
        let Some(queue) = self.queues.get_mut(name) else {
            return;
        };
        let Some(expires) = queue.expires() else {
            return;
        };
        if queue.is_unused() {
            queue.uses += 1;
            let timer = Timer::Expiry {
                queue: queue.id,
                uses: queue.uses,
            };
            self.plan(expires, timer);
        }
    }

    /// Stops, and keeps what is durable.
    pub(crate) fn stop(&mut self, how: Shutdown, now: Duration) {
        self.now = now;
        self.forget_pause();
        for connection in self.sessions.keys().copied().collect::<Vec<_>>() {
            match how {
                Shutdown::Stopped => {
                    let reason = "broker forced connection closure with reason 'shutdown'";
                    self.refuse_connection(connection, refusals::forced(reason));
                }
                Shutdown::Killed => self.end_session(connection),
            }
        }
        self.running = false;
        self.alarms.clear();
        self.queues.retain(|_, queue| queue.options.durable);
        for queue in self.queues.values_mut() {
            queue.restart(how);
        }
    }

    /// Starts again.
    pub(crate) fn start(&mut self, now: Duration) {
        self.now = now;
        self.running = true;
        for name in self.queues.keys().cloned().collect::<Vec<_>>() {
            self.touch(&name);
        }
    }

    /// Ends a session: its channels, and what is exclusive to it.
    pub(super) fn end_session(&mut self, connection: ConnectionId) {
        let Some(session) = self.sessions.remove(&connection) else {
            return;
        };
        self.end_channels(connection, session.channels.into_iter().collect());
        let owned = self
            .queues
            .values()
            .filter(|queue| queue.owner == Some(connection));
        for name in owned.map(|queue| queue.name.clone()).collect::<Vec<_>>() {
            self.remove_queue(&name);
        }
        self.output.segments.push((connection, Segment::Fin));
    }

    /// What becomes of the consumers and deliveries of channels that end: all consumers go first,
    /// so that nothing is given back to one of them.
    pub(super) fn end_channels(
        &mut self,
        connection: ConnectionId,
        channels: Vec<(ChannelId, Channel)>,
    ) {
        for (channel, ending) in &channels {
            for (tag, name) in &ending.consumers {
                let who = Who {
                    connection,
                    channel: *channel,
                    tag: tag.clone(),
                };
                if let Some(queue) = self.queues.get_mut(name) {
                    queue.cancel(&who);
                }
            }
        }
        for (channel, mut ending) in channels {
            let deliveries = ending.drain();
            self.settle(connection, channel, Verdict::Requeue, deliveries);
            for name in ending.consumers.values() {
                self.left(name);
            }
        }
    }

    /// A consumer of a queue has gone.
    pub(super) fn left(&mut self, name: &str) {
        if self.queues.get(name).is_some_and(Queue::is_over) {
            self.remove_queue(name);
            return;
        }
        self.touch(name);
        self.deliver(name);
    }

    /// Settles deliveries that were taken out of a channel.
    pub(super) fn settle(
        &mut self,
        connection: ConnectionId,
        channel: ChannelId,
        verdict: Verdict,
        deliveries: Vec<Unsettled>,
    ) {
        let mut touched: Vec<String> = Vec::new();
        for delivery in deliveries {
            let Some(queue) = self.queues.get_mut(&delivery.queue) else {
                continue;
            };
            if queue.id != delivery.id {
                continue;
            }
            if let Some(tag) = delivery.consumer {
                let who = Who {
                    connection,
                    channel,
                    tag,
                };
                queue.settled(&who);
            }
            if verdict == Verdict::Requeue {
                queue.put_back(delivery.position, delivery.message);
            }
            if !touched.contains(&delivery.queue) {
                touched.push(delivery.queue);
            }
        }
        for name in touched {
            self.deliver(&name);
        }
    }

    /// Hands a message to the queue of that name; whether it took it, and none where there is no
    /// such queue.
    pub(super) fn enqueue(&mut self, name: &str, publish: Publish) -> Option<bool> {
        let now = self.now;
        let queue = self.queues.get_mut(name)?;
        queue.expire(now);
        if queue.refuses() {
            return Some(false);
        }
        queue.push(publish, now);
        self.hand_out(name);
        if let Some(queue) = self.queues.get_mut(name) {
            queue.expire(now);
            queue.trim();
        }
        Some(true)
    }

    /// Gives consumers what they can take of a queue.
    pub(super) fn deliver(&mut self, name: &str) {
        let now = self.now;
        if let Some(queue) = self.queues.get_mut(name) {
            // What came back beyond its length is dropped before anybody gets it.
            queue.trim();
            queue.expire(now);
        }
        self.hand_out(name);
    }

    fn hand_out(&mut self, name: &str) {
        let now = self.now;
        while let Some(queue) = self.queues.get_mut(name)
            && let Some(handed) = queue.hand_out()
        {
            let id = queue.id;
            let Who {
                connection,
                channel,
                tag: consumer,
            } = handed.to;
            let open = self.channel(connection, channel);
            let open = open.expect("a consumer goes with its channel");
            let tag = open.next_delivery();
            let message = Message {
                tag,
                redelivered: handed.message.redelivered,
                body: handed.message.body.clone(),
            };
            if !handed.no_ack {
                let unsettled = Unsettled {
                    queue: name.to_owned(),
                    id,
                    position: handed.position,
                    message: handed.message,
                    consumer: Some(consumer.clone()),
                    since: now,
                };
                open.unsettled.insert(tag, unsettled);
            }
            self.reply(connection, channel, Reply::Deliver(consumer, message));
        }
    }

    /// Removes a queue and tells its consumers; whether it was there.
    pub(super) fn remove_queue(&mut self, name: &str) -> bool {
        let Some(queue) = self.queues.remove(name) else {
            return false;
        };
        for who in queue.audience() {
            if let Ok(channel) = self.channel(who.connection, who.channel) {
                channel.consumers.remove(&who.tag);
                self.reply(
                    who.connection,
                    who.channel,
                    Reply::Cancelled(who.tag.clone()),
                );
            }
        }
        true
    }

    pub(super) fn session(&mut self, connection: ConnectionId) -> Result<&mut Session, Refusal> {
        let missing = || refusals::out_of_order("frame on a connection that is not open");
        self.sessions.get_mut(&connection).ok_or_else(missing)
    }

    pub(super) fn channel(
        &mut self,
        connection: ConnectionId,
        channel: ChannelId,
    ) -> Result<&mut Channel, Refusal> {
        let session = self.session(connection)?;
        let found = session.channels.get_mut(&channel);
        found.ok_or_else(|| Refusal::new(504, "CHANNEL_ERROR - expected 'channel.open'"))
    }

    /// Closes a channel with a reply code, and waits for the client to agree.
    pub(super) fn refuse_channel(
        &mut self,
        connection: ConnectionId,
        id: ChannelId,
        refusal: Refusal,
    ) {
        let Ok(channel) = self.channel(connection, id) else {
            return;
        };
        let mut closing = Channel::new(channel.generation);
        closing.closing = true;
        let channel = std::mem::replace(channel, closing);
        self.end_channels(connection, vec![(id, channel)]);
        self.reply(connection, id, Reply::Closed(refusal));
    }

    /// Closes a connection with a reply code.
    pub(super) fn refuse_connection(&mut self, connection: ConnectionId, refusal: Refusal) {
        if self.sessions.contains_key(&connection) {
            self.notice(connection, &refusal.text);
            self.send(connection, ServerFrame::Close(refusal));
            self.end_session(connection);
        }
    }

    pub(super) fn reply(&mut self, connection: ConnectionId, channel: ChannelId, reply: Reply) {
        self.send(connection, ServerFrame::Channel(channel, reply));
    }

    pub(super) fn send(&mut self, connection: ConnectionId, frame: ServerFrame) {
        if let Some(session) = self.sessions.get_mut(&connection) {
            session.sent += 1;
            let segment = Segment::Frame(frame);
            self.output.segments.push((connection, segment));
        }
    }

    pub(super) fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// A name of the server's choice, as long as RabbitMQ's.
    pub(super) fn choose_name(&mut self, prefix: &str) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let letters = (0..22).map(|_| LETTERS[self.names.random_range(0..LETTERS.len())]);
        prefix.chars().chain(letters.map(char::from)).collect()
    }

    fn plan(&mut self, after: Duration, timer: Timer) {
        self.output.timers.push((self.now + after, timer));
    }
}
