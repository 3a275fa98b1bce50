//! How a long start-up tells what it is doing.

/// Receives the steps of a start-up as they begin.
pub trait Progress: Send + Sync {
    /// One line, without a full stop: "pull rabbitmq:4.0-management".
    fn step(&self, text: &str);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _text: &str) {}
}
