//! One client's connection: two sockets, a link each way, and the task that serves them.

use std::io;
use std::iter;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncWriteExt, Interest};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::link::{Link, Pumped};
use crate::share::Share;
use crate::toxic::{End, Stream};
use crate::traffic::Traffic;

/// How long the server may take to accept; a client behind a real link would not wait for ever
/// either.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a receiver may take to read what came before the end.
const LAST_WORDS: Duration = Duration::from_secs(30);

/// Both directions of a connection. The lock is held for one pump or one change of toxics, never
/// across a wait.
#[derive(Debug)]
pub(crate) struct Connection {
    links: Mutex<Links>,
    /// Something changed: pump again.
    changed: Notify,
}

/// What the lock protects.
#[derive(Debug)]
pub(crate) struct Links {
    upstream: Link,
    downstream: Link,
    closed: bool,
}

impl Links {
    /// The link of one direction.
    pub(crate) fn of(&mut self, stream: Stream) -> &mut Link {
        match stream {
            Stream::Upstream => &mut self.upstream,
            Stream::Downstream => &mut self.downstream,
        }
    }

    /// Without a server what the client sends goes nowhere, and it hears of an end as far as the
    /// toxics let that through.
    fn without_server(&mut self, end: End, now: Instant) {
        self.upstream.lead_nowhere();
        self.downstream.begin_with(end, now);
    }
}

/// A turn of the connection's task, each direction's part for itself: else one that is full would
/// leave nothing to the other.
struct Shares {
    upstream: Share,
    downstream: Share,
}

impl Shares {
    fn new() -> Self {
        Self {
            upstream: Share::new(),
            downstream: Share::new(),
        }
    }

    fn are_spent(&self) -> bool {
        self.upstream.is_spent() || self.downstream.is_spent()
    }
}

/// What the connection's task does next.
enum Next {
    Wait {
        client: Option<Interest>,
        server: Option<Interest>,
        until: Option<Instant>,
    },
    /// Go on when others have had their turn.
    Yield,
    Close,
    Reset,
    /// Reset the sender in that direction, and let the receiver read to its end.
    Sever(Stream),
}

impl Connection {
    pub(crate) fn new(upstream: Link, downstream: Link) -> Self {
        Self {
            links: Mutex::new(Links {
                upstream,
                downstream,
                closed: false,
            }),
            changed: Notify::new(),
        }
    }

