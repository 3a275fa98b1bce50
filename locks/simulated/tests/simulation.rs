//! What only a simulated broker can show: the same seed is the same run, and faults of the kind
//! that take a testbed otherwise.

#[path = "../../tests/common/mod.rs"]
mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use common::{soon, until};
use futures_util::FutureExt;
use futures_util::future::join_all;
use locks::broker::{
    Broker, Channel, Confirm, ConnectOptions, Connection, ConnectionEvent, Party, Publish,
    QueueOptions,
};
use locks::{ALL, Answer, ClientConfig, Error, ErrorKind, ExclusiveQueue, Lock, Loss, Session};
use simulated::{Latency, Shutdown, Simulation};
use tokio::time::{Instant, sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);
const DURABLE: QueueOptions = QueueOptions {
    durable: true,
    ..QueueOptions::SHARED
};
const EXCLUSIVE: QueueOptions = QueueOptions {
    exclusive: true,
    ..QueueOptions::SHARED
};

fn options(link: usize) -> ConnectOptions {
    ConnectOptions {
        address: Simulation::address(link),
        name: format!("client-{link}"),
        ..ConnectOptions::default()
    }
}

fn client(simulation: &Simulation, link: usize) -> ClientConfig {
    ClientConfig {
        broker: Arc::new(simulation.clone()),
        connect: options(link),
        endpoints: Vec::new(),
        run: locks::RunContext::default(),
        prefix: "run".into(),
        name: format!("client-{link}"),
        seed: link as u64,
        options: locks::Options::default(),
    }
}

async fn connect(simulation: &Simulation, link: usize) -> Box<dyn Connection> {
    simulation.connect(&options(link)).await.unwrap()
}

async fn confirming(connection: &dyn Connection) -> Box<dyn Channel> {
    let channel = connection.channel().await.unwrap();
    channel.confirm_select().await.unwrap();
    channel
}

fn kind<T>(result: Result<T, Error>) -> ErrorKind {
    result.err().expect("is refused").kind
}

/// Runs something in a runtime of its own whose clock is paused.
fn virtually<T>(run: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(run)
}

/// Three clients want one lock over and over, while their links break and heal. What happened, to
/// the byte.
async fn turbulence(lock: &dyn Lock, seed: u64) -> String {
    let simulation = Simulation::new(seed, 3);
    simulation.begin_trace();
    lock.create(&client(&simulation, 0), "a", 1).await.unwrap();
    let workers = (0..3).map(|link| want_again_and_again(lock, client(&simulation, link)));
    let faults = async {
        for link in [1, 2, 0] {
            sleep(SECOND).await;
            simulation.partition(link).unwrap();
            sleep(2 * SECOND).await;
            simulation.heal(link).unwrap();
            simulation.cut((link + 1) % 3).unwrap();
            sleep(SECOND).await;
            simulation.heal((link + 1) % 3).unwrap();
        }
    };
    tokio::join!(join_all(workers), faults);
    simulation.take_trace()
}

async fn want_again_and_again(lock: &dyn Lock, client: ClientConfig) {
    let end = Instant::now() + 12 * SECOND;
    while Instant::now() < end {
        let Ok(mut session) = lock.open(&client).await else {
            sleep(SECOND / 5).await;
            continue;
        };
        while Instant::now() < end {
            let round = async {
                session.acquire("a").await?;
                sleep(SECOND / 20).await;
                session.verify("a").await?;
                session.release("a").await
            };
            match timeout(SECOND, round).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) if error.kind.certainty().is_definite() => sleep(SECOND / 50).await,
                _ => break,
            }
            if session.loss_notification().now_or_never().is_some() {
                break;
            }
        }
    }
}

#[test]
fn the_same_seed_is_the_same_run() {
    let mut traces = Vec::new();

    for seed in 0..200 {
        let lock = &*ALL[usize::try_from(seed).unwrap() % ALL.len()];
        let run = || virtually(turbulence(lock, seed));
        let (first, second) = (run(), run());
        assert!(first == second, "seed {seed} of {lock:?} ran in two ways");
        assert!(first.lines().count() > 500, "{lock:?}: {first}");
        traces.push(first);
    }
    traces.sort_unstable();
    traces.dedup();
    assert_eq!(traces.len(), 200, "seeds differ");
}

#[test]
fn every_lock_excludes_as_long_as_nothing_breaks() {
    for lock in ALL.iter().map(|lock| &**lock) {
        for seed in 0..20 {
            virtually(contend(lock, seed));
        }
    }
}

