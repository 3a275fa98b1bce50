//! `close-connections`: an operator closes connections.

use async_trait::async_trait;
use history::fault::{Class, Evidence};

use crate::{BrokerHarm, Fault, Landing, Need, Part, Strike, SystemError};

/// The broker ends them and tells their clients, who may connect again at once.
pub(crate) struct CloseConnections;

#[async_trait]
impl Fault for CloseConnections {
    fn name(&self) -> &'static str {
        "close-connections"
    }

    fn summary(&self) -> &'static str {
        "an operator has the broker close a client's connections; the client is told, and can connect again"
    }

    fn class(&self) -> Class {
        Class::Breaking
    }

    fn parts(&self) -> &'static [Part] {
        &[Part::Link]
    }

    fn needs(&self) -> Need {
        Need::Operator
    }

    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError> {
        let name = |target: &usize| strike.system.connection_name(*target);
        let names = strike.targets.iter().map(name).collect();
        let harm = BrokerHarm::CloseConnections(names);
        let seen = strike.system.harm_broker(&harm).await?;
        Ok(Landing::if_met(seen, "closed"))
    }

    async fn heal(&self, _: &Strike<'_>) -> Result<Evidence, SystemError> {
        Ok(Evidence::new())
    }
}