    /// Changes the links; the change is in force when this returns.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Links) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.notify_one();
        result
    }

    /// Closes both sockets, whatever the toxics say.
    pub(crate) fn close(&self) {
        self.change(|links| links.closed = true);
    }

    /// What has come through in one direction.
    pub(crate) fn traffic(&self, stream: Stream) -> Traffic {
        self.lock().of(stream).traffic()
    }

    /// The most bytes that were held back in one direction.
    pub(crate) fn held_max(&self, stream: Stream) -> u64 {
        self.lock().of(stream).held_max()
    }

    /// Whether the proxy has ended it, and neither of its ends.
    pub(crate) fn is_cut_off(&self) -> bool {
        let links = self.lock();
        links.closed || links.upstream.is_cut_off() || links.downstream.is_cut_off()
    }

    /// Bytes read and not yet delivered, in both directions.
    pub(crate) fn held(&self) -> u64 {
        let links = self.lock();
        links.upstream.held() + links.downstream.held()
    }

    /// Lets the toxics be asked again.
    pub(crate) fn ask_again(&self) {
        self.changed.notify_one();
    }

    /// Connects to the server and serves the connection until it is over; calls `sprung` when a
    /// toxic has changed what connections share.
    pub(crate) async fn run(&self, client: TcpStream, upstream: &str, sprung: impl Fn()) {
        let server = match self.dial(upstream).await {
            Ok(server) => Some(server),
            Err(end) => {
                self.change(|links| links.without_server(end, Instant::now()));
                None
            }
        };
        for socket in iter::once(&client).chain(&server) {
            // Small messages must not wait in the proxy for one another.
            let _ = socket.set_nodelay(true);
        }
        let mut shares = Shares::new();
        loop {
            if shares.are_spent() {
                tokio::task::yield_now().await;
                shares = Shares::new();
            }
            let (next, has_sprung) = self.pump(&client, server.as_ref(), &mut shares);
            if has_sprung {
                sprung();
            }
            match next {
                Next::Yield => {}
                Next::Close => return,
                Next::Reset => return iter::once(&client).chain(&server).for_each(reset),
                Next::Sever(Stream::Upstream) => return self.sever(Some(client), server).await,
                Next::Sever(Stream::Downstream) => return self.sever(server, Some(client)).await,
                Next::Wait {
                    client: from_client,
                    server: from_server,
                    until,
                } => tokio::select! {
                    () = ready(Some(&client), from_client) => {}
                    () = ready(server.as_ref(), from_server) => {}
                    () = sleep_until(until) => {}
                    () = self.changed.notified() => {}
                },
            }
        }
    }

    /// Resets the sender, and waits until the receiver has read what is on its way to it.
    async fn sever(&self, sender: Option<TcpStream>, receiver: Option<TcpStream>) {
        sender.iter().for_each(reset);
        drop(sender);
        let Some(mut receiver) = receiver else {
            return;
        };
        let last = async {
            receiver.shutdown().await?;
            // Unread bytes would turn the close into a reset.
            tokio::io::copy(&mut receiver, &mut tokio::io::sink()).await
        };
        tokio::select! {
            // However it ends.
            _ = tokio::time::timeout(LAST_WORDS, last) => {}
            () = self.closed() => {}
        }
    }

    /// Connects to the server; without one, says how the client is to hear of it.
    async fn dial(&self, upstream: &str) -> Result<TcpStream, End> {
        let connect = tokio::time::timeout(DIAL_TIMEOUT, TcpStream::connect(upstream));
        tokio::select! {
            connected = connect => match connected {
                Ok(Ok(server)) => Ok(server),
                Ok(Err(error)) => {
                    tracing::warn!(upstream, %error, "failed to connect to the server behind the proxy");
                    Err(end_after(&error))
                }
                Err(_) => {
                    tracing::warn!(upstream, "the server behind the proxy did not accept in time");
                    Err(End::Close)
                }
            },
            () = self.closed() => Err(End::Close),
        }
    }

    async fn closed(&self) {
        while !self.lock().closed {
            self.changed.notified().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Links> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What comes next, and whether a toxic has changed what connections share.
    fn pump(
        &self,
        client: &TcpStream,
        server: Option<&TcpStream>,
        shares: &mut Shares,
    ) -> (Next, bool) {
        let links = &mut *self.lock();
        let next = links.pump(client, server, shares);
        let sprung = links.upstream.take_sprung() | links.downstream.take_sprung();
        (next, sprung)
    }
}

impl Links {
    fn pump(
        &mut self,
        client: &TcpStream,
        server: Option<&TcpStream>,
        shares: &mut Shares,
    ) -> Next {
        // The time is read under the lock, so that no toxic is asked about a time before its own
        // beginning.
        let now = Instant::now();
        let Links {
            upstream,
            downstream,
            closed,
        } = self;
        if *closed {
            return Next::Close;
        }
        let (up, down) = loop {
            let up = upstream.pump(Some(client), server, now, &mut shares.upstream);
            if up == Pumped::Reset {
                // Nothing that the other direction has may come before it.
                return Next::Reset;
            }
            if up == Pumped::Severed {
                return Next::Sever(Stream::Upstream);
            }
            let down = downstream.pump(server, Some(client), now, &mut shares.downstream);
            if down == Pumped::Reset {
                return Next::Reset;
            }
            if down == Pumped::Severed {
                return Next::Sever(Stream::Downstream);
            }
            let told = tell(up, downstream, now) | tell(down, upstream, now);
            if let (Pumped::Idle(up), Pumped::Idle(down), false) = (up, down, told) {
                break (up, down);
            }
            if up == Pumped::Busy || down == Pumped::Busy {
                return Next::Yield;
            }
        };
        if upstream.is_done() && downstream.is_done() {
            return Next::Close;
        }
        Next::Wait {
            client: interest(upstream.wants_read(), downstream.wants_write()),
            server: interest(downstream.wants_read(), upstream.wants_write()),
            until: up.into_iter().chain(down).min(),
        }
    }
}

/// A server that is not there refuses. One that resets has accepted before, and a reset stays a
/// reset.
fn end_after(error: &io::Error) -> End {
    match error.kind() {
        io::ErrorKind::ConnectionReset => End::Reset,
        _ => End::Close,
    }
}

/// Tells the opposite link what happened to the socket that it reads from; whether there was
/// something to tell.
fn tell(pumped: Pumped, opposite: &mut Link, now: Instant) -> bool {
    match pumped {
        Pumped::Closed => opposite.sender_closed(now),
        Pumped::Broken => opposite.sender_died(now),
        Pumped::Idle(_) | Pumped::Busy | Pumped::Reset | Pumped::Severed => return false,
    }
    true
}

fn interest(read: bool, write: bool) -> Option<Interest> {
    match (read, write) {
        (true, true) => Some(Interest::READABLE | Interest::WRITABLE),
        (true, false) => Some(Interest::READABLE),
        (false, true) => Some(Interest::WRITABLE),
        (false, false) => None,
    }
}

async fn ready(socket: Option<&TcpStream>, interest: Option<Interest>) {
    match socket.zip(interest) {
        Some((socket, interest)) => {
            // An error here means that the runtime ends, and this task with it.
            let _ = socket.ready(interest).await;
        }
        None => std::future::pending().await,
    }
}

async fn sleep_until(until: Option<Instant>) {
    match until {
        Some(until) => tokio::time::sleep_until(until).await,
        None => std::future::pending().await,
    }
}

/// Makes the close that follows send RST instead of FIN.
fn reset(socket: &TcpStream) {
    if let Err(error) = socket.set_zero_linger() {
        tracing::warn!(%error, "failed to reset a connection; it is closed instead");
    }
}
