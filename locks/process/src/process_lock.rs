//! A lock that is a program of its own.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use locks::broker::ConnectOptions;
use locks::broker::RabbitMq;
use locks::{Action, ClientConfig, Error, Kind, Lock, RunContext, Session};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::command::{CommandError, CommandLine};
use crate::introduction::Introduction;
use crate::misconduct::Misconduct;
use crate::secrets::Secrets;
use crate::session::ProgramSession;
use crate::strays;

/// How long a program may take to say what it is: some machines are slow to start.
const INTRODUCED_WITHIN: Duration = Duration::from_secs(20);
/// How long what was killed may take to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(1);
/// How often it is looked whether it is.
const POLL: Duration = Duration::from_millis(10);

/// Why a program is no lock.
#[derive(Debug, thiserror::Error)]
pub enum IntroduceError {
    /// The text names no program.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// It does not answer.
    #[error(
        "the program {program} did not answer `init` within {} s: flush each line, and answer before you connect to anything", INTRODUCED_WITHIN.as_secs()
    )]
    Silent {
        /// The program.
        program: String,
    },
    /// It answers what it should not, or that it cannot.
    #[error("{0}")]
    Refused(Error),
}

/// A lock that is a program of its own: each session is one process.
pub struct ProcessLock {
    keeper: Arc<Keeper>,
    introduction: Introduction,
    summary: String,
}

impl ProcessLock {
    /// Starts a program once to ask it what it is.
    ///
    /// # Errors
    /// It cannot be started, says nothing, or what makes no lock.
    pub async fn introduce(
        command: &str,
        options: BTreeMap<String, String>,
    ) -> Result<Self, IntroduceError> {
        let command = CommandLine::parse(command)?;
        let program = command.to_string();
        let keeper = Arc::new(Keeper::of(command, options));
        let client = nobody();
        let opening = ProgramSession::open(&keeper, &client);
        let opened = timeout(INTRODUCED_WITHIN, opening).await;
        let opened = opened.map_err(|_| IntroduceError::Silent {
            program: program.clone(),
        })?;
        let (session, introduction) = opened.map_err(IntroduceError::Refused)?;
        Box::new(session).close().await;
        keeper.end().await.map_err(IntroduceError::Refused)?;
        Ok(Self {
            keeper,
            introduction,
            summary: format!("the program {program}"),
        })
    }

    /// One of our own locks, each session of which is a process that this command starts.
    #[must_use]
    pub fn of_ours(lock: &dyn Lock, command: CommandLine) -> Self {
        Self {
            keeper: Arc::new(Keeper::of(command, BTreeMap::new())),
            introduction: Introduction::of(lock),
            summary: lock.summary().to_owned(),
        }
    }

    /// What it says of itself.
    #[must_use]
    pub fn introduction(&self) -> &Introduction {
        &self.introduction
    }

    async fn open_program(&self, client: &ClientConfig) -> Result<ProgramSession, Error> {
        let (session, introduction) = ProgramSession::open(&self.keeper, client).await?;
        if introduction != self.introduction {
            return Err(self.keeper.accuse(&Misconduct::Changed {
                was: self.introduction.to_string(),
                now: introduction.to_string(),
            }));
        }
        Ok(session)
    }
}

/// A client that only asks what a program is.
fn nobody() -> ClientConfig {
    ClientConfig {
        broker: Arc::new(RabbitMq),
        connect: ConnectOptions::default(),
        endpoints: Vec::new(),
        run: RunContext::default(),
        prefix: "prover-asks".to_owned(),
        name: "prover-asks".to_owned(),
        seed: 0,
        options: locks::Options::default(),
    }
}

#[async_trait]
impl Lock for ProcessLock {
    fn name(&self) -> &str {
        &self.introduction.name
    }

    fn summary(&self) -> &str {
        &self.summary
    }

    fn kind(&self) -> Kind {
        self.introduction.kind
    }

