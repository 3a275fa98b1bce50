//! A handle of a simulated channel: each operation of the surface as a frame and its answer.

use std::sync::Arc;

use async_trait::async_trait;
use locks::broker::{
    Channel, Confirm, ConsumeOptions, Consumer, DeleteOptions, Message, Publish, QueueOptions,
    QueueStatus, Returned,
};
use locks::{Error, ErrorKind};
use tokio::sync::mpsc::unbounded_channel;
use tokio::sync::{Mutex, SetOnce};

use super::channel_state::{ChannelState, Then};
use super::consumer::{self, Stop};
use super::handle::{ChannelHandle, ConnectionHandle, answer};
use crate::frame::{ChannelId, Method, Reply, Settlement, Verdict};

/// The longest name that AMQP can say, in bytes.
const NAME_MAX: usize = 255;

pub(super) struct SimulatedChannel {
    id: ChannelId,
    end: Arc<SetOnce<Error>>,
    /// Dropped before the connection's, so that the channel closes before its connection does.
    handle: Arc<ChannelHandle>,
    connection: Arc<ConnectionHandle>,
    /// Held while a confirm is awaited; true where one was given up.
    abandoned: Mutex<bool>,
}

impl SimulatedChannel {
    pub(super) fn new(
        connection: Arc<ConnectionHandle>,
        id: ChannelId,
        end: Arc<SetOnce<Error>>,
    ) -> Self {
        let handle = ChannelHandle {
            connection: Arc::downgrade(&connection),
            id,
        };
        Self {
            id,
            end,
            handle: Arc::new(handle),
            connection,
            abandoned: Mutex::new(false),
        }
    }

    async fn request(&self, method: Method, then: Then) -> Result<Reply, Error> {
        let asked = self
            .connection
            .act(|state| state.request(self.id, method, then));
        answer(asked.flatten().ok_or_else(|| self.dead())?).await
    }

    async fn post(&self, method: Method) -> Result<(), Error> {
        let posted = self.connection.act(|state| state.post(self.id, method));
        answer(posted.flatten().ok_or_else(|| self.dead())?).await
    }

    async fn ask(&self, method: Method) -> Result<(), Error> {
        self.request(method, Then::Nothing).await.map(drop)
    }

    /// The channel is known to be dead, so nothing was sent.
    fn dead(&self) -> Error {
        let unknown = || Error::new(ErrorKind::ChannelClosed, "channel is closed");
        let reason = self.end.get().cloned().unwrap_or_else(unknown);
        reason.as_kind(ErrorKind::NotSent)
    }

    fn is_confirming(&self) -> bool {
        let confirming = |state: &mut ChannelState| state.confirming;
        let channel = self
            .connection
            .act(|state| state.channel(self.id).map(confirming));
        channel.flatten().unwrap_or(false)
    }

    fn ensure_open(&self) -> Result<(), Error> {
        let is_open = self.connection.act(|state| state.is_open(self.id));
        if is_open.unwrap_or(false) {
            return Ok(());
        }
        Err(self.dead())
    }

    async fn settle(&self, tag: u64, multiple: bool, verdict: Verdict) -> Result<(), Error> {
        let settlement = Settlement {
            tag,
            multiple,
            verdict,
        };
        self.post(Method::Settle(settlement)).await
    }
}

#[async_trait]
impl Channel for SimulatedChannel {
    async fn declare(&self, queue: &str, options: &QueueOptions) -> Result<QueueStatus, Error> {
        let method = Method::Declare(short(queue)?, whole_millis(options));
        match self.request(method, Then::Nothing).await? {
            Reply::Declared(status) => Ok(status),
            reply => Err(unexpected(&reply)),
        }
    }

    async fn delete(&self, queue: &str, options: &DeleteOptions) -> Result<u32, Error> {
        let method = Method::Delete(short(queue)?, *options);
        removed(self.request(method, Then::Nothing).await?)
    }

    async fn purge(&self, queue: &str) -> Result<u32, Error> {
        let method = Method::Purge(short(queue)?);
        removed(self.request(method, Then::Nothing).await?)
    }

    async fn confirm_select(&self) -> Result<(), Error> {
        let asked = self.request(Method::ConfirmSelect, Then::Confirming);
        asked.await.map(drop)
    }

