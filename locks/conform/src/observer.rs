//! Somebody else, who looks at the queues after each step and sees what the server holds.

use locks::broker::{Broker, Channel, ConnectOptions, Connection, DeleteOptions, QueueOptions};
use locks::{Error, ErrorKind};

use crate::transcript::Seen;

pub(super) struct Observer {
    connection: Box<dyn Connection>,
    channel: Option<Box<dyn Channel>>,
}

impl Observer {
    pub(super) async fn connect(
        broker: &dyn Broker,
        options: &ConnectOptions,
    ) -> Result<Self, Error> {
        let connection = broker.connect(options).await?;
        Ok(Self {
            connection,
            channel: None,
        })
    }

    pub(super) async fn look(&mut self, queue: &str) -> Seen {
        match self.ask(queue).await {
            Ok(seen) => seen,
            Err(error) => {
                // It was closed for that.
                self.channel = None;
                match error.kind {
                    ErrorKind::NotFound => Seen::Absent,
                    ErrorKind::ResourceLocked => Seen::Locked,
                    kind => Seen::Unclear(kind),
                }
            }
        }
    }

    async fn ask(&mut self, queue: &str) -> Result<Seen, Error> {
        let status = self.channel().await?.declare(queue, &QueueOptions::PASSIVE);
        let status = status.await?;
        Ok(Seen::There {
            messages: status.messages,
            consumers: status.consumers,
        })
    }

    /// Removes a queue, unless it goes with its connection anyway.
    pub(super) async fn remove(&mut self, queue: &str) -> Result<(), Error> {
        let channel = self.channel().await?;
        match channel.delete(queue, &DeleteOptions::default()).await {
            Err(error) if error.kind == ErrorKind::ResourceLocked => {
                self.channel = None;
                Ok(())
            }
            deleted => deleted.map(drop),
        }
    }

    async fn channel(&mut self) -> Result<&dyn Channel, Error> {
        if self.channel.is_none() {
            self.channel = Some(self.connection.channel().await?);
        }
        let channel = self.channel.as_deref();
        Ok(channel.expect("it was just opened"))
    }
}
