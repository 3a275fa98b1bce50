//! What an operator can do to a broker of the run's own, seen from outside: by its clients, and by
//! what it says of itself.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use lapin::options::{
    BasicConsumeOptions, BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions,
    QueueDeclareOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use locks::broker::{Broker, ConnectOptions, Party};
use nemesis::{Evidence, Resource};
use testbed::services;
use testbed::testing::docker_or_skip;
use testbed::{Docker, Node, Plan, Silent, TestbedError};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot::Sender;

/// Longer than a broker takes to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

async fn start(plan: Plan) -> Docker {
    match Docker::start(plan, &Silent).await {
        Ok(testbed) => testbed,
        Err(error) => panic!("failed to {error}"),
    }
}

fn done(done: Result<Evidence, TestbedError>) -> Evidence {
    done.unwrap_or_else(|error| panic!("failed to {error}"))
}

async fn connect(node: &Node, name: &str, heartbeat: u16) -> (Connection, Channel) {
    connect_to(node.address(), name, heartbeat).await
}

async fn connect_to(address: SocketAddr, name: &str, heartbeat: u16) -> (Connection, Channel) {
    let url = format!("amqp://guest:guest@{address}/%2f?heartbeat={heartbeat}");
    let named = ConnectionProperties::default().with_connection_name(name.into());
    let connection = Connection::connect(&url, named).await.expect("guest");
    let channel = connection.create_channel().await.expect("a channel");
    let confirms = ConfirmSelectOptions::default();
    channel.confirm_select(confirms).await.expect("confirms");
    (connection, channel)
}

async fn declare(channel: &Channel, name: &str, exclusive: bool) {
    let options = QueueDeclareOptions {
        exclusive,
        durable: !exclusive,
        ..QueueDeclareOptions::default()
    };
    let declared = channel.queue_declare(name.into(), options, FieldTable::default());
    declared.await.expect("nobody has it");
}

/// How many messages are ready in a queue; none where there is no such queue.
async fn count(connection: &Connection, name: &str) -> Option<u32> {
    let passive = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    let channel = connection.create_channel().await.expect("a channel");
    let asked = channel.queue_declare(name.into(), passive, FieldTable::default());
    asked.await.ok().map(|queue| queue.message_count())
}

async fn publish(channel: &Channel, queue: &str, count: usize) {
    for _ in 0..count {
        publish_one(channel, queue).await;
    }
}

async fn publish_one(channel: &Channel, queue: &str) {
    let (options, persistent) = (
        BasicPublishOptions::default(),
        BasicProperties::default().with_delivery_mode(2),
    );
    let sent = channel.basic_publish("".into(), queue.into(), options, b"x", persistent);
    let confirm = sent.await.expect("it is sent").await;
    assert!(confirm.expect("it is confirmed").is_ack());
}

async fn until(mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < deadline, "it never came about");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_of_a_broker_is_seen_by_its_clients() {
    if !docker_or_skip().await {
        return;
    }
    let plan = Plan {
        clock: true,
        ..Plan::rabbitmq(None)
    };
    let testbed = start(plan).await;
    let node = &testbed.nodes()[0];
    connections_are_closed_by_their_names(node).await;
    alarms_block_who_publishes(node).await;
    queues_are_purged_and_deleted_whoever_has_them(node).await;
    a_policy_shortens_and_ends_queues(node).await;
    a_pause_is_survived(node).await;
    a_clock_jumps_and_nothing_is_given_up(node).await;
    who_is_stopped_tells_its_clients(node).await;
    testbed.stop().await.expect("everything goes");
}