async fn contend(lock: &dyn Lock, seed: u64) {
    let simulation = Simulation::new(seed, 3);
    lock.create(&client(&simulation, 0), "a", 1).await.unwrap();
    let inside = AtomicU32::new(0);
    let grants = AtomicU32::new(0);
    let workers = (0..3).map(|link| {
        let (client, inside, grants) = (client(&simulation, link), &inside, &grants);
        async move {
            let mut session = lock.open(&client).await.unwrap();
            let end = Instant::now() + 5 * SECOND;
            while Instant::now() < end {
                match session.acquire("a").await {
                    Ok(_) => {}
                    Err(error) => {
                        assert!(error.kind.certainty().is_definite(), "{lock:?}: {error:?}");
                        continue;
                    }
                }
                assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "{lock:?}");
                grants.fetch_add(1, Ordering::SeqCst);
                assert_eq!(session.verify("a").await, Ok(Answer::Held), "{lock:?}");
                assert_eq!(inside.fetch_sub(1, Ordering::SeqCst), 1, "{lock:?}");
                session.release("a").await.unwrap();
            }
            session.close().await;
        }
    });
    join_all(workers).await;
    assert!(grants.into_inner() > 50, "{lock:?}");
}

/// Two sessions of a lock, of which the first holds it.
async fn held(simulation: &Simulation, lock: &dyn Lock) -> (Box<dyn Session>, Box<dyn Session>) {
    let clients = [client(simulation, 0), client(simulation, 1)];
    lock.create(&clients[0], "a", 1).await.unwrap();
    let mut holder = lock.open(&clients[0]).await.unwrap();
    let other = lock.open(&clients[1]).await.unwrap();
    holder.acquire("a").await.unwrap();
    (holder, other)
}

