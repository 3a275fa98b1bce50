//! What the server does when it is asked something on a channel.

use std::collections::BTreeMap;

use locks::broker::{ConsumeOptions, DeleteOptions, Message, Publish, QueueOptions, QueueStatus};

use super::channel::{Channel, Mode, Pending, Transaction, Unsettled};
use super::node::Node;
use super::queue::{Queue, Who};
use super::refusals;
use crate::frame::{ChannelId, ConnectionId, Method, Refusal, Reply, Settlement, Verdict};

impl Node {
    /// Does what a client asks on a channel; an error is one for the whole connection.
    pub(super) fn obey_on_channel(
        &mut self,
        connection: ConnectionId,
        id: ChannelId,
        method: Method,
    ) -> Result<(), Refusal> {
        if let Method::Open = method {
            return self.open_channel(connection, id);
        }
        if self.channel(connection, id)?.closing {
            return self.obey_while_closing(connection, id, &method);
        }
        let starts_consumer = matches!(method, Method::Consume(..));
        match self.perform(connection, id, method) {
            Ok(Some(reply)) => self.reply(connection, id, reply),
            Ok(None) => {}
            Err(refusal) if refusal.is_hard() => {
                // It ends before the others of its connection do, so these may still get what it
                // gives back.
                self.close_channel(connection, id)?;
                return Err(refusal);
            }
            Err(refusal) => self.refuse_channel(connection, id, refusal),
        }
        if starts_consumer {
            self.catch_up(connection, id);
        }
        Ok(())
    }

    fn open_channel(&mut self, connection: ConnectionId, id: ChannelId) -> Result<(), Refusal> {
        let generation = self.next_number();
        let session = self.session(connection)?;
        if session.channels.contains_key(&id) {
            let text = "CHANNEL_ERROR - second 'channel.open' seen";
            return Err(Refusal::new(504, text));
        }
        session.channels.insert(id, Channel::new(generation));
        self.plan_tick(connection, id, generation);
        self.reply(connection, id, Reply::Done);
        Ok(())
    }

    /// The server has closed the channel: it looks at nothing but the client's agreement.
    fn obey_while_closing(
        &mut self,
        connection: ConnectionId,
        id: ChannelId,
        method: &Method,
    ) -> Result<(), Refusal> {
        match method {
            Method::Close => self.reply(connection, id, Reply::CloseOk),
            Method::CloseOk => {
                self.session(connection)?.channels.remove(&id);
            }
            _ => {}
        }
        Ok(())
    }

    fn perform(
        &mut self,
        connection: ConnectionId,
        id: ChannelId,
        method: Method,
    ) -> Result<Option<Reply>, Refusal> {
        let reply = match method {
            Method::Open | Method::CloseOk => return Ok(None),
            Method::Close => self.close_channel(connection, id)?,
            Method::Declare(queue, options) => {
                // What goes with its connection is never durable, whatever is asked for.
                let durable = options.durable && !options.exclusive;
                let options = QueueOptions { durable, ..options };
                self.declare(connection, &queue, &options)?
            }
            Method::Delete(queue, options) => self.delete(connection, &queue, options)?,
            Method::Purge(queue) => Reply::Removed(self.admitted(connection, &queue)?.purge()),
            Method::ConfirmSelect => self.confirm_select(connection, id)?,
            Method::Publish(queue, publish) => {
                self.publish(connection, id, queue, publish)?;
                return Ok(None);
            }
            Method::Get { queue, no_ack } => self.get(connection, id, &queue, no_ack)?,
            Method::Settle(settlement) => {
                self.settle_now_or_later(connection, id, settlement)?;
                return Ok(None);
            }
            Method::Qos(prefetch) => {
                self.channel(connection, id)?.prefetch = prefetch;
                Reply::Done
            }
            Method::Consume(queue, options) => self.consume(connection, id, &queue, options)?,
            Method::Cancel(tag) => self.cancel(connection, id, tag)?,
            Method::TxSelect => self.tx_select(connection, id)?,
            Method::TxCommit => self.tx_commit(connection, id)?,
            Method::TxRollback => self.tx_rollback(connection, id)?,
        };
        Ok(Some(reply))
    }

    fn close_channel(&mut self, connection: ConnectionId, id: ChannelId) -> Result<Reply, Refusal> {
        if let Some(channel) = self.session(connection)?.channels.remove(&id) {
            self.end_channels(connection, vec![(id, channel)]);
        }
        Ok(Reply::CloseOk)
    }

    /// A queue that is there, and not another connection's.
    fn admitted(&mut self, connection: ConnectionId, name: &str) -> Result<&mut Queue, Refusal> {
        if name.is_empty() {
            return Err(refusals::not_modelled("the queue that was declared last"));
        }
        let now = self.now;
        let queue = self
            .queues
            .get_mut(name)
            .ok_or_else(|| refusals::not_found(name))?;
        queue.admit(connection)?;
        queue.expire(now);
        Ok(queue)
    }

