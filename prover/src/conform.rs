//! The parts of a testbed that scripts are played on, so that they can be compared with the
//! simulation.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use conform::act::{Ending, Patience, Resource};
use conform::arm::{Arm, LINKS, Running};
use conform::{LinkError, Operator, OperatorError, Stage};
use locks::broker::ConnectOptions;
use nemesis::Evidence;
use run::seed::Seed;
use testbed::amqp::greet;
use testbed::links::{Error, Links};
use testbed::{Node, Testbed, TestbedError};

/// Divides the links of a testbed; none of two parts share anything but the broker. `prefix` stands
/// before all names of queues.
///
/// # Errors
/// A link is missing.
pub async fn parts(testbed: &Testbed, prefix: &str) -> Result<Vec<Arc<dyn Arm>>, Error> {
    let clients = testbed.clients(prefix, Seed(0).of_locks())?;
    let greeting = greet(testbed.links().addresses(0)?[0]).await.ok();
    let version = greeting.and_then(|greeting| greeting.version);
    let broker = testbed.broker().cloned();
    let broker = broker.map(|node| Arc::new(Operated(node)) as Arc<dyn Operator>);
    let part = |(number, clients): (usize, &[locks::ClientConfig])| {
        let prefix = format!("{prefix}-{number}");
        let named = |(link, client): (usize, &locks::ClientConfig)| ConnectOptions {
            name: format!("{prefix}-link-{link}"),
            ..client.connect.clone()
        };
        let stage = Stage {
            broker: Arc::clone(&clients[0].broker),
            links: Arc::new(Part {
                links: testbed.links().clone(),
                first: number * LINKS,
            }),
            operator: broker.clone(),
            connect: (0..).zip(clients).map(named).collect(),
            prefix: prefix.clone(),
        };
        Arc::new(Running::new(stage, version.clone())) as Arc<dyn Arm>
    };
    Ok(clients.chunks_exact(LINKS).enumerate().map(part).collect())
}

/// Some of the links of a testbed, counted from 0.
struct Part {
    links: Links,
    first: usize,
}

#[async_trait]
impl conform::Links for Part {
    async fn partition(&self, link: usize) -> Result<(), LinkError> {
        let done = self.links.partition(self.first + link).await;
        done.map_err(of_link)
    }

    async fn cut(&self, link: usize) -> Result<(), LinkError> {
        let done = self.links.cut(self.first + link).await;
        done.map_err(of_link)
    }

    async fn heal(&self, link: usize) -> Result<(), LinkError> {
        let done = self.links.heal(self.first + link).await;
        done.map_err(of_link)
    }
}

fn of_link(error: Error) -> LinkError {
    LinkError(Box::new(error))
}

/// The broker of a testbed, operated.
struct Operated(Node);

#[async_trait]
impl Operator for Operated {
    async fn set_alarm(&self, of: Resource, raised: bool) -> Result<(), OperatorError> {
        let set = match of {
            Resource::Memory => self.0.alarm(nemesis::Resource::Memory, raised).await,
            Resource::Disk => self.0.alarm(nemesis::Resource::Disk, raised).await,
        };
        set.map(drop).map_err(of_broker)
    }

    async fn delete_queues(&self, prefix: &str) -> Result<u32, OperatorError> {
        let deleted = self.0.delete_queues(prefix).await.map_err(of_broker)?;
        Ok(sum(&deleted, "deleted"))
    }

    async fn purge_queues(&self, prefix: &str) -> Result<u32, OperatorError> {
        let purged = self.0.purge_queues(prefix).await.map_err(of_broker)?;
        Ok(sum(&purged, "purged"))
    }

    async fn close_connections(&self, name: &str) -> Result<(), OperatorError> {
        let closed = self.0.close_connections(&[name.to_owned()]).await;
        closed.map(drop).map_err(of_broker)
    }

    async fn set_policy(
        &self,
        prefix: &str,
        expires: Option<Duration>,
        max_length: Option<u32>,
    ) -> Result<(), OperatorError> {
        let set = self.0.set_policy(prefix, expires, max_length).await;
        set.map(drop).map_err(of_broker)
    }

    async fn clear_policy(&self) -> Result<(), OperatorError> {
        self.0.clear_policy().await.map(drop).map_err(of_broker)
    }

    async fn restart(&self, ending: Ending) -> Result<(), OperatorError> {
        let ended = match ending {
            Ending::Stopped => self.0.stop().await,
            Ending::Killed => self.0.kill().await,
        };
        ended.map_err(of_broker)?;
        self.0.start_again().await.map(drop).map_err(of_broker)
    }

    async fn pause(&self) -> Result<(), OperatorError> {
        self.0.pause().await.map(drop).map_err(of_broker)
    }

    async fn resume(&self) -> Result<(), OperatorError> {
        self.0.resume().await.map(drop).map_err(of_broker)
    }

    async fn set_consumer_timeout(&self, patience: Patience) -> Result<(), OperatorError> {
        let [timeout, tick] =
            [patience.timeout_ms, patience.looks_every_ms].map(Duration::from_millis);
        let set = self.0.consumer_timeout(timeout, tick).await;
        set.map(drop).map_err(of_broker)
    }
}

/// How many messages were ready in all of the queues that an operator names.
fn sum(evidence: &Evidence, what: &str) -> u32 {
    let queues = evidence[what].as_object().into_iter().flatten();
    let counts = queues.filter_map(|(_, count)| u32::try_from(count.as_u64()?).ok());
    counts.sum()
}

fn of_broker(error: TestbedError) -> OperatorError {
    OperatorError(Box::new(error))
}
