//! A channel that a script works on, with its mode, its deliveries and its consumers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt;
use locks::Error;
use locks::broker::{Channel, Confirm, Consumer, ConsumerEvent, QueueStatus};

use crate::background::Background;
use crate::deliveries::{Deliveries, body};
use crate::names::Names;
use crate::notices::Notices;
use crate::script::{Consume, Flags, Operation, Place, Then, Which};
use crate::transcript::{Notice, Source, StepOutcome};

/// What the script did last to change how publishes and settlements take effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Plain,
    Confirm,
    Tx,
}

#[derive(Debug)]
struct State {
    mode: Mode,
    prefetch: u16,
    deliveries: Deliveries,
    consumers: BTreeMap<String, Background>,
    tasks: Vec<Background>,
    /// An answer is still awaited.
    is_busy: bool,
}

/// An open channel; dropping it drops all that is under way on it.
pub(super) struct Seat {
    hand: Hand,
    watch: Option<Background>,
}

/// What the operations of a channel share.
#[derive(Clone)]
pub(super) struct Hand {
    place: Place,
    channel: Arc<dyn Channel>,
    state: Arc<Mutex<State>>,
    notices: Notices,
    names: Names,
}

impl Seat {
    pub(super) fn new(
        place: Place,
        channel: Box<dyn Channel>,
        notices: &Notices,
        names: &Names,
    ) -> Self {
        let hand = Hand {
            place,
            channel: channel.into(),
            state: Arc::new(Mutex::new(State {
                mode: Mode::Plain,
                prefetch: 0,
                deliveries: Deliveries::default(),
                consumers: BTreeMap::new(),
                tasks: Vec::new(),
                is_busy: false,
            })),
            notices: notices.clone(),
            names: names.clone(),
        };
        let (channel, notices) = (Arc::clone(&hand.channel), notices.clone());
        let watch = Background::spawn(async move {
            let error = channel.closed().await;
            notices.add(Source::Channel(place), Notice::Died(error.kind));
        });
        Self {
            hand,
            watch: Some(watch),
        }
    }

    pub(super) fn hand(&self) -> Hand {
        self.hand.clone()
    }

    /// Drops the channel with everything that goes on on it, so that it begins to close before
    /// anything else does.
    pub(super) async fn leave(mut self) {
        let mut ending: Vec<_> = self.watch.take().into_iter().collect();
        {
            let mut state = self.hand.state();
            ending.extend(std::mem::take(&mut state.consumers).into_values());
            ending.append(&mut state.tasks);
        }
        for task in ending {
            task.end().await;
        }
    }

    /// Whether an answer is still awaited.
    pub(super) fn is_busy(&self) -> bool {
        self.hand.state().is_busy
    }

    /// Whether neither confirms nor transactions were selected.
    pub(super) fn is_plain(&self) -> bool {
        self.hand.state().mode == Mode::Plain
    }

    /// Something that lives no longer than the channel.
    pub(super) fn keep(&self, task: Background) {
        self.hand.state().tasks.push(task);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // They hold what they are held by.
        let mut state = self.hand.state();
        state.consumers.clear();
        state.tasks.clear();
    }
}

impl Hand {
    /// Does what a step says.
    pub(super) async fn perform(self, step: usize, operation: Operation) -> StepOutcome {
        self.state().is_busy = true;
        let result = self.operate(step, &operation).await;
        self.state().is_busy = false;
        result.unwrap_or_else(StepOutcome::from)
    }

    async fn operate(&self, step: usize, operation: &Operation) -> Result<StepOutcome, Error> {
        let channel = &*self.channel;
        match operation {
            Operation::Declare(queue, declaration) => {
                let options = declaration.options();
                let status = channel.declare(&self.on_broker(queue), &options).await?;
                return Ok(self.declared(queue, &status));
            }
            Operation::Delete(queue, condition) => {
                let (queue, options) = (self.on_broker(queue), condition.options());
                return channel
                    .delete(&queue, &options)
                    .await
                    .map(StepOutcome::Removed);
            }
            Operation::Purge(queue) => {
                let queue = self.on_broker(queue);
                return channel.purge(&queue).await.map(StepOutcome::Removed);
            }
            Operation::ConfirmSelect => {
                channel.confirm_select().await?;
                self.state().mode = Mode::Confirm;
            }
            Operation::Publish(queue, flags) => return self.publish(step, queue, *flags).await,
            Operation::Send(queue, flags) => self.send(step, queue, *flags).await?,
            Operation::Get { queue, no_ack } => return self.get(queue, *no_ack).await,
            Operation::Ack(which) => return self.settle(*which, None, false).await,
            Operation::Reject(which, then) => return self.settle(*which, Some(*then), false).await,
            Operation::NackUpTo(which, then) => {
                return self.settle(*which, Some(*then), true).await;
            }
            Operation::Qos(prefetch) => {
                channel.qos(*prefetch).await?;
                self.state().prefetch = *prefetch;
            }
            Operation::Consume(queue, consume) => {
                let (queue, options) = (self.on_broker(queue), consume.options());
                self.follow(consume, channel.consume(&queue, &options).await?);
            }
            Operation::Cancel(tag) => channel.cancel(tag).await?,
            Operation::Forget(tag) => return Ok(self.forget(tag)),
            Operation::TxSelect => {
                channel.tx_select().await?;
                self.state().mode = Mode::Tx;
            }
            Operation::TxCommit => return self.commit().await,
            Operation::TxRollback => {
                channel.tx_rollback().await?;
                self.state().deliveries.roll_back();
            }
            Operation::Close => channel.close().await?,
            // That is done by whoever has the seat.
            Operation::Drop => {}
        }
        Ok(StepOutcome::Done)
    }

