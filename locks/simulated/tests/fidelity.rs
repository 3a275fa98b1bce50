//! The corners of the model, each on a real RabbitMQ and on the simulated one: what the locks' own
//! tests do not touch.

#[path = "../../tests/common/mod.rs"]
mod common;

use std::time::Duration;

use common::{Rabbit, on_both, soon, unique, until};
use futures_util::{FutureExt, StreamExt};
use locks::broker::{
    Channel, Confirm, ConnectOptions, Connection, ConsumeOptions, Consumer, ConsumerEvent,
    DeleteOptions, Overflow, Party, Publish, QueueOptions,
};
use locks::{Error, ErrorKind};
use tokio::time::Instant;

/// A queue for one test that goes away by itself.
const SHORT_LIVED: QueueOptions = QueueOptions {
    expires: Some(Duration::from_secs(60)),
    ..QueueOptions::SHARED
};

const EXCLUSIVE: QueueOptions = QueueOptions {
    exclusive: true,
    ..QueueOptions::SHARED
};

fn body(text: &str) -> Publish {
    Publish {
        mandatory: true,
        body: text.into(),
        ..Publish::default()
    }
}

fn kind<T>(result: Result<T, Error>) -> ErrorKind {
    result.err().expect("is refused").kind
}

async fn fresh(connection: &dyn Connection) -> Box<dyn Channel> {
    let channel = connection.channel().await.unwrap();
    channel.confirm_select().await.unwrap();
    channel
}

async fn declared(channel: &dyn Channel, options: &QueueOptions) -> String {
    let queue = unique("corner");
    channel.declare(&queue, options).await.unwrap();
    queue
}

async fn publish(channel: &dyn Channel, queue: &str, bodies: &[&str]) {
    for text in bodies {
        let confirm = channel.publish(queue, &body(text)).await;
        assert_eq!(confirm, Ok(Confirm::Ack));
    }
}

async fn take(channel: &dyn Channel, queue: &str) -> Option<(u64, String, bool)> {
    let message = channel.get(queue, false).await.unwrap()?;
    let body = String::from_utf8(message.body).unwrap();
    Some((message.tag, body, message.redelivered))
}

async fn counts(channel: &dyn Channel, queue: &str) -> (u32, u32) {
    let status = channel.declare(queue, &QueueOptions::PASSIVE).await;
    let status = status.unwrap();
    (status.messages, status.consumers)
}

/// Waits for so many messages and consumers. The answer to a passive declare may overtake what was
/// settled just before: RabbitMQ's queues answer such questions first.
async fn come_to(channel: &dyn Channel, queue: &str, expected: (u32, u32)) {
    until(async || counts(channel, queue).await == expected).await;
}

async fn consume(channel: &dyn Channel, queue: &str) -> Consumer {
    let options = ConsumeOptions::default();
    channel.consume(queue, &options).await.unwrap()
}

/// Takes these deliveries and makes sure that there are no more: what the server has delivered by
/// the time it answers a question on the consumer's channel comes before the answer.
async fn got(
    channel: &dyn Channel,
    queue: &str,
    consumer: &mut Consumer,
    bodies: &[&str],
) -> Vec<u64> {
    let mut tags = Vec::new();
    for body in bodies {
        let event = soon(consumer.events.next()).await;
        let Some(ConsumerEvent::Delivery(message)) = event else {
            panic!("no delivery: {event:?}")
        };
        assert_eq!(String::from_utf8_lossy(&message.body), *body);
        tags.push(message.tag);
    }
    counts(channel, queue).await;
    let more = consumer.events.next().now_or_never();
    assert!(more.is_none(), "{more:?}");
    tags
}

on_both!(a_redeclaration_must_be_the_same);
async fn a_redeclaration_must_be_the_same(rabbit: Rabbit) {
    let (connection, channel) = rabbit.channel().await;
    let shared = declared(&*channel, &SHORT_LIVED).await;
    let exclusive = declared(&*channel, &EXCLUSIVE).await;
    let as_exclusive = QueueOptions {
        exclusive: true,
        ..SHORT_LIVED
    };
    channel.declare(&shared, &SHORT_LIVED).await.unwrap();
    channel.declare(&exclusive, &EXCLUSIVE).await.unwrap();
    let refused = channel.declare(&shared, &as_exclusive).await;
    assert_eq!(kind(refused), ErrorKind::ResourceLocked);
    let refused = fresh(&*connection)
        .await
        .declare(&exclusive, &QueueOptions::SHARED)
        .await;
    assert_eq!(kind(refused), ErrorKind::ResourceLocked);
    for other in [
        QueueOptions {
            auto_delete: true,
            ..SHORT_LIVED
        },
        QueueOptions {
            max_length: Some(1),
            ..SHORT_LIVED
        },
        QueueOptions {
            single_active_consumer: true,
            ..SHORT_LIVED
        },
    ] {
        let refused = fresh(&*connection).await.declare(&shared, &other).await;
        assert_eq!(kind(refused), ErrorKind::PreconditionFailed);
    }
}

