//! Whom a fault strikes.

use serde::{Deserialize, Serialize};

/// Whom a fault strikes: `{"processes":[3]}`, `{"nodes":[0]}`, `{"links":[[0,1],[1,0]]}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Targets {
    /// Workers, by the process numbers under which they act at the injection.
    Processes(Vec<u32>),
    /// Nodes of the service, counted from 0.
    Nodes(Vec<u32>),
    /// What nodes send to each other.
    Links(Vec<Link>),
}

impl Targets {
    /// The process numbers of the workers among them: none where nodes or links are struck.
    #[must_use]
    pub fn processes(&self) -> &[u32] {
        match self {
            Self::Processes(processes) => processes,
            Self::Nodes(_) | Self::Links(_) => &[],
        }
    }
}

/// What one node sends to another; the way back is a link of its own. Written `[from, to]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "[u32; 2]", into = "[u32; 2]")]
pub struct Link {
    /// The node that sends, counted from 0.
    pub from: u32,
    /// The node that receives.
    pub to: u32,
}

impl From<[u32; 2]> for Link {
    fn from([from, to]: [u32; 2]) -> Self {
        Self { from, to }
    }
}

impl From<Link> for [u32; 2] {
    fn from(link: Link) -> Self {
        [link.from, link.to]
    }
}
