//! Scripts: what is done to a broker, one step after the other, as data.

use std::fmt;
use std::time::Duration;

use locks::broker::{ConsumeOptions, DeleteOptions, Overflow, Publish, QueueOptions};
use serde::{Deserialize, Serialize};

use crate::act::Act;

/// Connections are numbered from 0 to one less than this; each has a link of its own.
pub const CONNECTIONS: usize = 3;

/// The name of the queue whose name the server chose last.
pub const CHOSEN: &str = "?";

/// What is done to a broker. Connections and channels are opened when they are first used; one that
/// is known to be dead refuses the step that meets it, and is opened anew for the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// Its name on the command line.
    pub name: String,
    /// The heartbeat of its connections, in seconds.
    pub heartbeat_secs: u16,
    /// What happens, in this order; each step has taken its full effect before the next begins.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Something on a channel.
    On(Place, Operation),
    /// Something with a connection as a whole, or with its link.
    With(u8, Action),
    /// Something with the broker as a whole.
    To(Act),
    /// Time passes.
    Wait {
        /// How much, in milliseconds.
        millis: u64,
    },
    /// Both ends are waited for to give a connection up; that the server has shows in that the
    /// connection's queue goes.
    UntilLost {
        /// Which.
        connection: u8,
        /// An exclusive queue of it.
        queue: String,
        /// When the client may do so, counted from here.
        client: Bounds,
        /// When the server may.
        server: Bounds,
    },
}

/// The earliest and the latest time at which something is expected, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// The earliest.
    pub from_ms: u64,
    /// The latest.
    pub to_ms: u64,
}

/// A channel of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The connection.
    pub connection: u8,
    /// The channel, counted from 0 within the script: not the number that goes over the wire.
    pub channel: u8,
}

/// What can be done on a channel: the broker surface, and the two ways to end it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(
    missing_docs,
    reason = "the operations of the broker surface, by their names"
)]
pub enum Operation {
    Declare(String, Declaration),
    Delete(String, Condition),
    Purge(String),
    ConfirmSelect,
    /// Publishes and awaits the confirm; selects confirms first where the channel has no mode yet.
    Publish(String, Flags),
    /// Publishes without awaiting anything.
    Send(String, Flags),
    Get {
        queue: String,
        no_ack: bool,
    },
    Ack(Which),
    Reject(Which, Then),
    /// Settles everything up to a delivery.
    NackUpTo(Which, Then),
    Qos(u16),
    Consume(String, Consume),
    Cancel(String),
    /// Drops a consumer's stream.
    Forget(String),
    TxSelect,
    TxCommit,
    TxRollback,
    Close,
    /// Drops the channel with all that is under way on it.
    Drop,
}

/// How a queue is declared; what is not said is as in [`QueueOptions::SHARED`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    missing_docs,
    reason = "the fields of `QueueOptions`, by their names; times in milliseconds"
)]
pub struct Declaration {
    pub passive: bool,
    pub durable: bool,
    pub exclusive: bool,
    pub auto_delete: bool,
    pub expires_ms: Option<u64>,
    pub ttl_ms: Option<u64>,
    pub max_length: Option<u32>,
    pub reject_publish: bool,
    pub single_active: bool,
}

/// When a queue may be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Condition {
    Always,
    IfUnused,
    IfEmpty,
}

/// How a message is published. Its body is the number of the step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the fields of `Publish`, by their names")]
pub struct Flags {
    pub mandatory: bool,
    pub persistent: bool,
}

/// How a consumer is started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(
    missing_docs,
    reason = "the fields of `ConsumeOptions`, by their names"
)]
pub struct Consume {
    pub tag: String,
    pub exclusive: bool,
    pub no_ack: bool,
    pub priority: Option<i32>,
}

/// Which delivery of a channel is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// Of those that are not settled, the one that was published first.
    Oldest,
    /// Of those that are not settled, the one that was published last.
    Newest,
    /// The one that was settled last, once more.
    Settled,
    /// Tag 0, which means all where several may be meant.
    Zero,
    /// A tag that was never given out.
    Unknown,
}

/// What becomes of a rejected message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Then {
    Requeue,
    Discard,
}

/// What can be done with a connection as a whole, or with its link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Closes it.
    Close,
    /// Drops it and its channels.
    Drop,
    /// Nothing passes its link until it heals.
    Partition,
    /// It is reset, and so is every attempt to connect until its link heals.
    Cut,
    /// Its link is as it was.
    Heal,
}