on_both!(names_of_the_server_are_its_own);
async fn names_of_the_server_are_its_own(rabbit: Rabbit) {
    let (connection, channel) = rabbit.channel().await;
    let status = channel.declare("", &EXCLUSIVE).await.unwrap();
    assert!(status.name.starts_with("amq.gen-"), "{}", status.name);
    come_to(&*channel, &status.name, (0, 0)).await;
    let reserved = channel.declare("amq.mine", &EXCLUSIVE).await;
    assert_eq!(kind(reserved), ErrorKind::AccessRefused);
    let never = QueueOptions {
        expires: Some(Duration::ZERO),
        ..QueueOptions::SHARED
    };
    let refused = fresh(&*connection)
        .await
        .declare(&unique("never"), &never)
        .await;
    assert_eq!(kind(refused), ErrorKind::PreconditionFailed);
}

on_both!(an_exclusive_consumer_keeps_nobody_from_getting);
async fn an_exclusive_consumer_keeps_nobody_from_getting(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    let (_other_connection, other) = rabbit.channel().await;
    let queue = declared(&*channel, &SHORT_LIVED).await;
    channel.qos(1).await.unwrap();
    let options = ConsumeOptions {
        exclusive: true,
        ..ConsumeOptions::default()
    };
    let _consumer = channel.consume(&queue, &options).await.unwrap();
    publish(&*other, &queue, &["1", "2"]).await;
    let taken = take(&*other, &queue).await;
    assert_eq!(taken, Some((1, "2".into(), false)));
}

on_both!(a_single_active_consumer_is_followed_by_the_next);
async fn a_single_active_consumer_is_followed_by_the_next(rabbit: Rabbit) {
    let (connection, channel) = rabbit.channel().await;
    let single = QueueOptions {
        single_active_consumer: true,
        ..SHORT_LIVED
    };
    let queue = declared(&*channel, &single).await;
    let exclusive = ConsumeOptions {
        exclusive: true,
        ..ConsumeOptions::default()
    };
    let refused = fresh(&*connection).await.consume(&queue, &exclusive).await;
    assert_eq!(kind(refused), ErrorKind::AccessRefused);
    let mut first = consume(&*channel, &queue).await;
    let mut second = consume(&*channel, &queue).await;
    publish(&*channel, &queue, &["1", "2"]).await;
    got(&*channel, &queue, &mut first, &["1", "2"]).await;
    got(&*channel, &queue, &mut second, &[]).await;
    channel.cancel(&first.tag).await.unwrap();
    publish(&*channel, &queue, &["3"]).await;
    got(&*channel, &queue, &mut second, &["3"]).await;
    come_to(&*channel, &queue, (0, 1)).await;
}

on_both!(consumers_take_turns);
async fn consumers_take_turns(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    let queue = declared(&*channel, &SHORT_LIVED).await;
    channel.qos(1).await.unwrap();
    let mut first = consume(&*channel, &queue).await;
    channel.qos(2).await.unwrap();
    let mut second = consume(&*channel, &queue).await;
    publish(&*channel, &queue, &["1", "2", "3", "4"]).await;
    let one = got(&*channel, &queue, &mut first, &["1"]).await;
    got(&*channel, &queue, &mut second, &["2", "3"]).await;
    channel.ack(one[0]).await.unwrap();
    got(&*channel, &queue, &mut first, &["4"]).await;
}

on_both!(a_full_queue_still_serves_who_waits);
async fn a_full_queue_still_serves_who_waits(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    let none = QueueOptions {
        max_length: Some(0),
        ..SHORT_LIVED
    };
    let queue = declared(&*channel, &none).await;
    channel.qos(1).await.unwrap();
    let mut consumer = consume(&*channel, &queue).await;
    publish(&*channel, &queue, &["1", "2"]).await;
    // The second is dropped.
    let first = got(&*channel, &queue, &mut consumer, &["1"]).await;
    channel.ack(first[0]).await.unwrap();
    got(&*channel, &queue, &mut consumer, &[]).await;

    let refusing = QueueOptions {
        overflow: Some(Overflow::RejectPublish),
        ..none
    };
    let queue = declared(&*channel, &refusing).await;
    let mut consumer = consume(&*channel, &queue).await;
    let confirm = channel.publish(&queue, &body("1")).await;
    assert_eq!(confirm, Ok(Confirm::Nack));
    got(&*channel, &queue, &mut consumer, &[]).await;
}

