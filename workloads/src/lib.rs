//! What the clients of a lock do: pure generators, and the guarantees that they put in question.
//!
//! A [`Workload`] makes one [`Client`] for each worker. A client is asked for its next [`Step`] and
//! told what became of the last one; it knows no clock and no lock, and draws from its own seeded
//! stream, so the same answers lead to the same steps.

mod audit;
mod client;
pub mod generate;
mod guarded;
mod holder;
mod mutex;
mod params;
mod registry;
mod resize;
mod script;
mod semaphore;
mod workload;

pub use client::{Client, Feedback, Step};
pub use params::Params;
pub use registry::{ALL, find};
pub use script::{DueOperation, script};
pub use workload::{Needs, Workload};