async fn connections_are_closed_by_their_names(node: &Node) {
    let (old, _channel) = connect(node, "close-1", 60).await;
    let names = ["close-1".to_owned()];
    // Of this one, and of those below, the statistics know nothing yet.
    let evidence = done(node.close_connections(&names).await);
    assert_eq!(evidence["count"], 1, "{evidence:?}");
    until(async || !old.status().connected()).await;

    let (one, _channel) = connect(node, "close-1-a", 60).await;
    let (other, _other_channel) = connect(node, "close-10", 60).await;
    let evidence = done(node.close_connections(&names).await);
    assert_eq!(evidence["closed"], serde_json::json!(["close-1-a"]));
    until(async || !one.status().connected()).await;
    let known = || async {
        let listed = done(node.close_connections(&[]).await);
        listed["count"] == 0
    };
    assert!(known().await, "no name, no connection");
    assert!(other.status().connected());

    // The second time the statistics may know it by now.
    tokio::time::timeout(PATIENCE, async {
        let evidence = done(node.close_connections(&["close-10".to_owned()]).await);
        assert_eq!(evidence["closed"], serde_json::json!(["close-10"]));
    })
    .await
    .expect("it is closed");
    until(async || !other.status().connected()).await;
    let noticed = node.noticed(&["close-10".to_owned()]).await;
    let noticed = noticed.expect("a log");
    let forced = "connection_forced: \"closed by the operator\"";
    assert!(noticed[0].reason.ends_with(forced), "{noticed:?}");
}

async fn alarms_block_who_publishes(node: &Node) {
    let (connection, channel) = connect(node, "alarm", 60).await;
    declare(&channel, "alarm", false).await;
    for memory in [true, false] {
        let set = async |raised| {
            done(match memory {
                true => node.alarm(Resource::Memory, raised).await,
                false => node.alarm(Resource::Disk, raised).await,
            })
        };
        let field = if memory {
            "mem_alarm"
        } else {
            "disk_free_alarm"
        };
        let evidence = set(true).await;
        assert_eq!(evidence[field], true, "{evidence:?}");
        let publishing = publish_one(&channel, "alarm");
        tokio::pin!(publishing);
        let waited = tokio::time::timeout(Duration::from_secs(1), &mut publishing).await;
        assert!(waited.is_err(), "it is blocked");
        assert!(connection.status().blocked());
        let evidence = set(false).await;
        assert_eq!(evidence[field], false, "{evidence:?}");
        assert_eq!(evidence["alarms"], serde_json::json!([]));
        publishing.await;
    }
    done(node.delete_queues("alarm").await);
}

async fn queues_are_purged_and_deleted_whoever_has_them(node: &Node) {
    let (connection, channel) = connect(node, "has", 60).await;
    for (name, exclusive) in [("it-a", false), ("it-b", true), ("other", false)] {
        declare(&channel, name, exclusive).await;
        publish(&channel, name, 2).await;
    }
    let both = serde_json::json!({"it-a": 2, "it-b": 2});
    let evidence = done(node.purge_queues("it-").await);
    assert_eq!(evidence["purged"], both);
    assert_eq!(count(&connection, "it-a").await, Some(0));
    assert_eq!(count(&connection, "it-b").await, Some(0));

    publish(&channel, "it-a", 1).await;
    let consumed = channel.basic_consume(
        "it-b".into(),
        "consumer".into(),
        BasicConsumeOptions::default(),
        FieldTable::default(),
    );
    let mut consumer = consumed.await.expect("its own");
    let evidence = done(node.delete_queues("it-").await);
    assert_eq!(
        evidence["deleted"],
        serde_json::json!({"it-a": 1, "it-b": 0})
    );
    assert!(consumer.next().await.is_none(), "it is told");
    assert_eq!(count(&connection, "it-a").await, None);
    assert_eq!(count(&connection, "it-b").await, None);
    assert_eq!(count(&connection, "other").await, Some(2));
    let again = done(node.delete_queues("it-").await);
    assert_eq!(again["deleted"], serde_json::json!({}));
}

