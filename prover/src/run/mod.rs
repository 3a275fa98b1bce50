//! A run: workers and nemesis side by side, and the record of what they did.

mod board;
mod burst;
mod clock;
mod crew;
mod execution;
mod nemesis;
mod observed;
mod outcome;
mod phase;
mod recorder;
mod resource;
mod simulated;
mod worker;

pub use board::{Board, Seat};
pub use burst::Skew;
pub use clock::Clock;
pub use execution::{Execution, Ran, RunError, Stage, Stop, execute};
pub use nemesis::NemesisError;
pub use phase::{Phase, Phases};
pub use recorder::{Recorder, Sink};
pub use simulated::simulate;
