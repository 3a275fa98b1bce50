//! What a lock may do with a message broker: AMQP 0-9-1 as RabbitMQ speaks it, as traits without
//! any client library in them.
//!
//! [`Broker`] makes a [`Connection`], that makes a [`Channel`], and there the work is done.
//! [`RabbitMq`] is the implementation on a real broker; the crate `simulated` has one in the same
//! process under virtual time, so a lock never knows where it runs. Whatever the server says comes
//! out typed, with its reply code as the [`ErrorKind`](crate::ErrorKind).
//!
//! Nothing here recovers by itself: a channel or connection that is dead stays dead.

mod channel;
mod connection;
mod consumer;
mod feed;
mod message;
mod queue;
mod rabbitmq;

pub use channel::Channel;
pub use connection::{Broker, Closed, ConnectOptions, Connection, ConnectionEvent, Party};
pub use consumer::{ConsumeOptions, Consumer, ConsumerEvent};
pub use feed::Feed;
pub use message::{Confirm, Message, Publish, Returned};
pub use queue::{DeleteOptions, Overflow, QueueOptions, QueueStatus};
pub use rabbitmq::RabbitMq;
