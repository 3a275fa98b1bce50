//! Claims put to the test, on their testbeds: real ones several at a time, simulated ones on all
//! cores.

mod brokers;
mod driver;
mod folder;
mod ledger;
mod real;
mod simulated;
mod strength;

pub(crate) use driver::{Order, prove};
