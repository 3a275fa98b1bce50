//! Locks with one mistake each. They are here to be caught: a prover that calls one of them valid is itself broken.

mod no_lock;
mod silent_reconnect;

pub use no_lock::NoLock;
pub use silent_reconnect::SilentReconnect;