on_both!(a_full_queue_forgets_the_oldest);
async fn a_full_queue_forgets_the_oldest(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    let two = QueueOptions {
        max_length: Some(2),
        ..SHORT_LIVED
    };
    let queue = declared(&*channel, &two).await;
    publish(&*channel, &queue, &["1", "2"]).await;
    let (tag, first, _) = take(&*channel, &queue).await.unwrap();
    assert_eq!(first, "1");
    publish(&*channel, &queue, &["3"]).await;
    come_to(&*channel, &queue, (2, 0)).await;
    channel.reject(tag, true).await.unwrap();
    come_to(&*channel, &queue, (2, 0)).await;
    assert_eq!(take(&*channel, &queue).await.unwrap().1, "2");
}

on_both!(what_dies_at_once_reaches_who_waits);
async fn what_dies_at_once_reaches_who_waits(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    let fleeting = QueueOptions {
        message_ttl: Some(Duration::ZERO),
        ..SHORT_LIVED
    };
    let queue = declared(&*channel, &fleeting).await;
    publish(&*channel, &queue, &["1"]).await;
    assert_eq!(take(&*channel, &queue).await, None);
    let mut consumer = consume(&*channel, &queue).await;
    publish(&*channel, &queue, &["2"]).await;
    got(&*channel, &queue, &mut consumer, &["2"]).await;
}

on_both!(what_comes_back_stands_where_it_was);
async fn what_comes_back_stands_where_it_was(rabbit: Rabbit) {
    let (connection, channel) = rabbit.channel().await;
    let queue = declared(&*channel, &SHORT_LIVED).await;
    publish(&*channel, &queue, &["1", "2", "3"]).await;
    let (first, _, _) = take(&*channel, &queue).await.unwrap();
    let (second, _, _) = take(&*channel, &queue).await.unwrap();
    channel.reject(second, true).await.unwrap();
    channel.reject(first, true).await.unwrap();
    for expected in ["1", "2"] {
        let (_, body, redelivered) = take(&*channel, &queue).await.unwrap();
        assert_eq!((body.as_str(), redelivered), (expected, true));
    }
    assert!(!take(&*channel, &queue).await.unwrap().2);
    channel.nack(0, true, true).await.unwrap();
    come_to(&*channel, &queue, (3, 0)).await;
    channel.nack(0, true, true).await.unwrap();
    let (tag, ..) = take(&*channel, &queue).await.unwrap();
    take(&*channel, &queue).await.unwrap();
    channel.nack(tag + 1, true, false).await.unwrap();
    come_to(&*channel, &queue, (1, 0)).await;
    channel.close().await.unwrap();
    let channel = fresh(&*connection).await;
    assert_eq!(take(&*channel, &queue).await.unwrap().1, "3");
    channel.ack(1).await.unwrap();
    channel.ack(1).await.unwrap();
    assert_eq!(soon(channel.closed()).await.kind, ErrorKind::ChannelClosed);
}

on_both!(only_what_is_ready_counts);
async fn only_what_is_ready_counts(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    let queue = declared(&*channel, &SHORT_LIVED).await;
    publish(&*channel, &queue, &["1", "2"]).await;
    take(&*channel, &queue).await.unwrap();
    come_to(&*channel, &queue, (1, 0)).await;
    assert_eq!(channel.purge(&queue).await, Ok(1));
    let if_empty = DeleteOptions {
        if_empty: true,
        ..DeleteOptions::default()
    };
    assert_eq!(channel.delete(&queue, &if_empty).await, Ok(0));
    channel.ack(1).await.unwrap();
    assert_eq!(kind(channel.purge(&queue).await), ErrorKind::NotFound);
}

on_both!(a_cancelled_consumer_keeps_what_it_has);
async fn a_cancelled_consumer_keeps_what_it_has(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    let queue = declared(&*channel, &SHORT_LIVED).await;
    publish(&*channel, &queue, &["1"]).await;
    let mut consumer = consume(&*channel, &queue).await;
    let had = got(&*channel, &queue, &mut consumer, &["1"]).await;
    channel.cancel(&consumer.tag).await.unwrap();
    come_to(&*channel, &queue, (0, 0)).await;
    channel.reject(had[0], true).await.unwrap();
    come_to(&*channel, &queue, (1, 0)).await;
    channel.cancel("nobody").await.unwrap();
}

