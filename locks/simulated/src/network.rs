//! Links, and the wires that go through them: what is in flight, what is held back, what is reset.
//!
//! What a link does to a wire by itself, when something passes, it leaves as [`Strike`]s to the
//! world, which has both ends.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::evidence::{Evidence, Ledger};
use super::frame::{ClientFrame, ConnectionId, Segment, ServerFrame};
use super::trap::{LinkError, Then, Trap};
use super::wire::{self, Answers};

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

/// What a link does to wires when something has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strike {
    /// It closes one.
    Close(ConnectionId),
    /// It resets all that go through it.
    Cut(usize),
    /// Its trap has sprung.
    Sprung(usize),
}

/// How much longer segments take: so much more or less, both ways.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slowness {
    pub(super) latency: Duration,
    pub(super) jitter: Duration,
}

/// Bytes pass in slices, with a pause after each.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trickle {
    slice_bytes: u64,
    pause: Duration,
}

impl Trickle {
    pub(super) fn new(bytes_per_second: u64, slice_bytes: u64) -> Result<Self, LinkError> {
        if bytes_per_second == 0 || slice_bytes == 0 {
            return Err(LinkError::NoTrickle);
        }
        let nanos = u128::from(slice_bytes) * 1_000_000_000 / u128::from(bytes_per_second);
        Ok(Self {
            slice_bytes,
            pause: Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)),
        })
    }

    /// When the last slice of a segment passes, and when the next segment may begin.
    fn pass(self, bytes: u64, begins: Duration) -> (Duration, Duration) {
        let slices = u32::try_from(bytes.div_ceil(self.slice_bytes)).unwrap_or(u32::MAX);
        let pauses = |count| begins.saturating_add(self.pause.saturating_mul(count));
        (pauses(slices.saturating_sub(1)), pauses(slices))
    }
}

/// The way of one client to the broker.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) latency: Latency,
    pub(super) reach: Reach,
    slowness: Option<Slowness>,
    trickle: Option<Trickle>,
    /// Wires are closed after so many bytes in one direction.
    limit: Option<u64>,
    /// Heartbeats of clients are lost.
    is_silent: bool,
    trap: Option<Trap>,
    ledger: Ledger,
    /// The directions in which nothing passes.
    held: [bool; 2],
    /// The client at its end does not read.
    pub(super) is_frozen: bool,
}

/// A connection's two streams.
#[derive(Debug)]
struct Wire {
    link: usize,
    answers: Answers,
    up: Pipe<ClientFrame>,
    down: Pipe<ServerFrame>,
}

/// A segment under way.
#[derive(Debug)]
struct Flying<F> {
    segment: Segment<F>,
    name: wire::Name,
    bytes: u64,
    at: Duration,
}

/// What is under way in one direction, in order.
#[derive(Debug)]
struct Pipe<F> {
    flight: VecDeque<Flying<F>>,
    /// How many of these have come as far as a partition lets them.
    held: usize,
    /// When the last one arrives.
    latest: Duration,
    /// When the next slice may pass, where bytes trickle.
    free: Duration,
    /// Bytes that have passed since there is a limit.
    passed: u64,
    /// Whether the end of the stream has arrived.
    over: bool,
}

impl<F> Default for Pipe<F> {
    fn default() -> Self {
        Self {
            flight: VecDeque::new(),
            held: 0,
            latest: Duration::ZERO,
            free: Duration::ZERO,
            passed: 0,
            over: false,
        }
    }
}

impl<F> Pipe<F> {
    fn depart(&mut self, mut flying: Flying<F>) -> Duration {
        self.latest = self.latest.max(flying.at);
        flying.at = self.latest;
        self.flight.push_back(flying);
        self.latest
    }

    fn arrive(&mut self, passes: bool, now: Duration) -> Option<Flying<F>> {
        // Of those that were hurried on nothing is left to arrive.
        let mut due = self.flight.iter().take_while(|flying| flying.at <= now);
        due.nth(self.held)?;
        if !passes || self.held > 0 {
            self.held += 1;
            return None;
        }
        self.take()
    }

    fn take(&mut self) -> Option<Flying<F>> {
        let flying = self.flight.pop_front()?;
        self.over |= matches!(flying.segment, Segment::Fin);
        Some(flying)
    }

