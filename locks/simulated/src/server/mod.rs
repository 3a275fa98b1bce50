//! The server: a RabbitMQ node as its clients can tell it. It knows frames and times, and neither
//! network nor task.
//!
//! Whatever arrives is worked through at once and as a whole, as if channels and queues were one
//! process and not many.

mod channel;
mod heartbeat;
mod loss;
mod method;
mod node;
mod operator;
mod pause;
mod policy;
mod queue;
mod refusals;
mod session;

pub use loss::NoticedLoss;
pub use node::Shutdown;
pub(super) use node::{Node, Timer};
pub(super) use operator::Resource;
pub(super) use policy::{Limits, Policy};
