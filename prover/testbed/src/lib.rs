//! Where a run happens, and what the nemesis can break there: services in containers, somebody's
//! own by their URLs, or a simulation.
//!
//! The way of a start: `choice` is what the command line asks for, an [`Instance`] for each of the
//! [`services`]; [`image`] decides where an image comes from, `provision` fetches it or builds it by
//! its [`recipe`], `node` starts a container and waits until it speaks its protocol, [`toxiproxy`]
//! puts a proxy beside them, [`docker`] holds them together and takes them away again; `running`
//! puts [`links`] between the workers and the services. Whatever is created carries the labels of
//! [`label`], by which [`clean`] finds what a killed run left; [`doctor`] tells beforehand what can
//! run here.

pub mod amqp;
pub mod apt;
pub mod broker_log;
mod choice;
pub mod clean;
mod clients;
mod clock;
mod cluster;
mod container;
pub mod daemon;
mod described;
mod direct;
pub mod docker;
pub mod doctor;
mod erlang;
pub mod error;
pub mod image;
mod image_store;
mod instance;
pub mod label;
pub mod leftover;
mod link_evidence;
pub mod links;
mod node;
mod node_harm;
mod operator;
mod partition_handling;
mod password;
mod place;
pub mod progress;
mod provision;
pub mod recipe;
mod running;
mod scissors;
mod scope;
mod served;
mod service;
pub mod services;
mod sight;
mod simulated_system;
mod system;
pub mod testing;
pub mod toxiproxy;

pub use broker_log::NoticedLoss;
pub use choice::{Asked, Choice, ChoiceError, ProxyChoice, RealSite, Site};
pub use clients::clients;
pub use cluster::{Cluster, Dropped, NODES};
pub use container::Container;
pub use described::{ClusterFacts, Described, ServiceFacts};
pub use direct::Direct;
pub use docker::{Docker, Kept, Plan};
pub use error::TestbedError;
pub use image::Image;
pub use instance::{Instance, Source};
pub use label::{Owner, Run, RunId};
pub use node::{ImageFacts, Node};
pub use partition_handling::PartitionHandling;
pub use password::without_password;
pub use place::{Place, PlaceError};
pub use progress::{Progress, Silent};
pub use running::{Demand, StartError, Testbed};
pub use service::{Door, File, Made, Membership, Outfit, Presence, Service, Setting, Thing, Unfit};
pub use sight::Sight;
pub use simulated_system::SimulatedSystem;
pub use system::RealSystem;
pub use toxiproxy::{Toxiproxy, ToxiproxyPlan, ToxiproxyState};
