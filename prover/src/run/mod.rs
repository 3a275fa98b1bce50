//! A run: workers and nemesis side by side, and the record of what they did.

mod board;
mod burst;
mod execution;
mod nemesis;
mod outcome;
mod phase;
mod recorder;
mod worker;

pub use board::{Board, Seat};
pub use burst::Skew;
pub use execution::{Execution, RunError, Stop, execute};
pub use nemesis::NemesisError;
pub use phase::{Phase, Phases};
pub use recorder::Recorder;
