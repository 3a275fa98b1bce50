//! A set to which elements are added.

use std::collections::BTreeSet;
use std::sync::Arc;

use history::{Function, Kind, Operation, Value};
use serde_json::Value as Json;

use super::cas_register::json;
use super::named_model::{NamedModel, plain};
use super::{Reference, Unsuitable};

/// Grows by one element at a time, and is read whole.
#[derive(Clone, Copy, Debug)]
pub struct Set;

pub(super) const MODEL: NamedModel = NamedModel {
    pattern: "set",
    meaning: "a set that grows by `add` and is read whole",
    make: |argument| plain(argument, Set),
    make_revocable: None,
};

/// Each element is kept as its JSON text, which has an order.
pub(crate) type Elements = BTreeSet<Arc<str>>;

/// What was asked of a set and answered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SetCall {
    /// It was added, or may have been.
    Add(Arc<str>),
    /// The whole set was read.
    Read(Elements),
}

impl Reference for Set {
    type State = Elements;
    type Call = SetCall;

    fn knows(&self, function: &Function) -> bool {
        matches!(function, Function::Add | Function::Read)
    }

    fn call(&self, operation: &Operation<'_>) -> Result<Option<SetCall>, Unsuitable> {
        match (&operation.invoke.function, operation.outcome()) {
            (Function::Add, Kind::Ok | Kind::Info) => {
                Ok(Some(SetCall::Add(element(&json(&operation.invoke.value)))))
            }
            (Function::Read, Kind::Ok) => read(operation),
            _ => Ok(None),
        }
    }

    fn initial(&self) -> Elements {
        Elements::new()
    }

    fn observes(&self, call: &Self::Call) -> bool {
        matches!(call, SetCall::Read(_))
    }

    fn step(&self, elements: &Elements, call: &SetCall) -> Option<Elements> {
        match call {
            SetCall::Add(element) => {
                let mut more = elements.clone();
                more.insert(element.clone());
                Some(more)
            }
            SetCall::Read(seen) => (elements == seen).then(|| elements.clone()),
        }
    }

    fn state_bytes(&self, elements: &Elements) -> usize {
        size_of::<Elements>() + elements.len() * 2 * size_of::<Arc<str>>()
    }
}

pub(crate) fn element(json: &Json) -> Arc<str> {
    json.to_string().into()
}

/// A read of nil observes nothing.
fn read(operation: &Operation<'_>) -> Result<Option<SetCall>, Unsuitable> {
    let value = match operation.end.map(|end| &end.value) {
        Some(Value::Data(json)) => &**json,
        _ => return Ok(None),
    };
    let elements = elements(value)
        .ok_or_else(|| Unsuitable::new(operation, "a set is read as an array of its elements"))?;
    Ok(Some(SetCall::Read(elements)))
}

/// The elements that a read brings: an array; a set from EDN is `["~#set", [...]]` (see
/// `history::edn`).
fn elements(value: &Json) -> Option<Elements> {
    Some(listed(value)?.iter().map(element).collect())
}

/// The same as they stand there.
pub(crate) fn listed(value: &Json) -> Option<&[Json]> {
    Some(match value.as_array()?.as_slice() {
        [Json::String(tag), Json::Array(elements)] if tag == "~#set" || tag == "~#list" => elements,
        elements => elements,
    })
}

#[cfg(test)]
mod tests {
    use crate::model::testing::{accepts, rejects, steps};

    use super::*;

    #[test]
    fn only_tags_of_sets_and_lists_are_no_elements() {
        let count = |json: &str| {
            let value = serde_json::from_str(json).expect("JSON");
            elements(&value).map(|elements| elements.len())
        };
        for (json, expected) in [
            (r#"["~#set",[1,2,3]]"#, Some(3)),
            (r#"["~#list",[1,2,3]]"#, Some(3)),
            (r#"["~#other",[1,2,3]]"#, Some(2)),
            (r#"["~#set",1]"#, Some(2)),
            ("1", None),
        ] {
            assert_eq!(count(json), expected, "{json}");
        }
    }

    #[test]
    fn models() {
        let states = steps(&Set, "0 add 2; 0 ok; 0 add 1; 0 ok; 0 read; 0 ok [1,2]");
        let set = |elements: &[i32]| {
            Some(
                elements
                    .iter()
                    .map(|number| element(&(*number).into()))
                    .collect::<Elements>(),
            )
        };
        assert_eq!(states, [set(&[2]), set(&[1, 2]), set(&[1, 2])]);
        assert_eq!(steps(&Set, "0 read; 0 ok [1]"), [None]);
    }

    #[test]
    fn accepts_what_may_have_been_added() {
        accepts(
            "set",
            "0 add 1; 0 info; 1 add 2; 1 ok; 2 read; 2 ok [\"~#set\",[2]]; 2 read; 2 ok [1,2]",
        );
        accepts(
            "set",
            "0 add 1; 1 read; 1 ok []; 0 ok; 1 read; 1 ok [1]; 1 read; 1 ok",
        );
    }

    #[test]
    fn rejects_what_is_missing_or_was_never_added() {
        rejects("set", "0 add 1; 0 ok; 1 read; 1 ok []");
        rejects("set", "0 add 1; 0 ok; 1 read; 1 ok [1,2]");
        rejects("set", "0 add 1; 0 info; 1 read; 1 ok [1]; 1 read; 1 ok []");
    }
}
