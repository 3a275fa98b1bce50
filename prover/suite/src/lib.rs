//! Many simulated runs: campaigns over seeds, the shrinking of a run to what matters, and the
//! prover put to the test itself; and how one run is judged.
//!
//! The data's way: specs -> [`Engine`] (runs and judges them on all cores) -> [`Outcome`], one a
//! run -> what they show together: [`Summary`], [`selftest`].

mod campaign;
mod engine;
mod judgement;
mod limits;
mod outcome;
mod pace;
mod power;
mod said;
pub mod selftest;
mod shrink;
mod simulation;
mod situation;
mod summary;
mod trial;

pub use campaign::{Until, campaign, spec_of};
pub use engine::{Engine, Evidence};
pub use judgement::Criteria;
pub use limits::within;
pub use outcome::{Came, Judged, Outcome, Recheck};
pub use pace::{Pace, Stopwatch};
pub use power::{Caught, Mistake, Power, Trials, power};
pub use said::{Said, recorded};
pub use shrink::{Case, ShrinkError, Shrunk, shrink};
pub use simulation::simulate;
pub use situation::{Phase, Saturation, Situation};
pub use summary::{Counterexample, Landings, Seen, Summary, Tally, Verdicts, tallied};
pub use trial::{Trial, TrialError, attempt};
