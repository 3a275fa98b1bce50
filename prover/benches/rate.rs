//! How fast locks are used through the prover, without faults, next to the bare client library over
//! the same number of connections.
//!
//! `cargo bench --profile dev -p prover --bench rate -- [connections] [seconds]`: starts a broker
//! in Docker, and alternates the two, so that the machine's noise falls on both alike. An operation
//! is an acquire or a release of the true mutex; the bare loop sends what they send.
#![allow(clippy::print_stdout, reason = "prints its figures")]

use std::collections::BTreeMap;
use std::fs::File;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use async_trait::async_trait;
use futures_util::future::try_join_all;
use history::Outline;
use lapin::options::{QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use locks::broker::{ConnectOptions, RabbitMq};
use locks::{Chosen, ExclusiveQueue, Lock};
use nemesis::{Done, LinkHarm, Schedule, System, SystemError, Worker};
use proxy::Embedded;
use run::seed::Seed;
use run::{Clock, Recording, Setup, Stage, execute};
use testbed::RealSystem;
use testbed::links::{Endpoint, Links, Route};
use testbed::testing::shared_broker;
use workloads::Params;

/// Alternating rounds.
const ROUNDS: u32 = 5;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let numbers: Vec<u32> = std::env::args()
        .skip(1)
        .filter_map(|text| text.parse().ok())
        .collect();
    let connections = numbers.first().copied().unwrap_or(5);
    let round = Duration::from_secs(numbers.get(1).copied().unwrap_or(30).into()) / (3 * ROUNDS);
    let broker = shared_broker()
        .await
        .context("there is no Docker here")?
        .amqp;
    let (mut bare, mut direct, mut proxied) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let loops = (0..connections).map(|number| bare_loop(broker, number, round));
        bare.push(rate(try_join_all(loops).await?.iter().sum(), round));
        direct.push(rate(
            through_prover(&vec![broker; connections as usize], &Nothing, round).await?,
            round,
        ));
        proxied.push(rate(
            through_proxy(broker, connections, round).await?,
            round,
        ));
    }
    let bare = median(bare);
    println!("{connections} connections, median of {ROUNDS} rounds of {round:?}");
    println!("bare lapin               {bare:8.0} operations/s");
    for (name, rates) in [("prover", direct), ("prover and its proxy", proxied)] {
        let rate = median(rates);
        println!(
            "{name:<24} {rate:8.0} operations/s  {:.1} %",
            100.0 * rate / bare
        );
    }
    Ok(())
}

/// Takes and gives back an exclusive queue of its own until the time is up.
async fn bare_loop(broker: SocketAddr, number: u32, round: Duration) -> anyhow::Result<usize> {
    let uri = format!("amqp://{broker}/%2f");
    let connection = Connection::connect(&uri, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    let queue = format!("rate-bare.{number}");
    let exclusive = QueueDeclareOptions {
        exclusive: true,
        ..QueueDeclareOptions::default()
    };
    let passive = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    let began = Instant::now();
    let mut operations = 0;
    while began.elapsed() < round {
        let name = queue.as_str();
        channel
            .queue_declare(name.into(), exclusive, FieldTable::default())
            .await?;
        let asked = channel.queue_declare(name.into(), passive, FieldTable::default());
        let deleted = channel.queue_delete(name.into(), QueueDeleteOptions::default());
        tokio::try_join!(asked, deleted)?;
        operations += 2;
    }
    Ok(operations)
}

async fn through_proxy(
    broker: SocketAddr,
    connections: u32,
    round: Duration,
) -> anyhow::Result<usize> {
    let route = Route {
        service: "rabbitmq".to_owned(),
        upstream: broker.to_string(),
        endpoints: (0..connections).map(|_| Endpoint::local()).collect(),
    };
    let links = Links::create(Arc::new(Embedded::new(0)), &[route]).await?;
    let addresses = (0..links.workers()).map(|worker| links.addresses(worker));
    let addresses = addresses.collect::<Result<Vec<_>, _>>()?.concat();
    let operations = through_prover(&addresses, &RealSystem::of_links(&links), round).await?;
    links.delete().await?;
    Ok(operations)
}

/// A whole run with a key for everybody; counts the operations that its history says were done.
async fn through_prover(
    addresses: &[SocketAddr],
    system: &dyn System,
    round: Duration,
) -> anyhow::Result<usize> {
    let connections = u32::try_from(addresses.len())?;
    let params = Params {
        concurrency: connections,
        rate_per_second: 1e6,
        keys: 100 * connections,
        hold: Duration::ZERO,
        verify_every: Duration::from_secs(1),
        slots: 1,
        files_decrements: false,
        burst: false,
    };
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("history.jsonl");
    let setup = Setup {
        workload: workloads::find("mutex").context("the workload mutex")?,
        lock: Chosen::from(Arc::new(ExclusiveQueue) as Arc<dyn Lock>),
        params: &params,
        schedule: &Schedule::default(),
        seed: Seed(1),
        time_limit: round,
        // What the last phase does is not counted.
        goal: None,
        finish_within: Duration::ZERO,
        operation_timeout: Duration::from_secs(10),
        outline: Outline::default(),
    };
    let file = File::create(&path)?;
    let stage = Stage {
        clients: addresses.iter().map(client).collect(),
        system,
        clock: Clock::of_runtime(),
        folder: None,
    };
    execute(setup, stage, Recording::new(file), std::future::pending()).await?;
    let history = history::jsonl::read(File::open(&path)?)?;
    let limit = u64::try_from(round.as_nanos())?;
    let done = history
        .events()
        .iter()
        .filter(|event| event.kind == history::Kind::Ok && event.time <= limit);
    Ok(done.count())
}

fn client(address: &SocketAddr) -> locks::ClientConfig {
    let connect = ConnectOptions {
        address: address.to_string(),
        ..ConnectOptions::default()
    };
    locks::ClientConfig {
        broker: Arc::new(RabbitMq),
        connect,
        endpoints: Vec::new(),
        run: locks::RunContext::default(),
        prefix: "rate".to_owned(),
        name: "rate".to_owned(),
        seed: 0,
        options: locks::Options::default(),
    }
}

/// Nothing can be broken.
struct Nothing;

#[async_trait]
impl System for Nothing {
    async fn harm_link(&self, _: Worker, _: &LinkHarm) -> Result<(), SystemError> {
        Ok(())
    }

    async fn heal(&self, _: Worker) -> Done {
        Ok(BTreeMap::new())
    }
}

fn rate(operations: usize, round: Duration) -> f64 {
    operations as f64 / round.as_secs_f64()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
