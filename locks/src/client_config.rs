//! Who asks for locks.

use std::sync::Arc;

use crate::broker::{Broker, ConnectOptions, Connection, RabbitMq};
use crate::options::Options;
use crate::{Endpoint, Error, RunContext};

/// Who asks for locks, and through which broker.
#[derive(Clone)]
pub struct ClientConfig {
    /// The broker to connect to.
    pub broker: Arc<dyn Broker>,
    /// How to connect to it.
    pub connect: ConnectOptions,
    /// Every service of the run, as this client reaches it. A lock that stands on the broker alone
    /// has no use for them.
    pub endpoints: Vec<Endpoint>,
    /// What it knows of the run.
    pub run: RunContext,
    /// Stands before every key in the broker's names, so that runs do not meet: the run's id.
    pub prefix: String,
    /// The client's name, unique in the run.
    pub name: String,
    /// The seed of whatever the lock draws at random: skew, retries.
    pub seed: u64,
    /// How the lock is used, where it leaves a choice. Options that a lock does not understand
    /// change nothing.
    pub options: Options,
}

impl ClientConfig {
    /// A client of the RabbitMQ at `host:port`, as the user `guest`, with a heartbeat of 2 s; its
    /// queues' names begin with `prefix`. Whoever shares a lock shares the prefix.
    #[must_use]
    pub fn of_rabbitmq(address: &str, prefix: &str) -> Self {
        Self {
            broker: Arc::new(RabbitMq),
            connect: ConnectOptions {
                address: address.to_owned(),
                ..ConnectOptions::default()
            },
            endpoints: Vec::new(),
            run: RunContext::default(),
            prefix: prefix.to_owned(),
            name: format!("{prefix}-{}", std::process::id()),
            seed: rand::random(),
            options: Options::default(),
        }
    }

    /// Connects to the broker under the client's name.
    ///
    /// # Errors
    /// Those of [`Broker::connect`].
    pub async fn connection(&self) -> Result<Box<dyn Connection>, Error> {
        let options = ConnectOptions {
            name: self.name.clone(),
            ..self.connect.clone()
        };
        self.broker.connect(&options).await
    }

    /// The broker's name for a key: `{prefix}.{key}`.
    #[must_use]
    pub fn queue(&self, key: &str) -> String {
        format!("{}.{key}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use async_trait::async_trait;

    struct Nowhere;

    #[async_trait]
    impl Broker for Nowhere {
        async fn connect(&self, options: &ConnectOptions) -> Result<Box<dyn Connection>, Error> {
            Err(Error::new(ErrorKind::ConnectionRefused, &options.name))
        }
    }

    #[tokio::test]
    async fn a_client_names_its_queues_and_passes_errors_on() {
        let client = ClientConfig {
            broker: Arc::new(Nowhere),
            connect: ConnectOptions::default(),
            endpoints: Vec::new(),
            run: RunContext::default(),
            prefix: "run-7".into(),
            name: "client-0".into(),
            seed: 0,
            options: Options::default(),
        };
        assert_eq!(client.queue("lock-0"), "run-7.lock-0");
        let error = client.connection().await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::ConnectionRefused);
        assert_eq!(error.text, "client-0");
    }
}
