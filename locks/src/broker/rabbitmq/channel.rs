//! A channel to RabbitMQ: each operation of the surface as lapin's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use lapin::message::BasicReturnMessage;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicNackOptions,
    BasicPublishOptions, BasicQosOptions, BasicRejectOptions, ConfirmSelectOptions,
    QueueDeclareOptions, QueueDeleteOptions, QueuePurgeOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Confirmation, PublisherConfirm};
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use super::consumer;
use super::end::ChannelEnd;
use super::errors::{self, short};
use crate::broker::{
    Channel, Confirm, ConsumeOptions, Consumer, DeleteOptions, Message, Overflow, Publish,
    QueueOptions, QueueStatus, Returned,
};
use crate::{Error, ErrorKind};

/// Reply code of a close that nothing is wrong with.
pub(super) const SUCCESS: u16 = 200;
/// `delivery-mode` of a message that survives a restart.
const PERSISTENT: u8 = 2;

pub(super) struct RabbitChannel {
    lapin: lapin::Channel,
    end: Arc<ChannelEnd>,
    /// Held while a confirm is awaited; true where one was given up. lapin hands a returned message
    /// to the confirm that comes next, so with two under way a late confirm could take another's
    /// return, and the other would read as acknowledged.
    abandoned: Mutex<bool>,
    /// A consume was given up before it was answered. lapin keeps a channel with such a consumer
    /// open for good.
    has_lost_consumer: AtomicBool,
}

impl Drop for RabbitChannel {
    fn drop(&mut self) {
        if self.has_lost_consumer.load(Ordering::Relaxed)
            && let Ok(runtime) = Handle::try_current()
        {
            let channel = self.lapin.clone();
            runtime.spawn(async move { channel.close(SUCCESS, "OK".into()).await });
        }
    }
}

/// Sets a flag unless it is disarmed.
struct Lost<'a>(Option<&'a AtomicBool>);

impl Drop for Lost<'_> {
    fn drop(&mut self) {
        if let Some(flag) = self.0 {
            flag.store(true, Ordering::Relaxed);
        }
    }
}

impl RabbitChannel {
    pub(super) fn new(lapin: lapin::Channel, end: Arc<ChannelEnd>) -> Self {
        Self {
            lapin,
            end,
            abandoned: Mutex::new(false),
            has_lost_consumer: AtomicBool::new(false),
        }
    }

    /// Runs an operation unless the channel is known to be dead, and remembers what the channel
    /// died of.
    async fn run<T>(&self, operation: impl Future<Output = lapin::Result<T>>) -> Result<T, Error> {
        self.ensure_alive()?;
        operation.await.map_err(|error| self.failed(&error))
    }

    fn ensure_alive(&self) -> Result<(), Error> {
        if self.end.is_dead() {
            return Err(self.end.reason().as_kind(ErrorKind::NotSent));
        }
        Ok(())
    }

    fn failed(&self, error: &lapin::Error) -> Error {
        let error = errors::operating(error);
        if error.kind.is_amqp() && self.end.is_dead() {
            self.end.because(error.clone());
        }
        error
    }

    async fn write(&self, queue: &str, publish: &Publish) -> Result<PublisherConfirm, Error> {
        let options = BasicPublishOptions {
            mandatory: publish.mandatory,
            ..BasicPublishOptions::default()
        };
        let properties = if publish.persistent {
            BasicProperties::default().with_delivery_mode(PERSISTENT)
        } else {
            BasicProperties::default()
        };
        let exchange = "".into();
        self.run(self.lapin.basic_publish(
            exchange,
            short(queue)?,
            options,
            &publish.body,
            properties,
        ))
        .await
    }
}

#[async_trait]
impl Channel for RabbitChannel {
    async fn declare(&self, queue: &str, options: &QueueOptions) -> Result<QueueStatus, Error> {
        let flags = QueueDeclareOptions {
            passive: options.passive,
            durable: options.durable,
            exclusive: options.exclusive,
            auto_delete: options.auto_delete,
            ..QueueDeclareOptions::default()
        };
        let arguments = queue_arguments(options)?;
        let declared = self
            .run(self.lapin.queue_declare(short(queue)?, flags, arguments))
            .await?;
        Ok(QueueStatus {
            name: declared.name().to_string(),
            messages: declared.message_count(),
            consumers: declared.consumer_count(),
        })
    }

    async fn delete(&self, queue: &str, options: &DeleteOptions) -> Result<u32, Error> {
        let options = QueueDeleteOptions {
            if_unused: options.if_unused,
            if_empty: options.if_empty,
            ..QueueDeleteOptions::default()
        };
        self.run(self.lapin.queue_delete(short(queue)?, options))
            .await
    }

    async fn purge(&self, queue: &str) -> Result<u32, Error> {
        let options = QueuePurgeOptions::default();
        self.run(self.lapin.queue_purge(short(queue)?, options))
            .await
    }

    async fn confirm_select(&self) -> Result<(), Error> {
        self.run(self.lapin.confirm_select(ConfirmSelectOptions::default()))
            .await
    }

