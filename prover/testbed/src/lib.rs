//! Where a run happens, and what the nemesis can break there: RabbitMQ in containers, somebody's
//! broker by its URL, or a simulation.
//!
//! The way of a start: `choice` is what the command line asks for; [`image`] decides where an image
//! comes from, `provision` fetches it or builds it by its [`recipe`], [`broker`] starts a node and
//! waits until it speaks AMQP, [`toxiproxy`] puts a proxy beside it, [`docker`] holds them together
//! and takes them away again; `running` puts [`links`] between the workers and the broker. Whatever
//! is created carries the labels of [`label`], by which [`clean`] finds what a killed run left;
//! [`doctor`] tells beforehand what can run here.

pub mod amqp;
pub mod apt;
pub mod broker;
mod choice;
pub mod clean;
mod clients;
mod container;
pub mod daemon;
mod described;
mod direct;
pub mod docker;
pub mod doctor;
pub mod error;
pub mod image;
mod image_store;
pub mod label;
pub mod links;
pub mod progress;
mod provision;
pub mod recipe;
mod running;
mod scope;
mod simulated_system;
pub mod testing;
pub mod toxiproxy;

pub use broker::{Broker, ImageFacts};
pub use choice::{Choice, ChoiceError, ProxyChoice, RealSite, Site, without_password};
pub use clients::clients;
pub use described::Described;
pub use direct::Direct;
pub use docker::{Docker, Kept, Plan};
pub use error::TestbedError;
pub use image::RabbitImage;
pub use label::{Owner, Run, RunId};
pub use progress::{Progress, Silent};
pub use running::{Demand, StartError, Testbed};
pub use simulated_system::SimulatedSystem;
pub use toxiproxy::{Toxiproxy, ToxiproxyPlan, ToxiproxyState};
