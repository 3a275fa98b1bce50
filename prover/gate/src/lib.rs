//! The release gate: what a proof means for a pipeline today, and the forms in which the tools around
//! a pipeline read that.
//!
//! All of it are pure functions of a [`claims::Proof`] and a day. The data's way: [`Ruling`] (how one
//! claim counts) -> [`Decision`] (whether a release may go on) and, for each tool, an [`Export`] of
//! [`ALL`]. Texts of others (names, reasons, errors) go through `text` before they are written
//! anywhere.

mod against;
mod annotations;
pub mod attestation;
mod ctrf;
mod decision;
mod export;
mod facts;
mod headline;
mod json;
mod junit;
mod markdown;
mod ruling;
#[cfg(test)]
mod sample;
mod sarif;
#[cfg(test)]
mod schema;
pub mod text;

pub use against::{TOLERANCE, What, Worse, worse};
pub use decision::{Decision, decide};
pub use export::{ALL, Export, Subject, named};
pub use facts::{Fact, of_case as facts_of_case, of_proof as facts_of_proof, times as show_times};
pub use headline::{PASSED, headline, not_tried};
pub use json::FORM;
pub use ruling::{Ruling, name};
