//! What a search found.

use std::fmt;

use history::Function;

use crate::model::{Revocation, Unsuitable};

/// The answer for one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The object could have gone through this; operations that are missing (`info`) need not have
    /// happened.
    Valid {
        /// In the order of their instants.
        order: Vec<Placement>,
    },
    /// The object could not have answered like this.
    Violated {
        /// The longest way that the search found.
        prefix: Vec<Placement>,
        /// The index of the invocation of the operation that cannot be placed after the prefix, nor
        /// after any other.
        stuck: u64,
        /// What that operation is.
        function: Function,
    },
    /// The search could not tell.
    Unknown(Reason),
}

/// Something that takes effect at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// What takes effect.
    pub placed: Placed,
    /// The index of an event; the instant lies just before it. Of several such instants the order
    /// decides.
    pub before: u64,
}

/// What takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// An operation, by the index of its invocation.
    Operation(u64),
    /// The silent end of a hold.
    Revocation(Revocation),
}

/// Why a search could not tell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The caller said to stop.
    #[error("the time ran out before the search was through")]
    Stopped,
    /// The memory ran out.
    #[error("the search needs more than {memory_bytes} bytes")]
    Memory {
        /// The bound.
        memory_bytes: usize,
    },
    /// There are more operations than the search can number.
    #[error("the key has too many operations for a search")]
    TooLarge,
    /// The model has no such operation.
    #[error("the model has no operation {function}")]
    UnknownOperation {
        /// The operation.
        function: Function,
    },
    /// The value of an operation does not fit the model.
    #[error(transparent)]
    Unsuitable(#[from] Unsuitable),
}

impl fmt::Display for Decision {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Valid { .. } => out.write_str("linearizable"),
            Self::Violated {
                prefix,
                stuck,
                function,
            } => {
                let count = prefix.len();
                let noun = if count == 1 {
                    "operation"
                } else {
                    "operations"
                };
                write!(
                    out,
                    "the {function} invoked at index {stuck} cannot be placed after {count} {noun}"
                )
            }
            Self::Unknown(reason) => reason.fmt(out),
        }
    }
}
