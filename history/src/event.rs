//! One line of a history.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::fault::Note;
use crate::{Answer, Function, Mark, Outline, Process, Value};

/// Which end of an operation an event is, and what is known of the outcome: Jepsen's `:type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The operation begins.
    Invoke,
    /// It took effect between its two events.
    Ok,
    /// It did not take effect and never will.
    Fail,
    /// Nobody knows whether it took effect or still will.
    Info,
}

/// Why an operation did not end with `ok`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// A short name, the same for all failures of a kind: `busy`, `timeout`.
    pub kind: Cow<'static, str>,
    /// What was said, for people.
    pub text: String,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// The place in the history; it grows from event to event, and its order is the order of the
    /// history.
    pub index: u64,
    /// Nanoseconds since the run began, on one monotonic clock; it never goes back but may tie.
    pub time: u64,
    /// Who acted.
    pub process: Process,
    /// Which end of the operation this is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// What was done.
    #[serde(rename = "f")]
    pub function: Function,
    /// The lock or resource it was done to; keys are independent of each other. Only clients'
    /// events have one.
    pub key: Option<Arc<str>>,
    /// What was asked for or answered.
    pub value: Value,
    /// Why the operation did not end with `ok`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Box<Failure>>,
    /// Whether the server itself said that the operation failed. A failure that the client decided
    /// on by itself constrains nothing.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub observed: bool,
}

/// An event that has not been given its place and time yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    process: Process,
    kind: Kind,
    function: Function,
    key: Option<Arc<str>>,
    value: Value,
    error: Option<Box<Failure>>,
    observed: bool,
}

impl Draft {
    /// An event without key, value and error.
    #[must_use]
    pub fn new(process: Process, kind: Kind, function: Function) -> Self {
        Self {
            process,
            kind,
            function,
            key: None,
            value: Value::None,
            error: None,
            observed: false,
        }
    }

    /// What the nemesis notes of the fault with this name.
    #[must_use]
    pub fn fault(name: &str, note: Note) -> Self {
        let value = Value::Note(Box::new(note));
        Self::new(Process::Nemesis, Kind::Info, Function::fault(name)).with(value)
    }

    /// The first event of a record.
    #[must_use]
    pub fn begin(outline: Outline) -> Self {
        Self::mark(Mark::Begin).with(Value::Outline(Box::new(outline)))
    }

    /// What a record says of itself later on.
    #[must_use]
    pub fn mark(mark: Mark) -> Self {
        Self::new(Process::Run, Kind::Info, Function::Mark(mark))
    }

    /// The lock or resource it is done to.
    #[must_use]
    pub fn on(self, key: impl Into<Arc<str>>) -> Self {
        Self {
            key: Some(key.into()),
            ..self
        }
    }

    /// What was asked for or answered.
    #[must_use]
    pub fn with(self, value: Value) -> Self {
        Self { value, ..self }
    }

    /// The answer to a verify.
    #[must_use]
    pub fn answering(self, answer: Answer) -> Self {
        self.with(Value::Answer(answer))
    }

    /// Why the operation failed, or why nobody knows.
    #[must_use]
    pub fn because(self, kind: impl Into<Cow<'static, str>>, text: impl Into<String>) -> Self {
        let failure = Failure {
            kind: kind.into(),
            text: text.into(),
        };
        Self {
            error: Some(Box::new(failure)),
            ..self
        }
    }

    /// The server itself said that the operation failed.
    #[must_use]
    pub fn observed(self) -> Self {
        Self {
            observed: true,
            ..self
        }
    }

    /// Gives the event its place and time.
    #[must_use]
    pub fn at(self, index: u64, time: u64) -> Event {
        let Self {
            process,
            kind,
            function,
            key,
            value,
            error,
            observed,
        } = self;
        Event {
            index,
            time,
            process,
            kind,
            function,
            key,
            value,
            error,
            observed,
        }
    }
}
