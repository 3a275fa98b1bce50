//! A proxy as Toxiproxy's API shows it.

use serde::{Deserialize, Serialize};

use crate::toxic::Toxic;

/// A proxy as the API shows it, for the server and the client alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProxyRecord {
    /// Its name.
    pub name: String,
    /// Where it accepts clients.
    pub listen: String,
    /// Where it connects to, as the proxy sees it.
    pub upstream: String,
    /// Whether it accepts clients.
    pub enabled: bool,
    /// Its toxics, upstream first, in the order in which bytes meet them.
    #[serde(default)]
    pub toxics: Vec<Toxic>,
}