impl Script {
    /// Whether it makes a difference how fast it is played.
    #[must_use]
    pub fn is_timed(&self) -> bool {
        self.steps.iter().any(Step::is_timed)
    }

    /// Whether something is done to the broker as a whole, so that no other script may be played on
    /// it meanwhile.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::To(_)))
    }

    /// The names of the queues that it speaks of, except those that the server chooses.
    #[must_use]
    pub fn queues(&self) -> Vec<&str> {
        let mut queues: Vec<_> = self.steps.iter().filter_map(Step::queue).collect();
        queues.retain(|queue| !queue.is_empty() && *queue != CHOSEN && !queue.starts_with("amq."));
        queues.sort_unstable();
        queues.dedup();
        queues
    }
}

impl Step {
    /// The queue that it speaks of.
    #[must_use]
    pub fn queue(&self) -> Option<&str> {
        match self {
            Self::On(_, operation) => operation.queue(),
            Self::UntilLost { queue, .. } => Some(queue),
            Self::With(..) | Self::To(_) | Self::Wait { .. } => None,
        }
    }

    fn is_timed(&self) -> bool {
        match self {
            Self::On(_, Operation::Declare(_, declaration)) => {
                declaration.expires_ms.is_some() || declaration.ttl_ms.is_some_and(|ttl| ttl > 0)
            }
            Self::To(Act::Policy { expires_ms, .. }) => expires_ms.is_some(),
            Self::To(Act::ConsumerTimeout(patience)) => patience.is_some(),
            _ => false,
        }
    }
}

impl Operation {
    fn queue(&self) -> Option<&str> {
        match self {
            Self::Declare(queue, _)
            | Self::Delete(queue, _)
            | Self::Purge(queue)
            | Self::Publish(queue, _)
            | Self::Send(queue, _)
            | Self::Get { queue, .. }
            | Self::Consume(queue, _) => Some(queue),
            _ => None,
        }
    }
}

impl Declaration {
    /// As the broker surface takes it.
    #[must_use]
    pub fn options(&self) -> QueueOptions {
        QueueOptions {
            passive: self.passive,
            durable: self.durable,
            exclusive: self.exclusive,
            auto_delete: self.auto_delete,
            expires: self.expires_ms.map(Duration::from_millis),
            message_ttl: self.ttl_ms.map(Duration::from_millis),
            max_length: self.max_length,
            overflow: self.reject_publish.then_some(Overflow::RejectPublish),
            single_active_consumer: self.single_active,
            quorum: false,
        }
    }
}

impl Condition {
    /// As the broker surface takes it.
    #[must_use]
    pub fn options(self) -> DeleteOptions {
        DeleteOptions {
            if_unused: self == Self::IfUnused,
            if_empty: self == Self::IfEmpty,
        }
    }
}

impl Flags {
    /// As the broker surface takes it.
    #[must_use]
    pub fn publish(self, body: &str) -> Publish {
        Publish {
            mandatory: self.mandatory,
            persistent: self.persistent,
            body: body.into(),
        }
    }
}

impl Consume {
    /// As the broker surface takes it.
    #[must_use]
    pub fn options(&self) -> ConsumeOptions {
        ConsumeOptions {
            tag: self.tag.clone(),
            exclusive: self.exclusive,
            no_ack: self.no_ack,
            priority: self.priority,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.connection, self.channel)
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "after {} to {} ms", self.from_ms, self.to_ms)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::On(place, operation) => write!(f, "{place} {operation}"),
            Self::With(connection, action) => write!(f, "{connection} {}", action.name()),
            Self::To(act) => write!(f, "{act}"),
            Self::Wait { millis } => write!(f, "wait {millis} ms"),
            Self::UntilLost {
                connection,
                queue,
                client,
                server,
            } => write!(f, "{connection} dies {client}, {queue:?} goes {server}"),
        }
    }
}

