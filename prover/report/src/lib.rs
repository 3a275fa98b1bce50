//! What was found out, for people: pure functions of a run, its history and the judgement on it.
//!
//! The same arguments give the same bytes: nothing here knows a clock, a file or where the run was
//! made.

mod axis;
mod chart;
mod ending;
mod error;
mod html;
mod latency;
mod overlaps;
mod plots;
mod scene;
mod subject;
mod table;
pub mod template;
mod timeline;

pub use chart::PALETTE;
pub use error::ReportError;
pub use html::html;
pub use plots::{Picture, plots};
pub use subject::{Fact, Mistake, Skew, Subject};
pub use table::{guarantees_table, list_table, verdict_text, violation_text, wrapped_table};
