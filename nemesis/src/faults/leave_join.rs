//! `leave-join`: a node leaves its cluster, and joins it again.

use async_trait::async_trait;
use history::fault::{Class, Evidence, Parameters};

use crate::shape::{NODE, clients_of, node};
use crate::{
    Fault, Landing, Need, NodeHarm, Parameter, Part, Recovery, Strike, SystemError, Worker,
};

/// What a scale-down and a scale-up do: all that the node alone had is gone for good.
pub(crate) struct LeaveJoin;

#[async_trait]
impl Fault for LeaveJoin {
    fn name(&self) -> &'static str {
        "leave-join"
    }

    fn summary(&self) -> &'static str {
        "a node of a cluster leaves it in order and forgets all it had; it joins again, empty, when it heals"
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
        let harm = NodeHarm::Leave(node(strike)?);
        let seen = strike.system.harm_nodes(&harm).await?;
        Ok(Landing::InForce(seen))
    }

    async fn heal(&self, strike: &Strike<'_>) -> Result<Evidence, SystemError> {
        let harm = NodeHarm::Leave(node(strike)?);
        strike.system.mend_nodes(&harm).await
    }
}
