//! What is asked of a run, what follows from it, and what is stored of it.
//!
//! The data's way: [`spec`] (typed or stored) -> `swarm` (what was left to chance) -> [`Plan`]
//! (every mistake is found before anything starts) -> [`manifest`].

pub mod catalogue;
mod covered;
mod doubt;
mod effects;
mod git;
mod ground;
pub mod manifest;
mod needed;
mod plan;
mod progress;
pub mod spec;
mod swarm;
mod unknown;

pub use covered::CoveredError;
pub use effects::EffectsError;
pub use ground::GroundError;
pub use needed::Needed;
pub use plan::{
    PROGRAM, PROGRESS, Plan, PlanError, bounded, check_promises, judges, named_lock, suits,
};
pub use progress::Progress;
pub use unknown::{nearest, unknown};
