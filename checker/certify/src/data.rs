//! Models of data: what was written, added or put in, and what is read or taken out.

use std::collections::{BTreeSet, VecDeque};

use history::{Event, Function, History, Kind, Process, Value};
use serde_json::Value as Json;

use super::error::Flaw;
use super::object::{Object, Place};
use super::record::{KeyName, NEVER, OperationEnd, Record, outcome};

/// A model of data.
pub(super) enum Data {
    Register { initial: Json, compares: bool },
    Set,
    Queue,
}

/// What was asked and answered. Elements of sets and queues are JSON texts.
#[derive(PartialEq)]
pub(super) enum Call {
    Read(Json),
    Write(Json),
    Cas(Json, Json),
    /// A compare-and-set was refused: the register had another value.
    Differs(Json),
    Add(String),
    Elements(BTreeSet<String>),
    Enqueue(String),
    Dequeue(String),
    /// Whatever is first is taken out.
    DequeueAny,
    Empty,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct State {
    value: Json,
    elements: BTreeSet<String>,
    line: VecDeque<String>,
}

impl Data {
    /// Reads a model's name.
    pub(super) fn parse(model: &str) -> Option<Self> {
        let value = |text: &str| match text {
            "nil" => Some(Json::Null),
            _ => serde_json::from_str(text).ok(),
        };
        match model.split_once(':') {
            Some(("register", text)) => value(text).map(|initial| Self::Register {
                initial,
                compares: false,
            }),
            Some(("cas-register", text)) => value(text).map(|initial| Self::Register {
                initial,
                compares: true,
            }),
            None if model == "set" => Some(Self::Set),
            None if model == "queue" => Some(Self::Queue),
            _ => None,
        }
    }

    /// Whether the model has this operation.
    pub(super) fn has(&self, function: &Function) -> bool {
        match self {
            Self::Register { compares, .. } => {
                matches!(function, Function::Read | Function::Write)
                    || (*compares && *function == Function::Cas)
            }
            Self::Set => matches!(function, Function::Read | Function::Add),
            Self::Queue => matches!(function, Function::Enqueue | Function::Dequeue),
        }
    }

    /// The operations on some keys, among the events before `until`, that have a place in an order.
    pub(super) fn places(
        &self,
        history: &History,
        record: &Record,
        until: usize,
        is_meant: impl Fn(&KeyName) -> bool,
    ) -> Result<Vec<Place<Call>>, Flaw> {
        let events = history.events().iter().enumerate().take(until);
        let invocations = events.filter(|(_, event)| {
            event.kind == Kind::Invoke
                && event.process != Process::Nemesis
                && self.has(&event.function)
                && is_meant(&event.key)
        });
        let mut places = Vec::new();
        for (invoked, event) in invocations {
            let end = match outcome(history, invoked, until) {
                OperationEnd::Known(position, end) => Some((position, end)),
                OperationEnd::Unknown => None,
                OperationEnd::Nothing => continue,
            };
            let call = self.call(event, end.map(|(_, end)| end));
            let call = call.map_err(|why| Flaw::new(why).on(&event.key).at(event.index))?;
            places.extend(call.map(|call| Place {
                key: record.keys[&event.key],
                invoked,
                ended: end.map_or(NEVER, |(position, _)| position),
                call,
            }));
        }
        Ok(places)
    }

    /// What an operation with this end (none if the outcome is unknown; a failure was observed)
    /// does or says, if it does.
    fn call(&self, invocation: &Event, end: Option<&Event>) -> Result<Option<Call>, &'static str> {
        let asked = || json(&invocation.value);
        let answer = end.map_or(Json::Null, |end| json(&end.value));
        Ok(match (&invocation.function, end.map(|end| end.kind)) {
            (Function::Read, Some(Kind::Ok)) if answer.is_null() => None,
            (Function::Read, Some(Kind::Ok)) if matches!(self, Self::Set) => {
                Some(Call::Elements(elements(&answer)?))
            }
            (Function::Read, Some(Kind::Ok)) => Some(Call::Read(answer)),
            (Function::Write, None | Some(Kind::Ok)) => Some(Call::Write(asked())),
            (Function::Cas, kind) => {
                let (from, to) = pair(&asked())?;
                Some(if kind == Some(Kind::Fail) {
                    Call::Differs(from)
                } else {
                    Call::Cas(from, to)
                })
            }
            (Function::Add, None | Some(Kind::Ok)) => Some(Call::Add(asked().to_string())),
            (Function::Enqueue, None | Some(Kind::Ok)) => Some(Call::Enqueue(asked().to_string())),
            (Function::Dequeue, None) => Some(Call::DequeueAny),
            (Function::Dequeue, Some(Kind::Ok)) if !answer.is_null() => {
                Some(Call::Dequeue(answer.to_string()))
            }
            (Function::Dequeue, Some(_)) => Some(Call::Empty),
            _ => None,
        })
    }
}

impl Object for Data {
    type State = State;
    type Call = Call;

    fn initial(&self) -> State {
        let mut state = State::default();
        if let Self::Register { initial, .. } = self {
            state.value = initial.clone();
        }
        state
    }

    fn step(&self, state: &mut State, call: &Call) -> bool {
        match call {
            Call::Read(value) => state.value == *value,
            Call::Differs(value) => state.value != *value,
            Call::Write(value) => {
                state.value = value.clone();
                true
            }
            Call::Cas(from, to) => std::mem::replace(&mut state.value, to.clone()) == *from,
            Call::Add(element) => {
                state.elements.insert(element.clone());
                true
            }
            Call::Elements(elements) => state.elements == *elements,
            Call::Enqueue(element) => {
                state.line.push_back(element.clone());
                true
            }
            Call::Dequeue(element) => state.line.pop_front().as_ref() == Some(element),
            Call::DequeueAny => state.line.pop_front().is_some(),
            Call::Empty => state.line.is_empty(),
        }
    }

    fn observes(&self, call: &Call) -> bool {
        matches!(
            call,
            Call::Read(_) | Call::Differs(_) | Call::Elements(_) | Call::Empty
        )
    }

    fn is_alike(&self, one: &Call, other: &Call) -> bool {
        one == other
    }

    fn weight(&self, state: &State) -> u64 {
        let value = if state.value.is_number() {
            0
        } else {
            state.value.to_string().len() as u64 / 16
        };
        let texts = state.elements.iter().chain(&state.line);
        value + texts.map(|text| 1 + text.len() as u64 / 16).sum::<u64>()
    }
}

/// The plain JSON of a value.
pub(super) fn json(value: &Value) -> Json {
    match value {
        Value::Data(json) => (**json).clone(),
        _ => Json::Null,
    }
}

fn pair(value: &Json) -> Result<(Json, Json), &'static str> {
    match value.as_array().map(Vec::as_slice) {
        Some([from, to]) => Ok((from.clone(), to.clone())),
        _ => Err("the compare-and-set does not name two values"),
    }
}

/// The elements that a read of a set brings: an array of them, or a set or list as it is tagged
/// where it comes from EDN.
pub(super) fn elements(value: &Json) -> Result<BTreeSet<String>, &'static str> {
    let elements = match value.as_array().map(Vec::as_slice) {
        Some([Json::String(tag), Json::Array(elements)]) if tag == "~#set" || tag == "~#list" => {
            elements
        }
        Some(elements) => elements,
        None => return Err("the set was not read as an array"),
    };
    Ok(elements.iter().map(Json::to_string).collect())
}
