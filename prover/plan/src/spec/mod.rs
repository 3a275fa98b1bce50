//! What is asked of a run, and the command that asks for it: one value that the command line fills,
//! the manifest stores, and replay and shrink begin with.

mod bounds;
mod command;
mod run_spec;
pub mod time;

pub use bounds::OutOfBounds;
pub use command::{command_line, quoted, utf8_path};
pub(crate) use run_spec::TIME_LIMIT;
pub use run_spec::{RunSpec, TargetKind};
