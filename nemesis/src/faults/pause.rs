//! `pause`: the client stands still, its connection does not.

use async_trait::async_trait;
use history::fault::{Class, Evidence, Parameters};

use crate::strike::note;
use crate::{Clients, Fault, Landing, Part, Strike, SystemError};

/// As where a thread hangs while the client library's own threads go on: heartbeats flow, and
/// nobody learns anything. A client that is a process of its own is stopped, as by SIGSTOP, and its
/// connections with it: that is what [`Freeze`](super::Freeze) is.
pub(crate) struct Pause;

#[async_trait]
impl Fault for Pause {
    fn name(&self) -> &'static str {
        "pause"
    }

    fn summary(&self) -> &'static str {
        "a client does nothing for a while, as if its thread hung; its connection goes on, heartbeats included; one that is a process of its own is stopped whole (SIGSTOP)"
    }

    fn class(&self) -> Class {
        Class::Halting
    }

    fn parts(&self) -> &'static [Part] {
        &[Part::Process]
    }

    fn traits(&self, clients: Clients) -> Parameters {
        let connection = match clients {
            Clients::Tasks => "lives",
            Clients::Processes => "stands",
        };
        Parameters::from([("connection".to_owned(), connection.into())])
    }

    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError> {
        let mut seen = Evidence::new();
        for target in strike.targets {
            note(&mut seen, *target, strike.system.pause(*target).await?);
        }
        Ok(Landing::InForce(seen))
    }

    async fn heal(&self, strike: &Strike<'_>) -> Result<Evidence, SystemError> {
        for target in strike.targets {
            strike.system.resume(*target).await?;
        }
        Ok(Evidence::new())
    }
}
