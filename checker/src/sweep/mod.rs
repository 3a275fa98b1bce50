//! Decisions in O(n log n), each with the order or the events that prove it.

pub(crate) mod flips;
pub(crate) mod lazy;
pub(crate) mod literal;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod replay;
pub(crate) mod revocable;