    fn release(&mut self, passes: bool) -> Option<Flying<F>> {
        if !passes || self.held == 0 {
            return None;
        }
        self.held -= 1;
        self.take()
    }

    /// All that is under way has come as far as a release takes it on.
    fn hurry(&mut self, now: Duration) {
        for flying in &mut self.flight {
            flying.at = flying.at.min(now);
        }
        self.held = self.flight.len();
        self.latest = self.latest.min(now);
        self.free = Duration::ZERO;
    }

    fn bytes(&self) -> u64 {
        self.flight.iter().map(|flying| flying.bytes).sum()
    }
}

/// All links and wires.
#[derive(Debug)]
pub(super) struct Network {
    links: Vec<Link>,
    wires: BTreeMap<ConnectionId, Wire>,
    strikes: Vec<Strike>,
    random: ChaCha8Rng,
}

impl Network {
    pub(super) fn new(seed: u64, links: usize) -> Self {
        let link = || Link {
            latency: Latency::default(),
            reach: Reach::Open,
            slowness: None,
            trickle: None,
            limit: None,
            is_silent: false,
            trap: None,
            ledger: Ledger::default(),
            held: [false; 2],
            is_frozen: false,
        };
        Self {
            links: std::iter::repeat_with(link).take(links).collect(),
            wires: BTreeMap::new(),
            strikes: Vec::new(),
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
            answers: Answers::default(),
            up: Pipe::default(),
            down: Pipe::default(),
        };
        self.wires.insert(connection, wire);
    }

    /// Sends to the server; says when it arrives. What is sent over a wire that is gone arrives
    /// nowhere, and so does what a silent link loses.
    pub(super) fn send_up(
        &mut self,
        connection: ConnectionId,
        segment: Segment<ClientFrame>,
        now: Duration,
    ) -> Option<Duration> {
        let link = self.wires.get(&connection)?.link;
        let is_heartbeat = matches!(segment, Segment::Frame(ClientFrame::Heartbeat));
        if is_heartbeat && self.links[link].is_silent {
            return None;
        }
        let delay = self.delay(link) + self.slowness(link);
        let wire = self.wires.get_mut(&connection)?;
        let bytes = wire::bytes_up(&segment);
        let begins = self.links[link].begin(&mut wire.up.free, bytes, now);
        let at = wire.up.depart(Flying {
            name: wire.answers.asked(&segment),
            bytes,
            segment,
            at: begins + delay,
        });
        self.note_held(link);
        Some(at)
    }

    /// Sends to the client; says when it arrives.
    pub(super) fn send_down(
        &mut self,
        connection: ConnectionId,
        segment: Segment<ServerFrame>,
        now: Duration,
    ) -> Option<Duration> {
        let link = self.wires.get(&connection)?.link;
        let delay = self.delay(link) + self.slowness(link);
        let wire = self.wires.get_mut(&connection)?;
        let bytes = wire::bytes_down(&segment);
        let begins = self.links[link].begin(&mut wire.down.free, bytes, now);
        let at = wire.down.depart(Flying {
            name: wire.answers.answered(&segment),
            bytes,
            segment,
            at: begins + delay,
        });
        self.note_held(link);
        Some(at)
    }

    /// How much longer a segment takes over a slow link.
    fn slowness(&mut self, link: usize) -> Duration {
        let Some(Slowness { latency, jitter }) = self.links[link].slowness else {
            return Duration::ZERO;
        };
        let least = latency.saturating_sub(jitter);
        self.random
            .random_range(least..=latency.saturating_add(jitter))
    }

    /// The next segment for the server, where the link lets it pass.
    pub(super) fn arrive_up(
        &mut self,
        connection: ConnectionId,
        now: Duration,
    ) -> Option<Segment<ClientFrame>> {
        let wire = self.wires.get_mut(&connection)?;
        let passes = self.links[wire.link].passes(Direction::Up);
        let flying = wire.up.arrive(passes, now)?;
        self.passed_up(connection, flying, now)
    }

    /// The next segment for the client, where the link lets it pass.
    pub(super) fn arrive_down(
        &mut self,
        connection: ConnectionId,
        now: Duration,
    ) -> Option<Segment<ServerFrame>> {
        let wire = self.wires.get_mut(&connection)?;
        let passes = self.links[wire.link].passes(Direction::Down);
        let flying = wire.down.arrive(passes, now)?;
        self.passed_down(connection, flying, now)
    }

