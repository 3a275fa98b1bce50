//! Whoever does to a broker what its clients cannot.

use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;
use simulated::{Shutdown, Simulation};

use crate::act::{Ending, Patience, Resource};

/// The operator of a broker. What it does is in force when it returns.
#[async_trait]
pub trait Operator: Send + Sync {
    /// Lets the broker run short of something, or have enough again.
    async fn set_alarm(&self, of: Resource, raised: bool) -> Result<(), OperatorError>;

    /// Deletes queues by the beginning of their names; how many messages were ready in them.
    async fn delete_queues(&self, prefix: &str) -> Result<u32, OperatorError>;

    /// Purges queues by the beginning of their names; how many messages were ready in them.
    async fn purge_queues(&self, prefix: &str) -> Result<u32, OperatorError>;

    /// Closes the connections of a name.
    async fn close_connections(&self, name: &str) -> Result<(), OperatorError>;

    /// Sets the one policy, for queues by the beginning of their names.
    async fn set_policy(
        &self,
        prefix: &str,
        expires: Option<Duration>,
        max_length: Option<u32>,
    ) -> Result<(), OperatorError>;

    /// Takes the policy away.
    async fn clear_policy(&self) -> Result<(), OperatorError>;

    /// Takes the broker down and starts it again.
    async fn restart(&self, ending: Ending) -> Result<(), OperatorError>;

    /// Lets the broker stand still.
    async fn pause(&self) -> Result<(), OperatorError>;

    /// Lets the broker go on.
    async fn resume(&self) -> Result<(), OperatorError>;

    /// Sets how long a delivery may stay unsettled on channels that are opened from now on, and how
    /// often these look.
    async fn set_consumer_timeout(&self, patience: Patience) -> Result<(), OperatorError>;
}

/// The broker could not be operated: a harness error, never a finding.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct OperatorError(pub Box<dyn Error + Send + Sync>);

/// What the clients are told whose connections are closed.
const REASON: &str = "closed by the operator";

#[async_trait]
impl Operator for Simulation {
    async fn set_alarm(&self, of: Resource, raised: bool) -> Result<(), OperatorError> {
        match of {
            Resource::Memory => self.set_memory_alarm(raised),
            Resource::Disk => self.set_disk_alarm(raised),
        }
        Ok(())
    }

    async fn delete_queues(&self, prefix: &str) -> Result<u32, OperatorError> {
        Ok(Simulation::delete_queues(self, prefix).values().sum())
    }

    async fn purge_queues(&self, prefix: &str) -> Result<u32, OperatorError> {
        Ok(Simulation::purge_queues(self, prefix).values().sum())
    }

    async fn close_connections(&self, name: &str) -> Result<(), OperatorError> {
        Simulation::close_connections(self, &[name.to_owned()], REASON);
        Ok(())
    }

    async fn set_policy(
        &self,
        prefix: &str,
        expires: Option<Duration>,
        max_length: Option<u32>,
    ) -> Result<(), OperatorError> {
        Simulation::set_policy(self, prefix, expires, max_length);
        Ok(())
    }

    async fn clear_policy(&self) -> Result<(), OperatorError> {
        Simulation::clear_policy(self);
        Ok(())
    }

    async fn restart(&self, ending: Ending) -> Result<(), OperatorError> {
        self.stop(match ending {
            Ending::Stopped => Shutdown::Stopped,
            Ending::Killed => Shutdown::Killed,
        });
        self.start();
        Ok(())
    }

    async fn pause(&self) -> Result<(), OperatorError> {
        Simulation::pause(self);
        Ok(())
    }

    async fn resume(&self) -> Result<(), OperatorError> {
        Simulation::resume(self);
        Ok(())
    }

    async fn set_consumer_timeout(&self, patience: Patience) -> Result<(), OperatorError> {
        Simulation::set_consumer_timeout(self, Duration::from_millis(patience.timeout_ms));
        self.set_channel_tick(Duration::from_millis(patience.looks_every_ms));
        Ok(())
    }
}
