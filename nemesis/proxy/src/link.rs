//! One direction of one connection: reading end, toxics, writing end.
//!
//! A link owns no task, no clock and no socket: [`Link::pump`] is told the time and lent the
//! sockets, moves what may move and returns. So a change of toxics is a plain call between two
//! pumps, and is in force when that call returns.

use std::collections::VecDeque;
use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::amqp::Frames;
use crate::budget::Budget;
use crate::share::Share;
use crate::toxic::{AnyEffect, End, Front, Payload, State, Step, Stream};
use crate::traffic::Traffic;

/// The most that is read at once.
const CHUNK: usize = 64 << 10;

/// What a link does with its sender's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// Passes them on.
    Open,
    /// Reads and drops them: the proxy closed the connection, and unread bytes would turn its close
    /// into a reset.
    Discard,
    /// Nothing more comes, or nobody is left to give it to.
    Ended,
}

/// A toxic at its place in a link.
#[derive(Debug)]
struct Stage {
    name: String,
    effect: Arc<dyn AnyEffect>,
    /// Drawn once for each connection: the toxic acts on it if this is below its toxicity.
    draw: f64,
    toxicity: f64,
    state: State,
    /// It ended the stream and has nothing more to say.
    ended: bool,
}

impl Stage {
    fn acts(&self) -> bool {
        !self.ended && self.draw < self.toxicity
    }

    fn step(&mut self, front: Option<&Front>, now: Instant, rng: &mut ChaCha8Rng) -> Step {
        if self.acts() {
            return self.effect.step(front, &mut self.state, now, rng);
        }
        match front {
            None => Step::Hold,
            Some(front) => {
                if let Payload::Data(data) = &front.payload {
                    self.state.frames.skip(data);
                }
                Step::Pass
            }
        }
    }
}

/// What became of a pump, for the connection to act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pumped {
    /// All that can move has moved; the next toxic wants to be asked again then.
    Idle(Option<Instant>),
    /// More may move when others have had their turn.
    Busy,
    /// The proxy closed the connection in this direction; the other must follow.
    Closed,
    /// The receiver is gone; whoever reads from it must know.
    Broken,
    /// The connection is to be reset.
    Reset,
    /// The sender is to be reset, and the receiver to read to its end.
    Severed,
}

/// What became of an attempt to write.
enum Written {
    /// The receiver took something.
    Some,
    /// Nothing to write, or no room for it.
    Nothing,
    /// It is the others' turn.
    Enough,
    /// As [`Pumped`].
    End(Pumped),
}

/// One direction of one connection.
#[derive(Debug)]
pub(crate) struct Link {
    stages: Vec<Stage>,
    /// `queues[i]` waits before `stages[i]`; the last one before the writing end.
    queues: Vec<VecDeque<Front>>,
    budget: Budget,
    reading: Reading,
    /// The sender was found dead by writing to it.
    sender_dead: bool,
    /// The end was delivered, or the receiver is gone.
    finished: bool,
    /// Bytes in all queues.
    held: usize,
    /// The most that was there when nothing moved, since it was last forgotten.
    held_max: usize,
    /// The proxy has ended the stream.
    cut_off: bool,
    traffic: Traffic,
    /// Where in AMQP's frames the next byte for the receiver stands.
    frames: Frames,
    /// A toxic has changed what connections share.
    sprung: bool,
    buffer: BytesMut,
    effect_rng: ChaCha8Rng,
    toxicity_rng: ChaCha8Rng,
}

impl Link {
    pub(crate) fn new(stream: Stream, effect_rng: ChaCha8Rng, toxicity_rng: ChaCha8Rng) -> Self {
        Self {
            stages: Vec::new(),
            queues: vec![VecDeque::new()],
            budget: Budget::for_delay(Duration::ZERO),
            reading: Reading::Open,
            sender_dead: false,
            finished: false,
            held: 0,
            held_max: 0,
            cut_off: false,
            traffic: Traffic::default(),
            frames: Frames::new(stream),
            sprung: false,
            buffer: BytesMut::new(),
            effect_rng,
            toxicity_rng,
        }
    }

    /// What has come through.
    pub(crate) fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Bytes that were read and not yet delivered.
    pub(crate) fn held(&self) -> u64 {
        self.held as u64
    }

