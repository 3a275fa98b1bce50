//! `pause`: the client stands still, its connection does not.

use async_trait::async_trait;

use crate::{Fault, System, SystemError, Worker};

/// As where a thread hangs while the client library's own threads go on: heartbeats flow, and nobody learns anything.
pub(crate) struct Pause;

#[async_trait]
impl Fault for Pause {
    fn name(&self) -> &'static str {
        "pause"
    }

    fn summary(&self) -> &'static str {
        "a client does nothing for a while, as if its thread hung; its connection goes on, heartbeats included"
    }

    async fn inject(&self, system: &dyn System, targets: &[Worker]) -> Result<(), SystemError> {
        for target in targets {
            system.pause(*target).await?;
        }
        Ok(())
    }

    async fn heal(&self, system: &dyn System, targets: &[Worker]) -> Result<(), SystemError> {
        for target in targets {
            system.resume(*target).await?;
        }
        Ok(())
    }
}
