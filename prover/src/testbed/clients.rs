//! What workers reach the broker with.

use std::sync::Arc;

use locks::broker::{Broker, ConnectOptions};

use crate::seed::{Seed, Stream};

/// One client for each address, so for each worker.
pub(crate) fn clients(
    broker: &Arc<dyn Broker>,
    connect: &ConnectOptions,
    addresses: impl IntoIterator<Item = String>,
    prefix: &str,
    seed: Seed,
) -> Vec<locks::Client> {
    let client = |(worker, address)| locks::Client {
        broker: broker.clone(),
        connect: ConnectOptions {
            address,
            ..connect.clone()
        },
        prefix: prefix.to_owned(),
        name: prefix.to_owned(),
        seed: seed.short_stream(Stream::Lock(worker)),
        options: locks::Options::default(),
    };
    (0..).zip(addresses).map(client).collect()
}
