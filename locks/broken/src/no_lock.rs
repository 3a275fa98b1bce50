//! The canary: a lock that always says yes, without asking anybody.

use async_trait::async_trait;
use locks::{Answer, ClientConfig, Error, Grant, Kind, Lock, Loss, Session};

/// `no-lock`: grants every request at once and promises exclusion all the same, so that it must be
/// caught.
#[derive(Debug, Clone, Copy)]
pub struct NoLock;

#[async_trait]
impl Lock for NoLock {
    fn name(&self) -> &str {
        "no-lock"
    }

    fn summary(&self) -> &str {
        "broken: no lock at all, always says yes"
    }

    fn kind(&self) -> Kind {
        Kind::TrueMutex
    }

    fn promises(&self) -> Vec<&str> {
        vec!["exclusion", "confirmed-exclusion", "progress"]
    }

    fn breaks(&self) -> Option<&str> {
        Some("exclusion")
    }

    fn needs(&self) -> Vec<&str> {
        Vec::new()
    }

    async fn open(&self, _: &ClientConfig) -> Result<Box<dyn Session>, Error> {
        Ok(Box::new(YesSession))
    }
}

struct YesSession;

#[async_trait]
impl Session for YesSession {
    async fn acquire(&mut self, _: &str) -> Result<Grant, Error> {
        Ok(Grant::default())
    }

    async fn verify(&mut self, _: &str) -> Result<Answer, Error> {
        Ok(Answer::Held)
    }

    async fn release(&mut self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    async fn loss_notification(&mut self) -> Loss {
        std::future::pending().await
    }

    async fn close(self: Box<Self>) {}
}
