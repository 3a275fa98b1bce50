//! Questions about the locks that are answered by measurements: each experiment is one file here
//! and its entry in [`ALL`], and a command of its own.

pub(crate) mod cost;
pub mod counting;
mod document;
mod machine;
mod matrix;
mod registry;
pub mod statistics;

pub use cost::{Cost, CostError};
pub use document::DocumentError;
pub use matrix::Matrix;
pub use registry::{ALL, Chosen, Experiment};
