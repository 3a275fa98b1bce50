//! What the nodes of a cluster do when they lose sight of each other.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the nodes of a RabbitMQ cluster do when they lose sight of each other: its
/// `cluster_partition_handling`, written as there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartitionHandling {
    /// Nothing, also when they see each other again: an operator has to restart those that are
    /// wrong. What RabbitMQ does where nothing is said.
    #[default]
    Ignore,
    /// A node that sees no majority stops to serve until it sees one again.
    PauseMinority,
    /// All go on; when they see each other again those of the side with fewer clients restart.
    Autoheal,
}

impl PartitionHandling {
    /// Every one.
    pub const ALL: &[Self] = &[Self::Ignore, Self::PauseMinority, Self::Autoheal];

    /// The one that is called so.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|handling| handling.name() == text)
    }

    /// What it is called in RabbitMQ's configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::PauseMinority => "pause_minority",
            Self::Autoheal => "autoheal",
        }
    }

    /// Whether nodes that have noticed that others went on without them become one cluster again by
    /// themselves. Those of `pause_minority` should not come to that; a node that stood still does.
    #[must_use]
    pub fn clears_partitions(self) -> bool {
        self == Self::Autoheal
    }
}

impl fmt::Display for PartitionHandling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_in_rabbitmqs_configuration() {
        for handling in PartitionHandling::ALL {
            assert_eq!(PartitionHandling::parse(handling.name()), Some(*handling));
            let json = serde_json::to_value(handling).expect("JSON");
            assert_eq!(json, handling.name());
        }
        assert_eq!(PartitionHandling::parse("pause-minority"), None);
    }
}
