//! Where a run happens: brokers in containers, and how their images come about.
//!
//! The way of a start: [`image`] decides where an image comes from, `provision` fetches or builds it, [`broker`] starts a node and waits
//! until it speaks AMQP, [`toxiproxy`] puts a proxy beside it, [`docker`] holds them together and takes them away again. Whatever is
//! created carries the labels of [`label`], which is how [`crate::clean`] finds what a killed run left.

pub mod amqp;
pub mod apt;
pub mod broker;
mod choice;
mod clients;
pub(crate) mod container;
pub mod daemon;
mod direct;
pub mod docker;
pub mod error;
pub mod image;
pub mod label;
pub mod progress;
pub(crate) mod provision;
mod running;
pub(crate) mod scope;
pub mod testing;
pub mod toxiproxy;

pub use broker::{Broker, ImageFacts};
pub use choice::{Choice, ChoiceError, ProxyChoice, RealSite, Site};
pub(crate) use clients::clients;
pub use direct::Direct;
pub use docker::{Docker, Kept, Plan};
pub use error::TestbedError;
pub use image::RabbitImage;
pub use label::{Owner, Run, RunId};
pub use progress::{Progress, Silent};
pub use running::{Demand, StartError, Testbed};
pub use toxiproxy::{Toxiproxy, ToxiproxyPlan, ToxiproxyState};
