//! Locks that are programs of their own, in any language.
//!
//! `docs/protocol.md` says what is spoken. A line's way: a request ([`message`]) is written to a
//! program ([`Program`]) that runs in a process group of its own; what it writes is cut into lines
//! (`line`), read, and given to whoever asked (`exchange`), or is [`Misconduct`], which
//! ends the run. [`ProcessLock`] and its session make a [`locks::Lock`] of that. [`serve`] is the
//! other side: any lock of ours as such a program.

mod command;
mod exchange;
mod introduction;
mod line;
pub mod message;
mod misconduct;
mod outcome;
mod process_lock;
mod program;
mod secrets;
mod serve;
mod session;
mod stderr;
mod strays;

pub use command::{CommandError, CommandLine};
pub use introduction::Introduction;
pub use misconduct::Misconduct;
pub use process_lock::{IntroduceError, ProcessLock};
pub use program::{Program, SpawnError};
pub use serve::serve;
