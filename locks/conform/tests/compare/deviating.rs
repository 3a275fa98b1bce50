//! Simulations that are wrong in one place.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use locks::Error;
use locks::broker::{
    Broker, Channel, Closed, Confirm, ConnectOptions, Connection, ConnectionEvent, ConsumeOptions,
    Consumer, DeleteOptions, Message, Publish, QueueOptions, QueueStatus, Returned,
};
use simulated::Simulation;

/// Something that is wrong: its name, the simulation that does it, and in how many steps it shows
/// itself.
type DeviatingBroker = (&'static str, fn(Simulation) -> Arc<dyn Broker>, usize);

pub(crate) const ALL: &[DeviatingBroker] = &[
    (
        "redelivery is forgotten",
        |simulation| deviate(simulation, Deviation::ForgetsRedelivery),
        5,
    ),
    (
        "what is purged is not counted",
        |simulation| deviate(simulation, Deviation::CountsNothing),
        3,
    ),
    (
        "what has no queue is acknowledged",
        |simulation| deviate(simulation, Deviation::AcksUnroutable),
        1,
    ),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Deviation {
    ForgetsRedelivery,
    CountsNothing,
    AcksUnroutable,
}

fn deviate(simulation: Simulation, deviation: Deviation) -> Arc<dyn Broker> {
    Arc::new(Deviating(simulation, deviation))
}

struct Deviating<T>(T, Deviation);

#[async_trait]
impl Broker for Deviating<Simulation> {
    async fn connect(&self, options: &ConnectOptions) -> Result<Box<dyn Connection>, Error> {
        let connection = self.0.connect(options).await?;
        Ok(Box::new(Deviating(connection, self.1)))
    }
}

#[async_trait]
impl Connection for Deviating<Box<dyn Connection>> {
    async fn channel(&self) -> Result<Box<dyn Channel>, Error> {
        Ok(Box::new(Deviating(self.0.channel().await?, self.1)))
    }

    async fn close(&self) -> Result<(), Error> {
        self.0.close().await
    }

    async fn closed(&self) -> Closed {
        self.0.closed().await
    }

    fn events(&self) -> BoxStream<'static, ConnectionEvent> {
        self.0.events()
    }
}

#[async_trait]
impl Channel for Deviating<Box<dyn Channel>> {
    async fn declare(&self, queue: &str, options: &QueueOptions) -> Result<QueueStatus, Error> {
        self.0.declare(queue, options).await
    }

    async fn delete(&self, queue: &str, options: &DeleteOptions) -> Result<u32, Error> {
        self.0.delete(queue, options).await
    }

    async fn purge(&self, queue: &str) -> Result<u32, Error> {
        let count = self.0.purge(queue).await?;
        Ok(if self.1 == Deviation::CountsNothing {
            0
        } else {
            count
        })
    }

    async fn confirm_select(&self) -> Result<(), Error> {
        self.0.confirm_select().await
    }

    async fn publish(&self, queue: &str, publish: &Publish) -> Result<Confirm, Error> {
        match self.0.publish(queue, publish).await? {
            Confirm::Returned(_) if self.1 == Deviation::AcksUnroutable => Ok(Confirm::Ack),
            confirm => Ok(confirm),
        }
    }

    async fn send(&self, queue: &str, publish: &Publish) -> Result<(), Error> {
        self.0.send(queue, publish).await
    }

    async fn get(&self, queue: &str, no_ack: bool) -> Result<Option<Message>, Error> {
        let forget = self.1 == Deviation::ForgetsRedelivery;
        let message = self.0.get(queue, no_ack).await?;
        Ok(message.map(|message| Message {
            redelivered: message.redelivered && !forget,
            ..message
        }))
    }

    async fn ack(&self, tag: u64) -> Result<(), Error> {
        self.0.ack(tag).await
    }

    async fn reject(&self, tag: u64, requeue: bool) -> Result<(), Error> {
        self.0.reject(tag, requeue).await
    }

    async fn nack(&self, tag: u64, multiple: bool, requeue: bool) -> Result<(), Error> {
        self.0.nack(tag, multiple, requeue).await
    }

    async fn qos(&self, prefetch: u16) -> Result<(), Error> {
        self.0.qos(prefetch).await
    }

    async fn consume(&self, queue: &str, options: &ConsumeOptions) -> Result<Consumer, Error> {
        self.0.consume(queue, options).await
    }

    async fn cancel(&self, tag: &str) -> Result<(), Error> {
        self.0.cancel(tag).await
    }

    async fn tx_select(&self) -> Result<(), Error> {
        self.0.tx_select().await
    }

    async fn tx_commit(&self) -> Result<Vec<Returned>, Error> {
        self.0.tx_commit().await
    }

    async fn tx_rollback(&self) -> Result<(), Error> {
        self.0.tx_rollback().await
    }

    async fn close(&self) -> Result<(), Error> {
        self.0.close().await
    }

    async fn closed(&self) -> Error {
        self.0.closed().await
    }
}