    fn declare(
        &mut self,
        connection: ConnectionId,
        name: &str,
        options: &QueueOptions,
    ) -> Result<Reply, Refusal> {
        if options.passive {
            self.admitted(connection, name)?;
            return Ok(self.status(name));
        }
        let now = self.now;
        if let Some(queue) = self.queues.get_mut(name) {
            queue.ensure_same(options, connection)?;
            queue.expire(now);
            return Ok(self.status(name));
        }
        let name = self.create(connection, name, options)?;
        Ok(self.status(&name))
    }

    fn create(
        &mut self,
        connection: ConnectionId,
        name: &str,
        options: &QueueOptions,
    ) -> Result<String, Refusal> {
        if name.starts_with("amq.") {
            return Err(refusals::reserved(name));
        }
        if options
            .expires
            .is_some_and(|expires| expires.as_millis() == 0)
        {
            let text = format_args!("invalid arg 'x-expires' for queue '{name}' in vhost '/': 0");
            return Err(refusals::precondition(text));
        }
        if options.quorum {
            return Err(refusals::not_modelled("quorum queues"));
        }
        let name = if name.is_empty() {
            self.choose_name("amq.gen-")
        } else {
            name.to_owned()
        };
        let owner = options.exclusive.then_some(connection);
        let limits = self.limits_of(&name);
        let queue = Queue::new(self.next_number(), &name, *options, limits, owner);
        self.queues.insert(name.clone(), queue);
        Ok(name)
    }

    /// Asking for it is a use.
    fn status(&mut self, name: &str) -> Reply {
        self.touch(name);
        let queue = self.queues.get(name);
        Reply::Declared(QueueStatus {
            name: name.to_owned(),
            messages: queue.map_or(0, Queue::len),
            consumers: queue.map_or(0, Queue::consumers),
        })
    }

    fn delete(
        &mut self,
        connection: ConnectionId,
        name: &str,
        options: DeleteOptions,
    ) -> Result<Reply, Refusal> {
        if !name.is_empty() && !self.queues.contains_key(name) {
            return Ok(Reply::Removed(0));
        }
        let queue = self.admitted(connection, name)?;
        let count = queue.len();
        if options.if_empty && count > 0 {
            return Err(refusals::queue_precondition(name, "not empty"));
        }
        if options.if_unused && !queue.is_unused() {
            return Err(refusals::queue_precondition(name, "in use"));
        }
        self.remove_queue(name);
        Ok(Reply::Removed(count))
    }

    fn confirm_select(
        &mut self,
        connection: ConnectionId,
        id: ChannelId,
    ) -> Result<Reply, Refusal> {
        let channel = self.channel(connection, id)?;
        match channel.mode {
            Mode::Plain => channel.mode = Mode::Confirm { published: 0 },
            Mode::Confirm { .. } => {}
            Mode::Tx(_) => {
                return Err(refusals::precondition(
                    "cannot switch from tx to confirm mode",
                ));
            }
        }
        Ok(Reply::Done)
    }

    fn publish(
        &mut self,
        connection: ConnectionId,
        id: ChannelId,
        queue: String,
        publish: Publish,
    ) -> Result<(), Refusal> {
        let is_routed = self.queues.contains_key(&queue);
        let number = match &mut self.channel(connection, id)?.mode {
            Mode::Tx(transaction) => {
                transaction.publishes.push(Pending {
                    queue,
                    publish,
                    is_routed,
                });
                return Ok(());
            }
            Mode::Plain => None,
            Mode::Confirm { published } => {
                *published += 1;
                Some(*published)
            }
        };
        let taken = self.route(connection, id, &queue, publish);
        if let Some(tag) = number {
            let ack = taken != Some(false);
            self.reply(connection, id, Reply::Confirmed { tag, ack });
        }
        Ok(())
    }

    /// The default exchange: the routing key is the queue's name, whoever owns it.
    fn route(
        &mut self,
        connection: ConnectionId,
        id: ChannelId,
        queue: &str,
        publish: Publish,
    ) -> Option<bool> {
        let mandatory = publish.mandatory;
        let taken = self.enqueue(queue, publish);
        if taken.is_none() && mandatory {
            self.send_back(connection, id);
        }
        taken
    }

    fn get(
        &mut self,
        connection: ConnectionId,
        id: ChannelId,
        name: &str,
        no_ack: bool,
    ) -> Result<Reply, Refusal> {
        let queue = self.admitted(connection, name)?;
        let (queue_id, popped) = (queue.id, queue.pop());
        self.touch(name);
        let Some((position, message)) = popped else {
            return Ok(Reply::Got(None));
        };
        let now = self.now;
        let channel = self.channel(connection, id)?;
        let tag = channel.next_delivery();
        let got = Message {
            tag,
            redelivered: message.redelivered,
            body: message.body.clone(),
        };
        if !no_ack {
            let unsettled = Unsettled {
                queue: name.to_owned(),
                id: queue_id,
                position,
                message,
                consumer: None,
                since: now,
            };
            channel.unsettled.insert(tag, unsettled);
        }
        Ok(Reply::Got(Some(got)))
    }

