//! Links, and the wires that go through them: what is in flight, what is held back, what is reset.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::frame::{ClientFrame, ConnectionId, Segment, ServerFrame};

/// How long a segment takes from one end of a link to the other: anything in between, all equally
/// likely. Segments of one direction never overtake each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// The shortest.
    pub min: Duration,
    /// The longest.
    pub max: Duration,
}

impl Default for Latency {
    /// 0.2 ms to 2 ms, as between machines of one data centre.
    fn default() -> Self {
        Self {
            min: Duration::from_micros(200),
            max: Duration::from_millis(2),
        }
    }
}

/// There is no link of that number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("link {link} does not exist: there are {links}, counted from 0")]
pub struct NoSuchLink {
    /// The link that was asked for.
    pub link: usize,
    /// How many there are.
    pub links: usize,
}

/// Which way a segment goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// What a link does to those who connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// It lets them through.
    Open,
    /// Nobody listens at its end.
    Refused,
    /// It resets them.
    Reset,
}

/// The way of one client to the broker.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) latency: Latency,
    pub(super) reach: Reach,
    /// The directions in which nothing passes.
    held: [bool; 2],
    /// The client at its end does not read.
    pub(super) is_frozen: bool,
}

/// A connection's two streams.
#[derive(Debug)]
struct Wire {
    link: usize,
    up: Pipe<ClientFrame>,
    down: Pipe<ServerFrame>,
}

/// What is under way in one direction, in order.
#[derive(Debug)]
struct Pipe<F> {
    flight: VecDeque<Segment<F>>,
    /// How many of these have come as far as a partition lets them.
    held: usize,
    /// When the last one arrives.
    latest: Duration,
    /// Whether the end of the stream has arrived.
    over: bool,
}

impl<F> Default for Pipe<F> {
    fn default() -> Self {
        Self {
            flight: VecDeque::new(),
            held: 0,
            latest: Duration::ZERO,
            over: false,
        }
    }
}

impl<F> Pipe<F> {
    fn depart(&mut self, segment: Segment<F>, at: Duration) -> Duration {
        self.flight.push_back(segment);
        self.latest = self.latest.max(at);
        self.latest
    }

    fn arrive(&mut self, passes: bool) -> Option<Segment<F>> {
        if !passes || self.held > 0 {
            self.held += 1;
            return None;
        }
        self.take()
    }

    fn take(&mut self) -> Option<Segment<F>> {
        let segment = self.flight.pop_front();
        self.over |= matches!(segment, Some(Segment::Fin));
        segment
    }

    fn release(&mut self, passes: bool) -> Option<Segment<F>> {
        if !passes || self.held == 0 {
            return None;
        }
        self.held -= 1;
        self.take()
    }
}

/// All links and wires.
#[derive(Debug)]
pub(super) struct Network {
    links: Vec<Link>,
    wires: BTreeMap<ConnectionId, Wire>,
    random: ChaCha8Rng,
}

