//! What a testbed says of itself.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The kind of a simulated testbed.
const SIMULATED: &str = "sim";

/// What a testbed says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Described {
    /// `docker`, `amqp` or `sim`.
    pub kind: String,
    /// The broker in one line: product, version, image.
    pub broker: String,
    /// The digest of the broker's image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_digest: Option<String>,
    /// What stands between workers and broker.
    pub proxy: String,
}

impl Described {
    /// The simulation.
    #[must_use]
    pub fn simulated() -> Self {
        Self {
            kind: SIMULATED.to_owned(),
            broker: "simulated RabbitMQ".to_owned(),
            image_digest: None,
            proxy: "simulated network".to_owned(),
        }
    }

    /// Why a verdict says less than one about a real broker, where it does.
    #[must_use]
    pub fn caveat(&self) -> Option<&'static str> {
        let caveat = "the verdict speaks of the model of the broker, not of a real one";
        (self.kind == SIMULATED).then_some(caveat)
    }
}

impl fmt::Display for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            broker,
            proxy,
            ..
        } = self;
        write!(f, "{kind}, {broker}, {proxy}")?;
        self.caveat()
            .map_or(Ok(()), |caveat| write!(f, " ({caveat})"))
    }
}
