//! A connection as lapin keeps it: what it has sent, what it waits for, how it ends.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use locks::broker::{Closed, Confirm, ConnectionEvent, Feed, Party, Publish};
use locks::{Error, ErrorKind};
use tokio::sync::oneshot;

use super::channel_state::{Answer, ChannelState, Then};
use super::heartbeat::{Heartbeat, Look};
use crate::frame::{ChannelId, ClientFrame, Method, Refusal, Reply, Segment, ServerFrame};

/// The most channels of a connection, as RabbitMQ suggests.
const CHANNELS_MAX: ChannelId = 2047;

/// Where an answer comes from.
pub(super) type Answered<T> = oneshot::Receiver<Result<T, Error>>;

/// What a client says about itself.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) vhost: String,
    pub(crate) name: String,
    pub(crate) heartbeat_secs: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Connecting,
    Open,
    /// This client wants to end it.
    Closing,
    Dead,
}

/// A frame that is not written yet, and who wants to know when it is.
#[derive(Debug)]
struct Outgoing {
    frame: ClientFrame,
    written: Option<Answer<()>>,
}

#[derive(Debug)]
pub(crate) struct ConnectionState {
    pub(super) events: Arc<Feed<ConnectionEvent>>,
    /// Nobody has a handle of it any more.
    pub(crate) orphan: bool,
    phase: Phase,
    credentials: Credentials,
    opened: Option<Answer<()>>,
    closed: Option<Answer<()>>,
    channels: BTreeMap<ChannelId, ChannelState>,
    last_channel: ChannelId,
    heartbeat: Option<Heartbeat>,
    blocked: bool,
    outbox: VecDeque<Outgoing>,
    /// The end of the stream is still to be written.
    ending: bool,
}

impl ConnectionState {
    pub(crate) fn new(credentials: Credentials, opened: Answer<()>) -> Self {
        let mut state = Self {
            events: Arc::default(),
            orphan: false,
            phase: Phase::Connecting,
            credentials,
            opened: Some(opened),
            closed: None,
            channels: BTreeMap::new(),
            last_channel: 0,
            heartbeat: None,
            blocked: false,
            outbox: VecDeque::new(),
            ending: false,
        };
        state.write(ClientFrame::Header);
        state
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.phase == Phase::Dead
    }

    /// What is to be written now. Like lapin, a blocked connection writes nothing at all.
    pub(crate) fn drain(&mut self, now: Duration) -> Vec<Segment<ClientFrame>> {
        if std::mem::take(&mut self.ending) {
            return vec![Segment::Fin];
        }
        if self.blocked || self.outbox.is_empty() {
            return Vec::new();
        }
        if let Some(heartbeat) = &mut self.heartbeat {
            heartbeat.written(now);
        }
        let outgoing = self.outbox.drain(..);
        outgoing
            .map(|Outgoing { frame, written }| {
                if let Some(written) = written {
                    let _ = written.send(Ok(()));
                }
                Segment::Frame(frame)
            })
            .collect()
    }

    /// Something came from the server; says when to look at the heartbeat for the first time, where
    /// that begins.
    pub(crate) fn receive(
        &mut self,
        segment: Segment<ServerFrame>,
        now: Duration,
    ) -> Option<Duration> {
        if self.is_dead() {
            return None;
        }
        if let Some(heartbeat) = &mut self.heartbeat {
            heartbeat.read(now);
        }
        match segment {
            Segment::Fin => self.die(transport("IO error: connection aborted")),
            Segment::Frame(ServerFrame::OpenOk) => return self.opened(now),
            Segment::Frame(frame) => self.read(frame),
        }
        None
    }

    fn read(&mut self, frame: ServerFrame) {
        match frame {
            ServerFrame::Start => {
                let user = self.credentials.user.clone();
                let password = self.credentials.password.clone();
                self.write(ClientFrame::StartOk { user, password });
            }
            ServerFrame::Tune { heartbeat_secs } => self.tune(heartbeat_secs),
            ServerFrame::OpenOk | ServerFrame::Heartbeat => {}
            ServerFrame::Blocked(reason) => {
                self.blocked = true;
                self.events.send(ConnectionEvent::Blocked(reason));
            }
            ServerFrame::Unblocked => {
                self.blocked = false;
                self.events.send(ConnectionEvent::Unblocked);
            }
            ServerFrame::Close(refusal) => self.die(Closed {
                by: Party::Server,
                error: refusal.error(),
            }),
            ServerFrame::CloseOk => self.agreed(),
            ServerFrame::Channel(id, Reply::Closed(refusal)) => self.channel_refused(id, &refusal),
            ServerFrame::Channel(id, Reply::CloseOk) => {
                if let Some(mut channel) = self.channels.remove(&id) {
                    channel.closed();
                }
            }
            ServerFrame::Channel(id, reply) => {
                if let Some(channel) = self.channels.get_mut(&id) {
                    channel.receive(reply);
                }
            }
        }
    }

