//! The cells of a lock: each of its operations, in sessions of its own and on a key of its own.

use std::sync::Arc;

use async_trait::async_trait;
use locks::broker::{Broker, ConnectOptions};
use locks::{Answer, ClientConfig, Error, ErrorKind, Grant, Lock, Session};

use super::cell::{Cell, FigureError, Label, Operation};
use crate::experiment::counting::{Counter, Counting};

/// How many slots a semaphore is measured with, besides one.
const SLOTS: &[u32] = &[2, 4, 8];

/// Where the clients of all cells come from.
#[derive(Clone)]
pub(super) struct Source {
    /// The broker.
    pub(super) broker: Arc<dyn Broker>,
    /// How to connect to it.
    pub(super) connect: ConnectOptions,
    /// Stands before every name on the broker.
    pub(super) prefix: String,
    /// Decides what locks draw at random.
    pub(super) seed: u64,
    /// How the lock is used.
    pub(super) options: locks::Options,
}

impl Source {
    /// A client whose operations are counted.
    pub(super) fn client(&self, counter: &Arc<Counter>) -> ClientConfig {
        let counting = Counting::of(self.broker.clone(), counter.clone());
        ClientConfig {
            broker: Arc::new(counting),
            connect: self.connect.clone(),
            endpoints: Vec::new(),
            run: locks::RunContext::default(),
            prefix: self.prefix.clone(),
            name: self.prefix.clone(),
            seed: self.seed,
            options: self.options,
        }
    }
}

/// One operation of a lock.
struct LockCell {
    label: Label,
    lock: Arc<dyn Lock>,
    key: String,
    client: ClientConfig,
    counter: Arc<Counter>,
    /// The session that is measured, where one is open.
    session: Option<Box<dyn Session>>,
    /// Hold whatever slots are not meant to be free.
    _others: Vec<Box<dyn Session>>,
}

/// The cells of a lock.
///
/// # Errors
/// The lock could not be made, or not be held by as many sessions as the cells need.
pub(super) async fn cells(
    source: &Source,
    lock: &Arc<dyn Lock>,
) -> Result<Vec<Box<dyn Cell>>, FigureError> {
    use Operation::{Acquire, FirstAcquire, Open, RefusedAcquire, Release, Verify};
    let mut wanted: Vec<_> = [Open, FirstAcquire, Acquire, RefusedAcquire, Verify, Release]
        .map(|operation| (operation, 1))
        .into();
    if is_semaphore(source, &**lock).await? {
        for slots in SLOTS {
            wanted.extend([(Acquire, *slots), (RefusedAcquire, *slots)]);
        }
    }
    let mut cells: Vec<Box<dyn Cell>> = Vec::new();
    for (operation, slots) in wanted {
        cells.push(cell(source, lock, operation, slots).await?);
    }
    Ok(cells)
}

/// The cell of one operation of a lock that is made with so many slots.
///
/// # Errors
/// The lock could not be made, or not be held by as many sessions as the cell needs.
pub(super) async fn cell(
    source: &Source,
    lock: &Arc<dyn Lock>,
    operation: Operation,
    slots: u32,
) -> Result<Box<dyn Cell>, FigureError> {
    Ok(Box::new(
        LockCell::set_up(source, lock, operation, slots).await?,
    ))
}

/// Whether two sessions can hold it at once where it is made for two: asked of the lock itself.
async fn is_semaphore(source: &Source, lock: &dyn Lock) -> Result<bool, FigureError> {
    let client = source.client(&Arc::default());
    let key = format!("{}.room-for-two", lock.name());
    lock.create(&client, &key, 2).await?;
    let mut first = lock.open(&client).await?;
    let mut second = lock.open(&client).await?;
    granted(first.acquire(&key).await)?;
    let is_granted = match second.acquire(&key).await {
        Ok(_) => true,
        Err(error) if is_refusal(&error) => false,
        Err(error) => return Err(error.into()),
    };
    first.close().await;
    second.close().await;
    Ok(is_granted)
}

