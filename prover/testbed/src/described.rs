//! What a testbed says of itself.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::node::Node;
use crate::partition_handling::PartitionHandling;
use crate::place::Place;
use crate::service::Service;

/// The kind of a simulated testbed.
const SIMULATED: &str = "sim";

/// What a testbed says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Described {
    /// `docker`, `amqp` (somebody's RabbitMQ), `endpoints` (other services that were there
    /// already), `none` (there is no service) or `sim`.
    pub kind: String,
    /// The services, each by itself.
    pub services: Vec<ServiceFacts>,
    /// The cluster that they are, where they are the nodes of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterFacts>,
    /// What stands between workers and services.
    pub proxy: String,
}

/// What is known of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterFacts {
    /// How many nodes it has.
    pub nodes: u32,
    /// What they do when they lose sight of each other.
    pub partition_handling: PartitionHandling,
}

impl fmt::Display for ClusterFacts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (nodes, handling) = (self.nodes, self.partition_handling);
        write!(f, "a cluster of {nodes} nodes with {handling}")
    }
}

/// What is known of a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceFacts {
    /// Its name in the run: `redis-2`.
    pub name: String,
    /// What it is, in a few words: product, version, image or address.
    pub what: String,
    /// Its version as it tells it itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its image, where it was started for the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The digest of the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

impl ServiceFacts {
    /// Of one that runs in a container.
    #[must_use]
    pub fn of_node(node: &Node) -> Self {
        let image = node.image();
        let version = image.version.as_deref().unwrap_or("of unknown version");
        let product = node.service().product();
        Self {
            name: node.name().to_owned(),
            what: format!("{product} {version} ({})", image.reference),
            version: image.version.clone(),
            image: Some(image.reference.clone()),
            digest: Some(image.digest.as_ref().unwrap_or(&image.id).clone()),
        }
    }

    /// Of one that was there already; it was asked for its version.
    pub(crate) async fn of_place(name: &str, service: &dyn Service, place: &Place) -> Self {
        let version = service.greet(place).await.ok().flatten();
        let of = version.as_ref().map(|version| format!("{version} "));
        let (product, address) = (service.product(), place.address());
        Self {
            name: name.to_owned(),
            what: format!("{product} {}at {address}", of.unwrap_or_default()),
            version,
            image: None,
            digest: None,
        }
    }
}

impl Described {
    /// The simulation.
    #[must_use]
    pub fn simulated() -> Self {
        Self {
            kind: SIMULATED.to_owned(),
            services: vec![ServiceFacts {
                name: "rabbitmq".to_owned(),
                what: "simulated RabbitMQ".to_owned(),
                version: None,
                image: None,
                digest: None,
            }],
            cluster: None,
            proxy: "simulated network".to_owned(),
        }
    }

    /// Why a verdict says less than one about a real broker, where it does.
    #[must_use]
    pub fn caveat(&self) -> Option<&'static str> {
        let caveat = "the verdict speaks of the model of the broker, not of a real one";
        (self.kind == SIMULATED).then_some(caveat)
    }

    /// The services in one line; those that are the same are counted.
    #[must_use]
    pub fn named_services(&self) -> String {
        let mut named: Vec<(usize, &str)> = Vec::new();
        for service in &self.services {
            match named.iter_mut().find(|(_, what)| *what == service.what) {
                Some((count, _)) => *count += 1,
                None => named.push((1, &service.what)),
            }
        }
        let named = named.into_iter().map(|(count, what)| match count {
            1 => what.to_owned(),
            _ => format!("{count} × {what}"),
        });
        match self.services[..] {
            [] => "no service".to_owned(),
            _ => named.collect::<Vec<_>>().join(", "),
        }
    }
}

impl fmt::Display for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, services, proxy) = (&self.kind, self.named_services(), &self.proxy);
        write!(f, "{kind}, {services}")?;
        if let Some(cluster) = &self.cluster {
            write!(f, ", {cluster}")?;
        }
        write!(f, ", {proxy}")?;
        self.caveat()
            .map_or(Ok(()), |caveat| write!(f, " ({caveat})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_that_are_the_same_are_counted() {
        let facts = |name: &str, what: &str| ServiceFacts {
            name: name.to_owned(),
            what: what.to_owned(),
            version: None,
            image: None,
            digest: None,
        };
        let described = |services: &[ServiceFacts]| {
            let described = Described {
                kind: "docker".to_owned(),
                services: services.to_vec(),
                cluster: None,
                proxy: "embedded proxy".to_owned(),
            };
            described.to_string()
        };
        let redis = |name| facts(name, "Redis 8.0.2 (a)");
        let all = [
            redis("redis-1"),
            facts("etcd", "etcd 3.5 (b)"),
            redis("redis-2"),
        ];
        assert_eq!(
            described(&all),
            "docker, 2 × Redis 8.0.2 (a), etcd 3.5 (b), embedded proxy"
        );
        assert_eq!(
            described(&all[1..2]),
            "docker, etcd 3.5 (b), embedded proxy"
        );
        assert_eq!(described(&[]), "docker, no service, embedded proxy");
    }
}
