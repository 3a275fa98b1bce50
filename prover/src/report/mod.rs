//! What a judgement looks like: pure functions of manifest, history and judgement.

mod axis;
mod chart;
mod effects;
mod html;
mod latency;
mod outcome;
mod overlaps;
mod plots;
mod scene;
mod table;
mod template;
mod timeline;

pub use effects::{Effect, effects};
pub use html::{ReportError, html};
pub use plots::{Picture, plots};
pub use table::{guarantees_table, list_table, verdict_text, violation_text};
