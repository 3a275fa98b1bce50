//! The world: clients, network and server, and what passes between them in which order.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write};
use std::time::Duration;

use locks::{Error, ErrorKind};
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::sync::oneshot;

use super::agenda::Agenda;
use super::client::{ConnectionState, Credentials};
use super::frame::{ConnectionId, Segment};
use super::network::{Direction, Link, Network, NoSuchLink, Reach, Strike};
use super::server::{Node, NoticedLoss, Shutdown, Timer};
use super::trap::Trap;

/// Something that happens.
#[derive(Debug)]
pub(super) enum Event {
    /// A segment has come to the end of its wire.
    Arrival(ConnectionId, Direction),
    /// A wire lets through what a partition has held back.
    Release(ConnectionId, Direction),
    /// An attempt to connect finds nobody.
    Refusal(ConnectionId),
    /// A reset has come to one end of a wire.
    Reset(ConnectionId, Direction),
    /// The end of the stream, which a link has made, has come to one end of a wire.
    Closing(ConnectionId, Direction),
    /// A client looks at its heartbeat.
    Look(ConnectionId),
    /// The server looks at something.
    Server(Timer),
    /// Somebody has slept long enough.
    Wake(oneshot::Sender<()>),
}

/// How far a step of the world has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Somebody was told something, and acts on it before time goes on.
    Told,
    /// Nothing happens before this time, or nothing at all.
    Quiet(Option<Duration>),
}

#[derive(Debug)]
pub(super) struct World {
    /// The time since the simulation began. While there are events to catch up with it is the time
    /// of the last one.
    now: Duration,
    catching_up: bool,
    agenda: Agenda<Event>,
    pub(super) network: Network,
    clients: BTreeMap<ConnectionId, ConnectionState>,
    node: Node,
    connections: ConnectionId,
    /// The clients that should have looked at their heartbeats while they were frozen.
    late: Vec<ConnectionId>,
    /// Everything that happened, a line each, where somebody wants it.
    pub(super) trace: Option<String>,
}

