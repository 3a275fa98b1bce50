//! What the object under test is allowed to do: one small reference object a file.
//!
//! A model is a [`Reference`]: a state, what an operation of a history means to it, and one step.
//! From that the [search](crate::search) decides whether a history is linearizable. Semantics that
//! all models share:
//!
//! - An operation that ended in `ok` took effect once between its two events; one that ended in
//!   `info` may have, at any time after its invocation, or never.
//! - A `fail` that the server itself said (`observed`) is a refusal: the model must be in a state
//!   that refuses. Where the object never refuses (a write, an enqueue) such a refusal says
//!   nothing. An unobserved `fail` had no effect and says nothing.
//! - The owner of a lock is the process. A process whose acquire ended in `info` never acts again,
//!   so whoever holds by it is [nobody in particular](Owner::Retired).
//! - Token 0 is unknown.
//!
//! A model of your own is one type:
//!
//! ```
//! use checker::model::{Reference, Unsuitable};
//! use history::{Function, Operation};
//!
//! /// A latch: once written, every read says so.
//! struct Latch;
//!
//! impl Reference for Latch {
//!     type State = bool;
//!     type Call = Function;
//!     fn knows(&self, function: &Function) -> bool {
//!         matches!(function, Function::Read | Function::Write)
//!     }
//!     fn call(&self, operation: &Operation<'_>) -> Result<Option<Function>, Unsuitable> {
//!         Ok(Some(operation.invoke.function.clone()))
//!     }
//!     fn initial(&self) -> bool {
//!         false
//!     }
//!     fn step(&self, written: &bool, call: &Function) -> Option<bool> {
//!         (*call == Function::Write || *written).then_some(true)
//!     }
//! }
//! ```

pub(crate) mod cas_register;
mod fenced;
mod lock;
mod mutex;
mod named_model;
mod owner_mutex;
mod owner_semaphore;
mod queue;
mod reentrant;
mod reentrant_fenced;
mod reference;
mod register;
mod revocable;
mod rwlock;
mod semaphore;
pub(crate) mod set;
#[cfg(test)]
pub(crate) mod testing;

pub use cas_register::{CasRegister, RegisterCall};
pub use fenced::Fenced;
pub use lock::{Act, LockCall, Owner, PermitCall};
pub use mutex::Mutex;
pub use named_model::{NameError, NamedModel, REVOCABLE, named};
pub use owner_mutex::OwnerMutex;
pub use owner_semaphore::OwnerSemaphore;
pub use queue::{Queue, QueueCall};
pub use reentrant::Reentrant;
pub use reentrant_fenced::ReentrantFenced;
pub use reference::{Model, Reference, Revocation, Unsuitable};
pub use register::Register;
pub use revocable::{Lock, Revocable};
pub use rwlock::RwLock;
pub use semaphore::Semaphore;
pub use set::{Set, SetCall};

/// Every model that can be named.
pub const ALL: &[&NamedModel] = &[
    &mutex::MODEL,
    &owner_mutex::MODEL,
    &semaphore::MODEL,
    &owner_semaphore::MODEL,
    &rwlock::MODEL,
    &reentrant::MODEL,
    &fenced::MODEL,
    &reentrant_fenced::MODEL,
    &register::MODEL,
    &cas_register::MODEL,
    &set::MODEL,
    &queue::MODEL,
];
