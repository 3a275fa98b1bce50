//! A broker that counts what is asked of it, in front of any other.
//!
//! Counted is what crosses the broker surface, as the AMQP methods that the client sends for it.
//! What the client library sends by itself is not: heartbeats, the answer to a close, the close of
//! a channel that was dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use locks::Error;
use locks::broker::{
    Broker, Channel, Closed, Confirm, ConnectOptions, Connection, ConnectionEvent, ConsumeOptions,
    Consumer, DeleteOptions, Message, Publish, QueueOptions, QueueStatus, Returned,
};
use serde::{Deserialize, Serialize};

/// What was asked of a broker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operations {
    /// AMQP methods that the client sent.
    pub methods: u32,
    /// Times that it had to wait for the broker before it could go on: methods that were sent
    /// together are waited for once.
    pub round_trips: u32,
}

/// Counts what is asked.
#[derive(Debug, Default)]
pub struct Counter {
    methods: AtomicU32,
    round_trips: AtomicU32,
    under_way: AtomicU32,
}

/// Opening a connection takes `start-ok`, `tune-ok` and `open`, each sent in answer to the broker.
const HANDSHAKE: u32 = 3;

impl Counter {
    /// Everything so far.
    #[must_use]
    pub fn operations(&self) -> Operations {
        Operations {
            methods: self.methods.load(Ordering::Relaxed),
            round_trips: self.round_trips.load(Ordering::Relaxed),
        }
    }

    /// A method that is answered.
    async fn answered<T>(&self, asking: impl Future<Output = T>) -> T {
        self.exchange(1, asking).await
    }

    /// A method that nothing answers.
    async fn unanswered<T>(&self, sending: impl Future<Output = T>) -> T {
        self.methods.fetch_add(1, Ordering::Relaxed);
        sending.await
    }

    /// So many methods, each answered before the next is sent.
    async fn exchange<T>(&self, methods: u32, asking: impl Future<Output = T>) -> T {
        self.methods.fetch_add(methods, Ordering::Relaxed);
        if self.under_way.fetch_add(1, Ordering::Relaxed) == 0 {
            self.round_trips.fetch_add(methods, Ordering::Relaxed);
        }
        let _under_way = UnderWay(self);
        asking.await
    }
}

impl Operations {
    /// What came since an earlier count.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            methods: self.methods - earlier.methods,
            round_trips: self.round_trips - earlier.round_trips,
        }
    }
}

/// An exchange that is not over, also where it is given up.
struct UnderWay<'a>(&'a Counter);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts what is asked of a broker, or of a connection or channel to it.
pub struct Counting<T: ?Sized> {
    counter: Arc<Counter>,
    inner: T,
}

impl Counting<Arc<dyn Broker>> {
    /// The same broker, with everything that is asked of it counted.
    #[must_use]
    pub fn of(broker: Arc<dyn Broker>, counter: Arc<Counter>) -> Self {
        Self {
            counter,
            inner: broker,
        }
    }
}

#[async_trait]
impl Broker for Counting<Arc<dyn Broker>> {
    async fn connect(&self, options: &ConnectOptions) -> Result<Box<dyn Connection>, Error> {
        let connecting = self.inner.connect(options);
        let connection = self.counter.exchange(HANDSHAKE, connecting).await?;
        Ok(Box::new(Counting {
            counter: self.counter.clone(),
            inner: connection,
        }))
    }
}

#[async_trait]
impl Connection for Counting<Box<dyn Connection>> {
    async fn channel(&self) -> Result<Box<dyn Channel>, Error> {
        let channel = self.counter.answered(self.inner.channel()).await?;
        Ok(Box::new(Counting {
            counter: self.counter.clone(),
            inner: channel,
        }))
    }

    async fn close(&self) -> Result<(), Error> {
        self.counter.answered(self.inner.close()).await
    }

    async fn closed(&self) -> Closed {
        self.inner.closed().await
    }

    fn events(&self) -> BoxStream<'static, ConnectionEvent> {
        self.inner.events()
    }
}

#[async_trait]
impl Channel for Counting<Box<dyn Channel>> {
    async fn declare(&self, queue: &str, options: &QueueOptions) -> Result<QueueStatus, Error> {
        let asking = self.inner.declare(queue, options);
        self.counter.answered(asking).await
    }

    async fn delete(&self, queue: &str, options: &DeleteOptions) -> Result<u32, Error> {
        let asking = self.inner.delete(queue, options);
        self.counter.answered(asking).await
    }

    async fn purge(&self, queue: &str) -> Result<u32, Error> {
        self.counter.answered(self.inner.purge(queue)).await
    }

    async fn confirm_select(&self) -> Result<(), Error> {
        self.counter.answered(self.inner.confirm_select()).await
    }

