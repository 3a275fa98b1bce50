//! A register that is read and written.

use history::{Function, Operation};
use serde_json::Value as Json;

use super::cas_register::{RegisterCall, initial_value};
use super::named_model::NamedModel;
use super::{CasRegister, Reference, Unsuitable};

/// Holds one value.
#[derive(Clone, Debug)]
pub struct Register {
    /// The value in the beginning; null is nil.
    pub initial: Json,
}

pub(super) const MODEL: NamedModel = NamedModel {
    pattern: "register:V",
    meaning: "a register that starts with the JSON value V (or nil)",
    make: |argument| {
        Some(Box::new(Register {
            initial: initial_value(argument?)?,
        }))
    },
    make_revocable: None,
};

impl Reference for Register {
    type State = Json;
    type Call = RegisterCall;

    fn knows(&self, function: &Function) -> bool {
        matches!(function, Function::Read | Function::Write)
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
        // It is a register that compares and sets, whose compare-and-set nobody uses.
        CasRegister {
            initial: Json::Null,
        }
        .step(value, call)
    }

    fn state_bytes(&self, value: &Json) -> usize {
        CasRegister {
            initial: Json::Null,
        }
        .state_bytes(value)
    }
}

#[cfg(test)]
mod tests {
    use crate::model::testing::{accepts, rejects, steps};

    use super::*;

    #[test]
    fn models() {
        let register = Register { initial: 0.into() };
        let states = steps(&register, "0 read; 0 ok 0; 0 write 1; 0 ok; 0 read; 0 ok 1");
        assert_eq!(states, [Some(0.into()), Some(1.into()), Some(1.into())]);
        assert_eq!(steps(&register, "0 read; 0 ok 1"), [None]);
    }

    #[test]
    fn accepts_what_may_have_been_written() {
        accepts(
            "register:0",
            "0 write 1; 0 info; 1 read; 1 ok 0; 1 read; 1 ok 1",
        );
        accepts(
            "register:0",
            "0 write 1; 1 write 2; 1 ok; 0 ok; 1 read; 1 ok 1",
        );
        accepts(
            "register:nil",
            "0 write \"a\"; 0 ok; 1 read; 1 ok; 1 read; 1 ok \"a\"",
        );
    }

    #[test]
    fn rejects_a_value_that_was_overwritten_or_never_written() {
        rejects("register:0", "0 write 1; 0 ok; 1 read; 1 ok 0");
        rejects(
            "register:0",
            "0 write 1; 0 info; 1 read; 1 ok 1; 1 read; 1 ok 0",
        );
        rejects("register:0", "0 write 1; 0 fail; 1 read; 1 ok 1");
    }
}