impl Action {
    fn name(self) -> &'static str {
        match self {
            Self::Close => "close connection",
            Self::Drop => "drop connection",
            Self::Partition => "partition",
            Self::Cut => "cut",
            Self::Heal => "heal",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Declare(queue, declaration) => write!(f, "declare {queue:?}{declaration}"),
            Self::Delete(queue, Condition::Always) => write!(f, "delete {queue:?}"),
            Self::Delete(queue, Condition::IfUnused) => write!(f, "delete {queue:?} if unused"),
            Self::Delete(queue, Condition::IfEmpty) => write!(f, "delete {queue:?} if empty"),
            Self::Purge(queue) => write!(f, "purge {queue:?}"),
            Self::ConfirmSelect => f.write_str("confirm.select"),
            Self::Publish(queue, flags) => write!(f, "publish to {queue:?}{flags}"),
            Self::Send(queue, flags) => write!(f, "send to {queue:?}{flags}"),
            Self::Get { queue, no_ack } => {
                write!(f, "get from {queue:?}{}", word(*no_ack, "no-ack"))
            }
            Self::Ack(which) => write!(f, "ack {which}"),
            Self::Reject(which, then) => write!(f, "reject {which}, {then}"),
            Self::NackUpTo(which, then) => write!(f, "nack up to {which}, {then}"),
            Self::Qos(prefetch) => write!(f, "prefetch {prefetch}"),
            Self::Consume(queue, consume) => write!(f, "consume {queue:?}{consume}"),
            Self::Cancel(tag) => write!(f, "cancel {tag:?}"),
            Self::Forget(tag) => write!(f, "drop consumer {tag:?}"),
            Self::TxSelect => f.write_str("tx.select"),
            Self::TxCommit => f.write_str("tx.commit"),
            Self::TxRollback => f.write_str("tx.rollback"),
            Self::Close => f.write_str("close channel"),
            Self::Drop => f.write_str("drop channel"),
        }
    }
}

fn word(is_said: bool, word: &str) -> String {
    if is_said {
        format!(" {word}")
    } else {
        String::new()
    }
}

fn number(name: &str, value: Option<impl fmt::Display>) -> String {
    value.map_or_else(String::new, |value| format!(" {name}={value}"))
}

impl fmt::Display for Declaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = [
            word(self.passive, "passive"),
            word(self.durable, "durable"),
            word(self.exclusive, "exclusive"),
            word(self.auto_delete, "auto-delete"),
            number("expires", self.expires_ms),
            number("ttl", self.ttl_ms),
            number("max-length", self.max_length),
            word(self.reject_publish, "reject-publish"),
            word(self.single_active, "single-active-consumer"),
        ];
        f.write_str(&said.concat())
    }
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&word(self.mandatory, "mandatory"))?;
        f.write_str(&word(self.persistent, "persistent"))
    }
}

impl fmt::Display for Consume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = [
            format!(" as {:?}", self.tag),
            word(self.exclusive, "exclusive"),
            word(self.no_ack, "no-ack"),
            number("priority", self.priority),
        ];
        f.write_str(&said.concat())
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Oldest => "the oldest delivery",
            Self::Newest => "the newest delivery",
            Self::Settled => "the last delivery that is settled",
            Self::Zero => "tag 0",
            Self::Unknown => "an unknown tag",
        })
    }
}

impl fmt::Display for Then {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requeue => "requeue",
            Self::Discard => "discard",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(operation: Operation) -> Step {
        let place = Place {
            connection: 1,
            channel: 0,
        };
        Step::On(place, operation)
    }

    #[test]
    fn a_step_reads_as_a_line() {
        let exclusive = Declaration {
            exclusive: true,
            ttl_ms: Some(5),
            ..Declaration::default()
        };
        let declare = on(Operation::Declare("a".into(), exclusive));
        assert_eq!(declare.to_string(), "1.0 declare \"a\" exclusive ttl=5");
        let reject = on(Operation::Reject(Which::Oldest, Then::Requeue));
        assert_eq!(
            reject.to_string(),
            "1.0 reject the oldest delivery, requeue"
        );
    }

    #[test]
    fn a_script_survives_json() {
        let script = Script {
            name: "one".into(),
            heartbeat_secs: 60,
            steps: vec![
                on(Operation::TxSelect),
                Step::With(0, Action::Cut),
                Step::Wait { millis: 3 },
            ],
        };
        let text = serde_json::to_string(&script).expect("it is plain data");
        assert_eq!(
            serde_json::from_str::<Script>(&text).expect("it was just written"),
            script
        );
    }

    #[test]
    fn only_names_of_the_scripts_own_choice_are_its_queues() {
        let names = ["b", "", CHOSEN, "amq.x", "a", "b"];
        let steps = names.map(|name| on(Operation::Purge(name.into())));
        let script = Script {
            name: String::new(),
            heartbeat_secs: 60,
            steps: steps.into(),
        };
        assert_eq!(script.queues(), ["a", "b"]);
        assert!(!script.is_timed());
    }
}