    fn settle_now_or_later(
        &mut self,
        connection: ConnectionId,
        id: ChannelId,
        settlement: Settlement,
    ) -> Result<(), Refusal> {
        let channel = self.channel(connection, id)?;
        let taken = channel.take(settlement)?;
        if let Mode::Tx(transaction) = &mut channel.mode {
            transaction.settled.push((settlement, taken));
            return Ok(());
        }
        self.settle_taken(connection, id, settlement.verdict, taken);
        Ok(())
    }

    /// Each queue is told once for each consumer that had them, those that were got first: what one
    /// gives back may be delivered before the next does.
    fn settle_taken(
        &mut self,
        connection: ConnectionId,
        id: ChannelId,
        verdict: Verdict,
        taken: BTreeMap<u64, Unsettled>,
    ) {
        let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for delivery in taken.into_values() {
            let group = (delivery.queue.clone(), delivery.consumer.clone());
            groups.entry(group).or_default().push(delivery);
        }
        for deliveries in groups.into_values() {
            self.settle(connection, id, verdict, deliveries);
        }
    }

    fn consume(
        &mut self,
        connection: ConnectionId,
        id: ChannelId,
        name: &str,
        options: ConsumeOptions,
    ) -> Result<Reply, Refusal> {
        let channel = self.channel(connection, id)?;
        if channel.consumers.contains_key(&options.tag) {
            return Err(refusals::tag_in_use(&options.tag));
        }
        let prefetch = channel.prefetch;
        let tag = if options.tag.is_empty() {
            self.choose_name("amq.ctag-")
        } else {
            options.tag.clone()
        };
        let who = Who {
            connection,
            channel: id,
            tag: tag.clone(),
        };
        self.admitted(connection, name)?
            .consume(who, &options, prefetch)?;
        let channel = self.channel(connection, id)?;
        channel.consumers.insert(tag.clone(), name.to_owned());
        Ok(Reply::Consuming(tag))
    }

    /// What a consumer that has just started can have at once, behind the answer that it has.
    fn catch_up(&mut self, connection: ConnectionId, id: ChannelId) {
        let Ok(channel) = self.channel(connection, id) else {
            return;
        };
        let queues: Vec<_> = channel.consumers.values().cloned().collect();
        for queue in queues {
            self.deliver(&queue);
        }
    }

    fn cancel(
        &mut self,
        connection: ConnectionId,
        id: ChannelId,
        tag: String,
    ) -> Result<Reply, Refusal> {
        let consumed = self.channel(connection, id)?.consumers.remove(&tag);
        if let Some(name) = consumed {
            let who = Who {
                connection,
                channel: id,
                tag,
            };
            if let Some(queue) = self.queues.get_mut(&name)
                && queue.cancel(&who)
            {
                self.left(&name);
            }
        }
        Ok(Reply::Done)
    }

    fn tx_select(&mut self, connection: ConnectionId, id: ChannelId) -> Result<Reply, Refusal> {
        let channel = self.channel(connection, id)?;
        match channel.mode {
            Mode::Plain => channel.mode = Mode::Tx(Transaction::default()),
            Mode::Tx(_) => {}
            Mode::Confirm { .. } => {
                return Err(refusals::precondition(
                    "cannot switch from confirm to tx mode",
                ));
            }
        }
        Ok(Reply::Done)
    }

    fn tx_commit(&mut self, connection: ConnectionId, id: ChannelId) -> Result<Reply, Refusal> {
        let Transaction { publishes, settled } = self.take_tx(connection, id)?;
        let mut is_partial = false;
        for pending in publishes {
            is_partial |= !self.commit(connection, id, pending);
        }
        for (settlement, taken) in settled {
            self.settle_taken(connection, id, settlement.verdict, taken);
        }
        if is_partial {
            return Err(refusals::precondition("partial tx completion"));
        }
        Ok(Reply::Done)
    }

    /// Whether the queue that was meant took it, where one was.
    fn commit(&mut self, connection: ConnectionId, id: ChannelId, pending: Pending) -> bool {
        let Pending {
            queue,
            publish,
            is_routed,
        } = pending;
        if is_routed {
            return self.route(connection, id, &queue, publish) == Some(true);
        }
        if publish.mandatory {
            self.send_back(connection, id);
        }
        true
    }

    fn send_back(&mut self, connection: ConnectionId, id: ChannelId) {
        let returned = Reply::Returned(Refusal::new(312, "NO_ROUTE"));
        self.reply(connection, id, returned);
    }

    fn tx_rollback(&mut self, connection: ConnectionId, id: ChannelId) -> Result<Reply, Refusal> {
        let Transaction { settled, .. } = self.take_tx(connection, id)?;
        let channel = self.channel(connection, id)?;
        for (_, taken) in settled {
            channel.unsettled.extend(taken);
        }
        Ok(Reply::Done)
    }

    fn take_tx(&mut self, connection: ConnectionId, id: ChannelId) -> Result<Transaction, Refusal> {
        match &mut self.channel(connection, id)?.mode {
            Mode::Tx(transaction) => Ok(std::mem::take(transaction)),
            _ => Err(refusals::precondition("channel is not transactional")),
        }
    }
}
