//! `kill-node`: a node of a cluster dies.

use async_trait::async_trait;
use history::fault::{Class, Evidence, Parameters};

use crate::shape::{NODE, clients_of, node};
use crate::{
    Fault, Landing, Need, NodeHarm, Parameter, Part, Recovery, Strike, SystemError, Worker,
};

/// The others find out at once, since its connections are reset; what it alone had is gone until it is
/// back.
pub(crate) struct KillNode;

#[async_trait]
impl Fault for KillNode {
    fn name(&self) -> &'static str {
        "kill-node"
    }

    fn summary(&self) -> &'static str {
        "a node of a cluster is killed, and started again when it heals; its clients cannot connect meanwhile"
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
        let harm = NodeHarm::Kill(node(strike)?);
        let seen = strike.system.harm_nodes(&harm).await?;
        Ok(Landing::InForce(seen))
    }

    async fn heal(&self, strike: &Strike<'_>) -> Result<Evidence, SystemError> {
        let harm = NodeHarm::Kill(node(strike)?);
        strike.system.mend_nodes(&harm).await
    }
}
