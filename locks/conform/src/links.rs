//! What a script can break: the way between a connection and the broker.

use std::error::Error;

use async_trait::async_trait;
use simulated::{NoSuchLink, Simulation};

/// The links of a stage, one for each connection, counted from 0.
#[async_trait]
pub trait Links: Send + Sync {
    /// Nothing passes over the link in either direction: bytes, closes and resets are held back.
    ///
    /// # Errors
    /// The link could not be broken.
    async fn partition(&self, link: usize) -> Result<(), LinkError>;

    /// Connections over the link are reset, and so is every new one.
    ///
    /// # Errors
    /// The link could not be broken.
    async fn cut(&self, link: usize) -> Result<(), LinkError>;

    /// The link is whole again; what was held back passes.
    ///
    /// # Errors
    /// The link could not be mended.
    async fn heal(&self, link: usize) -> Result<(), LinkError>;
}

/// A link could not be broken or mended: a harness error, never a finding.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct LinkError(pub Box<dyn Error + Send + Sync>);

impl From<NoSuchLink> for LinkError {
    fn from(error: NoSuchLink) -> Self {
        Self(Box::new(error))
    }
}

#[async_trait]
impl Links for Simulation {
    async fn partition(&self, link: usize) -> Result<(), LinkError> {
        Ok(Simulation::partition(self, link)?)
    }

    async fn cut(&self, link: usize) -> Result<(), LinkError> {
        Ok(Simulation::cut(self, link)?)
    }

    async fn heal(&self, link: usize) -> Result<(), LinkError> {
        Ok(Simulation::heal(self, link)?)
    }
}
