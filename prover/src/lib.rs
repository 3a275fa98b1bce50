//! Jepsen-style correctness prover for distributed locks: the parts of the command-line program.
//!
//! The data's way: [`cli`] (text) -> `plan` (every mistake is found) -> `testbed` (up) -> `run`
//! (workers and nemesis into the history) -> `checker` (reads the file just written) -> `report` ->
//! [`store`].

pub mod adapter;
pub mod arguments;
mod campaign;
pub mod causes;
pub mod cli;
pub mod commands;
mod conclusion;
pub mod conform;
mod ending;
mod evidence;
pub mod exit;
pub mod experiment;
pub mod exports;
pub mod failure;
pub mod help;
mod interruption;
mod line;
mod lock;
pub mod output;
mod proof_end;
mod proof_table;
mod proofs;
mod prove;
mod reading;
mod record;
mod repeat;
mod schema;
mod serve;
pub mod store;
mod stored_run;
mod subject;
