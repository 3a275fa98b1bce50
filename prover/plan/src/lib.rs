//! What is asked of a run, what follows from it, and what is stored of it.
//!
//! The data's way: [`spec`] (typed or stored) -> `swarm` (what was left to chance) -> [`Plan`]
//! (every mistake is found before anything starts) -> [`manifest`].

pub mod catalogue;
mod doubt;
mod effects;
mod git;
pub mod manifest;
mod plan;
pub mod spec;
mod swarm;
mod unknown;

pub use effects::EffectsError;
pub use plan::{PROGRESS, Plan, PlanError, bounded, judges, progress_within, suits};
pub use unknown::unknown;
