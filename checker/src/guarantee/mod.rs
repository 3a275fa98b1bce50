//! The guarantees, one file each, and the list of them.

mod conclusion;
pub(crate) mod confirmed;
mod coverage;
pub(crate) mod exclusion;
mod fencing;
mod lost_update;
mod overlap;
mod ownership;
mod progress;
mod refusal;
mod registry;
mod slot_exclusion;

pub use confirmed::ConfirmedExclusion;
pub use coverage::Coverage;
pub use exclusion::Exclusion;
pub use fencing::Fencing;
pub use lost_update::NoLostUpdate;
pub use overlap::OverlapAtMost;
pub use ownership::Ownership;
pub use progress::ProgressWithin;
pub use refusal::JustifiedRefusal;
pub use registry::{ALL, Entry, Guarantee, ParseError, judge, merge, parse};
pub use slot_exclusion::SlotExclusion;
