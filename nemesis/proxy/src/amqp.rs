//! AMQP 0-9-1 as far as a proxy has to know it: where frames end, which method one is, how long its
//! content is. Nothing is changed and nothing is kept of what passes.

mod contents;
mod frames;
mod methods;

pub(crate) use contents::Contents;
pub(crate) use frames::Frames;
pub use methods::{Method, MethodError};