impl Network {
    pub(super) fn new(seed: u64, links: usize) -> Self {
        let link = || Link {
            latency: Latency::default(),
            reach: Reach::Open,
            held: [false; 2],
            is_frozen: false,
        };
        Self {
            links: std::iter::repeat_with(link).take(links).collect(),
            wires: BTreeMap::new(),
            random: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    pub(super) fn link(&mut self, link: usize) -> Result<&mut Link, NoSuchLink> {
        let links = self.links.len();
        self.links.get_mut(link).ok_or(NoSuchLink { link, links })
    }

    /// How long a segment takes over a link that lets it pass.
    pub(super) fn delay(&mut self, link: usize) -> Duration {
        let Latency { min, max } = self.links[link].latency;
        self.random.random_range(min..=max.max(min))
    }

    /// How long clients that wake up take to look at what has come: no time, or as much as a
    /// message takes, in which the program around them may act.
    pub(super) fn waking(&mut self, link: usize) -> Duration {
        if self.random.random() {
            self.delay(link)
        } else {
            Duration::ZERO
        }
    }

    /// Lays a wire through a link.
    pub(super) fn connect(&mut self, connection: ConnectionId, link: usize) {
        let wire = Wire {
            link,
            up: Pipe::default(),
            down: Pipe::default(),
        };
        self.wires.insert(connection, wire);
    }

    /// Sends to the server; says when it arrives. What is sent over a wire that is gone arrives
    /// nowhere.
    pub(super) fn send_up(
        &mut self,
        connection: ConnectionId,
        segment: Segment<ClientFrame>,
        now: Duration,
    ) -> Option<Duration> {
        let delay = self.delay(self.wires.get(&connection)?.link);
        let wire = self.wires.get_mut(&connection)?;
        Some(wire.up.depart(segment, now + delay))
    }

    /// Sends to the client; says when it arrives.
    pub(super) fn send_down(
        &mut self,
        connection: ConnectionId,
        segment: Segment<ServerFrame>,
        now: Duration,
    ) -> Option<Duration> {
        let delay = self.delay(self.wires.get(&connection)?.link);
        let wire = self.wires.get_mut(&connection)?;
        Some(wire.down.depart(segment, now + delay))
    }

    /// The next segment for the server, where the link lets it pass.
    pub(super) fn arrive_up(&mut self, connection: ConnectionId) -> Option<Segment<ClientFrame>> {
        let wire = self.wires.get_mut(&connection)?;
        let segment = wire.up.arrive(self.links[wire.link].passes(Direction::Up));
        self.forget_if_over(connection);
        segment
    }

    /// The next segment for the client, where the link lets it pass.
    pub(super) fn arrive_down(&mut self, connection: ConnectionId) -> Option<Segment<ServerFrame>> {
        let wire = self.wires.get_mut(&connection)?;
        let segment = wire
            .down
            .arrive(self.links[wire.link].passes(Direction::Down));
        self.forget_if_over(connection);
        segment
    }

    /// A segment for the server that a partition has held back.
    pub(super) fn release_up(&mut self, connection: ConnectionId) -> Option<Segment<ClientFrame>> {
        let wire = self.wires.get_mut(&connection)?;
        let segment = wire.up.release(self.links[wire.link].passes(Direction::Up));
        self.forget_if_over(connection);
        segment
    }

    /// A segment for the client that a partition has held back.
    pub(super) fn release_down(
        &mut self,
        connection: ConnectionId,
    ) -> Option<Segment<ServerFrame>> {
        let wire = self.wires.get_mut(&connection)?;
        let segment = wire
            .down
            .release(self.links[wire.link].passes(Direction::Down));
        self.forget_if_over(connection);
        segment
    }

    /// The connections whose wires go through a link.
    pub(super) fn through(&self, link: usize) -> Vec<ConnectionId> {
        let through = self.wires.iter().filter(|(_, wire)| wire.link == link);
        through.map(|(connection, _)| *connection).collect()
    }

    /// Whether the client of a connection does nothing.
    pub(super) fn is_frozen(&self, connection: ConnectionId) -> bool {
        let wire = self.wires.get(&connection);
        wire.is_some_and(|wire| self.links[wire.link].is_frozen)
    }

    /// Tears a wire; what was under way is lost.
    pub(super) fn tear(&mut self, connection: ConnectionId) {
        self.wires.remove(&connection);
    }

    fn forget_if_over(&mut self, connection: ConnectionId) {
        if let Some(wire) = self.wires.get(&connection)
            && wire.up.over
            && wire.down.over
        {
            self.wires.remove(&connection);
        }
    }
}

impl Link {
    pub(super) fn hold(&mut self, direction: Direction) {
        self.held[direction as usize] = true;
    }

    pub(super) fn heal(&mut self) {
        self.held = [false; 2];
        if self.reach == Reach::Reset {
            self.reach = Reach::Open;
        }
    }

    fn passes(&self, direction: Direction) -> bool {
        let is_unread = self.is_frozen && direction == Direction::Down;
        !self.held[direction as usize] && !is_unread
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_frame<F>(segment: Option<Segment<F>>) -> bool {
        matches!(segment, Some(Segment::Frame(_)))
    }

    fn heartbeat() -> Segment<ClientFrame> {
        Segment::Frame(ClientFrame::Heartbeat)
    }

    #[test]
    fn segments_take_their_time_and_keep_their_order() {
        let mut network = Network::new(1, 1);
        network.connect(7, 0);
        let now = Duration::from_secs(1);
        let arrivals: Vec<_> = (0..100)
            .map(|_| network.send_up(7, heartbeat(), now).unwrap())
            .collect();
        assert!(arrivals.is_sorted());
        let Latency { min, max } = Latency::default();
        assert!(
            arrivals
                .iter()
                .all(|at| (now + min..=now + max).contains(at))
        );
    }

    #[test]
    fn a_partition_holds_back_one_direction_in_order_until_it_heals() {
        let mut network = Network::new(1, 1);
        network.connect(7, 0);
        network.send_up(7, heartbeat(), Duration::ZERO);
        network.send_up(7, Segment::Fin, Duration::ZERO);
        network.link(0).unwrap().hold(Direction::Up);
        assert!(network.arrive_up(7).is_none());
        network.send_down(7, Segment::Frame(ServerFrame::Heartbeat), Duration::ZERO);
        assert!(is_frame(network.arrive_down(7)));
        assert!(network.release_up(7).is_none());

        network.link(0).unwrap().heal();
        assert!(
            network.arrive_up(7).is_none(),
            "nothing overtakes what is held"
        );
        assert!(is_frame(network.release_up(7)));
        assert!(matches!(network.release_up(7), Some(Segment::Fin)));
        assert!(network.release_up(7).is_none());
    }

    #[test]
    fn a_wire_is_gone_when_it_is_torn_or_over() {
        let mut network = Network::new(1, 1);
        network.connect(7, 0);
        network.connect(8, 0);
        network.tear(7);
        assert!(network.send_up(7, Segment::Fin, Duration::ZERO).is_none());
        network.send_up(8, Segment::Fin, Duration::ZERO);
        network.send_down(8, Segment::Fin, Duration::ZERO);
        network.arrive_up(8);
        assert_eq!(network.through(0), [8]);
        network.arrive_down(8);
        assert!(network.through(0).is_empty());
        let error = network.link(1).unwrap_err();
        assert_eq!(error, NoSuchLink { link: 1, links: 1 });
    }
}