    fn promises(&self) -> Vec<&str> {
        let promises = self.introduction.promises.iter();
        promises.map(String::as_str).collect()
    }

    fn services(&self) -> Vec<&str> {
        let needs = self.introduction.needs.iter();
        needs.map(String::as_str).collect()
    }

    fn has_processes(&self) -> bool {
        true
    }

    fn verifies(&self) -> bool {
        self.introduction.can("verify")
    }

    fn lease(&self) -> Option<Duration> {
        self.introduction.lease
    }

    fn needs(&self) -> Vec<&str> {
        self.services()
    }

    /// A program of its own makes the lock, and ends.
    async fn create(&self, client: &ClientConfig, key: &str, slots: u32) -> Result<(), Error> {
        if !self.introduction.can("create") {
            return Ok(());
        }
        let mut session = self.open_program(client).await?;
        let created = session.administer(key, Action::Create { slots }).await;
        Box::new(session).close().await;
        created.map(drop)
    }

    async fn open(&self, client: &ClientConfig) -> Result<Box<dyn Session>, Error> {
        Ok(Box::new(self.open_program(client).await?))
    }

    async fn misconduct(&self) -> Error {
        self.keeper.misconduct().await
    }

    async fn end(&self) -> Result<(), Error> {
        self.keeper.end().await
    }
}

/// What all programs of a lock have in common.
pub(crate) struct Keeper {
    command: CommandLine,
    options: BTreeMap<String, String>,
    mark: String,
    accused: watch::Sender<Option<Error>>,
}

impl Keeper {
    fn of(command: CommandLine, options: BTreeMap<String, String>) -> Self {
        Self {
            command,
            options,
            mark: mark(),
            accused: watch::Sender::default(),
        }
    }

    pub(crate) fn command(&self) -> &CommandLine {
        &self.command
    }

    pub(crate) fn options(&self) -> &BTreeMap<String, String> {
        &self.options
    }

    pub(crate) fn mark(&self) -> &str {
        &self.mark
    }

    /// Takes note of what a program did; the first counts.
    pub(crate) fn accuse(&self, misconduct: &Misconduct) -> Error {
        self.accuse_hiding(&Secrets::default(), misconduct)
    }

    /// The same without the passwords that what it did may show.
    pub(crate) fn accuse_hiding(&self, secrets: &Secrets, misconduct: &Misconduct) -> Error {
        let error = misconduct.of(&self.command.to_string());
        let error = Error {
            text: secrets.hide(&error.text),
            ..error
        };
        self.accused.send_if_modified(|first| {
            let is_first = first.is_none();
            if is_first {
                *first = Some(error.clone());
            }
            is_first
        });
        error
    }

    pub(crate) fn is_accused(&self) -> bool {
        self.accused.borrow().is_some()
    }

    async fn misconduct(&self) -> Error {
        let mut accused = self.accused.subscribe();
        let first = accused.wait_for(Option::is_some).await;
        match first.map(|first| first.clone()) {
            Ok(Some(error)) => error,
            // The sender is this very object.
            _ => std::future::pending().await,
        }
    }

    /// Kills what is left, and says so.
    async fn end(&self) -> Result<(), Error> {
        let deadline = Instant::now() + GONE_WITHIN;
        let left = loop {
            let left = strays::marked(&self.mark);
            if left.is_empty() || Instant::now() >= deadline {
                break left;
            }
            sleep(POLL).await;
        };
        if !left.is_empty() {
            left.iter().for_each(strays::Stray::kill);
            self.accuse(&Misconduct::Children(strays::listed(&left)));
        }
        match self.accused.borrow().clone() {
            None => Ok(()),
            Some(error) => Err(error),
        }
    }
}

/// A mark that no other lock's programs bear.
fn mark() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = now.unwrap_or_default().as_nanos();
    format!("{}-{nanos}-{count}", std::process::id())
}

impl fmt::Debug for Keeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keeper({})", self.command)
    }
}
