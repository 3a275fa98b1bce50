//! Faults, schedules, and what a system under test must let be broken.

mod aim;
mod call;
mod clients;
mod fault;
mod faults;
mod harm;
mod mix;
mod notice;
mod parameter;
mod part;
mod recovery;
mod registry;
mod schedule;
mod shape;
mod strike;
mod system;
mod target;

pub use aim::Aim;
pub use call::{Call, Request};
pub use clients::{Clients, Need};
pub use fault::Fault;
pub use harm::{BrokerHarm, LinkHarm, NodeHarm, Resource, Rule, SlotChange, Trap, Way};
pub use history::fault::{Evidence, Link};
pub use mix::{MixError, Selected, parse_mix};
pub use notice::Notice;
pub use parameter::{Form, METHODS, Parameter};
pub use part::Part;
pub use recovery::Recovery;
pub use registry::{ALL, find};
pub use schedule::{Planned, Schedule, ScheduleError, Settings};
pub use strike::{Landing, Moment, Strike, Timer};
pub use system::{Done, System, SystemError, Worker};
pub use target::Target;