impl World {
    pub(super) fn new(seed: u64, links: usize) -> Self {
        let mut seeds = ChaCha8Rng::seed_from_u64(seed);
        Self {
            now: Duration::ZERO,
            catching_up: false,
            agenda: Agenda::new(seeds.next_u64()),
            network: Network::new(seeds.next_u64(), links),
            clients: BTreeMap::new(),
            node: Node::new(seeds.next_u64()),
            connections: 0,
            late: Vec::new(),
            trace: None,
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.now
    }

    pub(super) fn next_at(&self) -> Option<Duration> {
        self.agenda.next_at()
    }

    /// Somebody acts at this time of the clock. In answer to an event that happens at the event's
    /// time: the clock is coarser.
    pub(super) fn meet(&mut self, clock: Duration) {
        if !self.catching_up {
            self.now = self.now.max(clock);
        }
    }

    /// Lets happen what is due by this time of the clock, up to where somebody is told something.
    pub(super) fn advance(&mut self, clock: Duration) -> Progress {
        self.catching_up = true;
        while let Some((at, event)) = self.agenda.due(clock) {
            self.now = self.now.max(at);
            if self.happen(event) {
                return Progress::Told;
            }
        }
        self.catching_up = false;
        self.now = self.now.max(clock);
        Progress::Quiet(self.agenda.next_at())
    }

    /// Lets an event happen; whether a client was told something.
    fn happen(&mut self, event: Event) -> bool {
        self.note(&event);
        match event {
            Event::Arrival(connection, Direction::Up) => {
                if let Some(segment) = self.network.arrive_up(connection, self.now) {
                    self.note(&segment);
                    self.on_node(|node, now| node.receive(connection, segment, now));
                }
                self.strike()
            }
            Event::Release(connection, Direction::Up) => {
                let mut told = false;
                while let Some(segment) = self.network.release_up(connection, self.now) {
                    self.note(&segment);
                    self.on_node(|node, now| node.receive(connection, segment, now));
                    told |= self.strike();
                }
                told | self.strike()
            }
            Event::Arrival(connection, Direction::Down) => {
                let Some(segment) = self.network.arrive_down(connection, self.now) else {
                    return self.strike();
                };
                self.note(&segment);
                self.tell(connection, |client, now| client.receive(segment, now));
                self.strike();
                true
            }
            Event::Release(connection, Direction::Down) => {
                while let Some(segment) = self.network.release_down(connection, self.now) {
                    self.note(&segment);
                    self.tell(connection, |client, now| client.receive(segment, now));
                    self.strike();
                }
                self.strike();
                true
            }
            Event::Closing(connection, Direction::Up) => {
                self.on_node(|node, now| node.receive(connection, Segment::Fin, now));
                false
            }
            Event::Closing(connection, Direction::Down) => {
                self.tell(connection, |client, now| client.receive(Segment::Fin, now));
                true
            }
            Event::Refusal(connection) => {
                self.clients.remove(&connection);
                true
            }
            Event::Reset(connection, Direction::Up) => {
                self.on_node(|node, now| node.lose(connection, now));
                false
            }
            Event::Reset(connection, Direction::Down) => {
                self.on_client(connection, ConnectionState::reset);
                true
            }
            Event::Look(connection) if self.network.is_frozen(connection) => {
                self.late.push(connection);
                false
            }
            Event::Look(connection) => {
                self.tell(connection, ConnectionState::look);
                true
            }
            Event::Server(timer) => {
                self.on_node(|node, now| node.remind(timer, now));
                false
            }
            Event::Wake(sleeper) => sleeper.send(()).is_ok(),
        }
    }

    /// Does what links want to be done to wires; whether somebody was told of a trap.
    fn strike(&mut self) -> bool {
        let mut told = false;
        for strike in self.network.take_strikes() {
            match strike {
                Strike::Close(connection) => self.close(connection),
                Strike::Cut(link) => self.reset_all(link),
                Strike::Sprung(link) => {
                    let trap = self.network.link(link).ok().and_then(Link::trap);
                    told |= trap.is_some_and(Trap::tell);
                }
            }
        }
        told
    }

    /// Closes a connection from within its link, both ways.
    fn close(&mut self, connection: ConnectionId) {
        let Some(link) = self.network.tear(connection) else {
            return;
        };
        for direction in [Direction::Up, Direction::Down] {
            let at = self.now + self.network.delay(link);
            self.agenda.add(at, Event::Closing(connection, direction));
        }
    }

    /// Wakes whoever keeps the other end, at this time.
    pub(super) fn wake_at(&mut self, at: Duration) -> oneshot::Receiver<()> {
        let (sleeper, woken) = oneshot::channel();
        self.agenda.add(at.max(self.now), Event::Wake(sleeper));
        woken
    }

    /// Begins to connect through a link.
    pub(super) fn connect(
        &mut self,
        link: usize,
        credentials: Credentials,
    ) -> Result<(ConnectionId, oneshot::Receiver<Result<(), Error>>), NoSuchLink> {
        let reach = self.network.link(link)?.reach;
        self.connections += 1;
        let id = self.connections;
        let (opened, answered) = oneshot::channel();
        self.clients
            .insert(id, ConnectionState::new(credentials, opened));
        let arrives = self.now + self.network.delay(link);
        match reach {
            Reach::Open if self.node.is_running() => {
                self.network.connect(id, link);
                self.flush_client(id);
            }
            Reach::Open | Reach::Refused => self.agenda.add(arrives, Event::Refusal(id)),
            Reach::Reset => {
                self.network.link(link)?.note_reset();
                self.agenda.add(arrives, Event::Reset(id, Direction::Down));
            }
        }
        Ok((id, answered))
    }

    /// Does something to a client's end of a connection.
    pub(super) fn on_client<T>(
        &mut self,
        connection: ConnectionId,
        action: impl FnOnce(&mut ConnectionState) -> T,
    ) -> Option<T> {
        let result = action(self.clients.get_mut(&connection)?);
        self.flush_client(connection);
        Some(result)
    }

    /// Nobody has a handle of the connection any more.
    pub(super) fn abandon(&mut self, connection: ConnectionId) {
        self.on_client(connection, ConnectionState::abandon);
    }

    /// Does something to the server.
    pub(super) fn on_node<T>(&mut self, action: impl FnOnce(&mut Node, Duration) -> T) -> T {
        let result = action(&mut self.node, self.now);
        for (connection, segment) in std::mem::take(&mut self.node.output.segments) {
            if let Some(at) = self.network.send_down(connection, segment, self.now) {
                self.agenda
                    .add(at, Event::Arrival(connection, Direction::Down));
            }
        }
        for (at, timer) in std::mem::take(&mut self.node.output.timers) {
            self.agenda.add(at, Event::Server(timer));
        }
        result
    }

    /// Resets everything that goes through a link, and everything new.
    pub(super) fn cut(&mut self, link: usize) -> Result<(), NoSuchLink> {
        self.network
            .impair(link, |link| link.reach = Reach::Reset)?;
        self.reset_all(link);
        Ok(())
    }

    /// Resets everything that goes through a link.
    fn reset_all(&mut self, link: usize) {
        for connection in self.network.through(link) {
            self.network.tear(connection);
            for direction in [Direction::Up, Direction::Down] {
                let at = self.now + self.network.delay(link);
                self.agenda.add(at, Event::Reset(connection, direction));
            }
        }
    }

    /// Lets a link be as it was, and what it has held back go on its way.
    pub(super) fn heal(&mut self, link: usize) -> Result<(), NoSuchLink> {
        self.network.heal(link, self.now)?;
        for connection in self.network.through(link) {
            for direction in [Direction::Up, Direction::Down] {
                let at = self.now + self.network.delay(link);
                self.agenda.add(at, Event::Release(connection, direction));
            }
        }
        Ok(())
    }

    /// Lets the clients of a link do nothing.
    pub(super) fn freeze(&mut self, link: usize) -> Result<(), NoSuchLink> {
        self.network.link(link)?.is_frozen = true;
        Ok(())
    }

    /// Lets the clients of a link go on: what has come meanwhile lies before them, and their
    /// heartbeats are overdue. Which of the two they see first the seed decides, and whether the
    /// program that uses them acts before they see either.
    pub(super) fn thaw(&mut self, link: usize) -> Result<(), NoSuchLink> {
        self.network.link(link)?.is_frozen = false;
        let at = self.now + self.network.waking(link);
        for connection in self.network.through(link) {
            let event = Event::Release(connection, Direction::Down);
            self.agenda.add(at, event);
        }
        let (still, late) = std::mem::take(&mut self.late)
            .into_iter()
            .partition(|connection| self.network.is_frozen(*connection));
        self.late = still;
        for connection in late {
            self.agenda.add(at, Event::Look(connection));
        }
        Ok(())
    }

    pub(super) fn stop(&mut self, how: Shutdown) {
        self.on_node(|node, now| node.stop(how, now));
    }

    pub(super) fn start(&mut self) {
        self.on_node(Node::start);
    }

    pub(super) fn pause(&mut self) {
        self.on_node(|node, _| node.pause());
    }

    pub(super) fn resume(&mut self) {
        self.on_node(Node::resume);
    }

    /// What the server has noticed since the simulation began.
    pub(super) fn losses(&self) -> Vec<NoticedLoss> {
        self.node.losses().to_vec()
    }

    /// Something happens to a client that may want to look at its heartbeat later.
    fn tell(
        &mut self,
        connection: ConnectionId,
        action: impl FnOnce(&mut ConnectionState, Duration) -> Option<Duration>,
    ) {
        let now = self.now;
        let look = self.on_client(connection, |client| action(client, now));
        if let Some(after) = look.flatten() {
            self.agenda.add(now + after, Event::Look(connection));
        }
    }

    fn flush_client(&mut self, connection: ConnectionId) {
        let Some(client) = self.clients.get_mut(&connection) else {
            return;
        };
        let segments = client.drain(self.now);
        if client.orphan && client.is_dead() {
            self.clients.remove(&connection);
        }
        for segment in segments {
            if let Some(at) = self.network.send_up(connection, segment, self.now) {
                self.agenda
                    .add(at, Event::Arrival(connection, Direction::Up));
            }
        }
    }

    fn note(&mut self, what: &impl Debug) {
        if let Some(trace) = &mut self.trace {
            // Writing to a string does not fail.
            let _ = writeln!(trace, "{:?} {what:?}", self.now);
        }
    }
}

/// Where nobody listens.
pub(super) fn refused(address: &str) -> Error {
    let text = format!("nobody listens at {address}: start the broker or correct the address");
    Error::new(ErrorKind::ConnectionRefused, text)
}