impl LockCell {
    async fn set_up(
        source: &Source,
        lock: &Arc<dyn Lock>,
        operation: Operation,
        slots: u32,
    ) -> Result<Self, FigureError> {
        let counter = Arc::new(Counter::default());
        let client = source.client(&counter);
        let key = format!("{}.{}.{slots}", lock.name(), operation.name());
        lock.create(&client, &key, slots).await?;
        let taken = if operation == Operation::RefusedAcquire {
            slots
        } else {
            slots - 1
        };
        let mut others = Vec::new();
        for _ in 0..taken {
            let mut other = lock.open(&client).await?;
            granted(other.acquire(&key).await)?;
            others.push(other);
        }
        let session = match operation {
            Operation::Open | Operation::FirstAcquire => None,
            _ => Some(lock.open(&client).await?),
        };
        Ok(Self {
            label: Label {
                subject: lock.name().to_owned(),
                operation,
                slots: Some(slots),
            },
            lock: Arc::clone(lock),
            key,
            client,
            counter,
            session,
            _others: others,
        })
    }

    fn session(&mut self) -> Result<&mut Box<dyn Session>, FigureError> {
        let missing = || Error::new(ErrorKind::NotSent, "no session is open");
        self.session.as_mut().ok_or_else(|| missing().into())
    }

    async fn open(&mut self) -> Result<(), FigureError> {
        self.session = Some(self.lock.open(&self.client).await?);
        Ok(())
    }

    async fn acquire(&mut self) -> Result<(), FigureError> {
        let key = self.key.clone();
        granted(self.session()?.acquire(&key).await)
    }

    async fn release(&mut self) -> Result<(), FigureError> {
        let key = self.key.clone();
        let released = self.session()?.release(&key).await;
        released.map_err(|error| answer_or_error(error, "released"))
    }

    async fn close(&mut self) {
        if let Some(session) = self.session.take() {
            session.close().await;
        }
    }
}

#[async_trait]
impl Cell for LockCell {
    fn label(&self) -> &Label {
        &self.label
    }

    fn counter(&self) -> &Counter {
        &self.counter
    }

    async fn prepare(&mut self) -> Result<(), FigureError> {
        match self.label.operation {
            Operation::FirstAcquire => self.open().await,
            Operation::Verify | Operation::Release => self.acquire().await,
            _ => Ok(()),
        }
    }

    async fn act(&mut self) -> Result<(), FigureError> {
        match self.label.operation {
            Operation::Open => self.open().await,
            Operation::FirstAcquire | Operation::Acquire => self.acquire().await,
            Operation::RefusedAcquire => {
                let key = self.key.clone();
                refused(self.session()?.acquire(&key).await)
            }
            Operation::Verify | Operation::Ask => {
                let key = self.key.clone();
                held(self.session()?.verify(&key).await)
            }
            Operation::Release => self.release().await,
        }
    }

    async fn restore(&mut self) -> Result<(), FigureError> {
        match self.label.operation {
            Operation::Open => self.close().await,
            Operation::FirstAcquire => {
                self.release().await?;
                self.close().await;
            }
            Operation::Acquire | Operation::Verify => self.release().await?,
            _ => {}
        }
        Ok(())
    }
}

fn granted(answer: Result<Grant, Error>) -> Result<(), FigureError> {
    answer
        .map(drop)
        .map_err(|error| answer_or_error(error, "granted"))
}

fn held(answer: Result<Answer, Error>) -> Result<(), FigureError> {
    match answer {
        Ok(Answer::Held | Answer::Leased(_)) => Ok(()),
        Ok(Answer::Lost) => Err(unexpected("lost", "held")),
        Err(error) => Err(answer_or_error(error, "held")),
    }
}

fn refused(answer: Result<Grant, Error>) -> Result<(), FigureError> {
    match answer {
        Ok(_) => Err(unexpected("granted", "refused, since others hold it")),
        Err(error) if is_refusal(&error) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn is_refusal(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::Busy | ErrorKind::NoSlot)
}

/// Some errors are a lock's answer, and a wrong one where another was due.
fn answer_or_error(error: Error, due: &str) -> FigureError {
    match error.kind {
        ErrorKind::Busy | ErrorKind::NoSlot | ErrorKind::Lost | ErrorKind::NotHeld => {
            unexpected(&format!("{} ({error})", error.kind), due)
        }
        _ => error.into(),
    }
}

fn unexpected(said: &str, due: &str) -> FigureError {
    FigureError::Unexpected(format!("{said}, where it must be {due}"))
}
