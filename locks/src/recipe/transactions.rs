//! Confirming by transactions: a channel that puts one around each publish, for brokers that know
//! AMQP 0-9-1 without RabbitMQ's confirms.

use async_trait::async_trait;
use tokio::sync::Mutex;

use crate::broker::{
    Channel, Confirm, ConsumeOptions, Consumer, DeleteOptions, Message, Publish, QueueOptions,
    QueueStatus, Returned,
};
use crate::{Error, ErrorKind};

/// A channel on which a publish is confirmed by committing a transaction of its own.
pub(crate) struct Transactional {
    channel: Box<dyn Channel>,
    publishing: Mutex<State>,
}

/// Whether an earlier publish may still be uncommitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Clean,
    /// A publish was given up before its commit: the next commit would speak of both.
    Abandoned,
}

impl Transactional {
    /// Makes a channel transactional.
    ///
    /// # Errors
    /// Those of a channel that breaks meanwhile.
    pub(crate) async fn over(channel: Box<dyn Channel>) -> Result<Self, Error> {
        channel.tx_select().await?;
        Ok(Self {
            channel,
            publishing: Mutex::new(State::Clean),
        })
    }
}

#[async_trait]
impl Channel for Transactional {
    async fn publish(&self, queue: &str, publish: &Publish) -> Result<Confirm, Error> {
        let mut state = self.publishing.lock().await;
        if *state == State::Abandoned {
            let text = "an earlier publish was given up before its transaction was committed";
            return Err(Error::new(ErrorKind::Abandoned, text));
        }
        *state = State::Abandoned;
        self.channel.send(queue, publish).await?;
        let returned = self.channel.tx_commit().await?;
        *state = State::Clean;
        Ok(returned
            .into_iter()
            .next()
            .map_or(Confirm::Ack, Confirm::Returned))
    }

    /// It is confirmed already, in its own way.
    async fn confirm_select(&self) -> Result<(), Error> {
        Ok(())
    }

    async fn declare(&self, queue: &str, options: &QueueOptions) -> Result<QueueStatus, Error> {
        self.channel.declare(queue, options).await
    }

    async fn delete(&self, queue: &str, options: &DeleteOptions) -> Result<u32, Error> {
        self.channel.delete(queue, options).await
    }

    async fn purge(&self, queue: &str) -> Result<u32, Error> {
        self.channel.purge(queue).await
    }

    async fn send(&self, queue: &str, publish: &Publish) -> Result<(), Error> {
        self.channel.send(queue, publish).await
    }

    async fn get(&self, queue: &str, no_ack: bool) -> Result<Option<Message>, Error> {
        self.channel.get(queue, no_ack).await
    }

    async fn ack(&self, tag: u64) -> Result<(), Error> {
        self.channel.ack(tag).await
    }

    async fn reject(&self, tag: u64, requeue: bool) -> Result<(), Error> {
        self.channel.reject(tag, requeue).await
    }

    async fn nack(&self, tag: u64, multiple: bool, requeue: bool) -> Result<(), Error> {
        self.channel.nack(tag, multiple, requeue).await
    }

    async fn qos(&self, prefetch: u16) -> Result<(), Error> {
        self.channel.qos(prefetch).await
    }

    async fn consume(&self, queue: &str, options: &ConsumeOptions) -> Result<Consumer, Error> {
        self.channel.consume(queue, options).await
    }

    async fn cancel(&self, tag: &str) -> Result<(), Error> {
        self.channel.cancel(tag).await
    }

    async fn tx_select(&self) -> Result<(), Error> {
        self.channel.tx_select().await
    }

    async fn tx_commit(&self) -> Result<Vec<Returned>, Error> {
        self.channel.tx_commit().await
    }

    async fn tx_rollback(&self) -> Result<(), Error> {
        self.channel.tx_rollback().await
    }

    async fn close(&self) -> Result<(), Error> {
        self.channel.close().await
    }

    async fn closed(&self) -> Error {
        self.channel.closed().await
    }
}
