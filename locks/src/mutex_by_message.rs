//! The mutex by receiving: a receive-based semaphore with one message.

use async_trait::async_trait;

use crate::options::Choice;
use crate::recipe::RecipeSession;
use crate::{ClientConfig, Error, Kind, Lock, ReceiveSemaphore, Session};

/// `mutex-by-message`: whoever keeps the only message of the queue unacknowledged holds the lock,
/// as in [`ReceiveSemaphore`].
#[derive(Debug, Clone, Copy)]
pub struct MutexByMessage;

#[async_trait]
impl Lock for MutexByMessage {
    fn name(&self) -> &str {
        "mutex-by-message"
    }

    fn summary(&self) -> &str {
        "mutex by one unacknowledged message: the existing approach, for comparison"
    }

    fn kind(&self) -> Kind {
        Kind::PersistentMutex
    }

    fn options(&self) -> &[Choice] {
        ReceiveSemaphore.options()
    }

    fn promises(&self) -> Vec<&str> {
        ReceiveSemaphore.promises()
    }

    fn needs(&self) -> Vec<&str> {
        ReceiveSemaphore.needs()
    }

    async fn create(&self, client: &ClientConfig, key: &str, _: u32) -> Result<(), Error> {
        ReceiveSemaphore.create(client, key, 1).await
    }

    async fn open(&self, client: &ClientConfig) -> Result<Box<dyn Session>, Error> {
        RecipeSession::open(ReceiveSemaphore, client).await
    }
}
