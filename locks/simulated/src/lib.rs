//! The broker surface on a simulated RabbitMQ behind a simulated network, in this process and under
//! virtual time. The same seed gives the same run: [`Simulation`] is a second
//! [`Broker`](locks::broker::Broker), so a lock never knows where it runs.
//!
//! Three parts that know nothing of each other, and one that joins them:
//! - `client`: a connection as lapin keeps it; on top of it stand the traits of the broker
//!   surface.
//! - `network`: what carries the frames of one to the other, or does not.
//! - `server`: a RabbitMQ node: its queues, its sessions, its patience.
//! - `world`: all three, and the `agenda` of what happens when. `driver` is the task that
//!   lets it happen.
//!
//! What is modelled, from which source, and what is not, stands in `docs/simulation.md`. What is
//! not modelled is refused with [`NotImplemented`](locks::ErrorKind::NotImplemented) and never
//! guessed.

mod agenda;
mod client;
mod driver;
mod evidence;
mod frame;
mod network;
mod server;
mod simulation;
mod trap;
mod wire;
mod world;

pub use evidence::Evidence;
pub use network::{Latency, NoSuchLink};
pub use server::{NoticedLoss, Shutdown};
pub use simulation::Simulation;
pub use trap::{LinkError, Trapped};