    /// The most bytes that were held back since that was last forgotten.
    pub(crate) fn held_max(&self) -> u64 {
        self.held_max as u64
    }

    /// Only what is held now counts from here on.
    pub(crate) fn forget_held_max(&mut self) {
        self.held_max = self.held;
    }

    /// Whether a toxic has ended the stream.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.cut_off
    }

    /// Whether a toxic has changed what connections share since this was asked.
    pub(crate) fn take_sprung(&mut self) -> bool {
        std::mem::take(&mut self.sprung)
    }

    /// Adds a toxic behind the others. What waits for the writing end has not passed it yet.
    pub(crate) fn add(
        &mut self,
        name: &str,
        effect: Arc<dyn AnyEffect>,
        toxicity: f64,
        now: Instant,
    ) {
        let mut state = State::new(now);
        state.frames = self.frames;
        self.stages.push(Stage {
            name: name.to_owned(),
            effect,
            draw: self.toxicity_rng.random(),
            toxicity,
            state,
            ended: false,
        });
        self.queues.push(VecDeque::new());
        self.make_room();
    }

    /// Gives a toxic other parameters.
    pub(crate) fn update(
        &mut self,
        name: &str,
        effect: Arc<dyn AnyEffect>,
        toxicity: f64,
        now: Instant,
    ) {
        if let Some(stage) = self.stages.iter_mut().find(|stage| stage.name == name) {
            stage.effect = effect;
            stage.toxicity = toxicity;
            stage.state.restart(now);
        }
        self.make_room();
    }

    /// Removes a toxic; what it held goes on in order, unless its removal ends the stream.
    pub(crate) fn remove(&mut self, name: &str, now: Instant) {
        let Some(place) = self.stages.iter().position(|stage| stage.name == name) else {
            return;
        };
        let stage = &self.stages[place];
        if stage.acts()
            && let Some(end) = stage.effect.removed(self.queues[place].front())
        {
            self.end_at(place, end, now);
        }
        self.give_back(place, now);
        self.stages.remove(place);
        let waiting = self.queues.remove(place);
        self.queues[place].extend(waiting);
        self.make_room();
    }

    /// What a toxic owes goes on before all that waits in front of it.
    fn give_back(&mut self, place: usize, now: Instant) {
        let stage = &self.stages[place];
        let owed = stage.effect.owes(&stage.state);
        if stage.ended || owed.is_empty() {
            return;
        }
        self.held += owed.len();
        self.queues[place].push_front(Front {
            payload: Payload::Data(owed),
            arrived: now,
        });
    }

    fn make_room(&mut self) {
        let acting = self.stages.iter().filter(|stage| stage.acts());
        let delay = acting.fold(Duration::ZERO, |sum, stage| {
            sum.saturating_add(stage.effect.delay_max())
        });
        self.budget = Budget::for_delay(delay);
    }

    /// The proxy closed the connection towards this link's sender: what was read goes on, then the
    /// end.
    pub(crate) fn sender_closed(&mut self, now: Instant) {
        if self.reading == Reading::Open {
            self.reading = Reading::Discard;
            self.push(Payload::End(End::Fin), now);
        }
    }

    /// Somebody who wrote to this link's sender found it dead: the stream ends in a reset, behind
    /// what was read before.
    pub(crate) fn sender_died(&mut self, now: Instant) {
        if !std::mem::replace(&mut self.sender_dead, true) && self.reading == Reading::Ended {
            self.push(Payload::End(End::Reset), now);
        }
    }

    /// There is no receiver: what the sender sends is lost.
    pub(crate) fn lead_nowhere(&mut self) {
        self.reading = Reading::Discard;
        self.finished = true;
    }

    /// There is no sender: this end is all that comes.
    pub(crate) fn begin_with(&mut self, end: End, now: Instant) {
        self.read_end(end, now);
    }

    /// Whether bytes from the sender are welcome.
    pub(crate) fn wants_read(&self) -> bool {
        match self.reading {
            Reading::Open => {
                self.held < self.budget.bytes && self.queues[0].len() < self.budget.pieces
            }
            Reading::Discard => true,
            Reading::Ended => false,
        }
    }

    /// Whether something waits for the receiver to take it.
    pub(crate) fn wants_write(&self) -> bool {
        self.out().front().is_some()
    }

    /// Whether the end was delivered and nothing is left.
    pub(crate) fn is_done(&self) -> bool {
        self.finished && self.queues.iter().all(VecDeque::is_empty)
    }

    /// Reads, asks the toxics and writes, as far as sockets, toxics and `share` allow at `now`. A server
    /// that could not be reached has no socket.
    pub(crate) fn pump(
        &mut self,
        sender: Option<&TcpStream>,
        receiver: Option<&TcpStream>,
        now: Instant,
        share: &mut Share,
    ) -> Pumped {
        self.read(sender, now, share);
        let pumped = self.move_on(receiver, now, share);
        self.held_max = self.held_max.max(self.held);
        pumped
    }

    fn move_on(&mut self, receiver: Option<&TcpStream>, now: Instant, share: &mut Share) -> Pumped {
        loop {
            let wake = self.advance(now);
            match self.write(receiver, share) {
                Written::Some => {}
                Written::Enough => return Pumped::Busy,
                Written::Nothing => return Pumped::Idle(wake),
                Written::End(pumped) => return pumped,
            }
        }
    }

    fn out(&self) -> &VecDeque<Front> {
        self.queues
            .last()
            .expect("there is one queue more than stages")
    }

    fn pop_out(&mut self) -> Option<Payload> {
        let out = self.queues.last_mut();
        let front = out
            .expect("there is one queue more than stages")
            .pop_front();
        front.map(|front| front.payload)
    }

    fn push(&mut self, payload: Payload, now: Instant) {
        if let Payload::Data(data) = &payload {
            self.held += data.len();
        }
        self.queues[0].push_back(Front {
            payload,
            arrived: now,
        });
    }

    fn read(&mut self, sender: Option<&TcpStream>, now: Instant, share: &mut Share) {
        if !self.wants_read() {
            return;
        }
        let Some(sender) = sender else {
            return;
        };
        // A few bytes of room left would make for tiny reads.
        if self.buffer.capacity() - self.buffer.len() < CHUNK / 16 {
            self.buffer.reserve(CHUNK);
        }
        match sender.try_read_buf(&mut self.buffer) {
            Ok(0) => self.read_end(
                if self.sender_dead {
                    End::Reset
                } else {
                    End::Fin
                },
                now,
            ),
            Ok(bytes) => {
                share.spend(bytes);
                self.take(bytes, now);
            }
            Err(error) if is_transient(&error) => {}
            Err(_) => self.read_end(End::Reset, now),
        }
    }

    /// Takes what was read into the buffer.
    fn take(&mut self, bytes: usize, now: Instant) {
        self.traffic.received += bytes as u64;
        let data = self.buffer.split().freeze();
        if self.reading == Reading::Open {
            self.push(Payload::Data(data), now);
        }
    }

    fn read_end(&mut self, end: End, now: Instant) {
        if self.reading == Reading::Open {
            self.push(Payload::End(end), now);
        }
        self.reading = Reading::Ended;
    }

    /// Asks the toxics until nothing moves; returns when one of them wants to be asked again.
    fn advance(&mut self, now: Instant) -> Option<Instant> {
        loop {
            let (mut moved, mut wake) = (false, None);
            for place in 0..self.stages.len() {
                moved |= self.advance_stage(place, now, &mut wake);
            }
            if !moved {
                return wake;
            }
        }
    }

    fn advance_stage(&mut self, place: usize, now: Instant, wake: &mut Option<Instant>) -> bool {
        let mut moved = false;
        loop {
            // A toxic whose way on is blocked is asked all the same: its time may have come.
            let blocked = self.queues[place + 1].len() >= self.budget.pieces;
            let front = self.queues[place].front().filter(|_| !blocked);
            match self.stages[place].step(front, now, &mut self.effect_rng) {
                Step::Pass => self.pass(place, usize::MAX),
                Step::PassSince(time) => self.pass_since(place, time),
                Step::PassBytes(bytes) => self.pass(place, bytes),
                Step::Spring(bytes) => {
                    self.sprung = true;
                    self.pass(place, bytes);
                }
                Step::Discard => self.discard(place, usize::MAX),
                Step::DiscardBytes(bytes) => self.discard(place, bytes),
                Step::End(end) => self.end_at(place, end, now),
                Step::Hold => return moved,
                Step::Wait(until) => {
                    *wake = Some(wake.map_or(until, |wake| wake.min(until)));
                    return moved;
                }
            }
            moved = true;
        }
    }

    /// Moves at most `bytes` of the front of a queue to the next queue.
    fn pass(&mut self, place: usize, bytes: usize) {
        let mut front = self.queues[place].pop_front().expect("a front was shown");
        if let Payload::Data(data) = &mut front.payload {
            if bytes < data.len() {
                let rest = Front {
                    payload: Payload::Data(data.split_off(bytes)),
                    arrived: front.arrived,
                };
                self.queues[place].push_front(rest);
            }
            self.stages[place].state.passed += data.len() as u64;
        }
        self.queues[place + 1].push_back(front);
    }

    fn pass_since(&mut self, place: usize, time: Instant) {
        self.pass(place, usize::MAX);
        let passed = self.queues[place + 1].back_mut();
        passed.expect("it has just passed").arrived = time;
    }

    /// Loses at most `bytes` of the front of a queue.
    fn discard(&mut self, place: usize, bytes: usize) {
        let mut front = self.queues[place].pop_front().expect("a front was shown");
        let before = len(&front);
        if let Payload::Data(data) = &mut front.payload
            && bytes < data.len()
        {
            let _ = data.split_to(bytes);
            self.held -= bytes;
            self.queues[place].push_front(front);
        } else {
            self.held -= before;
        }
    }

    /// Ends the stream at a toxic: all that has not passed it is lost.
    fn end_at(&mut self, place: usize, end: End, now: Instant) {
        for queue in &mut self.queues[..=place] {
            self.held -= queue.drain(..).map(|front| len(&front)).sum::<usize>();
        }
        if self.reading == Reading::Open {
            self.reading = Reading::Discard;
        }
        self.stages[place].ended = true;
        self.cut_off = true;
        self.queues[place + 1].push_back(Front {
            payload: Payload::End(end),
            arrived: now,
        });
    }

    fn write(&mut self, receiver: Option<&TcpStream>, share: &mut Share) -> Written {
        let Some(receiver) = receiver else {
            return self.write_to_nobody();
        };
        let out = self
            .queues
            .last_mut()
            .expect("there is one queue more than stages");
        let mut written = Written::Nothing;
        while let Some(front) = out.front_mut() {
            if share.is_spent() {
                return Written::Enough;
            }
            match &mut front.payload {
                Payload::Data(data) => match receiver.try_write(data) {
                    Ok(bytes) => {
                        share.spend(bytes);
                        self.held -= bytes;
                        self.traffic.delivered += bytes as u64;
                        self.frames.skip(&data[..bytes]);
                        written = Written::Some;
                        if bytes == data.len() {
                            out.pop_front();
                        } else {
                            let _ = data.split_to(bytes);
                        }
                    }
                    Err(error) if is_transient(&error) => return written,
                    Err(_) => return Written::End(self.receiver_died()),
                },
                Payload::End(end) => {
                    let end = *end;
                    out.pop_front();
                    return self.finish(end, receiver);
                }
            }
        }
        written
    }

    /// Nothing but an end that a toxic made comes this far.
    fn write_to_nobody(&mut self) -> Written {
        match self.pop_out() {
            Some(Payload::End(End::Reset | End::Severed)) => Written::End(Pumped::Reset),
            Some(_) => Written::Some,
            None => Written::Nothing,
        }
    }

    fn finish(&mut self, end: End, receiver: &TcpStream) -> Written {
        if end == End::Reset {
            return Written::End(Pumped::Reset);
        }
        if end == End::Severed {
            return Written::End(Pumped::Severed);
        }
        self.finished = true;
        // Fails only if the receiver is gone, which whoever reads from it finds out.
        let _ = SockRef::from(receiver).shutdown(Shutdown::Write);
        if end == End::Close {
            Written::End(Pumped::Closed)
        } else {
            Written::Some
        }
    }

    fn receiver_died(&mut self) -> Pumped {
        self.queues.iter_mut().for_each(VecDeque::clear);
        self.held = 0;
        self.reading = Reading::Ended;
        self.finished = true;
        Pumped::Broken
    }
}

fn len(front: &Front) -> usize {
    match &front.payload {
        Payload::Data(data) => data.len(),
        Payload::End(_) => 0,
    }
}

fn is_transient(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
