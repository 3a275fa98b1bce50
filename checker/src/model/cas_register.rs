//! A register that is read, written, compared and set.

use history::{Function, Kind, Operation, Value};
use serde_json::Value as Json;

use super::named_model::NamedModel;
use super::{Reference, Unsuitable};

/// Holds one value.
#[derive(Clone, Debug)]
pub struct CasRegister {
    /// The value in the beginning; null is nil.
    pub initial: Json,
}

pub(super) const MODEL: NamedModel = NamedModel {
    pattern: "cas-register:V",
    meaning: "a register with compare-and-set that starts with the JSON value V (or nil)",
    make: |argument| {
        Some(Box::new(CasRegister {
            initial: initial_value(argument?)?,
        }))
    },
    make_revocable: None,
};

/// The value that a name like `register:0` starts with.
pub(super) fn initial_value(text: &str) -> Option<Json> {
    if text == "nil" {
        Some(Json::Null)
    } else {
        serde_json::from_str(text).ok()
    }
}

/// What was asked of a register and answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RegisterCall {
    /// It was read.
    Read(Json),
    /// It was written, or may have been.
    Write(Json),
    /// It was set to the second value, or may have been, because it had the first.
    Cas(Json, Json),
    /// The server said that it did not have this value.
    Differs(Json),
}

impl RegisterCall {
    /// Whether the register stays as it is.
    pub(super) fn observes(&self) -> bool {
        matches!(self, Self::Read(_) | Self::Differs(_))
    }

    /// What an operation means to a register. A read of nil observes nothing; a refused read or
    /// write says nothing.
    pub(super) fn of(operation: &Operation<'_>) -> Result<Option<Self>, Unsuitable> {
        match (&operation.invoke.function, operation.outcome()) {
            (Function::Read, Kind::Ok) => Ok(read(operation)),
            (Function::Write, Kind::Ok | Kind::Info) => {
                Ok(Some(Self::Write(json(&operation.invoke.value))))
            }
            (Function::Cas, Kind::Fail) => {
                pair(operation).map(|(from, _)| Some(Self::Differs(from)))
            }
            (Function::Cas, _) => pair(operation).map(|(from, to)| Some(Self::Cas(from, to))),
            _ => Ok(None),
        }
    }
}

fn read(operation: &Operation<'_>) -> Option<RegisterCall> {
    match &operation.end?.value {
        Value::None => None,
        value => Some(RegisterCall::Read(json(value))),
    }
}

fn pair(operation: &Operation<'_>) -> Result<(Json, Json), Unsuitable> {
    match json(&operation.invoke.value).as_array().map(Vec::as_slice) {
        Some([from, to]) => Ok((from.clone(), to.clone())),
        _ => Err(Unsuitable::new(
            operation,
            "a compare-and-set is invoked with a value like [0, 1]",
        )),
    }
}

/// The plain JSON of a value.
pub(crate) fn json(value: &Value) -> Json {
    match value {
        Value::Data(json) => (**json).clone(),
        _ => Json::Null,
    }
}

impl Reference for CasRegister {
    type State = Json;
    type Call = RegisterCall;

    fn knows(&self, function: &Function) -> bool {
        matches!(function, Function::Read | Function::Write | Function::Cas)
    }

    fn call(&self, operation: &Operation<'_>) -> Result<Option<RegisterCall>, Unsuitable> {
        RegisterCall::of(operation)
    }

    fn initial(&self) -> Json {
        self.initial.clone()
    }

    fn observes(&self, call: &Self::Call) -> bool {
        call.observes()
    }

    fn step(&self, value: &Json, call: &RegisterCall) -> Option<Json> {
        match call {
            RegisterCall::Read(seen) => (value == seen).then(|| value.clone()),
            RegisterCall::Write(new) => Some(new.clone()),
            RegisterCall::Cas(from, to) => (value == from).then(|| to.clone()),
            RegisterCall::Differs(from) => (value != from).then(|| value.clone()),
        }
    }

    fn state_bytes(&self, value: &Json) -> usize {
        size_of::<Json>()
            + if value.is_number() || value.is_null() {
                0
            } else {
                value.to_string().len()
            }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::testing::{accepts, rejects, steps};

    use super::*;

    #[test]
    fn models() {
        let register = CasRegister { initial: 0.into() };
        let states = steps(
            &register,
            "0 cas [0,1]; 0 ok; 0 cas [0,2]; 0 refused; 0 read; 0 ok 1",
        );
        assert_eq!(states, [Some(1.into()), Some(1.into()), Some(1.into())]);
        assert_eq!(steps(&register, "0 cas [1,2]; 0 ok"), [None]);
    }

    #[test]
    fn accepts_a_chain_of_sets() {
        accepts(
            "cas-register:nil",
            "0 cas [null,1]; 0 ok; 1 cas [1,2]; 1 info; 2 read; 2 ok 2",
        );
        accepts(
            "cas-register:0",
            "0 cas [0,1]; 1 cas [1,2]; 1 ok; 0 ok; 2 cas [0,5]; 2 refused",
        );
        accepts("cas-register:0", "0 cas [5,6]; 0 fail; 1 read; 1 ok 0");
    }

    #[test]
    fn rejects_a_set_from_another_value() {
        rejects("cas-register:0", "0 cas [0,1]; 0 ok; 1 cas [0,2]; 1 ok");
        rejects("cas-register:0", "0 cas [0,1]; 0 refused");
        rejects("cas-register:nil", "0 read; 0 ok 1");
    }

    #[test]
    fn a_set_without_two_values_is_unsuitable() {
        let unsuitable = crate::model::testing::decision("cas-register:0", "0 cas 1; 0 ok");
        assert!(
            unsuitable.to_string().contains("a value like [0, 1]"),
            "{unsuitable}"
        );
    }
}
