//! The prover put to the test by locks of which it is known what must come out: every broken one is
//! caught, on the promise that it breaks and with evidence that holds; no correct one ever breaks a
//! promise.
//!
//! The data's way: `trials` (a lock and a seed -> the spec of a simulated run) -> [`examine`] (the
//! engine's outcomes) -> [`Examined`].

mod examination;
mod examined;
mod trials;

pub use examination::examine;
pub use examined::{Examined, Shortcoming, Shown};
pub use trials::{RUNS_OF_BROKEN, RUNS_OF_CORRECT, TIME_LIMIT, spec_of, workload_of};
