//! One way to break the system for a while.

use async_trait::async_trait;
use history::fault::{Class, Parameters};

use crate::{Clients, Need, Part, System, SystemError, Worker};

/// One way to break the system for a while.
#[async_trait]
pub trait Fault: Send + Sync {
    /// The name on the command line and in histories.
    fn name(&self) -> &'static str;

    /// What it does to its targets, in one line.
    fn summary(&self) -> &'static str;

    /// What kind of harm it does, and so how a record shows it.
    fn class(&self) -> Class;

    /// What else is noted of it in a record, beside how long it was planned to last: what
    /// distinguishes it from others of its class.
    fn parameters(&self, clients: Clients) -> Parameters {
        let _ = clients;
        Parameters::new()
    }

    /// What of its targets it takes hold of, and lets go when it heals.
    fn parts(&self) -> &'static [Part];

    /// What it needs to be possible at all.
    fn needs(&self) -> Need {
        Need::Nothing
    }

    /// Whether it strikes all workers, whomever it was aimed at.
    fn strikes_all(&self) -> bool {
        false
    }

    /// Breaks the system for these workers; the fault is in force when this returns.
    async fn inject(&self, system: &dyn System, targets: &[Worker]) -> Result<(), SystemError>;

    /// Takes the fault off again.
    async fn heal(&self, system: &dyn System, targets: &[Worker]) -> Result<(), SystemError> {
        for target in targets {
            system.heal(*target).await?;
        }
        Ok(())
    }
}
