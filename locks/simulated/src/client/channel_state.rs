//! A channel as the client keeps it: what it waits for, and who listens to it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use locks::broker::{Confirm, ConsumerEvent, Returned};
use locks::{Error, ErrorKind};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{SetOnce, oneshot};

use crate::frame::Reply;

/// Where an answer goes.
pub(super) type Answer<T> = oneshot::Sender<Result<T, Error>>;

/// What else an answer means.
#[derive(Debug)]
pub(super) enum Then {
    Nothing,
    /// The channel is open.
    Opened,
    /// Its publishes are confirmed from now on.
    Confirming,
    /// A consumer begins, and this is where its deliveries go.
    Consuming(UnboundedSender<ConsumerEvent>),
    /// The consumer of this tag is over.
    Cancelled(String),
}

#[derive(Debug)]
struct Waiting {
    answer: Option<Answer<Reply>>,
    then: Then,
}

#[derive(Debug, Default)]
pub(super) struct ChannelState {
    /// Why it is dead, once it is.
    pub(super) end: Arc<SetOnce<Error>>,
    pub(super) open: bool,
    /// This client wants to close it.
    pub(super) closing: bool,
    pub(super) confirming: bool,
    waiting: VecDeque<Waiting>,
    published: u64,
    confirms: BTreeMap<u64, Answer<Confirm>>,
    /// What came back to be told with the next confirm.
    returned: VecDeque<Returned>,
    /// What came back while publishes were not confirmed.
    returned_unconfirmed: Vec<Returned>,
    consumers: BTreeMap<String, UnboundedSender<ConsumerEvent>>,
}

impl ChannelState {
    /// The next answer is for this.
    pub(super) fn expect(&mut self, answer: Option<Answer<Reply>>, then: Then) {
        self.waiting.push_back(Waiting { answer, then });
    }

    /// Counts a publish, whose confirm goes there.
    pub(super) fn published(&mut self, confirm: Option<Answer<Confirm>>) {
        if !self.confirming {
            return;
        }
        self.published += 1;
        if let Some(confirm) = confirm {
            self.confirms.insert(self.published, confirm);
        }
    }

    /// The mandatory messages that came back since somebody asked, where publishes are not
    /// confirmed.
    pub(super) fn take_returned(&mut self) -> Vec<Returned> {
        std::mem::take(&mut self.returned_unconfirmed)
    }

    pub(super) fn consumes(&self, tag: &str) -> bool {
        self.consumers.contains_key(tag)
    }

    /// Something came from the server.
    pub(super) fn receive(&mut self, reply: Reply) {
        match reply {
            Reply::Deliver(tag, message) => {
                if let Some(consumer) = self.consumers.get(&tag) {
                    let _ = consumer.send(ConsumerEvent::Delivery(message));
                }
            }
            Reply::Cancelled(tag) => self.cancelled(&tag),
            Reply::Returned(refusal) => self.came_back(Returned {
                kind: refusal.error().kind,
                text: refusal.text,
            }),
            Reply::Confirmed { tag, ack } => self.confirmed(tag, ack),
            reply => self.answered(reply),
        }
    }

    fn came_back(&mut self, returned: Returned) {
        if self.confirming {
            self.returned.push_back(returned);
        } else {
            self.returned_unconfirmed.push(returned);
        }
    }

    fn confirmed(&mut self, tag: u64, ack: bool) {
        // Like lapin: whatever came back belongs to the confirm that comes next.
        let confirm = match (self.returned.pop_front(), ack) {
            (Some(returned), _) => Confirm::Returned(returned),
            (None, true) => Confirm::Ack,
            (None, false) => Confirm::Nack,
        };
        if let Some(answer) = self.confirms.remove(&tag) {
            let _ = answer.send(Ok(confirm));
        }
    }

    fn answered(&mut self, reply: Reply) {
        let Some(Waiting { answer, then }) = self.waiting.pop_front() else {
            return;
        };
        match (then, &reply) {
            (Then::Opened, _) => self.open = !self.closing,
            (Then::Confirming, _) => self.confirming = true,
            (Then::Cancelled(tag), _) => self.cancelled(&tag),
            (Then::Consuming(events), Reply::Consuming(tag)) => {
                self.consumers.insert(tag.clone(), events);
            }
            _ => {}
        }
        if let Some(answer) = answer {
            let _ = answer.send(Ok(reply));
        }
    }

    fn cancelled(&mut self, tag: &str) {
        if let Some(consumer) = self.consumers.remove(tag) {
            let _ = consumer.send(ConsumerEvent::Cancelled);
        }
    }

    /// Why it is dead, as far as is known.
    pub(super) fn reason(&self) -> Error {
        let unknown = || Error::new(ErrorKind::ChannelClosed, "channel is closed");
        self.end.get().cloned().unwrap_or_else(unknown)
    }

    /// The channel is dead; everybody is told.
    pub(super) fn die(&mut self, error: &Error) {
        self.open = false;
        let _ = self.end.set(error.clone());
        let reason = self.reason();
        for Waiting { answer, then } in self.waiting.drain(..) {
            // Like lapin: what was to be stopped has stopped.
            let is_over = matches!(then, Then::Cancelled(_));
            if let Some(answer) = answer {
                let _ = answer.send(is_over.then_some(Reply::Done).ok_or_else(|| error.clone()));
            }
        }
        for answer in std::mem::take(&mut self.confirms).into_values() {
            let _ = answer.send(Err(error.clone()));
        }
        for consumer in std::mem::take(&mut self.consumers).into_values() {
            let _ = consumer.send(ConsumerEvent::Closed(reason.clone()));
        }
    }

    /// The server has agreed to close it: the last one who waits wanted that.
    pub(super) fn closed(&mut self) {
        if let Some(Waiting { answer, .. }) = self.waiting.pop_back()
            && let Some(answer) = answer
        {
            let _ = answer.send(Ok(Reply::CloseOk));
        }
        let text = "channel closed by this client";
        self.die(&Error::new(ErrorKind::ChannelClosed, text));
    }
}
