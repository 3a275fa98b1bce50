//! The client: a connection as lapin keeps it, and the traits of the broker surface on top of it.

mod channel;
mod channel_state;
mod connection;
mod connection_state;
mod consumer;
mod handle;
mod heartbeat;

pub(super) use connection::SimulatedConnection;
pub(super) use connection_state::{ConnectionState, Credentials};