    /// The smaller wish counts, and zero is none.
    fn tune(&mut self, server_secs: u16) {
        let wish = &mut self.credentials.heartbeat_secs;
        if *wish == 0 || (server_secs != 0 && server_secs < *wish) {
            *wish = server_secs;
        }
        let heartbeat_secs = *wish;
        self.write(ClientFrame::TuneOk { heartbeat_secs });
        self.write(ClientFrame::Open {
            vhost: self.credentials.vhost.clone(),
            name: self.credentials.name.clone(),
        });
    }

    fn opened(&mut self, now: Duration) -> Option<Duration> {
        if self.phase != Phase::Connecting {
            return None;
        }
        self.phase = Phase::Open;
        if let Some(opened) = self.opened.take() {
            let _ = opened.send(Ok(()));
        }
        let secs = self.credentials.heartbeat_secs;
        if secs == 0 {
            return None;
        }
        self.heartbeat = Some(Heartbeat::new(secs, now));
        self.look(now)
    }

    /// Looks at the heartbeat; says after which time to look again.
    pub(crate) fn look(&mut self, now: Duration) -> Option<Duration> {
        match self.heartbeat.as_mut()?.look(now) {
            Look::Wait(time) => Some(time),
            Look::Send(time) => {
                self.write(ClientFrame::Heartbeat);
                Some(time)
            }
            Look::Missed => {
                self.die(Closed {
                    by: Party::Transport,
                    error: Error::new(
                        ErrorKind::HeartbeatMissed,
                        "no heartbeat received from server for too long time",
                    ),
                });
                None
            }
        }
    }

    /// The connection was reset.
    pub(crate) fn reset(&mut self) {
        self.die(transport("IO error: connection reset by peer"));
        // Nothing is left to be written to.
        self.ending = false;
    }

    fn channel_refused(&mut self, id: ChannelId, refusal: &Refusal) {
        if let Some(mut channel) = self.channels.remove(&id) {
            channel.die(&refusal.error());
        }
        self.write(ClientFrame::Channel(id, Method::CloseOk));
    }

    /// The server has agreed to close the connection.
    fn agreed(&mut self) {
        if let Some(closed) = self.closed.take() {
            let _ = closed.send(Ok(()));
        }
        self.die(closed_by_client());
    }

    fn die(&mut self, closed: Closed) {
        if self.is_dead() {
            return;
        }
        self.phase = Phase::Dead;
        self.heartbeat = None;
        self.ending = true;
        let error = closed.error.clone();
        self.events.end(ConnectionEvent::Closed(closed));
        let written = self
            .outbox
            .drain(..)
            .filter_map(|outgoing| outgoing.written);
        for answer in written.chain(self.opened.take()).chain(self.closed.take()) {
            let _ = answer.send(Err(error.clone()));
        }
        for channel in std::mem::take(&mut self.channels).values_mut() {
            channel.die(&error);
        }
    }

    /// Opens a channel.
    pub(super) fn open_channel(&mut self) -> Result<(ChannelId, Answered<Reply>), Error> {
        self.ensure_open()?;
        let id = self.free_channel()?;
        let (answer, answered) = oneshot::channel();
        let mut channel = ChannelState::default();
        channel.expect(Some(answer), Then::Opened);
        self.channels.insert(id, channel);
        self.write(ClientFrame::Channel(id, Method::Open));
        Ok((id, answered))
    }

    /// The next number round the circle, so that none comes again soon.
    fn free_channel(&mut self) -> Result<ChannelId, Error> {
        for _ in 0..CHANNELS_MAX {
            self.last_channel = self.last_channel % CHANNELS_MAX + 1;
            if !self.channels.contains_key(&self.last_channel) {
                return Ok(self.last_channel);
            }
        }
        let text = format!("all {CHANNELS_MAX} channels of the connection are open");
        Err(Error::new(ErrorKind::TooManyChannels, text))
    }

