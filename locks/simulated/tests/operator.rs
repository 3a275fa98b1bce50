//! What an operator does to a simulated broker, and a broker that stands still.

#[path = "../../tests/common/mod.rs"]
mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::soon;
use futures_util::StreamExt;
use locks::ErrorKind;
use locks::broker::{
    Broker, Channel, Confirm, ConnectOptions, Connection, ConnectionEvent, ConsumeOptions,
    ConsumerEvent, Party, Publish, QueueOptions,
};
use simulated::{Shutdown, Simulation};
use tokio::time::{sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);
const EXCLUSIVE: QueueOptions = QueueOptions {
    exclusive: true,
    ..QueueOptions::SHARED
};

async fn connect(simulation: &Simulation, link: usize, name: &str) -> Box<dyn Connection> {
    let options = ConnectOptions {
        address: Simulation::address(link),
        name: name.into(),
        heartbeat: 2 * SECOND,
        ..ConnectOptions::default()
    };
    simulation.connect(&options).await.unwrap()
}

async fn confirming(connection: &dyn Connection) -> Box<dyn Channel> {
    let channel = connection.channel().await.unwrap();
    channel.confirm_select().await.unwrap();
    channel
}

async fn fill(channel: &dyn Channel, queue: &str, options: &QueueOptions, count: u32) {
    channel.declare(queue, options).await.unwrap();
    for _ in 0..count {
        let confirm = channel.publish(queue, &Publish::ping()).await;
        assert_eq!(confirm, Ok(Confirm::Ack));
    }
}

async fn count(channel: &dyn Channel, queue: &str) -> u32 {
    let status = channel.declare(queue, &QueueOptions::PASSIVE).await;
    status.unwrap().messages
}

#[tokio::test(start_paused = true)]
async fn connections_are_closed_by_their_names() {
    let simulation = Simulation::new(1, 1);
    let meant = [
        connect(&simulation, 0, "run-1").await,
        connect(&simulation, 0, "run-1-a").await,
    ];
    let other = connect(&simulation, 0, "run-10").await;
    let closed = simulation.close_connections(&["run-1".into(), "nobody".into()], "for a test");
    assert_eq!(closed, ["run-1", "run-1-a"]);
    for connection in &meant {
        let told = soon(connection.closed()).await;
        assert_eq!(told.by, Party::Server);
        assert_eq!(told.error.kind, ErrorKind::ConnectionForced);
        assert!(told.error.text.ends_with("for a test"));
    }
    assert!(other.channel().await.is_ok());
    let losses = simulation.losses();
    let losses = losses.iter().map(|loss| loss.connection.as_str());
    assert_eq!(losses.collect::<Vec<_>>(), ["run-1", "run-1-a"]);
}

#[tokio::test(start_paused = true)]
async fn queues_are_purged_and_deleted_whoever_has_them() {
    let simulation = Simulation::new(2, 1);
    let connection = connect(&simulation, 0, "run").await;
    let channel = confirming(&*connection).await;
    fill(&*channel, "a-1", &QueueOptions::SHARED, 2).await;
    fill(&*channel, "a-2", &EXCLUSIVE, 1).await;
    fill(&*channel, "b", &QueueOptions::SHARED, 1).await;
    let counts = |one, two| BTreeMap::from([("a-1".into(), one), ("a-2".into(), two)]);
    assert_eq!(simulation.purge_queues("a-"), counts(2, 1));
    assert_eq!(count(&*channel, "a-1").await, 0);
    let options = ConsumeOptions::default();
    let mut consumer = channel.consume("a-2", &options).await.unwrap();
    assert_eq!(simulation.delete_queues("a-"), counts(0, 0));
    assert_eq!(
        soon(consumer.events.next()).await,
        Some(ConsumerEvent::Cancelled)
    );
    assert_eq!(simulation.delete_queues("a-"), BTreeMap::new());
    assert_eq!(count(&*channel, "b").await, 1);
}

#[tokio::test(start_paused = true)]
async fn of_an_alarm_the_reason_is_told_and_the_last_one_lets_go() {
    let simulation = Simulation::new(3, 1);
    let connection = connect(&simulation, 0, "run").await;
    let channel = confirming(&*connection).await;
    let mut events = connection.events();
    channel.declare("a", &EXCLUSIVE).await.unwrap();
    simulation.set_disk_alarm(true);
    let confirm = channel.publish("a", &Publish::ping()).await;
    assert_eq!(confirm, Ok(Confirm::Ack), "that one is still taken");
    let blocked = soon(events.next()).await;
    assert_eq!(
        blocked,
        Some(ConnectionEvent::Blocked("low on disk".into()))
    );
    simulation.set_memory_alarm(true);
    simulation.set_disk_alarm(false);
    assert!(timeout(SECOND, events.next()).await.is_err());
    simulation.set_memory_alarm(false);
    assert_eq!(soon(events.next()).await, Some(ConnectionEvent::Unblocked));
}