    async fn publish(&self, queue: &str, publish: &Publish) -> Result<Confirm, Error> {
        self.ensure_open()?;
        if !self.is_confirming() {
            let text = "channel is not in confirm mode: select it before publishing";
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        let mut abandoned = self.abandoned.lock().await;
        if *abandoned {
            let text = "an earlier publish on this channel was given up: use a new channel";
            return Err(Error::new(ErrorKind::Abandoned, text));
        }
        *abandoned = true;
        let queue = short(queue)?;
        let published = self
            .connection
            .act(|state| state.publish(self.id, queue, publish.clone()));
        let confirm = answer(published.flatten().ok_or_else(|| self.dead())?).await?;
        *abandoned = false;
        Ok(confirm)
    }

    async fn send(&self, queue: &str, publish: &Publish) -> Result<(), Error> {
        self.post(Method::Publish(short(queue)?, publish.clone()))
            .await
    }

    async fn get(&self, queue: &str, no_ack: bool) -> Result<Option<Message>, Error> {
        let queue = short(queue)?;
        let method = Method::Get { queue, no_ack };
        match self.request(method, Then::Nothing).await? {
            Reply::Got(message) => Ok(message),
            reply => Err(unexpected(&reply)),
        }
    }

    async fn ack(&self, tag: u64) -> Result<(), Error> {
        self.settle(tag, false, Verdict::Ack).await
    }

    async fn reject(&self, tag: u64, requeue: bool) -> Result<(), Error> {
        self.settle(tag, false, rejection(requeue)).await
    }

    async fn nack(&self, tag: u64, multiple: bool, requeue: bool) -> Result<(), Error> {
        self.settle(tag, multiple, rejection(requeue)).await
    }

    async fn qos(&self, prefetch: u16) -> Result<(), Error> {
        self.ask(Method::Qos(prefetch)).await
    }

    async fn consume(&self, queue: &str, options: &ConsumeOptions) -> Result<Consumer, Error> {
        short(&options.tag)?;
        let (sender, receiver) = unbounded_channel();
        let method = Method::Consume(short(queue)?, options.clone());
        match self.request(method, Then::Consuming(sender)).await? {
            Reply::Consuming(tag) => {
                let stop = Stop {
                    tag: tag.clone(),
                    channel: Arc::clone(&self.handle),
                };
                let events = consumer::events(receiver, stop);
                Ok(Consumer { tag, events })
            }
            reply => Err(unexpected(&reply)),
        }
    }

    async fn cancel(&self, tag: &str) -> Result<(), Error> {
        let tag = short(tag)?;
        let method = Method::Cancel(tag.clone());
        self.request(method, Then::Cancelled(tag)).await.map(drop)
    }

    async fn tx_select(&self) -> Result<(), Error> {
        self.ask(Method::TxSelect).await
    }

    async fn tx_commit(&self) -> Result<Vec<Returned>, Error> {
        self.ask(Method::TxCommit).await?;
        let returned = self.connection.act(|state| {
            let channel = state.channel(self.id);
            channel.map(ChannelState::take_returned)
        });
        Ok(returned.flatten().unwrap_or_default())
    }

    async fn tx_rollback(&self) -> Result<(), Error> {
        self.ask(Method::TxRollback).await
    }

    async fn close(&self) -> Result<(), Error> {
        let closing = self.connection.act(|state| state.close_channel(self.id));
        let closing = closing.flatten().ok_or_else(|| self.dead())?;
        let closed = answer(closing).await.map(drop);
        let text = "channel closed by this client";
        let _ = self.end.set(Error::new(ErrorKind::ChannelClosed, text));
        closed
    }

    async fn closed(&self) -> Error {
        self.end.wait().await.clone()
    }
}

fn rejection(requeue: bool) -> Verdict {
    if requeue {
        Verdict::Requeue
    } else {
        Verdict::Discard
    }
}

fn removed(reply: Reply) -> Result<u32, Error> {
    match reply {
        Reply::Removed(count) => Ok(count),
        reply => Err(unexpected(&reply)),
    }
}

fn unexpected(reply: &Reply) -> Error {
    let text = format!("an answer to something else: {reply:?}");
    Error::new(ErrorKind::Protocol, text)
}

/// A name as AMQP can say it.
fn short(name: &str) -> Result<String, Error> {
    if name.len() <= NAME_MAX {
        return Ok(name.to_owned());
    }
    let text = format!(
        "name of {} bytes is longer than {NAME_MAX} bytes",
        name.len()
    );
    Err(Error::new(ErrorKind::Invalid, text))
}

/// Times go to the server in whole milliseconds.
fn whole_millis(options: &QueueOptions) -> QueueOptions {
    let whole = |time: std::time::Duration| {
        time.saturating_sub(std::time::Duration::from_nanos(
            u64::from(time.subsec_nanos()) % 1_000_000,
        ))
    };
    QueueOptions {
        expires: options.expires.map(whole),
        message_ttl: options.message_ttl.map(whole),
        ..*options
    }
}
