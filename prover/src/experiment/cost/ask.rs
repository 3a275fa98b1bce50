//! Ways to ask whether a queue is there, by themselves: what a verify is made of. All on one queue,
//! each through a channel of its own.

use std::sync::Arc;

use async_trait::async_trait;
use locks::Error;
use locks::broker::{Channel, Confirm, Connection, Publish, QueueOptions};

use super::cell::{Cell, FigureError, Label, Operation};
use super::lock::Source;
use crate::experiment::counting::Counter;

/// How to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// A mandatory message to it, confirmed.
    Confirm,
    /// A mandatory message to it, in a transaction of its own.
    Transaction,
    /// A passive declare.
    Passive,
    /// A declare as when it was made.
    Again,
}

const ALL: &[Way] = &[Way::Confirm, Way::Transaction, Way::Passive, Way::Again];

/// The queue, as a true mutex declares it.
const QUEUE: QueueOptions = QueueOptions {
    exclusive: true,
    max_length: Some(0),
    ..QueueOptions::SHARED
};

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Confirm => "publish and confirm",
            Self::Transaction => "publish in a transaction",
            Self::Passive => "passive declare",
            Self::Again => "declare again",
        }
    }
}

struct Asking {
    label: Label,
    way: Way,
    queue: String,
    channel: Box<dyn Channel>,
    counter: Arc<Counter>,
    /// The queue lives as long as the connection.
    _connection: Arc<dyn Connection>,
}

/// The cells of all ways.
///
/// # Errors
/// The queue or a channel could not be had.
pub(super) async fn cells(source: &Source) -> Result<Vec<Box<dyn Cell>>, FigureError> {
    let counter = Arc::new(Counter::default());
    let client = source.client(&counter);
    let queue = client.queue("ask");
    let connection: Arc<dyn Connection> = client.connection().await?.into();
    let first = connection.channel().await?;
    first.declare(&queue, &QUEUE).await?;
    let mut cells: Vec<Box<dyn Cell>> = Vec::new();
    for way in ALL {
        let channel = connection.channel().await?;
        match way {
            Way::Confirm => channel.confirm_select().await?,
            Way::Transaction => channel.tx_select().await?,
            Way::Passive | Way::Again => {}
        }
        cells.push(Box::new(Asking {
            label: Label {
                subject: way.name().to_owned(),
                operation: Operation::Ask,
                slots: None,
            },
            way: *way,
            queue: queue.clone(),
            channel,
            counter: counter.clone(),
            _connection: connection.clone(),
        }));
    }
    Ok(cells)
}

impl Asking {
    /// Whether the queue is there.
    async fn is_there(&self) -> Result<bool, Error> {
        match self.way {
            Way::Confirm => {
                let confirm = self.channel.publish(&self.queue, &Publish::ping()).await?;
                Ok(confirm == Confirm::Ack)
            }
            Way::Transaction => {
                self.channel.send(&self.queue, &Publish::ping()).await?;
                Ok(self.channel.tx_commit().await?.is_empty())
            }
            Way::Passive => {
                let asking = self.channel.declare(&self.queue, &QueueOptions::PASSIVE);
                asking.await.map(|_| true)
            }
            Way::Again => {
                let asking = self.channel.declare(&self.queue, &QUEUE);
                asking.await.map(|_| true)
            }
        }
    }
}

#[async_trait]
impl Cell for Asking {
    fn label(&self) -> &Label {
        &self.label
    }

    fn counter(&self) -> &Counter {
        &self.counter
    }

    async fn prepare(&mut self) -> Result<(), FigureError> {
        Ok(())
    }

    async fn act(&mut self) -> Result<(), FigureError> {
        if self.is_there().await? {
            return Ok(());
        }
        let said = "the queue is not there, although its connection lives";
        Err(FigureError::Unexpected(said.to_owned()))
    }

    async fn restore(&mut self) -> Result<(), FigureError> {
        Ok(())
    }
}
