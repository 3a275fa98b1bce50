//! What is asked of a run, and the command that asks for it: one value that the command line fills,
//! the manifest stores, and replay and shrink begin with.

mod bounds;
mod command;
mod coverage;
pub mod heading;
pub mod number;
mod program;
mod run_spec;
pub mod time;

pub use bounds::OutOfBounds;
pub use command::{command_line, command_line_of, typed, utf8_path};
pub use program::{IN_WORKSPACE, as_called, program};
pub use run_spec::RunSpec;
pub(crate) use run_spec::TIME_LIMIT;
