//! Locks whose session connects again by itself and goes on as if nothing had happened, as many
//! client libraries do.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use locks::recipe::queue::is_alive;
use locks::recipe::{Hold, Recipe, Wire, not_held};
use locks::{
    Action, Answer, ClientConfig, Error, ErrorKind, ExclusiveQueue, Grant, Lock, Loss,
    PersistentMutex, PersistentSemaphore, ReceiveSemaphore, Session,
};

use crate::mistake::Mistake;

/// As the original, but a connection that is lost is replaced without a word. Its verify asks
/// whether something of the lock's name is there, and somebody else may have that by then.
#[derive(Debug, Clone, Copy)]
pub struct Reconnecting<R> {
    name: &'static str,
    summary: &'static str,
    original: R,
    recovers: Recovers,
}

/// What is put back in place after a connection was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recovers {
    /// The channel. The mistake is that nobody asks on which one the lock was taken.
    Channel,
    /// What was declared and consumed, too. The mistake is that others may have held the lock in
    /// between.
    Topology,
}

impl Reconnecting<ExclusiveQueue> {
    /// `silent-reconnect`: verify publishes to the queue of the lock, which another owns by then;
    /// RabbitMQ takes that message just as it took ours.
    pub const QUEUE: Self = Self {
        name: "silent-reconnect",
        summary: "broken: reconnects silently, and verifies by a publish to a queue that somebody else may own",
        original: ExclusiveQueue,
        recovers: Recovers::Channel,
    };

    /// `auto-recovery`: declares the queue again, as often as it takes, and never says that the
    /// lock was another's meanwhile.
    pub const RECOVERED: Self = Self {
        name: "auto-recovery",
        summary: "broken: takes the lock again after a lost connection, and does not say so",
        original: ExclusiveQueue,
        recovers: Recovers::Topology,
    };
}

impl Reconnecting<PersistentSemaphore> {
    /// `silent-reconnect-slot`: verify publishes to the A queue of the slot, which is always there.
    pub const SLOT: Self = Self {
        name: "silent-reconnect-slot",
        summary: "broken: reconnects silently, and verifies by a publish to the slot's queue, which everybody may",
        original: PersistentSemaphore,
        recovers: Recovers::Channel,
    };
}

impl Reconnecting<PersistentMutex> {
    /// `silent-reconnect-consumer`: the consumer that held the lock ended with its connection;
    /// verify publishes to the queue that it consumed from.
    pub const CONSUMER: Self = Self {
        name: "silent-reconnect-consumer",
        summary: "broken: reconnects silently without consuming again, and verifies by a publish",
        original: PersistentMutex::Declare,
        recovers: Recovers::Channel,
    };
}

impl Reconnecting<ReceiveSemaphore> {
    /// `silent-reconnect-message`: the message went back to its queue with the channel that had got
    /// it; verify asks for the queue on another.
    pub const MESSAGE: Self = Self {
        name: "silent-reconnect-message",
        summary: "broken: reconnects silently, and verifies on a channel that has no message of the lock",
        original: ReceiveSemaphore,
        recovers: Recovers::Channel,
    };
}

#[async_trait]
impl<R: Lock + Recipe + Copy + 'static> Mistake for Reconnecting<R> {
    type Original = R;

    fn original(&self) -> &R {
        &self.original
    }

    fn name(&self) -> &'static str {
        self.name
    }

    fn summary(&self) -> &'static str {
        self.summary
    }

    fn breaks(&self) -> &'static str {
        "confirmed-exclusion"
    }

    async fn open(&self, client: &ClientConfig) -> Result<Box<dyn Session>, Error> {
        Ok(Box::new(ForgetfulSession {
            recipe: self.original,
            recovers: self.recovers,
            wire: Wire::open(client).await?,
            held: BTreeMap::new(),
        }))
    }
}

struct ForgetfulSession<R> {
    recipe: R,
    recovers: Recovers,
    wire: Wire,
    held: BTreeMap<String, Hold>,
}

/// How long it waits before it connects once more.
const RECONNECT_AFTER: Duration = Duration::from_millis(100);

impl<R: Recipe> ForgetfulSession<R> {
    /// The wire, connected again where it was lost.
    async fn wire(&mut self) -> Result<&mut Wire, Error> {
        if self.wire.connection.closed().now_or_never().is_some() {
            let opened = Wire::open(&self.wire.client).await;
            self.wire = opened.map_err(|error| error.as_kind(ErrorKind::NotSent))?;
        }
        Ok(&mut self.wire)
    }

    /// The hold, with a channel that is alive.
    async fn hold(&mut self, key: &str) -> Result<&mut Hold, Error> {
        let hold = self.held.get(key).ok_or_else(|| not_held(key))?;
        if !is_alive(&*hold.channel) {
            self.recover(key).await?;
        }
        self.held.get_mut(key).ok_or_else(|| not_held(key))
    }

    async fn recover(&mut self, key: &str) -> Result<(), Error> {
        let recovers = self.recovers;
        self.wire().await?;
        if recovers == Recovers::Topology {
            let hold = self.recipe.take(&mut self.wire, key).await?;
            self.held.insert(key.to_owned(), hold);
        } else {
            let channel = self.wire.channel().await?;
            if let Some(hold) = self.held.get_mut(key) {
                hold.channel = channel;
            }
        }
        Ok(())
    }

    async fn try_to_verify(&mut self, key: &str) -> Result<Answer, Error> {
        self.hold(key).await?;
        let hold = self.held.get_mut(key).ok_or_else(|| not_held(key))?;
        self.recipe.ask(&mut self.wire, hold).await
    }
}

/// What libraries that recover by themselves do not bother their users with.
fn is_passing(kind: ErrorKind) -> bool {
    use ErrorKind::{
        Busy, ChannelClosed, ConnectionClosed, ConnectionForced, ConnectionRefused,
        HeartbeatMissed, Io, NotSent,
    };
    matches!(
        kind,
        Io | HeartbeatMissed
            | ConnectionClosed
            | ConnectionForced
            | ConnectionRefused
            | ChannelClosed
            | NotSent
            // Another has the lock: its recovery goes on until it is free.
            | Busy
    )
}

#[async_trait]
impl<R: Recipe> Session for ForgetfulSession<R> {
    async fn acquire(&mut self, key: &str) -> Result<Grant, Error> {
        self.held.remove(key);
        self.wire().await?;
        let hold = self.recipe.take(&mut self.wire, key).await?;
        let grant = hold.grant;
        self.held.insert(key.to_owned(), hold);
        Ok(grant)
    }

    async fn verify(&mut self, key: &str) -> Result<Answer, Error> {
        loop {
            match self.try_to_verify(key).await {
                Err(error) if is_passing(error.kind) => {
                    tokio::time::sleep(RECONNECT_AFTER).await;
                }
                answered => return answered,
            }
        }
    }

    async fn release(&mut self, key: &str) -> Result<(), Error> {
        self.hold(key).await?;
        let mut hold = self.held.remove(key).ok_or_else(|| not_held(key))?;
        self.recipe.give_back(&mut self.wire, &mut hold).await
    }

    async fn administer(&mut self, key: &str, action: Action) -> Result<Vec<u32>, Error> {
        self.wire().await?;
        self.recipe.administer(&mut self.wire, key, action).await
    }

    /// It never hears of anything.
    async fn loss_notification(&mut self) -> Loss {
        std::future::pending().await
    }

    async fn close(self: Box<Self>) {}
}
