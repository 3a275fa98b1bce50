//! Linearizability by search, for every model and of last resort: it is exponential where it must
//! be, and bounded.
//!
//! The search is Wing and Gong's with Lowe's two additions: configurations that were seen are not
//! tried again, and an operation is linearized only when an end in the record cannot be passed
//! without (just in time). A configuration is how many ends have been passed, which pending
//! operations have been linearized (a bit each), and the state of the object (a number, states
//! being kept once). Nothing recurses, so no history is too long for the stack; [`Limits`] bound
//! time and memory, and the answer is [`Decision::Unknown`] when a bound is hit.
//!
//! ```
//! use checker::{model, search};
//! use history::{Draft, Function, HistoryBuilder, Kind, Process};
//!
//! let mut builder = HistoryBuilder::default();
//! for (time, process) in [(0, 0), (1, 1)] {
//!     let draft = |kind| Draft::new(Process::Client(process), kind, Function::Acquire);
//!     builder.push(time, draft(Kind::Invoke))?;
//!     builder.push(time, draft(Kind::Ok))?;
//! }
//! let mutex = model::named("owner-mutex").expect("it is in the list");
//! let decisions = search::linearizable(&*mutex, &builder.finish(), &search::Limits::none());
//! assert_eq!(decisions[0].decision.to_string(), "the acquire invoked at index 2 cannot be placed after 1 operation");
//! # Ok::<(), history::RuleError>(())
//! ```

#[cfg(test)]
mod brute_force;
mod configurations;
mod decision;
mod explorer;
mod keys;
mod limits;
#[cfg(test)]
pub(crate) mod properties;
mod states;
#[cfg(test)]
mod tests;
mod timeline;

pub use decision::{Decision, Placed, Placement, Reason};
pub use explorer::explore;
pub use keys::{KeyDecision, linearizable, search};
pub use limits::{Budget, Limits};
