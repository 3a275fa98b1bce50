//! Claims put to the test, on their testbeds: real ones several at a time, simulated ones on all
//! cores.

mod brokers;
mod cost;
mod driver;
mod folder;
mod ledger;
mod programs;
mod real;
mod simulated;

pub(crate) use driver::{Order, prove};
pub(crate) use programs::Programs;
