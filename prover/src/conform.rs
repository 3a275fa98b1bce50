//! The parts of a testbed that scripts are played on, so that they can be compared with the
//! simulation.

use std::sync::Arc;

use async_trait::async_trait;
use conform::arm::{Arm, LINKS, Running};
use conform::{LinkError, Stage};
use run::seed::Seed;
use testbed::Testbed;
use testbed::amqp::greet;
use testbed::links::{Error, Links};

/// Divides the links of a testbed; none of two parts share anything but the broker. `prefix` stands
/// before all names of queues.
///
/// # Errors
/// A link is missing.
pub async fn parts(testbed: &Testbed, prefix: &str) -> Result<Vec<Arc<dyn Arm>>, Error> {
    let clients = testbed.clients(prefix, Seed(0).of_locks())?;
    let greeting = greet(testbed.links().addresses(0)?[0]).await.ok();
    let version = greeting.and_then(|greeting| greeting.version);
    let part = |(number, clients): (usize, &[locks::ClientConfig])| {
        let stage = Stage {
            broker: Arc::clone(&clients[0].broker),
            links: Arc::new(Part {
                links: testbed.links().clone(),
                first: number * LINKS,
            }),
            connect: clients
                .iter()
                .map(|client| client.connect.clone())
                .collect(),
            prefix: format!("{prefix}-{number}"),
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
