//! What was found out, for people: pure functions of a run, its history and the judgement on it.
//!
//! The same arguments give the same bytes: nothing here knows a clock, a file or where the run was
//! made.

mod axis;
mod chart;
mod claim;
mod close_up;
mod ending;
mod error;
mod evidence;
mod faults;
mod html;
mod hue;
mod ladder;
mod lag;
mod latency;
mod markdown;
mod overlaps;
mod plots;
mod proof;
mod rarity;
mod rate;
mod record;
mod scene;
mod spans;
mod starvation;
mod story;
mod subject;
mod summary;
mod table;
pub mod template;
mod timeline;
mod trace;
mod words;

pub use chart::PALETTE;
pub use error::ReportError;
pub use html::html;
pub use hue::FAULT_COLOURS;
pub use markdown::{markdown, plain};
pub use plots::{Picture, plots};
pub use subject::{Fact, Loss, Mistake, Skew, Subject};
pub use summary::{Summary, summary};
pub use table::{guarantees_table, list_table, verdict_text, violation_text, wrapped_table};
pub use trace::trace;