async fn a_policy_shortens_and_ends_queues(node: &Node) {
    let (connection, channel) = connect(node, "policy", 60).await;
    for (name, exclusive) in [("po.a", false), ("po.b", true), ("pola", false)] {
        declare(&channel, name, exclusive).await;
        publish(&channel, name, 3).await;
    }
    let second = Duration::from_secs(1);
    let evidence = done(node.set_policy("po.", None, Some(1)).await);
    assert_eq!(evidence["policy"]["pattern"], "^po\\.");
    assert_eq!(evidence["policy"]["definition"]["max-length"], 1);
    assert_eq!(evidence["queues"], serde_json::json!(["po.a", "po.b"]));
    assert_eq!(count(&connection, "po.a").await, Some(1));
    assert_eq!(count(&connection, "po.b").await, Some(1));

    done(node.set_policy("po.", Some(second), None).await);
    // Asking for it would be a use.
    tokio::time::timeout(PATIENCE, async {
        loop {
            let left = done(node.purge_queues("po.").await);
            if left["purged"] == serde_json::json!({}) {
                break;
            }
            tokio::time::sleep(second / 4).await;
        }
    })
    .await
    .expect("they expire");
    let evidence = done(node.clear_policy().await);
    assert_eq!(evidence["policy"], serde_json::Value::Null);
    assert_eq!(count(&connection, "pola").await, Some(3));
}

async fn a_pause_is_survived(node: &Node) {
    let (connection, channel) = connect(node, "pause", 60).await;
    assert_eq!(done(node.pause().await)["state"], "paused");
    let waited = tokio::time::timeout(Duration::from_millis(300), publish_one(&channel, "pola"));
    assert!(waited.await.is_err(), "it stands still");
    assert_eq!(done(node.resume().await)["state"], "running");
    assert_eq!(count(&connection, "pola").await, Some(4), "it was read");
    let noticed = node.noticed(&["pause".to_owned()]).await;
    assert_eq!(noticed.expect("a log"), []);
}

/// A client that is heard is kept, one that is silent is noticed in its time, and messages of an age
/// die by the new time.
async fn a_clock_jumps_and_nothing_is_given_up(node: &Node) {
    let hour_ms = 3_600_000;
    let (connection, channel) = connect(node, "clock", 1).await;
    let minute = FieldTable::from(BTreeMap::from([(
        "x-message-ttl".into(),
        AMQPValue::LongInt(60_000),
    )]));
    let options = QueueDeclareOptions::default();
    let declared = channel.queue_declare("mortal".into(), options, minute);
    declared.await.expect("nobody has it");
    publish(&channel, "mortal", 2).await;
    let evidence = done(node.clock_jump(hour_ms).await);
    let off = evidence["off_ms"].as_i64().expect("a number");
    assert!((off - hour_ms).abs() < 10_000, "{evidence:?}");
    until(async || {
        let got = channel.basic_get("mortal".into(), BasicGetOptions { no_ack: true });
        got.await.expect("an answer").is_none()
    })
    .await;

    a_silent_client_is_noticed(node).await;
    let evidence = done(node.clock_jump(-hour_ms).await);
    let off = evidence["off_ms"].as_i64().expect("a number");
    assert!(off.abs() < 10_000, "{evidence:?}");
    assert!(connection.status().connected(), "it lives on");
    publish(&channel, "mortal", 1).await;
    let noticed = node.noticed(&["clock".to_owned()]).await;
    assert_eq!(noticed.expect("a log"), []);
}

async fn a_silent_client_is_noticed(node: &Node) {
    let (address, stalls) = stalling_relay(node.address()).await;
    let (_silent, _channel) = connect_to(address, "silent", 1).await;
    stalls.send(()).expect("it is there");
    let names = ["silent".to_owned()];
    let noticed = async || node.noticed(&names).await.expect("a log");
    let began = Instant::now();
    until(async || !noticed().await.is_empty()).await;
    // Two to three heartbeats, and what a busy machine takes.
    assert!(began.elapsed() < Duration::from_secs(30));
    let reason = &noticed().await[0].reason;
    assert_eq!(reason, "missed heartbeats from client, timeout: 1s");
}

