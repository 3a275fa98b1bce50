//! `pause`: the client stands still, its connection does not.

use async_trait::async_trait;
use history::fault::{Class, Parameters};

use crate::{Clients, Fault, Part, System, SystemError, Worker};

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

    fn parameters(&self, clients: Clients) -> Parameters {
        let connection = match clients {
            Clients::Tasks => "lives",
            Clients::Processes => "stands",
        };
        Parameters::from([("connection".to_owned(), connection.into())])
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
