//! What a node of a cluster says of it, asked past the workers' links.

use std::fmt;
use std::net::SocketAddr;

use serde::Serialize;
use serde_json::Value;

use crate::services::{cluster_nodes, node_name};

/// What one node sees of its cluster. Nodes are counted from 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sight {
    /// Its broker answers.
    Sees {
        /// The nodes that run, in its eyes.
        running: Vec<usize>,
        /// Those that it has seen going on without it: it is not one with them any more.
        partitions: Vec<usize>,
    },
    /// It has stopped to serve until it sees a majority again (`pause_minority`).
    Waits,
    /// Its broker does not answer, because.
    Silent(String),
}

impl Sight {
    /// What the node whose management API answers there says of the nodes on these hosts; it is
    /// the `own`th of them.
    pub(crate) async fn of(management: SocketAddr, hosts: &[String], own: usize) -> Self {
        match cluster_nodes(management).await {
            Ok(nodes) => Self::read(&nodes, hosts, own),
            Err(why) => Self::Silent(why),
        }
    }

    fn read(nodes: &Value, hosts: &[String], own: usize) -> Self {
        let names: Vec<String> = hosts.iter().map(|host| node_name(host)).collect();
        let of = |name: &String| {
            let mut nodes = nodes.as_array().into_iter().flatten();
            nodes.find(|node| node["name"] == **name)
        };
        let is_running = |at: &usize| of(&names[*at]).is_some_and(|node| node["running"] == true);
        let partitions = of(&names[own]).map(|node| &node["partitions"]);
        let is_lost = |at: &usize| {
            let mut lost = partitions.and_then(Value::as_array).into_iter().flatten();
            lost.any(|name| *name == *names[*at])
        };
        Self::Sees {
            running: (0..hosts.len()).filter(is_running).collect(),
            partitions: (0..hosts.len()).filter(is_lost).collect(),
        }
    }

    /// Whether it sees so many nodes running.
    #[must_use]
    pub fn sees(&self, count: usize) -> bool {
        matches!(self, Self::Sees { running, .. } if running.len() == count)
    }

    /// Whether its broker answers.
    #[must_use]
    pub fn serves(&self) -> bool {
        matches!(self, Self::Sees { .. })
    }

    /// The nodes that go on together with it, in its eyes.
    pub(crate) fn group(&self) -> Vec<usize> {
        let Self::Sees {
            running,
            partitions,
        } = self
        else {
            return Vec::new();
        };
        let is_one_with_it = |node: &&usize| !partitions.contains(node);
        running.iter().filter(is_one_with_it).copied().collect()
    }

    /// Whether it knows of nodes that went on without it.
    #[must_use]
    pub fn is_partitioned(&self) -> bool {
        matches!(self, Self::Sees { partitions, .. } if !partitions.is_empty())
    }
}

impl fmt::Display for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sees {
                running,
                partitions,
            } => {
                write!(f, "sees {} running", listed(running))?;
                match partitions[..] {
                    [] => Ok(()),
                    _ => write!(f, " and is partitioned from {}", listed(partitions)),
                }
            }
            Self::Waits => f.write_str("has stopped to serve: it sees no majority"),
            Self::Silent(why) => write!(f, "does not answer ({why})"),
        }
    }
}

fn listed(nodes: &[usize]) -> String {
    match nodes {
        [] => "nobody".to_owned(),
        _ => {
            let nodes: Vec<String> = nodes.iter().map(ToString::to_string).collect();
            nodes.join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_node_tells_who_runs_and_whom_it_has_lost() {
        let hosts = ["a", "b", "c"].map(str::to_owned);
        let nodes = json!([
            {"name": "rabbit@b", "running": true, "partitions": ["rabbit@c"]},
            {"name": "rabbit@a", "running": true, "partitions": []},
            {"name": "rabbit@c", "running": false},
        ]);
        let sight = Sight::read(&nodes, &hosts, 1);
        let text = "sees 0, 1 running and is partitioned from 2";
        assert_eq!(sight.to_string(), text);
        assert!(sight.sees(2) && sight.is_partitioned());
        assert!(!Sight::read(&nodes, &hosts, 0).is_partitioned());
        assert!(!Sight::Waits.sees(0));
    }
}