    async fn publish(&self, queue: &str, publish: &Publish) -> Result<Confirm, Error> {
        let asking = self.inner.publish(queue, publish);
        self.counter.answered(asking).await
    }

    async fn send(&self, queue: &str, publish: &Publish) -> Result<(), Error> {
        let sending = self.inner.send(queue, publish);
        self.counter.unanswered(sending).await
    }

    async fn get(&self, queue: &str, no_ack: bool) -> Result<Option<Message>, Error> {
        self.counter.answered(self.inner.get(queue, no_ack)).await
    }

    async fn ack(&self, tag: u64) -> Result<(), Error> {
        self.counter.unanswered(self.inner.ack(tag)).await
    }

    async fn reject(&self, tag: u64, requeue: bool) -> Result<(), Error> {
        let sending = self.inner.reject(tag, requeue);
        self.counter.unanswered(sending).await
    }

    async fn nack(&self, tag: u64, multiple: bool, requeue: bool) -> Result<(), Error> {
        let sending = self.inner.nack(tag, multiple, requeue);
        self.counter.unanswered(sending).await
    }

    async fn qos(&self, prefetch: u16) -> Result<(), Error> {
        self.counter.answered(self.inner.qos(prefetch)).await
    }

    async fn consume(&self, queue: &str, options: &ConsumeOptions) -> Result<Consumer, Error> {
        let asking = self.inner.consume(queue, options);
        self.counter.answered(asking).await
    }

    async fn cancel(&self, tag: &str) -> Result<(), Error> {
        self.counter.answered(self.inner.cancel(tag)).await
    }

    async fn tx_select(&self) -> Result<(), Error> {
        self.counter.answered(self.inner.tx_select()).await
    }

    async fn tx_commit(&self) -> Result<Vec<Returned>, Error> {
        self.counter.answered(self.inner.tx_commit()).await
    }

    async fn tx_rollback(&self) -> Result<(), Error> {
        self.counter.answered(self.inner.tx_rollback()).await
    }

    async fn close(&self) -> Result<(), Error> {
        self.counter.answered(self.inner.close()).await
    }

    async fn closed(&self) -> Error {
        self.inner.closed().await
    }
}

#[cfg(test)]
mod tests {
    use simulated::Simulation;

    use super::*;

    async fn counted() -> (Arc<Counter>, Box<dyn Connection>) {
        let counter = Arc::new(Counter::default());
        let broker = Counting::of(Arc::new(Simulation::new(1, 1)), counter.clone());
        let options = ConnectOptions {
            address: Simulation::address(0),
            ..ConnectOptions::default()
        };
        let connection = broker.connect(&options).await.expect("it answers");
        (counter, connection)
    }

    fn is(methods: u32, round_trips: u32) -> Operations {
        Operations {
            methods,
            round_trips,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn every_method_is_counted_once_and_waiting_only_where_something_answers() {
        let (counter, connection) = counted().await;
        assert_eq!(counter.operations(), is(3, 3));
        let channel = connection.channel().await.expect("a channel");
        let queue = QueueOptions::SHARED;
        channel.declare("q", &queue).await.expect("it is new");
        channel.tx_select().await.expect("transactions");
        assert_eq!(counter.operations(), is(6, 6));
        let before = counter.operations();
        channel.send("q", &Publish::ping()).await.expect("sent");
        channel.tx_commit().await.expect("committed");
        let message = channel.get("q", false).await.expect("asked");
        channel
            .ack(message.expect("it is there").tag)
            .await
            .expect("sent");
        assert_eq!(counter.operations().since(before), is(4, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_sent_together_is_waited_for_once() {
        let (counter, connection) = counted().await;
        let channel = connection.channel().await.expect("a channel");
        channel
            .declare("q", &QueueOptions::SHARED)
            .await
            .expect("it is new");
        let before = counter.operations();
        let options = DeleteOptions::default();
        let (asked, deleted) = tokio::join!(
            biased;
            channel.declare("q", &QueueOptions::PASSIVE),
            channel.delete("q", &options)
        );
        asked.expect("it is there");
        deleted.expect("it was there");
        assert_eq!(counter.operations().since(before), is(2, 1));
        let before = counter.operations();
        let refused = channel.declare("q", &QueueOptions::PASSIVE).await;
        refused.expect_err("it is gone");
        assert_eq!(counter.operations().since(before), is(1, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn an_exchange_that_is_given_up_is_over() {
        let (counter, connection) = counted().await;
        let given_up = futures_util::FutureExt::now_or_never(connection.channel());
        assert!(given_up.is_none(), "nothing answers at once");
        let before = counter.operations();
        connection.channel().await.expect("a channel");
        assert_eq!(counter.operations().since(before), is(1, 1));
    }
}
