//! How faithful the simulated broker is, measured: scripts of broker operations played on the
//! simulation and on a real broker, and compared.
//!
//! The way of a script: [`named`] or [`random`] makes it, [`arm`] says where it is played, `player`
//! plays it step by step and writes a [`transcript`], [`comparison`] finds the first difference,
//! [`shrink`] the shortest script that shows it, and [`explained`] knows the differences that stay.
//! [`campaign`] does that for many.

pub mod act;
pub mod arm;
mod background;
pub mod campaign;
pub mod comparison;
mod deliveries;
pub mod explained;
mod links;
pub mod named;
mod names;
mod notices;
mod observer;
pub mod operator;
mod pace;
mod player;
pub mod random;
pub mod script;
mod seat;
pub mod shrink;
pub mod transcript;

pub use links::{LinkError, Links};
pub use operator::{Operator, OperatorError};
pub use pace::Pace;
pub use player::{PlayError, Stage, play};
