//! `freeze`: the client stands still, and its connection with it.

use async_trait::async_trait;
use history::fault::{Class, Evidence, Parameters};

use crate::strike::note;
use crate::{Clients, Fault, Landing, Need, Part, Strike, SystemError};

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

    fn traits(&self, _: Clients) -> Parameters {
        Parameters::from([("connection".to_owned(), "stands".into())])
    }

    fn needs(&self) -> Need {
        Need::Processes
    }

    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError> {
        let mut seen = Evidence::new();
        for target in strike.targets {
            note(&mut seen, *target, strike.system.pause(*target).await?);
            strike.system.freeze(*target).await?;
        }
        Ok(Landing::InForce(seen))
    }

    async fn heal(&self, strike: &Strike<'_>) -> Result<Evidence, SystemError> {
        for target in strike.targets {
            strike.system.thaw(*target).await?;
            strike.system.resume(*target).await?;
        }
        Ok(Evidence::new())
    }
}
