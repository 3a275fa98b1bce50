//! Faults, schedules and the systems they break.

mod fault;
mod faults;
pub mod links;
mod schedule;
mod simulated;
mod system;

pub use fault::{ALL, Fault, find};
pub use schedule::{Call, Planned, Request, Schedule, ScheduleError, Settings, Target};
pub use system::{System, SystemError, Worker};