    /// A segment for the server that a partition has held back.
    pub(super) fn release_up(
        &mut self,
        connection: ConnectionId,
        now: Duration,
    ) -> Option<Segment<ClientFrame>> {
        let wire = self.wires.get_mut(&connection)?;
        let flying = wire
            .up
            .release(self.links[wire.link].passes(Direction::Up))?;
        self.passed_up(connection, flying, now)
    }

    /// A segment for the client that a partition has held back.
    pub(super) fn release_down(
        &mut self,
        connection: ConnectionId,
        now: Duration,
    ) -> Option<Segment<ServerFrame>> {
        let wire = self.wires.get_mut(&connection)?;
        let passes = self.links[wire.link].passes(Direction::Down);
        let flying = wire.down.release(passes)?;
        self.passed_down(connection, flying, now)
    }

    fn passed_up(
        &mut self,
        connection: ConnectionId,
        flying: Flying<ClientFrame>,
        now: Duration,
    ) -> Option<Segment<ClientFrame>> {
        let wire = self.wires.get_mut(&connection)?;
        wire.up.passed += flying.bytes;
        let passed = Passed::of(
            Direction::Up,
            wire.link,
            connection,
            wire.up.passed,
            &flying,
        );
        let arrives = self.passed(passed, now);
        self.forget_if_over(connection);
        arrives.then_some(flying.segment)
    }

    fn passed_down(
        &mut self,
        connection: ConnectionId,
        flying: Flying<ServerFrame>,
        now: Duration,
    ) -> Option<Segment<ServerFrame>> {
        let wire = self.wires.get_mut(&connection)?;
        wire.down.passed += flying.bytes;
        let passed = Passed::of(
            Direction::Down,
            wire.link,
            connection,
            wire.down.passed,
            &flying,
        );
        let arrives = self.passed(passed, now);
        self.forget_if_over(connection);
        arrives.then_some(flying.segment)
    }

    /// Something comes to the end of its wire; whether it does so whole.
    fn passed(&mut self, passed: Passed, now: Duration) -> bool {
        let Passed {
            direction,
            link: number,
            connection,
            name,
            bytes,
            total,
        } = passed;
        let link = &mut self.links[number];
        if let Some(limit) = link.limit
            && total >= limit
        {
            self.strikes.push(Strike::Close(connection));
            if total > limit {
                return false;
            }
        }
        link.ledger.passed[direction as usize] += bytes;
        if let Some(trap) = &mut link.trap
            && trap.is_sprung_by(name, direction, now)
        {
            match trap.then {
                Then::Hold => link.held = [true; 2],
                Then::Cut => self.strikes.push(Strike::Cut(number)),
            }
            self.strikes.push(Strike::Sprung(number));
        }
        true
    }

    /// What links want to be done to wires.
    pub(super) fn take_strikes(&mut self) -> Vec<Strike> {
        std::mem::take(&mut self.strikes)
    }

    /// The most that an impaired link has held.
    fn note_held(&mut self, number: usize) {
        let link = &self.links[number];
        let delays = link.slowness.is_some() || link.trickle.is_some();
        let holds = link.held.map(|held| held || delays);
        if holds == [false; 2] {
            return;
        }
        let mut bytes = [0; 2];
        for wire in self.wires.values().filter(|wire| wire.link == number) {
            bytes[0] += wire.up.bytes();
            bytes[1] += wire.down.bytes();
        }
        let most = &mut self.links[number].ledger.held;
        for direction in [Direction::Up, Direction::Down] {
            let at = direction as usize;
            if holds[at] {
                most[at] = most[at].max(bytes[at]);
            }
        }
    }

    /// Begins to do something to a link, whose evidence begins anew.
    pub(super) fn impair(
        &mut self,
        link: usize,
        fault: impl FnOnce(&mut Link),
    ) -> Result<(), NoSuchLink> {
        let link_state = self.link(link)?;
        link_state.ledger = Ledger::default();
        fault(link_state);
        self.note_held(link);
        Ok(())
    }

    /// Wires of a link are closed from now on when so many bytes have passed them one way.
    pub(super) fn limit(&mut self, link: usize, bytes: u64) -> Result<(), NoSuchLink> {
        self.impair(link, |link| link.limit = Some(bytes))?;
        for wire in self.wires.values_mut().filter(|wire| wire.link == link) {
            (wire.up.passed, wire.down.passed) = (0, 0);
        }
        Ok(())
    }

