//! What came of a script: every reply, every notice, and what the server holds after each step, in
//! a form in which two brokers can be compared.
//!
//! Delivery tags, names of the server's choice and the words of errors are left out; bodies tell
//! which message is meant.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use locks::broker::{Closed, Party};
use locks::{Error, ErrorKind};
use serde::{Serialize, Serializer};

use crate::script::Place;

/// What came of a script, one entry a step, and one for what was still to come at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Transcript {
    /// In the order of the steps.
    pub entries: Vec<StepRecord>,
    /// How much longer it took, until the last step began, than the script says. Not compared: a
    /// script about time is comparable only where this is short.
    #[serde(skip)]
    pub lag: Lag,
}

/// How long something took beyond what was wanted; all are equal.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lag(pub Duration);

impl PartialEq for Lag {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Lag {}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StepRecord {
    /// The answer.
    pub outcome: StepOutcome,
    /// What was told unasked, by whom, in each one's order.
    pub notices: BTreeMap<Source, Vec<Notice>>,
    /// What the server holds after it.
    pub queues: BTreeMap<String, Seen>,
}

/// What is answered to a step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the broker surface")]
pub enum StepOutcome {
    /// An answer without content, or none was wanted.
    Done,
    /// A queue is there.
    Declared { messages: u32, consumers: u32 },
    /// So many messages are gone.
    Removed(u32),
    /// The server has the message.
    Acked,
    /// A queue refused the message.
    Nacked,
    /// The message came back.
    Returned(ErrorKind),
    /// A message, or none.
    Got(Option<Delivery>),
    /// The transaction is committed, and these came back.
    Committed(Vec<ErrorKind>),
    /// An error.
    Failed(ErrorKind),
    /// Nothing yet: the answer comes as a notice.
    Unanswered,
    /// There is nothing to do it to.
    Skipped,
    /// What was waited for happened within its bounds.
    InTime,
    /// It happened, but after this.
    OutOfTime(Duration),
    /// It did not happen.
    Never,
}

/// A message that was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the broker surface")]
pub struct Delivery {
    pub body: String,
    pub redelivered: bool,
}

/// Who tells something unasked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A connection.
    Connection(u8),
    /// A channel.
    Channel(Place),
    /// A consumer, by its tag.
    Consumer(Place, String),
    /// An earlier step, counted from 1, that is answered late.
    Step(usize),
}

/// Something that is told unasked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A message.
    Delivery(Delivery),
    /// The consumer is over.
    Cancelled,
    /// The channel is dead, of this.
    Died(ErrorKind),
    /// The connection is dead, ended by this party for this reason.
    Closed(&'static str, ErrorKind),
    /// The server takes no publishes, or takes them again.
    Blocked(bool),
    /// A late answer.
    Answer(StepOutcome),
}

/// What somebody else sees of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the broker surface")]
pub enum Seen {
    /// There is none.
    Absent,
    /// It belongs to a connection.
    Locked,
    /// It is there for everybody.
    There { messages: u32, consumers: u32 },
    /// The question was not answered like any of these.
    Unclear(ErrorKind),
}

impl Notice {
    /// A connection is dead.
    #[must_use]
    pub fn closed(closed: &Closed) -> Self {
        let by = match closed.by {
            Party::Client => "the client",
            Party::Server => "the server",
            Party::Transport => "the transport",
        };
        Self::Closed(by, closed.error.kind)
    }
}

impl From<Error> for StepOutcome {
    fn from(error: Error) -> Self {
        Self::Failed(error.kind)
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let again = if self.redelivered { " redelivered" } else { "" };
        write!(f, "{}{again}", self.body)
    }
}

impl fmt::Display for StepOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("ok"),
            Self::Declared {
                messages,
                consumers,
            } => {
                write!(f, "{messages} messages, {consumers} consumers")
            }
            Self::Removed(count) => write!(f, "{count} removed"),
            Self::Acked => f.write_str("acknowledged"),
            Self::Nacked => f.write_str("nacked"),
            Self::Returned(kind) => write!(f, "returned: {kind}"),
            Self::Got(Some(delivery)) => write!(f, "{delivery}"),
            Self::Got(None) => f.write_str("no message"),
            Self::Committed(returned) if returned.is_empty() => f.write_str("committed"),
            Self::Committed(returned) => {
                let kinds: Vec<_> = returned.iter().map(|kind| kind.name()).collect();
                write!(f, "committed, returned: {}", kinds.join(", "))
            }
            Self::Failed(kind) => write!(f, "error {kind}"),
            Self::Unanswered => f.write_str("no answer yet"),
            Self::Skipped => f.write_str("nothing to do it to"),
            Self::InTime => f.write_str("in time"),
            Self::OutOfTime(after) => write!(f, "after {} ms", after.as_millis()),
            Self::Never => f.write_str("never"),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(connection) => write!(f, "connection {connection}"),
            Self::Channel(place) => write!(f, "channel {place}"),
            Self::Consumer(place, tag) => write!(f, "consumer {place} {tag:?}"),
            Self::Step(number) => write!(f, "step {number}"),
        }
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delivery(delivery) => write!(f, "{delivery}"),
            Self::Cancelled => f.write_str("cancelled"),
            Self::Died(kind) => write!(f, "dead: {kind}"),
            Self::Closed(by, kind) => write!(f, "ended by {by}: {kind}"),
            Self::Blocked(true) => f.write_str("blocked"),
            Self::Blocked(false) => f.write_str("unblocked"),
            Self::Answer(outcome) => write!(f, "answered: {outcome}"),
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("absent"),
            Self::Locked => f.write_str("locked"),
            Self::There {
                messages,
                consumers,
            } => write!(f, "{messages}/{consumers}"),
            Self::Unclear(kind) => write!(f, "error {kind}"),
        }
    }
}

impl fmt::Display for StepRecord {
    /// In one line: the answer, who was told what, and each queue with its messages and consumers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.outcome)?;
        for (source, notices) in &self.notices {
            let notices: Vec<_> = notices.iter().map(ToString::to_string).collect();
            write!(f, "; {source}: {}", notices.join(", "))?;
        }
        let queues: Vec<_> = self
            .queues
            .iter()
            .map(|(name, seen)| format!("{name} {seen}"))
            .collect();
        write!(f, " [{}]", queues.join(", "))
    }
}

/// These are written to JSON as people read them.
macro_rules! as_text {
    ($($type:ty),+) => {
        $(impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        })+
    };
}
as_text!(StepOutcome, Source, Notice, Seen);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_reads_as_a_line() {
        let place = Place {
            connection: 0,
            channel: 1,
        };
        let delivery = Delivery {
            body: "m1".into(),
            redelivered: true,
        };
        let source = Source::Consumer(place, "x".into());
        let entry = StepRecord {
            outcome: StepOutcome::Acked,
            notices: BTreeMap::from([(
                source,
                vec![Notice::Delivery(delivery), Notice::Cancelled],
            )]),
            queues: BTreeMap::from([("a".to_owned(), Seen::Locked)]),
        };
        let line = "acknowledged; consumer 0.1 \"x\": m1 redelivered, cancelled [a locked]";
        assert_eq!(entry.to_string(), line);
        assert!(serde_json::to_string(&entry).is_ok(), "sources are keys");
    }

    #[test]
    fn how_long_it_took_is_not_compared() {
        let slow = Transcript {
            lag: Lag(Duration::from_secs(9)),
            ..Transcript::default()
        };
        assert_eq!(slow, Transcript::default());
    }
}
