//! The guarantees, one file each, and the list of them.

mod absences;
mod carried_out;
mod changers;
mod conclusion;
pub(crate) mod confirmed;
mod coverage;
mod decrement;
#[cfg(test)]
mod documented;
mod doubled_decrement;
pub(crate) mod exclusion;
mod fencing;
mod lost_decrement;
mod lost_update;
mod observation;
mod overlap;
mod ownership;
mod progress;
mod refusal;
mod registry;
mod slot_account;
mod slot_exclusion;
mod slot_existence;
mod slot_removal;
mod slot_sequence;

pub use confirmed::ConfirmedExclusion;
pub use coverage::Coverage;
pub use doubled_decrement::NoDoubledDecrement;
pub use exclusion::Exclusion;
pub use fencing::Fencing;
pub use lost_decrement::NoLostDecrement;
pub use lost_update::NoLostUpdate;
pub use overlap::OverlapAtMost;
pub use ownership::Ownership;
pub use progress::ProgressWithin;
pub use refusal::JustifiedRefusal;
pub use registry::{ALL, Entry, Guarantee, ParseError, judge, merge, parse, parse_all, stem};
pub use slot_exclusion::SlotExclusion;
pub use slot_existence::SlotExistence;
pub use slot_removal::SlotRemoval;
pub use slot_sequence::SlotSequence;