on_both!(settling_in_a_transaction_waits_for_its_end);
async fn settling_in_a_transaction_waits_for_its_end(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    let queue = declared(&*channel, &SHORT_LIVED).await;
    publish(&*channel, &queue, &["1", "2"]).await;
    let connection = rabbit.connection().await;
    let tx = connection.channel().await.unwrap();
    assert_eq!(kind(tx.tx_commit().await), ErrorKind::PreconditionFailed);
    let tx = connection.channel().await.unwrap();
    tx.tx_select().await.unwrap();
    let (tag, ..) = take(&*tx, &queue).await.unwrap();
    tx.ack(tag).await.unwrap();
    tx.tx_rollback().await.unwrap();
    tx.reject(tag, true).await.unwrap();
    come_to(&*channel, &queue, (1, 0)).await;
    tx.tx_commit().await.unwrap();
    come_to(&*channel, &queue, (2, 0)).await;
    let (tag, ..) = take(&*tx, &queue).await.unwrap();
    tx.ack(tag).await.unwrap();
    tx.close().await.unwrap();
    come_to(&*channel, &queue, (2, 0)).await;
}

on_both!(a_lost_connection_gives_its_deliveries_back);
async fn a_lost_connection_gives_its_deliveries_back(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    let queue = declared(&*channel, &SHORT_LIVED).await;
    publish(&*channel, &queue, &["1"]).await;
    let relay = rabbit.relay().await;
    let options = ConnectOptions {
        address: relay.address.clone(),
        ..rabbit.options("cut")
    };
    let cut = rabbit.broker().connect(&options).await.unwrap();
    let holding = fresh(&*cut).await;
    take(&*holding, &queue).await.unwrap();
    assert_eq!(take(&*channel, &queue).await, None);
    relay.cut();
    come_to(&*channel, &queue, (1, 0)).await;
    assert!(take(&*channel, &queue).await.unwrap().2);
}

on_both!(a_connection_with_many_consumers_gives_everything_back);
async fn a_connection_with_many_consumers_gives_everything_back(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    let queue = declared(&*channel, &SHORT_LIVED).await;
    let connection = rabbit.connection().await;
    let mut consumers = Vec::new();
    for _ in 0..3 {
        let consuming = fresh(&*connection).await;
        consuming.qos(1).await.unwrap();
        let consumer = consume(&*consuming, &queue).await;
        consumers.push((consuming, consumer));
    }
    publish(&*channel, &queue, &["1", "2", "3", "4"]).await;
    come_to(&*channel, &queue, (1, 3)).await;
    connection.close().await.unwrap();
    come_to(&*channel, &queue, (4, 0)).await;
    for expected in ["1", "2", "3", "4"] {
        assert_eq!(take(&*channel, &queue).await.unwrap().1, expected);
    }
}

on_both!(each_end_finds_out_in_its_own_time);
async fn each_end_finds_out_in_its_own_time(rabbit: Rabbit) {
    let heartbeat = Duration::from_secs(2);
    let relay = rabbit.relay().await;
    let options = ConnectOptions {
        address: relay.address.clone(),
        heartbeat,
        ..rabbit.options("partitioned")
    };
    let connection = rabbit.broker().connect(&options).await.unwrap();
    let channel = fresh(&*connection).await;
    let queue = declared(&*channel, &EXCLUSIVE).await;
    let (_other_connection, other) = rabbit.channel().await;
    relay.stall();
    let began = Instant::now();
    let client = async {
        let closed = connection.closed().await;
        assert_eq!(closed.by, Party::Transport);
        assert_eq!(closed.error.kind, ErrorKind::HeartbeatMissed);
        began.elapsed()
    };
    let server = async {
        until(async || {
            let ping = other.publish(&queue, &Publish::ping()).await;
            matches!(ping, Ok(Confirm::Returned(_)))
        })
        .await;
        began.elapsed()
    };
    let (client, server) = soon(async { tokio::join!(client, server) }).await;
    let slack = Duration::from_millis(500);
    // Each counts from what it heard last, which may be half an interval before.
    assert!(client + heartbeat / 2 > heartbeat * 2, "{client:?}");
    assert!(client < heartbeat * 5 / 2 + slack, "{client:?}");
    assert!(server + heartbeat / 2 > heartbeat * 2, "{server:?}");
    assert!(server < heartbeat * 3 + slack, "{server:?}");
}

on_both!(a_short_partition_is_survived_with_what_was_under_way);
async fn a_short_partition_is_survived_with_what_was_under_way(rabbit: Rabbit) {
    let relay = rabbit.relay().await;
    let options = ConnectOptions {
        address: relay.address.clone(),
        heartbeat: Duration::from_secs(5),
        ..rabbit.options("partitioned")
    };
    let connection = rabbit.broker().connect(&options).await.unwrap();
    let channel = fresh(&*connection).await;
    let queue = declared(&*channel, &EXCLUSIVE).await;
    relay.stall();
    let ping = Publish::ping();
    let mut publishing = std::pin::pin!(channel.publish(&queue, &ping));
    let early = tokio::time::timeout(Duration::from_secs(2), &mut publishing);
    assert!(early.await.is_err());
    relay.heal();
    assert_eq!(soon(publishing).await, Ok(Confirm::Ack));
    assert!(connection.closed().now_or_never().is_none());
}
