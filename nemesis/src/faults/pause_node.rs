//! `pause-node`: a node of a cluster stands still.

use async_trait::async_trait;
use history::fault::{Class, Evidence, Parameters};

use crate::shape::{NODE, clients_of, node};
use crate::{
    Fault, Landing, Need, NodeHarm, Parameter, Part, Recovery, Strike, SystemError, Worker,
};

/// The others find it dead after a few seconds of silence, and go on without it; it itself has not
/// noticed any time pass.
pub(crate) struct PauseNode;

#[async_trait]
impl Fault for PauseNode {
    fn name(&self) -> &'static str {
        "pause-node"
    }

    fn summary(&self) -> &'static str {
        "a node of a cluster stands still with all it has, and then goes on as if nothing had happened"
    }

    fn class(&self) -> Class {
        Class::Breaking
    }

    fn settable(&self) -> &'static [Parameter] {
        &[NODE]
    }

    fn parts(&self) -> &'static [Part] {
        &[Part::Broker]
    }

    fn needs(&self) -> Need {
        Need::Cluster
    }

    fn recovery(&self) -> Recovery {
        Recovery::Cluster
    }

    fn struck(&self, parameters: &Parameters, workers: usize) -> Option<Vec<Worker>> {
        Some(clients_of(parameters, workers))
    }

    fn is_in_all(&self) -> bool {
        false
    }

    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError> {
        let harm = NodeHarm::Pause(node(strike)?);
        let seen = strike.system.harm_nodes(&harm).await?;
        Ok(Landing::InForce(seen))
    }

    async fn heal(&self, strike: &Strike<'_>) -> Result<Evidence, SystemError> {
        let harm = NodeHarm::Pause(node(strike)?);
        strike.system.mend_nodes(&harm).await
    }
}
