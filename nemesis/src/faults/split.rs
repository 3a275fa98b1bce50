//! `split`: nodes of a cluster do not see each other.

use async_trait::async_trait;
use history::fault::{Class, Evidence};

use crate::shape::{NODE, SHAPE, Shape};
use crate::{Fault, Landing, Need, NodeHarm, Parameter, Part, Recovery, Strike, SystemError};

/// Clients reach their own nodes as before. What the nodes make of it is up to their partition
/// handling: both sides may go on, each with its own truth.
pub(crate) struct Split;

#[async_trait]
impl Fault for Split {
    fn name(&self) -> &'static str {
        "split"
    }

    fn summary(&self) -> &'static str {
        "the nodes of a cluster are cut apart; each serves its clients as far as its partition handling lets it"
    }

    fn class(&self) -> Class {
        Class::Breaking
    }

    fn settable(&self) -> &'static [Parameter] {
        &[SHAPE, NODE]
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

    fn strikes_all(&self) -> bool {
        true
    }

    fn is_in_all(&self) -> bool {
        false
    }

    async fn inject(&self, strike: &Strike<'_>) -> Result<Landing, SystemError> {
        let harm = NodeHarm::Split(Shape::of(strike)?.links());
        let seen = strike.system.harm_nodes(&harm).await?;
        Ok(Landing::InForce(seen))
    }

    async fn heal(&self, strike: &Strike<'_>) -> Result<Evidence, SystemError> {
        let harm = NodeHarm::Split(Shape::of(strike)?.links());
        strike.system.mend_nodes(&harm).await
    }
}
