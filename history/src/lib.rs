//! The record of a run: events, operations, and the JSON Lines log.
//!
//! A [`History`] is the list of everything the clients of a lock and the nemesis did, in the order
//! in which it was recorded. It is well-formed by construction: [`jsonl::read`], [`jsonl::Log`] and
//! [`HistoryBuilder`] are the only doors, and each rejects what is not (see [`rules`]). This crate
//! knows no clock, no file, no network and no async: times come in as numbers, bytes through
//! [`std::io`] traits. What the nemesis did is in [`fault`],
//! what a record says of itself in [`Mark`] and [`Outline`].
//!
//! ```
//! use history::{Draft, Function, HistoryBuilder, Kind, Process};
//!
//! let mut builder = HistoryBuilder::default();
//! let draft = |kind| Draft::new(Process::Client(0), kind, Function::Acquire).on("lock-0");
//! builder.push(1_000, draft(Kind::Invoke))?;
//! builder.push(5_000, draft(Kind::Ok))?;
//! let history = builder.finish();
//! let acquire = history.operations().next().expect("one operation");
//! assert_eq!(acquire.end.map(|end| end.time), Some(5_000));
//! # Ok::<(), history::RuleError>(())
//! ```

pub mod edn;
mod event;
pub mod fault;
pub mod form;
mod function;
mod history;
pub mod jsonl;
mod lease;
mod mark;
mod object;
mod operation;
mod outline;
mod process;
pub mod rules;
mod value;

pub use event::{Draft, Event, Failure, Kind};
pub use function::Function;
pub use history::{History, HistoryBuilder};
pub use lease::Lease;
pub use mark::Mark;
pub use operation::Operation;
pub use outline::Outline;
pub use process::Process;
pub use rules::RuleError;
pub use value::{Answer, Grant, Mode, Value};
