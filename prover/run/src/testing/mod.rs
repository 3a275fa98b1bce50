//! What the tests of a run are made of: a lock, a generator and a system that do what they are
//! told.

mod generator;
mod lock;
mod sink;
mod system;
mod witness;

pub(crate) use generator::{Feedbacks, invoke, steps};
pub(crate) use lock::{Reaction, ScriptedLock, client};
pub(crate) use sink::{FullDisk, Memory};
pub(crate) use system::ScriptedSystem;
pub(crate) use witness::Witness;