/// A way to an address for one connection, on which nothing passes any more when it is told so.
async fn stalling_relay(to: SocketAddr) -> (SocketAddr, Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("it is bound");
    let (stalls, stalled) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.expect("somebody comes");
        let mut server = TcpStream::connect(to).await.expect("it listens");
        let passing = tokio::io::copy_bidirectional(&mut client, &mut server);
        tokio::select! {
            _ = passing => {}
            // Both ends stay open.
            _ = stalled => std::future::pending().await,
        }
    });
    (address, stalls)
}

async fn who_is_stopped_tells_its_clients(node: &Node) {
    let (_keeper, channel) = connect(node, "keeper", 60).await;
    declare(&channel, "kept", false).await;
    publish(&channel, "kept", 1).await;
    let options = ConnectOptions {
        name: "stop".into(),
        ..services::connect(&node.place())
    };
    let told = locks::broker::RabbitMq.connect(&options).await;
    let told = told.expect("it is up");
    let evidence = done(node.stop().await);
    assert_eq!(evidence["state"], "exited");
    assert_eq!(evidence["exit_code"], 0);
    let closed = tokio::time::timeout(PATIENCE, told.closed()).await;
    let closed = closed.expect("it is told");
    // It is told why (the log says so, below), and the stream ends at once: lapin may see that first.
    let told = [
        (Party::Server, locks::ErrorKind::ConnectionForced),
        (Party::Transport, locks::ErrorKind::Io),
    ];
    assert!(told.contains(&(closed.by, closed.error.kind)), "{closed:?}");
    let evidence = done(node.start_again().await);
    assert_eq!(evidence["state"], "running");
    assert!(evidence["version"].is_string());

    let (connection, _channel) = connect(node, "after", 60).await;
    assert_eq!(count(&connection, "kept").await, Some(1), "it is durable");
    let evidence = done(node.kill().await);
    assert_eq!(evidence["exit_code"], 137);
    done(node.start_again().await);
    let noticed = node.noticed(&["stop".to_owned()]).await;
    let noticed = noticed.expect("a log");
    assert!(noticed[0].reason.contains("'shutdown'"), "{noticed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_stops_and_comes_back_and_only_a_broker_has_an_operator() {
    if !docker_or_skip().await {
        return;
    }
    let others = services::ALL.iter().filter(|one| one.name() != "rabbitmq");
    let others = others.map(|one| (*one, one.name().to_owned(), one.image(None)));
    let plan = Plan {
        services: others.collect(),
        ..Plan::rabbitmq(None)
    };
    let testbed = start(plan).await;
    futures_util::future::join_all(testbed.nodes().iter().map(stops_and_comes_back)).await;
    let refused = testbed.nodes()[0].alarm(Resource::Memory, true).await;
    let said = refused.expect_err("it has none").to_string();
    assert!(said.contains("is none; take RabbitMQ"), "{said}");
    testbed.stop().await.expect("everything goes");
}

async fn stops_and_comes_back(node: &Node) {
    let (name, place) = (node.name(), node.place());
    let answers = async || node.service().greet(&place).await.is_ok();
    assert_eq!(done(node.stop().await)["state"], "exited", "{name}");
    assert!(!answers().await, "{name} was stopped");
    assert_eq!(done(node.start_again().await)["state"], "running", "{name}");
    assert!(answers().await, "{name} was started");
    assert_eq!(done(node.kill().await)["exit_code"], 137, "{name}");
    done(node.start_again().await);
    assert_eq!(done(node.pause().await)["state"], "paused", "{name}");
    assert!(!answers().await, "{name} was paused");
    assert_eq!(done(node.resume().await)["state"], "running", "{name}");
    assert!(answers().await, "{name} was resumed");
}