async fn acquires(session: &mut dyn Session) -> Duration {
    let began = Instant::now();
    until(async || session.acquire("a").await.is_ok()).await;
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_partitioned_holder_hears_of_it_before_another_gets_the_lock() {
    for lock in ALL.iter().map(|lock| &**lock) {
        let simulation = Simulation::new(3, 2);
        let (mut holder, mut other) = held(&simulation, lock).await;
        simulation.partition(0).unwrap();
        let began = Instant::now();
        let notification = async { (holder.loss_notification().await, began.elapsed()) };
        let ((loss, noticed), freed) = tokio::join!(notification, acquires(&mut *other));
        let Loss::All(error) = loss else {
            panic!("{lock:?}: a dead connection is the end of the session")
        };
        assert_eq!(error.kind, ErrorKind::HeartbeatMissed, "{lock:?}");
        assert!(noticed < 5 * SECOND, "{lock:?}: {noticed:?}");
        assert!(freed < 13 * SECOND / 2, "{lock:?}: {freed:?}");
        assert_eq!(other.verify("a").await, Ok(Answer::Held));
    }
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_heals_early_is_survived_by_the_hold() {
    for lock in ALL.iter().map(|lock| &**lock) {
        let simulation = Simulation::new(4, 2);
        let (mut holder, mut other) = held(&simulation, lock).await;
        simulation.partition(0).unwrap();
        {
            let mut verifying = holder.verify("a");
            assert!(timeout(SECOND, &mut verifying).await.is_err(), "{lock:?}");
            simulation.heal(0).unwrap();
            assert_eq!(soon(verifying).await, Ok(Answer::Held), "{lock:?}");
        }
        assert!(
            holder.loss_notification().now_or_never().is_none(),
            "{lock:?}"
        );
        other.acquire("a").await.unwrap_err();
        holder.release("a").await.unwrap();
        acquires(&mut *other).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_cut_holder_hears_of_it_at_once_and_comes_back_after_healing() {
    for lock in ALL.iter().map(|lock| &**lock) {
        let simulation = Simulation::new(5, 2);
        let (mut holder, mut other) = held(&simulation, lock).await;
        simulation.cut(0).unwrap();
        let Loss::All(error) = soon(holder.loss_notification()).await else {
            panic!("{lock:?}: a dead connection is the end of the session")
        };
        assert_eq!(error.kind, ErrorKind::Io, "{lock:?}");
        assert!(acquires(&mut *other).await < SECOND, "{lock:?}");
        let refused = lock.open(&client(&simulation, 0)).await;
        assert_eq!(kind(refused), ErrorKind::Io, "{lock:?}");
        simulation.heal(0).unwrap();
        let mut again = lock.open(&client(&simulation, 0)).await.unwrap();
        assert!(again.acquire("a").await.is_err(), "{lock:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_not_heard_is_given_up_while_it_believes() {
    let simulation = Simulation::new(6, 2);
    let (mut holder, mut other) = held(&simulation, &ExclusiveQueue).await;
    simulation.partition_upstream(0).unwrap();
    let began = Instant::now();
    let notification = async { (holder.loss_notification().await, began.elapsed()) };
    let ((loss, noticed), freed) = tokio::join!(notification, acquires(&mut *other));
    let Loss::All(error) = loss else {
        panic!("the session is over")
    };
    assert_eq!(
        error.kind,
        ErrorKind::Io,
        "the end of the stream, and no reason"
    );
    assert!(noticed >= 3 * SECOND, "{noticed:?}");
    assert!(
        noticed.abs_diff(freed) < SECOND / 10,
        "{noticed:?} {freed:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hears_nothing_gives_up_and_is_not_given_up() {
    let simulation = Simulation::new(7, 2);
    let (mut holder, mut other) = held(&simulation, &ExclusiveQueue).await;
    simulation.partition_downstream(0).unwrap();
    let Loss::All(error) = soon(holder.loss_notification()).await else {
        panic!("the session is over")
    };
    assert_eq!(error.kind, ErrorKind::HeartbeatMissed);
    // Its close goes through.
    assert!(acquires(&mut *other).await < SECOND / 10);
}

#[tokio::test(start_paused = true)]
async fn what_a_given_up_client_had_under_way_is_lost() {
    let simulation = Simulation::new(8, 2);
    let quiet = ConnectOptions {
        heartbeat: 5 * SECOND,
        ..options(0)
    };
    let connection = simulation.connect(&quiet).await.unwrap();
    let channel = confirming(&*connection).await;
    let other_connection = connect(&simulation, 1).await;
    let other = confirming(&*other_connection).await;
    other.declare("q", &DURABLE).await.unwrap();
    simulation.partition_upstream(0).unwrap();
    let ping = Publish::ping();
    let lost = soon(channel.publish("q", &ping)).await;
    assert_eq!(kind(lost), ErrorKind::Io);
    simulation.heal(0).unwrap();
    sleep(SECOND).await;
    let status = other.declare("q", &QueueOptions::PASSIVE).await.unwrap();
    assert_eq!(status.messages, 0);
}

#[tokio::test(start_paused = true)]
async fn connecting_through_a_partition_waits_and_then_succeeds() {
    let simulation = Simulation::new(9, 1);
    simulation.partition(0).unwrap();
    let heal = async {
        sleep(3 * SECOND).await;
        simulation.heal(0).unwrap();
    };
    let connect = options(0);
    let (connected, ()) = tokio::join!(simulation.connect(&connect), heal);
    assert!(
        confirming(&*connected.unwrap())
            .await
            .closed()
            .now_or_never()
            .is_none()
    );
    let impatient = ConnectOptions {
        timeout: SECOND,
        ..options(0)
    };
    simulation.partition(0).unwrap();
    let connected = simulation.connect(&impatient).await;
    assert_eq!(kind(connected), ErrorKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn a_restart_keeps_what_is_durable() {
    let persistent = Publish {
        persistent: true,
        ..Publish::ping()
    };
    for how in [Shutdown::Stopped, Shutdown::Killed] {
        let simulation = Simulation::new(10, 1);
        let connection = connect(&simulation, 0).await;
        let channel = confirming(&*connection).await;
        channel.declare("durable", &DURABLE).await.unwrap();
        channel
            .declare("transient", &QueueOptions::SHARED)
            .await
            .unwrap();
        channel.publish("durable", &persistent).await.unwrap();
        channel.publish("durable", &Publish::ping()).await.unwrap();
        channel.get("durable", false).await.unwrap().unwrap();
        simulation.stop(how);
        let closed = soon(connection.closed()).await;
        let expected = match how {
            Shutdown::Stopped => (Party::Server, ErrorKind::ConnectionForced),
            Shutdown::Killed => (Party::Transport, ErrorKind::Io),
        };
        assert_eq!((closed.by, closed.error.kind), expected);
        let refused = simulation.connect(&options(0)).await;
        assert_eq!(kind(refused), ErrorKind::ConnectionRefused);
        simulation.start();
        let connection = connect(&simulation, 0).await;
        let channel = confirming(&*connection).await;
        let status = channel.declare("durable", &QueueOptions::PASSIVE).await;
        assert_eq!(status.unwrap().messages, 1);
        let gone = channel.declare("transient", &QueueOptions::PASSIVE).await;
        assert_eq!(kind(gone), ErrorKind::NotFound);
    }
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_stays_unsettled_costs_its_channel() {
    let simulation = Simulation::new(11, 1);
    simulation.set_consumer_timeout(90 * SECOND);
    let connection = connect(&simulation, 0).await;
    let channel = confirming(&*connection).await;
    channel.declare("q", &EXCLUSIVE).await.unwrap();
    channel.publish("q", &Publish::ping()).await.unwrap();
    channel.get("q", false).await.unwrap().unwrap();
    let began = Instant::now();
    let error = channel.closed().await;
    assert_eq!(error.kind, ErrorKind::ChannelClosed);
    assert!(error.text.contains("delivery acknowledgement"), "{error}");
    assert!((90 * SECOND..=151 * SECOND).contains(&began.elapsed()));
    let channel = confirming(&*connection).await;
    assert!(channel.get("q", true).await.unwrap().unwrap().redelivered);
}

#[tokio::test(start_paused = true)]
async fn who_is_blocked_writes_nothing_and_is_not_given_up() {
    let simulation = Simulation::new(12, 2);
    let connection = connect(&simulation, 0).await;
    let channel = confirming(&*connection).await;
    channel.declare("q", &EXCLUSIVE).await.unwrap();
    let mut events = connection.events();
    simulation.set_memory_alarm(true);
    let ping = channel.publish("q", &Publish::ping()).await;
    assert_eq!(ping, Ok(Confirm::Ack), "the one that blocks is still taken");
    let blocked = soon(futures_util::StreamExt::next(&mut events)).await;
    assert_eq!(
        blocked,
        Some(ConnectionEvent::Blocked("low on memory".into()))
    );
    let purging = timeout(20 * SECOND, channel.purge("q"));
    assert!(purging.await.is_err(), "ten times its heartbeat");
    simulation.set_memory_alarm(false);
    assert_eq!(
        soon(channel.purge("q")).await,
        Ok(0),
        "the first purge was late"
    );
    let other = connect(&simulation, 1).await;
    let locked = confirming(&*other).await.declare("q", &EXCLUSIVE).await;
    assert_eq!(kind(locked), ErrorKind::ResourceLocked);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_modelled_is_an_error() {
    let simulation = Simulation::new(13, 1);
    let connection = connect(&simulation, 0).await;
    let channel = confirming(&*connection).await;
    assert_eq!(kind(channel.purge("").await), ErrorKind::NotImplemented);
    let closed = connection.closed().await;
    assert_eq!(closed.error.kind, ErrorKind::NotImplemented);
    for address in ["sim:1", "127.0.0.1:5672", "sim:", "sim:x"] {
        let elsewhere = ConnectOptions {
            address: address.into(),
            ..options(0)
        };
        let refused = simulation.connect(&elsewhere).await;
        assert_eq!(kind(refused), ErrorKind::Invalid, "{address}");
    }
    assert!(simulation.partition(1).is_err());
}

#[tokio::test(start_paused = true)]
async fn time_is_finer_than_the_clock() {
    let simulation = Simulation::new(14, 1);
    let latency = Latency {
        min: Duration::from_micros(10),
        max: Duration::from_micros(20),
    };
    simulation.set_latency(0, latency).unwrap();
    let connection = connect(&simulation, 0).await;
    let channel = confirming(&*connection).await;
    channel.declare("q", &EXCLUSIVE).await.unwrap();
    let (clock, began) = (Instant::now(), simulation.elapsed());
    for _ in 0..10 {
        channel.purge("q").await.unwrap();
    }
    let took = simulation.elapsed() - began;
    assert!((200..=1400).contains(&took.as_micros()), "{took:?}");
    assert!(clock.elapsed() <= Duration::from_millis(2));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_nobody_holds_closes_after_its_channels() {
    let simulation = Simulation::new(15, 2);
    let connection = connect(&simulation, 0).await;
    let channel = confirming(&*connection).await;
    channel.declare("q", &EXCLUSIVE).await.unwrap();
    drop(connection);
    sleep(10 * SECOND).await;
    let ping = channel.publish("q", &Publish::ping()).await;
    assert_eq!(ping, Ok(Confirm::Ack), "the channel keeps its connection");
    drop(channel);
    let other = connect(&simulation, 1).await;
    sleep(SECOND).await;
    confirming(&*other)
        .await
        .declare("q", &EXCLUSIVE)
        .await
        .unwrap();
}
