//! How fast the true mutex is here, next to the bare client library: lock operations a second over
//! the same number of connections.
//!
//! `cargo run --release -p locks --example rate -- 127.0.0.1:5672 [connections] [seconds]`
#![allow(clippy::print_stdout, reason = "prints its figures")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, ConnectionProperties};
use locks::broker::{ConnectOptions, RabbitMq};
use locks::{ClientConfig, ExclusiveQueue, Lock};

/// Alternating rounds, so that the machine's noise falls on both alike.
const ROUNDS: usize = 5;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().unwrap_or("127.0.0.1:5672".into());
    let connections = arguments.next().map_or(Ok(5), |count| count.parse())?;
    let seconds: u64 = arguments.next().map_or(Ok(10), |count| count.parse())?;
    let round = Duration::from_secs(seconds) / (2 * ROUNDS) as u32;
    let (mut bare, mut locked) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let loops = (0..connections).map(|number| bare_loop(&address, number, round));
        bare.push(rate(try_join_all(loops).await?, round));
        let loops = (0..connections).map(|number| lock_loop(&address, number, round));
        locked.push(rate(try_join_all(loops).await?, round));
    }
    let (bare, locked) = (median(bare), median(locked));
    println!("{connections} connections, median of {ROUNDS} rounds of {round:?}");
    println!("bare lapin       {bare:8.0} operations/s");
    println!(
        "exclusive-queue  {locked:8.0} operations/s  {:.1} %",
        100.0 * locked / bare
    );
    Ok(())
}

/// Declares, publishes and deletes until the time is up.
async fn bare_loop(address: &str, number: usize, round: Duration) -> anyhow::Result<u32> {
    let uri = format!("amqp://{address}/%2f");
    let connection = lapin::Connection::connect(&uri, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await?;
    let queue = format!("rate-bare.{number}");
    let exclusive = QueueDeclareOptions {
        exclusive: true,
        ..QueueDeclareOptions::default()
    };
    let mandatory = BasicPublishOptions {
        mandatory: true,
        ..BasicPublishOptions::default()
    };
    let begin = Instant::now();
    let mut operations = 0;
    while begin.elapsed() < round {
        let name = queue.as_str();
        channel
            .queue_declare(name.into(), exclusive, FieldTable::default())
            .await?;
        let properties = BasicProperties::default();
        channel
            .basic_publish("".into(), name.into(), mandatory, &[], properties)
            .await?
            .await?;
        channel
            .queue_delete(name.into(), QueueDeleteOptions::default())
            .await?;
        operations += 3;
    }
    Ok(operations)
}

/// Acquires, verifies and releases until the time is up.
async fn lock_loop(address: &str, number: usize, round: Duration) -> anyhow::Result<u32> {
    let client = ClientConfig {
        broker: Arc::new(RabbitMq),
        connect: ConnectOptions {
            address: address.into(),
            ..ConnectOptions::default()
        },
        endpoints: Vec::new(),
        run: locks::RunContext::default(),
        prefix: "rate".into(),
        name: format!("rate-{number}"),
        seed: 0,
        options: locks::Options::default(),
    };
    let mut session = ExclusiveQueue.open(&client).await?;
    let key = number.to_string();
    let begin = Instant::now();
    let mut operations = 0;
    while begin.elapsed() < round {
        session.acquire(&key).await?;
        session.verify(&key).await?;
        session.release(&key).await?;
        operations += 3;
    }
    session.close().await;
    Ok(operations)
}

fn rate(operations: Vec<u32>, round: Duration) -> f64 {
    f64::from(operations.iter().sum::<u32>()) / round.as_secs_f64()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}
