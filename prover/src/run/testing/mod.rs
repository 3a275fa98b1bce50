//! What the tests of a run are made of: a lock, a generator and a system that do what they are
//! told.

mod generator;
mod lock;
mod sink;
mod system;

pub(super) use generator::{Outcomes, invoke, steps};
pub(super) use lock::{Reaction, ScriptedLock, client};
pub(super) use sink::{FullDisk, Memory};
pub(super) use system::ScriptedSystem;
