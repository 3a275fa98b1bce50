//! What is claimed of locks, and what came of putting it to the test.
//!
//! The data's way: text -> [`File`] (every mistake is found at its line) -> [`Case`]s, one for each
//! claim and testbed -> runs -> [`Tested`] (what they showed, and by [`decide`] whether that is as
//! claimed) -> [`Proof`]. Nothing here runs anything or knows a clock.

mod case;
mod claim;
mod cost;
mod distribution;
mod environment;
mod file;
mod flaw;
mod measures;
mod merge;
mod mistake;
mod needs;
mod places;
mod profile;
mod proof;
mod selection;
mod shard;
mod standing;
mod tested;
mod written;

pub use case::Case;
pub use claim::{Accepted, Claim, Expected};
pub use cost::{Cost, Operation};
pub use distribution::Distribution;
pub use environment::BadEnvironment;
pub use file::{File, OtherRabbitMq};
pub use measures::Measures;
pub use merge::{MergeError, merge};
pub use mistake::{Mistake, Place};
pub use needs::{Needs, Shortfall};
pub use profile::Profile;
pub use proof::{LeftOut, Proof, Source, State};
pub use selection::{NothingSelected, Selection};
pub use shard::{NoShard, Shard};
pub use standing::{Evidence, Standing, decide};
pub use tested::{Counterexample, Measured, Stored, Tested};