    fn ensure_open(&self) -> Result<(), Error> {
        if self.phase == Phase::Open {
            return Ok(());
        }
        let why = match self.events.last() {
            Some(ConnectionEvent::Closed(closed)) => closed.error.text,
            _ => "connection is closed".into(),
        };
        Err(Error::new(ErrorKind::NotSent, why))
    }

    /// A channel that is there, dead or alive.
    pub(super) fn channel(&mut self, id: ChannelId) -> Option<&mut ChannelState> {
        self.channels.get_mut(&id)
    }

    /// Whether a channel can be written to.
    pub(super) fn is_open(&mut self, id: ChannelId) -> bool {
        self.open_one(id).is_some()
    }

    /// A channel that can be written to.
    fn open_one(&mut self, id: ChannelId) -> Option<&mut ChannelState> {
        let open = self.phase == Phase::Open;
        self.channels
            .get_mut(&id)
            .filter(|channel| open && channel.open)
    }

    /// Asks something that is answered; none where the channel is known to be dead.
    pub(super) fn request(
        &mut self,
        id: ChannelId,
        method: Method,
        then: Then,
    ) -> Option<Answered<Reply>> {
        let (answer, answered) = oneshot::channel();
        self.open_one(id)?.expect(Some(answer), then);
        self.write(ClientFrame::Channel(id, method));
        Some(answered)
    }

    /// Sends something that nothing answers; resolves when it is written.
    pub(super) fn post(&mut self, id: ChannelId, method: Method) -> Option<Answered<()>> {
        let publishes = matches!(method, Method::Publish(..));
        let channel = self.open_one(id)?;
        if publishes {
            channel.published(None);
        }
        let (written, answered) = oneshot::channel();
        self.outbox.push_back(Outgoing {
            frame: ClientFrame::Channel(id, method),
            written: Some(written),
        });
        Some(answered)
    }

    /// Publishes, and resolves to the confirm.
    pub(super) fn publish(
        &mut self,
        id: ChannelId,
        queue: String,
        publish: Publish,
    ) -> Option<Answered<Confirm>> {
        let (answer, answered) = oneshot::channel();
        self.open_one(id)?.published(Some(answer));
        let method = Method::Publish(queue, publish);
        self.write(ClientFrame::Channel(id, method));
        Some(answered)
    }

    /// Begins to close a channel, also one that is only about to open; none where it is dead
    /// already.
    pub(super) fn close_channel(&mut self, id: ChannelId) -> Option<Answered<Reply>> {
        if self.phase != Phase::Open {
            return None;
        }
        let channel = self
            .channels
            .get_mut(&id)
            .filter(|channel| !channel.closing)?;
        channel.open = false;
        channel.closing = true;
        let (answer, answered) = oneshot::channel();
        channel.expect(Some(answer), Then::Nothing);
        self.write(ClientFrame::Channel(id, Method::Close));
        Some(answered)
    }

    /// Stops a consumer that nobody listens to any more.
    pub(super) fn forget_consumer(&mut self, id: ChannelId, tag: &str) {
        if self
            .open_one(id)
            .is_some_and(|channel| channel.consumes(tag))
        {
            let method = Method::Cancel(tag.to_owned());
            self.request(id, method, Then::Cancelled(tag.to_owned()));
        }
    }

    /// Begins to close the connection; everybody is told at once.
    pub(super) fn close(&mut self) -> Result<Answered<()>, Error> {
        self.ensure_open()?;
        let (answer, answered) = oneshot::channel();
        self.closed = Some(answer);
        self.phase = Phase::Closing;
        self.heartbeat = None;
        let closed = closed_by_client();
        for channel in self.channels.values() {
            let _ = channel.end.set(closed.error.clone());
        }
        self.events.end(ConnectionEvent::Closed(closed));
        self.write(ClientFrame::Close);
        Ok(answered)
    }

    /// Gives up an attempt to connect, or what nobody has a handle of any more.
    pub(crate) fn abandon(&mut self) {
        self.orphan = true;
        match self.phase {
            Phase::Connecting => self.die(closed_by_client()),
            Phase::Open => drop(self.close()),
            Phase::Closing | Phase::Dead => {}
        }
    }

    fn write(&mut self, frame: ClientFrame) {
        self.outbox.push_back(Outgoing {
            frame,
            written: None,
        });
    }
}

fn transport(text: &str) -> Closed {
    Closed {
        by: Party::Transport,
        error: Error::new(ErrorKind::Io, text),
    }
}

fn closed_by_client() -> Closed {
    let text = "connection closed by this client";
    Closed {
        by: Party::Client,
        error: Error::new(ErrorKind::ConnectionClosed, text),
    }
}
