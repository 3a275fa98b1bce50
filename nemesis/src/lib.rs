//! Faults, schedules, and what a system under test must let be broken.

mod fault;
mod faults;
mod schedule;
mod system;

pub use fault::{ALL, Fault, find};
pub use schedule::{Call, Planned, Request, Schedule, ScheduleError, Settings, Target};
pub use system::{System, SystemError, Worker};
