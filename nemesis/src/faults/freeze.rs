//! `freeze`: the client stands still, and its connection with it.

use async_trait::async_trait;
use history::fault::{Class, Parameters};

use crate::{Clients, Fault, Need, Part, System, SystemError, Worker};

/// As where a process is stopped, or its virtual machine moves: when it wakes it believes what it
/// believed before.
pub(crate) struct Freeze;

#[async_trait]
impl Fault for Freeze {
    fn name(&self) -> &'static str {
        "freeze"
    }

    fn summary(&self) -> &'static str {
        "a client's whole process stands still, heartbeats included, and then goes on as if nothing had happened"
    }

    fn class(&self) -> Class {
        Class::Halting
    }

    fn parts(&self) -> &'static [Part] {
        &[Part::Process, Part::Link]
    }

    fn parameters(&self, _: Clients) -> Parameters {
        Parameters::from([("connection".to_owned(), "stands".into())])
    }

    fn needs(&self) -> Need {
        Need::Processes
    }

    async fn inject(&self, system: &dyn System, targets: &[Worker]) -> Result<(), SystemError> {
        for target in targets {
            system.pause(*target).await?;
            system.freeze(*target).await?;
        }
        Ok(())
    }

    async fn heal(&self, system: &dyn System, targets: &[Worker]) -> Result<(), SystemError> {
        for target in targets {
            system.thaw(*target).await?;
            system.resume(*target).await?;
        }
        Ok(())
    }
}
