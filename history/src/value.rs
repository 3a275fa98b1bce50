//! What was asked for or answered: Jepsen's `:value`, typed.

use std::num::NonZeroU32;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;

use crate::fault::{Note, NoteError};
use crate::object::Object;
use crate::{Function, Kind, Lease, Outline, Process, RuleError};

/// What a grant carries beside the fact that the lock is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The slot of a semaphore, where the lock has slots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<u32>,
    /// The fencing token; 0 where the lock has none or it is not known.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub token: u64,
    /// How long it lasts by itself, where it is a lease.
    #[serde(
        rename = "lease_ms",
        default,
        deserialize_with = "some_lease",
        skip_serializing_if = "Option::is_none"
    )]
    pub lease: Option<Lease>,
}

/// Left out it is none, but `null` is no lease.
fn some_lease<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Lease>, D::Error> {
    Lease::deserialize(deserializer).map(Some)
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature is serde's"
)]
fn is_zero(token: &u64) -> bool {
    *token == 0
}

/// What a verify answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The service said that the lock is held.
    Held,
    /// It said so, and renewed the lease: `{"answer":"held","lease_ms":5000}`.
    Leased(Lease),
    /// The service said that it is not.
    Lost,
}

impl Answer {
    /// Whether the service said that the lock is held.
    #[must_use]
    pub fn is_held(self) -> bool {
        self != Self::Lost
    }
}

/// What an answer says in one word.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Held,
    Lost,
}

/// An answer that says more. What is lost has no lease.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Renewal {
    answer: Renewed,
    lease_ms: Lease,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Renewed {
    Held,
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Held => Word::Held.serialize(serializer),
            Self::Lost => Word::Lost.serialize(serializer),
            Self::Leased(lease) => Renewal {
                answer: Renewed::Held,
                lease_ms: *lease,
            }
            .serialize(serializer),
        }
    }
}

/// An answer of a verify is a word or an object.
fn answer(text: &str) -> serde_json::Result<Answer> {
    if text.starts_with('{') {
        return serde_json::from_str(text)
            .map(|Object(Renewal { lease_ms, .. })| Answer::Leased(lease_ms));
    }
    serde_json::from_str(text).map(|word| match word {
        Word::Held => Answer::Held,
        Word::Lost => Answer::Lost,
    })
}

/// How a read-write lock is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Shared with other readers.
    Read,
    /// Alone.
    Write,
}

/// The value of an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// `null`.
    #[default]
    None,
    /// A grant that carries something: `{"slot":1,"token":41,"lease_ms":5000}`.
    Grant(Grant),
    /// The answer to a verify.
    Answer(Answer),
    /// How a read-write lock is asked for.
    Mode(Mode),
    /// How many permits of a semaphore are asked for, granted or given back at once.
    Permits(NonZeroU32),
    /// The slots that an administered lock was given, lost, or was found to have: `[1,2,3]`.
    Slots(Vec<u32>),
    /// What the nemesis notes of a fault.
    Note(Box<Note>),
    /// What the first event of a record says of its run.
    Outline(Box<Outline>),
    /// Anything else: what registers, sets and queues hold, and what the nemesis of another program
    /// writes.
    Data(Box<Json>),
}

impl Value {
    /// Any JSON as a value.
    #[must_use]
    pub fn data(json: Json) -> Self {
        if json.is_null() {
            Self::None
        } else {
            Self::Data(Box::new(json))
        }
    }

    /// The lease of a grant, or of an answer that renewed one.
    #[must_use]
    pub fn lease(&self) -> Option<Lease> {
        match self {
            Self::Grant(grant) => grant.lease,
            Self::Answer(Answer::Leased(lease)) => Some(*lease),
            _ => None,
        }
    }

