//! A lock that does what it is told, and after that grants and confirms everything.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use locks::broker::ConnectOptions;
use locks::{Action, Answer, Error, ErrorKind, Grant, Lock, Loss, Session};
use simulated::Simulation;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What comes of something that is asked of the lock.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reaction {
    /// It is done.
    Done,
    /// It is granted with this.
    Granted(Grant),
    /// A verify says so.
    Answered(Answer),
    /// It fails.
    Fails(ErrorKind),
    /// There is never an answer.
    Hangs,
    /// The program has a bug.
    Panics,
}

/// The lock. Its clones are one and the same.
#[derive(Clone, Default)]
pub(crate) struct ScriptedLock(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    creating: VecDeque<Reaction>,
    made_with: Vec<locks::Options>,
    opening: VecDeque<Reaction>,
    operating: VecDeque<Reaction>,
    never_closes: bool,
    /// To the session that was opened last.
    losses: Option<UnboundedSender<Loss>>,
    sessions: Vec<String>,
}

impl ScriptedLock {
    /// What comes of the next operations, whoever asks for them.
    pub(crate) fn operating(self, reactions: impl IntoIterator<Item = Reaction>) -> Self {
        self.script().operating.extend(reactions);
        self
    }

    /// What comes of opening the next sessions.
    pub(crate) fn opening(self, reactions: impl IntoIterator<Item = Reaction>) -> Self {
        self.script().opening.extend(reactions);
        self
    }

    /// The options that those had who created it.
    pub(crate) fn made_with(&self) -> Vec<locks::Options> {
        self.script().made_with.clone()
    }

    /// What comes of creating it.
    pub(crate) fn creating(self, reaction: Reaction) -> Self {
        self.script().creating.push_back(reaction);
        self
    }

    /// Its sessions never close.
    pub(crate) fn never_closing(self) -> Self {
        self.script().never_closes = true;
        self
    }

    /// Notifies the session that was opened last of a loss.
    pub(crate) fn lose(&self, loss: Loss) {
        let script = self.script();
        let losses = script.losses.as_ref().expect("a session was opened");
        losses.send(loss).expect("the session is there");
    }

    /// What became of its sessions so far: `open worker-0`, `close worker-0`.
    pub(crate) fn sessions(&self) -> Vec<String> {
        self.script().sessions.clone()
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn operate(&self) -> Result<Reaction, Error> {
        let reaction = self.script().operating.pop_front();
        react(reaction.unwrap_or(Reaction::Done)).await
    }
}

async fn react(reaction: Reaction) -> Result<Reaction, Error> {
    match reaction {
        Reaction::Fails(kind) => Err(Error::new(kind, "said so")),
        Reaction::Hangs => std::future::pending().await,
        Reaction::Panics => panic!("as told"),
        other => Ok(other),
    }
}

#[async_trait]
impl Lock for ScriptedLock {
    fn name(&self) -> &str {
        "scripted"
    }

    fn summary(&self) -> &str {
        "does what it is told"
    }

    fn kind(&self) -> locks::Kind {
        locks::Kind::PersistentSemaphore
    }

    fn promises(&self) -> Vec<&str> {
        Vec::new()
    }

    fn needs(&self) -> Vec<&str> {
        Vec::new()
    }

    async fn create(&self, client: &locks::ClientConfig, _: &str, _: u32) -> Result<(), Error> {
        self.script().made_with.push(client.options);
        let reaction = self.script().creating.pop_front();
        react(reaction.unwrap_or(Reaction::Done)).await.map(|_| ())
    }

    async fn open(&self, client: &locks::ClientConfig) -> Result<Box<dyn Session>, Error> {
        let reaction = self.script().opening.pop_front();
        react(reaction.unwrap_or(Reaction::Done)).await?;
        let (sender, losses) = unbounded_channel();
        let mut script = self.script();
        script.losses = Some(sender);
        script.sessions.push(format!("open {}", client.name));
        Ok(Box::new(ScriptedSession {
            lock: self.clone(),
            name: client.name.clone(),
            losses,
        }))
    }
}

struct ScriptedSession {
    lock: ScriptedLock,
    name: String,
    losses: UnboundedReceiver<Loss>,
}

#[async_trait]
impl Session for ScriptedSession {
    async fn acquire(&mut self, _: &str) -> Result<Grant, Error> {
        match self.lock.operate().await? {
            Reaction::Granted(grant) => Ok(grant),
            _ => Ok(Grant::default()),
        }
    }

    async fn verify(&mut self, _: &str) -> Result<Answer, Error> {
        match self.lock.operate().await? {
            Reaction::Answered(answer) => Ok(answer),
            _ => Ok(Answer::Held),
        }
    }

    async fn release(&mut self, _: &str) -> Result<(), Error> {
        self.lock.operate().await.map(|_| ())
    }

    async fn administer(&mut self, _: &str, _: Action) -> Result<Vec<u32>, Error> {
        self.lock.operate().await.map(|_| vec![1])
    }

    async fn loss_notification(&mut self) -> Loss {
        match self.losses.recv().await {
            Some(loss) => loss,
            None => std::future::pending().await,
        }
    }

    async fn close(self: Box<Self>) {
        let never_closes = self.lock.script().never_closes;
        if never_closes {
            std::future::pending::<()>().await;
        }
        let closed = format!("close {}", self.name);
        self.lock.script().sessions.push(closed);
    }
}

/// A client that a scripted lock asks for nothing but its name.
pub(crate) fn client() -> locks::ClientConfig {
    locks::ClientConfig {
        broker: Arc::new(Simulation::new(1, 1)),
        connect: ConnectOptions::default(),
        endpoints: Vec::new(),
        run: locks::RunContext::default(),
        prefix: "test".to_owned(),
        name: "worker".to_owned(),
        seed: 1,
        options: locks::Options::default(),
    }
}
