//! Faults, schedules, and what a system under test must let be broken.

mod call;
mod clients;
mod fault;
mod faults;
mod part;
mod registry;
mod schedule;
mod system;
mod target;

pub use call::{Call, Request};
pub use clients::{Clients, Need};
pub use fault::Fault;
pub use part::Part;
pub use registry::{ALL, find};
pub use schedule::{Planned, Schedule, ScheduleError, Settings};
pub use system::{System, SystemError, Worker};
pub use target::Target;