    fn on_broker(&self, queue: &str) -> String {
        self.names.on_broker(queue)
    }

    async fn publish(&self, step: usize, queue: &str, flags: Flags) -> Result<StepOutcome, Error> {
        self.ensure_mode().await?;
        let (queue, publish) = (self.on_broker(queue), flags.publish(&body(step)));
        self.channel.publish(&queue, &publish).await.map(confirmed)
    }

    async fn send(&self, step: usize, queue: &str, flags: Flags) -> Result<(), Error> {
        let (queue, publish) = (self.on_broker(queue), flags.publish(&body(step)));
        self.channel.send(&queue, &publish).await?;
        self.round_trip().await
    }

    async fn get(&self, queue: &str, no_ack: bool) -> Result<StepOutcome, Error> {
        let message = self.channel.get(&self.on_broker(queue), no_ack).await?;
        let receive = |message| self.state().deliveries.receive(&message, no_ack);
        Ok(StepOutcome::Got(message.map(receive)))
    }

    async fn commit(&self) -> Result<StepOutcome, Error> {
        let returned = self.channel.tx_commit().await?;
        self.state().deliveries.commit();
        let kinds = returned.iter().map(|returned| returned.kind);
        Ok(StepOutcome::Committed(kinds.collect()))
    }

    fn declared(&self, queue: &str, status: &QueueStatus) -> StepOutcome {
        if queue.is_empty() {
            self.names.choose(&status.name);
        }
        StepOutcome::Declared {
            messages: status.messages,
            consumers: status.consumers,
        }
    }

    async fn ensure_mode(&self) -> Result<(), Error> {
        if self.state().mode == Mode::Plain {
            self.channel.confirm_select().await?;
            self.state().mode = Mode::Confirm;
        }
        Ok(())
    }

    /// Nothing answers to what was sent; an answer to something that changes nothing shows that the
    /// channel has worked through it.
    async fn round_trip(&self) -> Result<(), Error> {
        let prefetch = self.state().prefetch;
        self.channel.qos(prefetch).await
    }

    async fn settle(
        &self,
        which: Which,
        rejected: Option<Then>,
        multiple: bool,
    ) -> Result<StepOutcome, Error> {
        let Some(tag) = self.mark_settled(which, multiple) else {
            return Ok(StepOutcome::Skipped);
        };
        match rejected.map(|then| then == Then::Requeue) {
            None => self.channel.ack(tag).await?,
            Some(requeue) if multiple => self.channel.nack(tag, true, requeue).await?,
            Some(requeue) => self.channel.reject(tag, requeue).await?,
        }
        self.round_trip().await?;
        Ok(StepOutcome::Done)
    }

    fn mark_settled(&self, which: Which, multiple: bool) -> Option<u64> {
        let mut state = self.state();
        let tag = state.deliveries.pick(which)?;
        let in_transaction = state.mode == Mode::Tx;
        state.deliveries.settle(tag, multiple, in_transaction);
        Some(tag)
    }

    /// Passes on what a consumer reports.
    fn follow(&self, consume: &Consume, consumer: Consumer) {
        let source = Source::Consumer(self.place, consume.tag.clone());
        let (state, notices) = (Arc::clone(&self.state), self.notices.clone());
        let no_ack = consume.no_ack;
        let mut events = consumer.events;
        let following = Background::spawn(async move {
            while let Some(event) = events.next().await {
                let notice = match event {
                    ConsumerEvent::Delivery(message) => {
                        let delivery = lock(&state).deliveries.receive(&message, no_ack);
                        Notice::Delivery(delivery)
                    }
                    ConsumerEvent::Cancelled => Notice::Cancelled,
                    ConsumerEvent::Closed(error) => Notice::Died(error.kind),
                };
                notices.add(source.clone(), notice);
            }
        });
        self.state()
            .consumers
            .insert(consume.tag.clone(), following);
    }

    fn forget(&self, tag: &str) -> StepOutcome {
        match self.state().consumers.remove(tag) {
            Some(following) => {
                drop(following);
                StepOutcome::Done
            }
            None => StepOutcome::Skipped,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn confirmed(confirm: Confirm) -> StepOutcome {
    match confirm {
        Confirm::Ack => StepOutcome::Acked,
        Confirm::Nack => StepOutcome::Nacked,
        Confirm::Returned(returned) => StepOutcome::Returned(returned.kind),
    }
}
