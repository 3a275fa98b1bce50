//! What a client is told to do, and when.

use history::Function;
use serde::{Deserialize, Serialize};

/// One operation to come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// When it is due, in milliseconds since the run began; it waits until the worker's operation
    /// before has ended.
    pub at_ms: u64,
    /// The worker, counted from 0.
    pub worker: u32,
    /// The operation.
    pub f: Request,
    /// The lock.
    pub key: String,
    /// The slots that a `create`, `grow` or `wait` is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub value: Vec<u32>,
}

/// Declares the requests, and the operations that they are in a history.
macro_rules! requests {
    ($($(#[$doc:meta])* $request:ident,)*) => {
        /// What a client can be told to do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum Request {
            $($(#[$doc])* $request,)*
        }

        impl Request {
            /// The request that an operation of a history answers, if clients can be told to do it.
            #[must_use]
            pub fn of(function: &Function) -> Option<Self> {
                match function {
                    $(Function::$request => Some(Self::$request),)*
                    _ => None,
                }
            }
        }

        impl From<Request> for Function {
            fn from(request: Request) -> Self {
                match request {
                    $(Request::$request => Self::$request,)*
                }
            }
        }
    };
}

requests! {
    /// Ask for the lock.
    Acquire,
    /// Ask whether it is still held.
    Verify,
    /// Give it back.
    Release,
    /// Read the number that the lock guards.
    Read,
    /// Write the next number after the one that was read.
    Write,
    /// Make the slots of the lock.
    Create,
    /// Add slots.
    Grow,
    /// Take a slot away.
    Shrink,
    /// Take the lock away.
    Destroy,
    /// Count the slots.
    Count,
    /// Close gaps between slots.
    Overshoot,
    /// Wait until nobody holds a slot that was taken away.
    Wait,
    /// File the request that a slot be taken away.
    Request,
}

impl Request {
    /// Whether it says which slots it is about.
    #[must_use]
    pub fn is_about_slots(self) -> bool {
        matches!(self, Self::Create | Self::Grow | Self::Wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_reads_back_and_bears_the_name_of_its_operation() {
        let text = r#"{"at_ms":3,"worker":0,"f":"create","key":"lock-0","value":[1,2]}"#;
        let call: Call = serde_json::from_str(text).expect("a call");
        assert_eq!(Function::from(call.f), Function::Create);
        assert_eq!(serde_json::to_string(&call).expect("JSON"), text);
        assert_eq!(Request::of(&Function::Lost), None);
    }

    #[test]
    fn names_are_those_of_the_history() {
        for request in [Request::Acquire, Request::Overshoot, Request::Request] {
            let name = serde_json::to_value(request).expect("JSON");
            assert_eq!(name, Function::from(request).to_string());
        }
    }
}
