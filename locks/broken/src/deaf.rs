//! True mutexes whose session does not tell of a loss by itself, which is no mistake, and then does
//! not ask properly either, which is one.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt;
use locks::recipe::RecipeSession;
use locks::{Answer, ClientConfig, Error, ErrorKind, ExclusiveQueue, Grant, Loss, Session};
use tokio::time::Instant;

use crate::mistake::Mistake;

/// As `exclusive-queue`, but goes on believing in a lock whose connection is lost. Another client
/// is granted it meanwhile.
#[derive(Debug, Clone, Copy)]
pub enum Deaf {
    /// `verify-from-memory`: verify says what the acquire said.
    Memory,
    /// `cached-verify`: verify says for a while what it said before.
    Cache,
    /// `errors-are-held`: verify takes an error for a passing trouble that changes nothing.
    Errors,
    /// `release-never-fails`: release takes an error for a sign that the lock is given back
    /// already, and calls that a success. So it confirms a hold that had ended before.
    Release,
}

/// For how long a verify is not repeated.
const CACHED_FOR: Duration = Duration::from_secs(3);

#[async_trait]
impl Mistake for Deaf {
    type Original = ExclusiveQueue;

    fn original(&self) -> &ExclusiveQueue {
        &ExclusiveQueue
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Memory => "verify-from-memory",
            Self::Cache => "cached-verify",
            Self::Errors => "errors-are-held",
            Self::Release => "release-never-fails",
        }
    }

    fn summary(&self) -> &'static str {
        match self {
            Self::Memory => "broken: verify answers from memory, whatever became of the connection",
            Self::Cache => "broken: verify repeats an answer that is up to 3 s old",
            Self::Errors => "broken: a verify that fails counts as held",
            Self::Release => "broken: a release that fails counts as done",
        }
    }

    fn breaks(&self) -> &'static str {
        "confirmed-exclusion"
    }

    async fn open(&self, client: &ClientConfig) -> Result<Box<dyn Session>, Error> {
        Ok(Box::new(DeafSession {
            mistake: *self,
            client: client.clone(),
            session: RecipeSession::open(ExclusiveQueue, client).await?,
            confirmed: BTreeMap::new(),
        }))
    }
}

struct DeafSession {
    mistake: Deaf,
    client: ClientConfig,
    session: Box<dyn Session>,
    /// When each lock was confirmed last.
    confirmed: BTreeMap<String, Instant>,
}

#[async_trait]
impl Session for DeafSession {
    async fn acquire(&mut self, key: &str) -> Result<Grant, Error> {
        // Nothing is held now, so that nothing is lost with a session that is over.
        if let Some(Loss::All(_)) = self.session.loss_notification().now_or_never() {
            let opened = RecipeSession::open(ExclusiveQueue, &self.client).await;
            self.session = opened.map_err(|error| error.as_kind(ErrorKind::NotSent))?;
        }
        let grant = self.session.acquire(key).await?;
        self.confirmed.insert(key.to_owned(), Instant::now());
        Ok(grant)
    }

    async fn verify(&mut self, key: &str) -> Result<Answer, Error> {
        let is_fresh = |at: &Instant| at.elapsed() < CACHED_FOR;
        match self.mistake {
            Deaf::Memory => return Ok(Answer::Held),
            Deaf::Cache if self.confirmed.get(key).is_some_and(is_fresh) => {
                return Ok(Answer::Held);
            }
            Deaf::Errors => return Ok(self.session.verify(key).await.unwrap_or(Answer::Held)),
            Deaf::Cache | Deaf::Release => {}
        }
        let answer = self.session.verify(key).await?;
        self.confirmed.insert(key.to_owned(), Instant::now());
        Ok(answer)
    }

    async fn release(&mut self, key: &str) -> Result<(), Error> {
        let released = self.session.release(key).await;
        match self.mistake {
            Deaf::Release => Ok(()),
            _ => released,
        }
    }

    /// It never tells of anything.
    async fn loss_notification(&mut self) -> Loss {
        std::future::pending().await
    }

    async fn close(self: Box<Self>) {
        self.session.close().await;
    }
}