    /// Lets a link be as it was. What a slow one has under way comes with what was held back.
    pub(super) fn heal(&mut self, link: usize, now: Duration) -> Result<(), NoSuchLink> {
        let was_slow = self.link(link)?.heal();
        if was_slow {
            for wire in self.wires.values_mut().filter(|wire| wire.link == link) {
                wire.up.hurry(now);
                wire.down.hurry(now);
            }
        }
        Ok(())
    }

    /// What a link has done.
    pub(super) fn evidence(&mut self, link: usize) -> Result<Evidence, NoSuchLink> {
        Ok(self.link(link)?.ledger.take())
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

    /// Tears a wire, and says of which link; what was under way is lost.
    pub(super) fn tear(&mut self, connection: ConnectionId) -> Option<usize> {
        let link = self.wires.remove(&connection)?.link;
        self.links[link].ledger.closed += 1;
        Some(link)
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

/// Something that comes to the end of its wire.
struct Passed {
    direction: Direction,
    link: usize,
    connection: ConnectionId,
    name: wire::Name,
    bytes: u64,
    /// With all that came before since there is a limit.
    total: u64,
}

impl Passed {
    fn of<F>(
        direction: Direction,
        link: usize,
        connection: ConnectionId,
        total: u64,
        flying: &Flying<F>,
    ) -> Self {
        Self {
            direction,
            link,
            connection,
            name: flying.name,
            bytes: flying.bytes,
            total,
        }
    }
}

impl Link {
    pub(super) fn hold(&mut self, direction: Direction) {
        self.held[direction as usize] = true;
    }

    pub(super) fn slow(&mut self, slowness: Slowness) {
        self.slowness = Some(slowness);
    }

    pub(super) fn trickle(&mut self, trickle: Trickle) {
        self.trickle = Some(trickle);
    }

    pub(super) fn silence(&mut self) {
        self.is_silent = true;
    }

    pub(super) fn set(&mut self, trap: Trap) {
        self.trap = Some(trap);
    }

    pub(super) fn trap(&mut self) -> Option<&mut Trap> {
        self.trap.as_mut()
    }

    /// It has reset somebody who wanted to connect.
    pub(super) fn note_reset(&mut self) {
        self.ledger.closed += 1;
    }

    /// Whether segments took longer until now.
    fn heal(&mut self) -> bool {
        self.held = [false; 2];
        if self.reach == Reach::Reset {
            self.reach = Reach::Open;
        }
        self.limit = None;
        self.is_silent = false;
        self.trap = None;
        self.slowness.take().is_some() | self.trickle.take().is_some()
    }

    fn passes(&self, direction: Direction) -> bool {
        let is_unread = self.is_frozen && direction == Direction::Down;
        !self.held[direction as usize] && !is_unread
    }

    /// When so many bytes have gone into a pipe that takes the next ones from `free` on.
    fn begin(&self, free: &mut Duration, bytes: u64, now: Duration) -> Duration {
        let Some(trickle) = self.trickle else {
            return now;
        };
        let (passed, next) = trickle.pass(bytes, now.max(*free));
        *free = next;
        passed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When all that was sent at the beginning has come.
    const LATER: Duration = Duration::from_secs(1);

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
        assert!(network.arrive_up(7, LATER).is_none());
        network.send_down(7, Segment::Frame(ServerFrame::Heartbeat), Duration::ZERO);
        assert!(is_frame(network.arrive_down(7, LATER)));
        assert!(network.release_up(7, LATER).is_none());

        network.heal(0, LATER).unwrap();
        assert!(
            network.arrive_up(7, LATER).is_none(),
            "nothing overtakes what is held"
        );
        assert!(is_frame(network.release_up(7, LATER)));
        assert!(matches!(network.release_up(7, LATER), Some(Segment::Fin)));
        assert!(network.release_up(7, LATER).is_none());
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
        network.arrive_up(8, LATER);
        assert_eq!(network.through(0), [8]);
        network.arrive_down(8, LATER);
        assert!(network.through(0).is_empty());
        let error = network.link(1).unwrap_err();
        assert_eq!(error, NoSuchLink { link: 1, links: 1 });
    }
}
