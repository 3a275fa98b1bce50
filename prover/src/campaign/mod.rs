//! Many simulated runs: campaigns over seeds, and the shrinking of a run to what matters.

mod seeds;
mod shrink;
mod summary;
mod trial;

pub use seeds::{Until, campaign, options_of};
pub use shrink::{Case, ShrinkError, Shrunk, shrink};
pub use summary::{Landings, Summary, Tally, Verdicts};
pub use trial::{Trial, TrialError, attempt};
