//! What workers reach the broker with.

use std::sync::Arc;

use locks::broker::{Broker, ConnectOptions};

/// One client for each address, so for each worker. `lock_seed` is what decides the chance in a
/// worker's lock.
pub fn clients(
    broker: &Arc<dyn Broker>,
    connect: &ConnectOptions,
    addresses: impl IntoIterator<Item = String>,
    prefix: &str,
    lock_seed: impl Fn(u32) -> u64,
) -> Vec<locks::ClientConfig> {
    let client = |(worker, address)| locks::ClientConfig {
        broker: broker.clone(),
        connect: ConnectOptions {
            address,
            ..connect.clone()
        },
        endpoints: Vec::new(),
        run: locks::RunContext::default(),
        prefix: prefix.to_owned(),
        name: prefix.to_owned(),
        seed: lock_seed(worker),
        options: locks::Options::default(),
    };
    (0..).zip(addresses).map(client).collect()
}
