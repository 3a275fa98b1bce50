//! `crash`: the client dies.

use async_trait::async_trait;
use history::fault::{Class, Evidence};

use crate::{Fault, Landing, Part, Strike, SystemError};

/// Whatever the client was about to do, nobody learns what became of it; another process takes its
/// place when this heals.
pub(crate) struct Crash;

#[async_trait]
impl Fault for Crash {
    fn name(&self) -> &'static str {
        "crash"
    }

    fn summary(&self) -> &'static str {
        "a client's process dies and its connections are closed; a new process takes its place when it heals"
    }

    fn class(&self) -> Class {
        Class::Breaking
    }

    fn parts(&self) -> &'static [Part] {
        &[Part::Process]
    }

    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError> {
        for target in strike.targets {
            strike.system.crash(*target).await?;
        }
        Ok(Landing::unseen())
    }

    async fn heal(&self, strike: &Strike<'_>) -> Result<Evidence, SystemError> {
        for target in strike.targets {
            strike.system.restart(*target).await?;
        }
        Ok(Evidence::new())
    }
}