    /// Reads the JSON text of the value of an event; which form it must have depends on whose it
    /// is.
    pub(crate) fn parse(
        text: &str,
        process: Process,
        kind: Kind,
        function: &Function,
    ) -> Result<Self, ValueError> {
        if text == "null" {
            return Ok(Self::None);
        }
        if process == Process::Nemesis {
            return note_or_data(text);
        }
        if process == Process::Run {
            let Object(outline) = serde_json::from_str(text)?;
            return Ok(Self::Outline(outline));
        }
        let value = match (process, function, kind) {
            (Process::Client(_), Function::Acquire, _) if is_number(text) => {
                return permits(&serde_json::from_str(text)?, function).map_err(ValueError::Rule);
            }
            (Process::Client(_), Function::Release, _) => {
                return permits(&serde_json::from_str(text)?, function).map_err(ValueError::Rule);
            }
            (Process::Client(_), Function::Acquire, kind) => grant_or_mode(text, kind),
            (Process::Client(_), Function::Verify, Kind::Ok) => answer(text).map(Self::Answer),
            (Process::Client(_), administration, _) if administration.is_administration() => {
                serde_json::from_str(text).map(Self::Slots)
            }
            _ => serde_json::from_str(text).map(Self::data),
        };
        Ok(value?)
    }
}

/// Why a text is not the value of an event.
#[derive(Debug)]
pub(crate) enum ValueError {
    Json(serde_json::Error),
    Note(NoteError),
    Rule(RuleError),
}

impl From<serde_json::Error> for ValueError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

fn is_number(text: &str) -> bool {
    text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
}

/// What stands beside an acquire or a release: the number of its permits, or a name that says
/// nothing of them. Whatever else could be meant as a number is none.
pub(crate) fn permits(said: &Json, function: &Function) -> Result<Value, RuleError> {
    let permits = said.as_u64().and_then(|number| u32::try_from(number).ok());
    match (permits.and_then(NonZeroU32::new), said) {
        (Some(permits), _) => Ok(Value::Permits(permits)),
        (None, Json::Null) => Ok(Value::None),
        (None, Json::String(text)) if is_name(text) => Ok(Value::data(said.clone())),
        _ => Err(RuleError::NoPermits {
            function: function.clone(),
            amount: said.clone(),
        }),
    }
}

/// Whether a text is no number, also without the mark that tells what it was in EDN.
fn is_name(text: &str) -> bool {
    let unmarked = text
        .strip_prefix('~')
        .map(|rest| rest.trim_start_matches(|mark| ":$cfnz".contains(mark)));
    let is_number = |text: &str| text.trim().parse::<f64>().is_ok();
    !is_number(text) && !unmarked.is_some_and(is_number)
}

/// What claims to be a note must be a whole one; the nemesis of another program writes what it
/// likes.
fn note_or_data(text: &str) -> Result<Value, ValueError> {
    let json = serde_json::from_str(text)?;
    if !Note::is_claimed_by(&json) {
        return Ok(Value::data(json));
    }
    serde_json::from_str(text)
        .map(|note| Value::Note(Box::new(note)))
        .map_err(|error| ValueError::Note(error.into()))
}

/// A grant's value is an object; a read-write lock may repeat the mode that was asked for.
fn grant_or_mode(text: &str, kind: Kind) -> serde_json::Result<Value> {
    if kind != Kind::Ok || text.starts_with('"') {
        return serde_json::from_str(text).map(Value::Mode);
    }
    serde_json::from_str(text).map(|Object(grant)| Value::Grant(grant))
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_unit(),
            Self::Grant(grant) => grant.serialize(serializer),
            Self::Answer(answer) => answer.serialize(serializer),
            Self::Mode(mode) => mode.serialize(serializer),
            Self::Permits(permits) => permits.serialize(serializer),
            Self::Slots(slots) => slots.serialize(serializer),
            Self::Note(note) => note.serialize(serializer),
            Self::Outline(outline) => outline.serialize(serializer),
            Self::Data(json) => json.serialize(serializer),
        }
    }
}
