//! `wedge`: the client hangs, and all around it goes on.

use async_trait::async_trait;
use history::fault::{Class, Evidence, Parameters};

use crate::{Clients, Fault, Landing, Part, Strike, SystemError};

/// Its program does nothing, while its library answers heartbeats: nothing takes its lock away. Of a
/// client that is a task of the prover this is what [`Pause`](super::Pause) is.
pub(crate) struct Wedge;

#[async_trait]
impl Fault for Wedge {
    fn name(&self) -> &'static str {
        "wedge"
    }

    fn summary(&self) -> &'static str {
        "a client is given nothing to do for a while; its process and its connection go on, heartbeats included"
    }

    fn class(&self) -> Class {
        Class::Halting
    }

    fn parts(&self) -> &'static [Part] {
        &[Part::Process]
    }

    fn traits(&self, _: Clients) -> Parameters {
        Parameters::from([("connection".to_owned(), "lives".into())])
    }

    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError> {
        for target in strike.targets {
            strike.system.wedge(*target).await?;
        }
        Ok(Landing::unseen())
    }

    async fn heal(&self, strike: &Strike<'_>) -> Result<Evidence, SystemError> {
        for target in strike.targets {
            strike.system.resume(*target).await?;
        }
        Ok(Evidence::new())
    }
}
