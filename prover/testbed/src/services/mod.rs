//! The services that a run can have, a file each.

mod ask;
mod etcd;
mod management;
mod postgres;
mod rabbitmq;
mod redis;
mod registry;
mod resp;
mod zookeeper;

pub use etcd::Etcd;
pub(crate) use management::{Management, Removal};
pub use postgres::Postgres;
pub use rabbitmq::{RabbitMq, connect};
pub(crate) use rabbitmq::{cluster_nodes, node_name};
pub use redis::Redis;
pub use registry::{ALL, find};
pub use zookeeper::ZooKeeper;