    async fn publish(&self, queue: &str, publish: &Publish) -> Result<Confirm, Error> {
        self.ensure_alive()?;
        if !self.lapin.status().confirm() {
            let text = "channel is not in confirm mode: select it before publishing";
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        let mut abandoned = self.abandoned.lock().await;
        if *abandoned {
            let text = "an earlier publish on this channel was given up: use a new channel";
            return Err(Error::new(ErrorKind::Abandoned, text));
        }
        *abandoned = true;
        let confirm = self.write(queue, publish).await?;
        let confirm = confirm.await.map_err(|error| self.failed(&error))?;
        *abandoned = false;
        confirmed(confirm)
    }

    async fn send(&self, queue: &str, publish: &Publish) -> Result<(), Error> {
        self.write(queue, publish).await.map(drop)
    }

    async fn get(&self, queue: &str, no_ack: bool) -> Result<Option<Message>, Error> {
        let options = BasicGetOptions { no_ack };
        let message = self
            .run(self.lapin.basic_get(short(queue)?, options))
            .await?;
        Ok(message.map(|message| consumer::message(message.delivery)))
    }

    async fn ack(&self, tag: u64) -> Result<(), Error> {
        self.run(self.lapin.basic_ack(tag, BasicAckOptions::default()))
            .await
    }

    async fn reject(&self, tag: u64, requeue: bool) -> Result<(), Error> {
        self.run(self.lapin.basic_reject(tag, BasicRejectOptions { requeue }))
            .await
    }

    async fn nack(&self, tag: u64, multiple: bool, requeue: bool) -> Result<(), Error> {
        let options = BasicNackOptions { multiple, requeue };
        self.run(self.lapin.basic_nack(tag, options)).await
    }

    async fn qos(&self, prefetch: u16) -> Result<(), Error> {
        self.run(self.lapin.basic_qos(prefetch, BasicQosOptions::default()))
            .await
    }

    async fn consume(&self, queue: &str, options: &ConsumeOptions) -> Result<Consumer, Error> {
        let flags = BasicConsumeOptions {
            exclusive: options.exclusive,
            no_ack: options.no_ack,
            ..BasicConsumeOptions::default()
        };
        let mut arguments = FieldTable::default();
        if let Some(priority) = options.priority {
            arguments.insert("x-priority".into(), AMQPValue::LongInt(priority));
        }
        let (queue, tag) = (short(queue)?, short(&options.tag)?);
        let mut lost = Lost(Some(&self.has_lost_consumer));
        let consuming = self.lapin.basic_consume(queue, tag, flags, arguments);
        let consumer = self.run(consuming).await;
        lost.0 = None;
        let consumer = consumer?;
        Ok(Consumer {
            tag: consumer.tag().to_string(),
            events: consumer::events(consumer, Arc::clone(&self.end)),
        })
    }

    async fn cancel(&self, tag: &str) -> Result<(), Error> {
        let options = BasicCancelOptions::default();
        self.run(self.lapin.basic_cancel(short(tag)?, options))
            .await
    }

    async fn tx_select(&self) -> Result<(), Error> {
        self.run(self.lapin.tx_select()).await
    }

    async fn tx_commit(&self) -> Result<Vec<Returned>, Error> {
        self.run(self.lapin.tx_commit()).await?;
        let messages = self.run(self.lapin.wait_for_confirms()).await?;
        Ok(messages.iter().map(returned).collect())
    }

    async fn tx_rollback(&self) -> Result<(), Error> {
        self.run(self.lapin.tx_rollback()).await
    }

    async fn close(&self) -> Result<(), Error> {
        let closing = self.run(self.lapin.close(SUCCESS, "OK".into())).await;
        let text = "channel closed by this client";
        self.end.because(Error::new(ErrorKind::ChannelClosed, text));
        closing
    }

    async fn closed(&self) -> Error {
        self.end.wait().await
    }
}

fn queue_arguments(options: &QueueOptions) -> Result<FieldTable, Error> {
    let millis = |duration: std::time::Duration| {
        i64::try_from(duration.as_millis())
            .map(AMQPValue::LongLongInt)
            .map_err(|_| Error::new(ErrorKind::Invalid, format!("{duration:?} is too long")))
    };
    let mut arguments = FieldTable::default();
    if let Some(expires) = options.expires {
        arguments.insert("x-expires".into(), millis(expires)?);
    }
    if let Some(ttl) = options.message_ttl {
        arguments.insert("x-message-ttl".into(), millis(ttl)?);
    }
    if let Some(max_length) = options.max_length {
        let value = AMQPValue::LongLongInt(max_length.into());
        arguments.insert("x-max-length".into(), value);
    }
    if let Some(overflow) = options.overflow {
        let value = AMQPValue::LongString(overflow_name(overflow).into());
        arguments.insert("x-overflow".into(), value);
    }
    if options.single_active_consumer {
        arguments.insert("x-single-active-consumer".into(), AMQPValue::Boolean(true));
    }
    if options.quorum {
        // From 4.0 on such a queue drops a message that has come back 20 times, and a lock with it.
        let limit = AMQPValue::LongInt(i32::MAX);
        arguments.insert("x-delivery-limit".into(), limit);
        let value = AMQPValue::LongString("quorum".into());
        arguments.insert("x-queue-type".into(), value);
    }
    Ok(arguments)
}

fn overflow_name(overflow: Overflow) -> &'static str {
    match overflow {
        Overflow::DropHead => "drop-head",
        Overflow::RejectPublish => "reject-publish",
    }
}

fn confirmed(confirmation: Confirmation) -> Result<Confirm, Error> {
    match confirmation {
        Confirmation::Ack(Some(message)) | Confirmation::Nack(Some(message)) => {
            Ok(Confirm::Returned(returned(&message)))
        }
        Confirmation::Ack(None) => Ok(Confirm::Ack),
        Confirmation::Nack(None) => Ok(Confirm::Nack),
        Confirmation::NotRequested => Err(Error::new(
            ErrorKind::Protocol,
            "publish went out without asking for a confirm",
        )),
    }
}

fn returned(message: &BasicReturnMessage) -> Returned {
    Returned {
        kind: errors::returned(message.reply_code),
        text: message.reply_text.to_string(),
    }
}