#[tokio::test(start_paused = true)]
async fn a_policy_shortens_and_ends_queues() {
    let simulation = Simulation::new(4, 1);
    let connection = connect(&simulation, 0, "run").await;
    let channel = confirming(&*connection).await;
    let short = QueueOptions {
        max_length: Some(1),
        expires: Some(SECOND),
        ..QueueOptions::SHARED
    };
    fill(&*channel, "a-long", &QueueOptions::SHARED, 4).await;
    fill(&*channel, "a-short", &short, 1).await;
    fill(&*channel, "b", &QueueOptions::SHARED, 4).await;
    simulation.set_policy("a-", Some(3 * SECOND), Some(2));
    assert_eq!(count(&*channel, "a-long").await, 2, "its head is dropped");
    fill(&*channel, "a-long", &QueueOptions::SHARED, 1).await;
    assert_eq!(count(&*channel, "a-long").await, 2);
    assert_eq!(count(&*channel, "a-short").await, 1, "the lower counts");
    sleep(2 * SECOND).await;
    let left = simulation.purge_queues("a-");
    assert_eq!(left.into_keys().collect::<Vec<_>>(), ["a-long"]);
    sleep(2 * SECOND).await;
    assert_eq!(simulation.purge_queues("a-"), BTreeMap::new());
    assert_eq!(count(&*channel, "b").await, 4);

    fill(&*channel, "a-new", &QueueOptions::SHARED, 3).await;
    assert_eq!(
        count(&*channel, "a-new").await,
        2,
        "it is for those to come"
    );
    simulation.clear_policy();
    sleep(10 * SECOND).await;
    fill(&*channel, "a-new", &QueueOptions::SHARED, 3).await;
    assert_eq!(count(&*channel, "a-new").await, 5);
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_stands_still_reads_in_order_when_it_goes_on() {
    let simulation = Simulation::new(5, 2);
    let connection = connect(&simulation, 0, "run").await;
    let channel = confirming(&*connection).await;
    fill(&*channel, "a", &QueueOptions::SHARED, 1).await;
    simulation.pause();
    let asking = channel.purge("a");
    let coming = connect(&simulation, 1, "late");
    tokio::pin!(asking, coming);
    assert!(timeout(SECOND, &mut asking).await.is_err());
    assert!(timeout(SECOND, &mut coming).await.is_err());
    simulation.resume();
    assert_eq!(soon(asking).await, Ok(1));
    soon(coming).await.close().await.unwrap();
    assert!(simulation.losses().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_client_gives_up_a_broker_that_stands_still_for_long() {
    let simulation = Simulation::new(6, 1);
    let connection = connect(&simulation, 0, "run").await;
    let channel = confirming(&*connection).await;
    channel.declare("a", &EXCLUSIVE).await.unwrap();
    simulation.pause();
    let told = soon(connection.closed()).await;
    assert_eq!(told.error.kind, ErrorKind::HeartbeatMissed);
    sleep(60 * SECOND).await;
    assert!(simulation.losses().is_empty(), "it sees nothing");
    let before = simulation.elapsed();
    simulation.resume();
    sleep(SECOND).await;
    let losses = simulation.losses();
    assert_eq!(losses.len(), 1, "{losses:?}");
    assert!(losses[0].at >= before);
    assert_eq!(
        losses[0].reason,
        "client unexpectedly closed TCP connection"
    );
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_dies_while_it_stands_still_is_dead() {
    let simulation = Simulation::new(7, 2);
    let connection = connect(&simulation, 0, "run").await;
    simulation.pause();
    let coming = connect(&simulation, 1, "late");
    tokio::pin!(coming);
    assert!(timeout(SECOND, &mut coming).await.is_err());
    simulation.stop(Shutdown::Killed);
    assert_eq!(soon(connection.closed()).await.error.kind, ErrorKind::Io);
    simulation.start();
    let again = connect(&simulation, 0, "run").await;
    assert!(soon(again.channel()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_noticed_with_the_time() {
    let simulation = Simulation::new(8, 1);
    let _connection = connect(&simulation, 0, "run").await;
    simulation.partition_upstream(0).unwrap();
    let began = simulation.elapsed();
    sleep(10 * SECOND).await;
    let losses = simulation.losses();
    let [loss] = losses.as_slice() else {
        panic!("{losses:?}")
    };
    let after = loss.at - began;
    assert!((2 * SECOND..=6 * SECOND).contains(&after), "{after:?}");
    assert_eq!(loss.reason, "missed heartbeats from client, timeout: 2s");
    assert_eq!(loss.connection, "run");
}
