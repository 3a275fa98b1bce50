//! Faults, schedules, the proxy and the systems they break.

mod fault;
mod faults;
pub mod links;
pub mod proxy;
mod schedule;
mod simulated;
mod system;
pub mod toxiproxy;

pub use fault::{ALL, Fault, find};
pub use schedule::{Call, Planned, Request, Schedule, ScheduleError, Settings, Target};
pub use system::{System, SystemError, Worker};
