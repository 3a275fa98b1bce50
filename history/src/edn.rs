//! EDN in and out: the histories of Jepsen and Knossos.
//!
//! A history is maps, one after the other (`history.edn`) or in one vector or list; a map may carry
//! a tag such as `#jepsen.history.Op`. Unlike JSON Lines this format is open: what is not
//! understood is left out, with these decisions.
//!
//! - The order of the maps is the order of the history. An `:index` that does not grow (or is
//!   missing, or -1) is numbered anew, a `:time` that goes back (or is missing) is set to that of
//!   the map before. Unknown keys are ignored, `:process :nemesis` is of type `:info` whatever it
//!   says, and an `:error` counts on `:fail` and `:info` only.
//! - A `:fail` is unobserved unless its map says `:observed true`.
//! - The value of a granted `:acquire` may be a map with `:fence` (Hazelcast's tests) or `:token`,
//!   where 0, a negative number or nil is unknown, and `:slot`. `:client` and `:uid` in it are
//!   ignored: the owner of a lock is the process, as everywhere here. What an `:acquire` is invoked
//!   with is ignored (Hazelcast's tests put a random name there) unless it is `:read` or `:write`.
//! - The value of an event of the nemesis that has `:id` and `:phase` is the note of a fault and
//!   must be a whole one: `{:id 0, :phase :inject, :class :isolating, :targets {:processes [3]},
//!   :parameters {"for_ms" 4000}}`.
//! - What a record says of itself is `:process :run`; its first event has the outline of its run
//!   as its value.
//! - A `:verify` answers `:held` or `:lost`, or `{:answer :held, :lease_ms 5000}` where that renewed
//!   a lease.
//! - A grant names its lease as `:lease_ms` (or `:lease-ms`), which must be a whole number above 0;
//!   a map that has both is refused.
//!   Where a history has leases and some `:time` is missing or goes back, all its times are 0: it
//!   has no clock that could tell when a lease is over.
//! - All other values become JSON, and differ as JSON where they differ in Clojure. What JSON lacks
//!   is written as Transit does: `"~:a"` is `:a`, `"~$a"` the symbol, `"~n123"` an integer beyond
//!   64 bits, `["~#ratio",[1,3]]`, `["~#set",[…]]`, `["~#list",[…]]`, `["~#cmap",[k,v,…]]`; a
//!   string that begins with `~` is written `"~~…"`.
//! - Where the first invocation has no `:key` and a value like `[k v]`, the history is one of
//!   `jepsen.independent`: every value of a client must be such a pair then, and k is the key. If
//!   only some invocations have one, or some operation of a lock, that is an error: all keys would
//!   be taken for one. `[old new]` of a `:cas` and slots are no such pairs, what is read may be any
//!   vector, and a map with `:key nil` has no key, whatever its value.
//! - The number beside an `:acquire` or `:release` is that of its permits: `2`, `{:permits 2}` or
//!   `{:amount 2}`.
//!
//! Whatever Clojure prints is read: texts with the escapes `\t \r \n \b \f \\ \" \uNNNN`, characters by
//! name or as `\uNNNN`, `##Inf`, `##-Inf` and `##NaN`.

mod event;
mod forms;
mod keys;
mod names;
mod note;
mod outline;
mod printed;
mod reader;
mod transit;
mod writer;

use std::io;

use crate::RuleError;
use crate::fault::NoteError;

pub use reader::{read, read_independent};
pub use writer::write;

/// The longest map that is read, in bytes.
pub const FORM_BYTES_MAX: usize = 1 << 20;

/// How deep forms may be nested.
pub const DEPTH_MAX: usize = 100;

/// Why a history could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes could not be had.
    #[error("cannot read the history")]
    Io(#[from] io::Error),
    /// A form is not an operation, or not one that may stand there.
    #[error("line {line}: {problem}")]
    Form {
        /// The line on which the form begins, counted from 1.
        line: u64,
        /// What is wrong with it.
        problem: FormError,
    },
}

/// What is wrong with a form.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it means")]
pub enum FormError {
    #[error("not UTF-8")]
    Encoding,
    #[error("begins with a byte-order mark: save the file as UTF-8 without one")]
    ByteOrderMark,
    #[error("not EDN: {code}")]
    Syntax { code: String },
    #[error("the form does not end")]
    Unfinished,
    #[error("a closing bracket without an opening one")]
    Unopened,
    #[error("something follows the end of the vector")]
    AfterTheEnd,
    #[error("longer than {FORM_BYTES_MAX} bytes")]
    TooLong,
    #[error("nested deeper than {DEPTH_MAX} levels")]
    TooDeep,
    #[error("not an operation: a map with :process, :type and :f is needed")]
    NotAMap,
    #[error("{field} is missing or {problem}")]
    Field {
        field: &'static str,
        problem: &'static str,
    },
    #[error(
        "the value [{key} v] looks like one of jepsen.independent, but not every operation has such a value: write the key as :key \"{key}\" and v as :value, or :key nil if [{key} v] is a plain value"
    )]
    IndependentKey { key: String },
    #[error(
        "the value is no [k v] of jepsen.independent, although the first operation has one, or --independent is given: write the key of every operation as :key, and :key nil if there is none"
    )]
    NoIndependentKey,
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error("not the outline of a run: {0}")]
    Outline(#[from] serde_json::Error),
    #[error(transparent)]
    Rule(#[from] RuleError),
}

#[cfg(test)]
mod independent;
#[cfg(test)]
mod tests;
