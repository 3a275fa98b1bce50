//! A run: workers and nemesis side by side, and the record of what they did.

mod board;
mod burst;
mod call;
mod clock;
mod counters;
mod crew;
mod execution;
mod nemesis;
mod observer;
mod phase;
mod recorder;
mod reply;
mod resource;
mod shared;
mod simulated;
#[cfg(test)]
mod testing;
mod watch;
mod worker;

pub use burst::Skew;
pub use clock::Clock;
pub use counters::{Counters, Counts};
pub use execution::{Execution, Ran, RunError, Stage, Stop, execute};
pub use nemesis::NemesisError;
pub use observer::Observer;
pub use recorder::Recording;
pub use simulated::simulate;
