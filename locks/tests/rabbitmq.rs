//! The broker surface on a real RabbitMQ and a simulated one: every answer and every error it is
//! known by.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::{Rabbit, on_both, real, soon, unique, until};
use futures_util::StreamExt;
use locks::broker::{
    Channel, Closed, Confirm, ConnectOptions, Connection, ConnectionEvent, ConsumeOptions,
    ConsumerEvent, DeleteOptions, Message, Overflow, Party, Publish, QueueOptions,
};
use locks::{Certainty, Error, ErrorKind};

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

async fn get(channel: &dyn Channel, queue: &str) -> Option<Message> {
    channel.get(queue, false).await.unwrap()
}

async fn next(events: &mut (impl StreamExt<Item = ConsumerEvent> + Unpin)) -> ConsumerEvent {
    soon(events.next()).await.expect("has an event")
}

on_both!(a_refused_declare_costs_the_channel_and_not_the_connection);
async fn a_refused_declare_costs_the_channel_and_not_the_connection(rabbit: Rabbit) {
    let queue = unique("locked");
    let (_owner, owner) = rabbit.channel().await;
    owner.declare(&queue, &EXCLUSIVE).await.unwrap();

    let (connection, channel) = rabbit.channel().await;
    let error = channel.declare(&queue, &EXCLUSIVE).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::ResourceLocked);
    assert_eq!(error.kind.certainty(), Certainty::Refused);
    assert!(error.text.contains(&queue), "{error}");
    assert_eq!(soon(channel.closed()).await, error);
    assert_eq!(
        kind(channel.declare(&queue, &EXCLUSIVE).await),
        ErrorKind::NotSent
    );

    let channel = fresh(&*connection).await;
    channel.declare(&unique("other"), &EXCLUSIVE).await.unwrap();
}

on_both!(what_belongs_to_another_connection_is_locked_except_for_publishing);
async fn what_belongs_to_another_connection_is_locked_except_for_publishing(rabbit: Rabbit) {
    let queue = unique("locked");
    let (_owner, owner) = rabbit.channel().await;
    owner.declare(&queue, &EXCLUSIVE).await.unwrap();

    let (connection, channel) = rabbit.channel().await;
    let ping = channel.publish(&queue, &Publish::ping()).await;
    assert_eq!(ping, Ok(Confirm::Ack));
    let refused = [
        kind(channel.declare(&queue, &QueueOptions::PASSIVE).await),
        kind(fresh(&*connection).await.get(&queue, true).await),
        kind(fresh(&*connection).await.purge(&queue).await),
        kind(
            fresh(&*connection)
                .await
                .delete(&queue, &DeleteOptions::default())
                .await,
        ),
        kind(
            fresh(&*connection)
                .await
                .consume(&queue, &ConsumeOptions::default())
                .await,
        ),
    ];
    assert_eq!(refused, [ErrorKind::ResourceLocked; 5]);
}

on_both!(what_is_not_there_is_not_found_except_for_deleting);
async fn what_is_not_there_is_not_found_except_for_deleting(rabbit: Rabbit) {
    let queue = unique("nothing");
    let (connection, channel) = rabbit.channel().await;
    let deleted = channel.delete(&queue, &DeleteOptions::default()).await;
    assert_eq!(deleted, Ok(0));
    let refused = [
        kind(channel.declare(&queue, &QueueOptions::PASSIVE).await),
        kind(fresh(&*connection).await.get(&queue, true).await),
        kind(fresh(&*connection).await.purge(&queue).await),
        kind(
            fresh(&*connection)
                .await
                .consume(&queue, &ConsumeOptions::default())
                .await,
        ),
    ];
    assert_eq!(refused, [ErrorKind::NotFound; 4]);
}

on_both!(a_refused_declare_keeps_the_delete_behind_it_from_happening);
async fn a_refused_declare_keeps_the_delete_behind_it_from_happening(rabbit: Rabbit) {
    let queue = unique("locked");
    let (_owner, owner) = rabbit.channel().await;
    owner.declare(&queue, &EXCLUSIVE).await.unwrap();

    let (_connection, channel) = rabbit.channel().await;
    let options = DeleteOptions::default();
    let both = async {
        tokio::join!(biased; channel.declare(&queue, &QueueOptions::PASSIVE), channel.delete(&queue, &options))
    };
    let (asked, deleted) = both.await;
    assert_eq!(kind(asked), ErrorKind::ResourceLocked);
    assert!(deleted.is_err());
    owner.declare(&queue, &QueueOptions::PASSIVE).await.unwrap();
}

on_both!(publishes_are_acknowledged_returned_or_nacked);
async fn publishes_are_acknowledged_returned_or_nacked(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    let queue = unique("small");
    let nothing = unique("nothing");
    let small = QueueOptions {
        max_length: Some(1),
        overflow: Some(Overflow::RejectPublish),
        ..EXCLUSIVE
    };
    channel.declare(&queue, &small).await.unwrap();

    for _ in 0..3 {
        let returned = channel.publish(&nothing, &Publish::ping()).await.unwrap();
        let Confirm::Returned(returned) = returned else {
            panic!("an unroutable message was confirmed: {returned:?}")
        };
        assert_eq!(returned.kind, ErrorKind::NoRoute);
        assert_eq!(returned.text, "NO_ROUTE");
    }
    assert_eq!(channel.publish(&queue, &body("1")).await, Ok(Confirm::Ack));
    assert_eq!(channel.publish(&queue, &body("2")).await, Ok(Confirm::Nack));
    let optional = channel.publish(&nothing, &Publish::default()).await;
    assert_eq!(optional, Ok(Confirm::Ack));
    assert_eq!(get(&*channel, &queue).await.unwrap().body, b"1");
}

on_both!(a_queue_of_length_zero_acknowledges_and_keeps_nothing);
async fn a_queue_of_length_zero_acknowledges_and_keeps_nothing(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    let queue = unique("empty");
    let empty = QueueOptions {
        max_length: Some(0),
        ..EXCLUSIVE
    };
    channel.declare(&queue, &empty).await.unwrap();
    for _ in 0..10 {
        let ping = channel.publish(&queue, &Publish::ping()).await;
        assert_eq!(ping, Ok(Confirm::Ack));
    }
    let status = channel.declare(&queue, &QueueOptions::PASSIVE).await;
    assert_eq!(status.unwrap().messages, 0);
}

on_both!(a_publish_that_was_given_up_spoils_the_channel_for_others);
async fn a_publish_that_was_given_up_spoils_the_channel_for_others(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    let queue = unique("queue");
    channel.declare(&queue, &EXCLUSIVE).await.unwrap();
    let ping = Publish::ping();
    let given_up = futures_util::poll!(std::pin::pin!(channel.publish(&queue, &ping)));
    assert!(given_up.is_pending());
    let second = channel.publish(&queue, &ping).await;
    assert_eq!(kind(second), ErrorKind::Abandoned);
}

on_both!(a_publish_needs_confirm_mode);
async fn a_publish_needs_confirm_mode(rabbit: Rabbit) {
    let connection = rabbit.connection().await;
    let channel = connection.channel().await.unwrap();
    let publish = channel.publish("anything", &Publish::ping()).await;
    assert_eq!(kind(publish), ErrorKind::Invalid);
    let long = channel.purge(&"x".repeat(256)).await;
    assert_eq!(kind(long), ErrorKind::Invalid);
}

on_both!(passive_declares_count_messages_and_consumers);
async fn passive_declares_count_messages_and_consumers(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    let queue = unique("counted");
    channel.declare(&queue, &SHORT_LIVED).await.unwrap();
    channel.publish(&queue, &body("1")).await.unwrap();
    let status = channel.declare(&queue, &QueueOptions::PASSIVE).await;
    let status = status.unwrap();
    assert_eq!(
        (status.name.as_str(), status.messages, status.consumers),
        (&*queue, 1, 0)
    );

    let mut consumer = channel
        .consume(&queue, &ConsumeOptions::default())
        .await
        .unwrap();
    next(&mut consumer.events).await;
    let status = channel.declare(&queue, &QueueOptions::PASSIVE).await;
    let status = status.unwrap();
    assert_eq!((status.messages, status.consumers), (0, 1));
}

on_both!(deletes_and_declares_honour_their_conditions);
async fn deletes_and_declares_honour_their_conditions(rabbit: Rabbit) {
    let (connection, channel) = rabbit.channel().await;
    let queue = unique("conditions");
    channel.declare(&queue, &SHORT_LIVED).await.unwrap();
    channel.publish(&queue, &body("1")).await.unwrap();
    let if_empty = DeleteOptions {
        if_empty: true,
        ..DeleteOptions::default()
    };
    let if_unused = DeleteOptions {
        if_unused: true,
        ..DeleteOptions::default()
    };
    let deleted = channel.delete(&queue, &if_empty).await;
    assert_eq!(kind(deleted), ErrorKind::PreconditionFailed);

    let other = fresh(&*connection).await;
    let redeclared = other.declare(&queue, &QueueOptions::SHARED).await;
    assert_eq!(kind(redeclared), ErrorKind::PreconditionFailed);

    let consuming = fresh(&*connection).await;
    let consumer = consuming
        .consume(&queue, &ConsumeOptions::default())
        .await
        .unwrap();
    let other = fresh(&*connection).await;
    let deleted = other.delete(&queue, &if_unused).await;
    assert_eq!(kind(deleted), ErrorKind::PreconditionFailed);
    consuming.cancel(&consumer.tag).await.unwrap();
    consuming.close().await.unwrap();

    let other = fresh(&*connection).await;
    assert_eq!(other.purge(&queue).await, Ok(1));
    assert_eq!(other.delete(&queue, &if_empty).await, Ok(0));
}

on_both!(messages_are_got_rejected_requeued_and_acknowledged);
async fn messages_are_got_rejected_requeued_and_acknowledged(rabbit: Rabbit) {
    let (connection, channel) = rabbit.channel().await;
    let queue = unique("got");
    channel.declare(&queue, &SHORT_LIVED).await.unwrap();
    assert_eq!(get(&*channel, &queue).await, None);
    channel.publish(&queue, &body("1")).await.unwrap();

    let first = get(&*channel, &queue).await.unwrap();
    assert!(!first.redelivered);
    assert_eq!(get(&*channel, &queue).await, None);
    channel.reject(first.tag, true).await.unwrap();
    let second = get(&*channel, &queue).await.unwrap();
    assert!(second.redelivered);
    channel.nack(second.tag, false, true).await.unwrap();
    let third = get(&*channel, &queue).await.unwrap();
    channel.close().await.unwrap();

    let channel = fresh(&*connection).await;
    let fourth = get(&*channel, &queue).await.unwrap();
    assert_eq!(fourth.body, third.body);
    channel.ack(fourth.tag).await.unwrap();
    channel.close().await.unwrap();
    let channel = fresh(&*connection).await;
    assert_eq!(get(&*channel, &queue).await, None);
}

on_both!(settling_what_was_not_delivered_closes_the_channel_later);
async fn settling_what_was_not_delivered_closes_the_channel_later(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    channel.ack(7).await.unwrap();
    let error = soon(channel.closed()).await;
    assert_eq!(error.kind, ErrorKind::ChannelClosed);
    assert!(error.text.contains("unknown delivery tag 7"), "{error}");
    let declared = channel.declare(&unique("late"), &EXCLUSIVE).await;
    assert_eq!(kind(declared), ErrorKind::NotSent);
}

on_both!(an_exclusive_consumer_keeps_others_out);
async fn an_exclusive_consumer_keeps_others_out(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    let (other_connection, other) = rabbit.channel().await;
    let queue = unique("consumed");
    channel.declare(&queue, &SHORT_LIVED).await.unwrap();
    let exclusive = ConsumeOptions {
        tag: "mine".into(),
        exclusive: true,
        ..ConsumeOptions::default()
    };
    let consumer = channel.consume(&queue, &exclusive).await.unwrap();
    assert_eq!(consumer.tag, "mine");
    let refused = other.consume(&queue, &exclusive).await;
    assert_eq!(kind(refused), ErrorKind::AccessRefused);
    let refused = fresh(&*other_connection)
        .await
        .consume(&queue, &ConsumeOptions::default())
        .await;
    assert_eq!(kind(refused), ErrorKind::AccessRefused);

    channel.cancel("mine").await.unwrap();
    let other = fresh(&*other_connection).await;
    other.consume(&queue, &exclusive).await.unwrap();
}

on_both!(consumers_get_deliveries_up_to_their_prefetch_and_then_their_end);
async fn consumers_get_deliveries_up_to_their_prefetch_and_then_their_end(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    let queue = unique("consumed");
    channel.declare(&queue, &SHORT_LIVED).await.unwrap();
    channel.publish(&queue, &body("1")).await.unwrap();
    channel.publish(&queue, &body("2")).await.unwrap();
    channel.qos(1).await.unwrap();
    let mut consumer = channel
        .consume(&queue, &ConsumeOptions::default())
        .await
        .unwrap();
    let ConsumerEvent::Delivery(first) = next(&mut consumer.events).await else {
        panic!("no delivery")
    };
    assert_eq!(first.body, b"1");
    let status = channel.declare(&queue, &QueueOptions::PASSIVE).await;
    assert_eq!(status.unwrap().messages, 1);
    channel.ack(first.tag).await.unwrap();
    let ConsumerEvent::Delivery(second) = next(&mut consumer.events).await else {
        panic!("no delivery")
    };
    assert_eq!(second.body, b"2");
    channel.cancel(&consumer.tag).await.unwrap();
    assert_eq!(next(&mut consumer.events).await, ConsumerEvent::Cancelled);
    assert_eq!(consumer.events.next().await, None);
}

on_both!(consumers_are_told_when_their_queue_goes_and_when_their_channel_does);
async fn consumers_are_told_when_their_queue_goes_and_when_their_channel_does(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    let (_other_connection, other) = rabbit.channel().await;
    let queue = unique("consumed");
    channel.declare(&queue, &SHORT_LIVED).await.unwrap();
    let mut consumer = channel
        .consume(&queue, &ConsumeOptions::default())
        .await
        .unwrap();
    other
        .delete(&queue, &DeleteOptions::default())
        .await
        .unwrap();
    assert_eq!(next(&mut consumer.events).await, ConsumerEvent::Cancelled);

    channel.declare(&queue, &SHORT_LIVED).await.unwrap();
    let mut consumer = channel
        .consume(&queue, &ConsumeOptions::default())
        .await
        .unwrap();
    let refused = channel.purge(&unique("nothing")).await.unwrap_err();
    assert_eq!(
        next(&mut consumer.events).await,
        ConsumerEvent::Closed(refused)
    );
    assert_eq!(consumer.events.next().await, None);
}

on_both!(messages_go_to_the_consumer_of_the_highest_priority);
async fn messages_go_to_the_consumer_of_the_highest_priority(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    let queue = unique("priority");
    channel.declare(&queue, &SHORT_LIVED).await.unwrap();
    let with = |priority| ConsumeOptions {
        priority: Some(priority),
        ..ConsumeOptions::default()
    };
    let low = channel.consume(&queue, &with(1)).await.unwrap();
    let high = channel.consume(&queue, &with(9)).await.unwrap();
    channel.publish(&queue, &body("1")).await.unwrap();
    let (mut low, mut high) = (low.events, high.events);
    let first = soon(async {
        tokio::select! {
            _ = low.next() => "low",
            _ = high.next() => "high",
        }
    });
    assert_eq!(first.await, "high");
}

on_both!(transactions_commit_return_and_roll_back);
async fn transactions_commit_return_and_roll_back(rabbit: Rabbit) {
    let connection = rabbit.connection().await;
    let channel = connection.channel().await.unwrap();
    let queue = unique("tx");
    channel.declare(&queue, &SHORT_LIVED).await.unwrap();
    channel.tx_select().await.unwrap();
    channel.send(&queue, &body("rolled back")).await.unwrap();
    channel.tx_rollback().await.unwrap();
    assert_eq!(channel.tx_commit().await, Ok(vec![]));
    assert_eq!(get(&*channel, &queue).await, None);

    channel.send(&queue, &body("committed")).await.unwrap();
    channel
        .send(&unique("nothing"), &Publish::ping())
        .await
        .unwrap();
    let returned = channel.tx_commit().await.unwrap();
    assert_eq!(returned.len(), 1);
    assert_eq!(returned[0].kind, ErrorKind::NoRoute);
    assert_eq!(channel.tx_commit().await, Ok(vec![]));
    assert_eq!(get(&*channel, &queue).await.unwrap().body, b"committed");

    let mixed = channel.confirm_select().await;
    assert_eq!(kind(mixed), ErrorKind::PreconditionFailed);
}

on_both!(queues_expire_and_messages_die_as_declared);
async fn queues_expire_and_messages_die_as_declared(rabbit: Rabbit) {
    let (connection, channel) = rabbit.channel().await;
    let (queue, short) = (unique("ttl"), unique("expires"));
    let ttl = QueueOptions {
        message_ttl: Some(Duration::from_millis(1)),
        single_active_consumer: true,
        ..EXCLUSIVE
    };
    channel.declare(&queue, &ttl).await.unwrap();
    channel.publish(&queue, &body("1")).await.unwrap();
    until(async || {
        let status = channel.declare(&queue, &QueueOptions::PASSIVE).await;
        status.unwrap().messages == 0
    })
    .await;
    let expires = QueueOptions {
        expires: Some(Duration::from_millis(1)),
        ..QueueOptions::SHARED
    };
    channel.declare(&short, &expires).await.unwrap();
    until(async || {
        let ping = channel.publish(&short, &Publish::ping()).await;
        matches!(ping, Ok(Confirm::Returned(_)))
    })
    .await;
    drop(connection);
}

on_both!(an_auto_delete_queue_goes_with_its_last_consumer);
async fn an_auto_delete_queue_goes_with_its_last_consumer(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    let queue = unique("auto");
    let auto_delete = QueueOptions {
        auto_delete: true,
        ..SHORT_LIVED
    };
    channel.declare(&queue, &auto_delete).await.unwrap();
    let consumer = channel
        .consume(&queue, &ConsumeOptions::default())
        .await
        .unwrap();
    channel.cancel(&consumer.tag).await.unwrap();
    until(async || {
        let ping = channel.publish(&queue, &Publish::ping()).await;
        matches!(ping, Ok(Confirm::Returned(_)))
    })
    .await;
}

on_both!(a_durable_queue_keeps_persistent_messages);
async fn a_durable_queue_keeps_persistent_messages(rabbit: Rabbit) {
    let (_connection, channel) = rabbit.channel().await;
    let queue = unique("durable");
    let durable = QueueOptions {
        durable: true,
        ..SHORT_LIVED
    };
    channel.declare(&queue, &durable).await.unwrap();
    let persistent = Publish {
        persistent: true,
        ..body("1")
    };
    let confirm = channel.publish(&queue, &persistent).await;
    assert_eq!(confirm, Ok(Confirm::Ack));
    assert_eq!(
        channel.delete(&queue, &DeleteOptions::default()).await,
        Ok(1)
    );
}

on_both!(connecting_fails_with_its_reason);
async fn connecting_fails_with_its_reason(rabbit: Rabbit) {
    let options = rabbit.options("test");
    let refused = ConnectOptions {
        address: rabbit.nowhere(),
        ..options.clone()
    };
    let stranger = ConnectOptions {
        password: "wrong".into(),
        ..options.clone()
    };
    let elsewhere = ConnectOptions {
        vhost: "nowhere".into(),
        ..options.clone()
    };
    let relay = rabbit.relay().await;
    relay.stall();
    let silent = ConnectOptions {
        address: relay.address.clone(),
        timeout: Duration::from_millis(200),
        ..options
    };
    for (options, expected) in [
        (refused, ErrorKind::ConnectionRefused),
        (stranger, ErrorKind::Forbidden),
        (elsewhere, ErrorKind::Forbidden),
        (silent, ErrorKind::Timeout),
    ] {
        let error = soon(rabbit.broker().connect(&options)).await.err().unwrap();
        assert_eq!(error.kind, expected, "{error}");
    }
}

on_both!(a_closed_connection_says_so_to_everybody);
async fn a_closed_connection_says_so_to_everybody(rabbit: Rabbit) {
    let (connection, channel) = rabbit.channel().await;
    let events = connection.events();
    connection.close().await.unwrap();
    let closed = soon(connection.closed()).await;
    assert_eq!(closed.by, Party::Client);
    let events: Vec<_> = soon(events.collect()).await;
    assert_eq!(events, [ConnectionEvent::Closed(closed.clone())]);
    let late: Vec<_> = connection.events().collect().await;
    assert_eq!(late, events);
    assert_eq!(soon(channel.closed()).await, closed.error);
    assert_eq!(kind(connection.channel().await), ErrorKind::NotSent);
    assert_eq!(kind(connection.close().await), ErrorKind::NotSent);
    assert_eq!(kind(channel.purge("anything").await), ErrorKind::NotSent);
}

on_both!(a_cut_connection_is_noticed_and_what_was_under_way_is_unknown);
async fn a_cut_connection_is_noticed_and_what_was_under_way_is_unknown(rabbit: Rabbit) {
    let relay = rabbit.relay().await;
    let options = ConnectOptions {
        address: relay.address.clone(),
        ..rabbit.options("test")
    };
    let connection = rabbit.broker().connect(&options).await.unwrap();
    let channel = fresh(&*connection).await;
    relay.stall();
    let queue = unique("queue");
    let declaring = channel.declare(&queue, &EXCLUSIVE);
    let cutting = async { relay.cut() };
    let (declared, ()) = soon(async { tokio::join!(declaring, cutting) }).await;
    let error = declared.unwrap_err();
    assert_eq!(error.kind.certainty(), Certainty::Unknown, "{error:?}");
    let closed = soon(connection.closed()).await;
    assert_eq!(closed.by, Party::Transport);
    assert_eq!(closed.error.kind, ErrorKind::Io);
    assert_eq!(soon(channel.closed()).await, closed.error);
}

on_both!(a_silent_server_is_noticed_by_its_missing_heartbeats);
async fn a_silent_server_is_noticed_by_its_missing_heartbeats(rabbit: Rabbit) {
    let relay = rabbit.relay().await;
    let options = ConnectOptions {
        address: relay.address.clone(),
        heartbeat: Duration::from_secs(1),
        ..rabbit.options("test")
    };
    let connection = rabbit.broker().connect(&options).await.unwrap();
    let channel = fresh(&*connection).await;
    relay.stall();
    let ping = Publish::ping();
    let error = soon(channel.publish("anything", &ping)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::HeartbeatMissed);
    let closed = soon(connection.closed()).await;
    let expected = Closed {
        by: Party::Transport,
        error,
    };
    assert_eq!(closed, expected);
}

on_both!(an_operator_who_closes_the_connection_is_heard);
async fn an_operator_who_closes_the_connection_is_heard(rabbit: Rabbit) {
    let name = unique("operator");
    let connection = rabbit.connection_named(&name).await;
    let channel = fresh(&*connection).await;
    if rabbit.close_connections(&name).await.is_none() {
        return;
    }
    let closed = soon(connection.closed()).await;
    assert_eq!(closed.by, Party::Server);
    assert_eq!(closed.error.kind, ErrorKind::ConnectionForced);
    assert!(closed.error.text.contains("closed by a test"), "{closed:?}");
    assert_eq!(soon(channel.closed()).await, closed.error);
}

on_both!(breaking_the_rules_closes_the_connection);
async fn breaking_the_rules_closes_the_connection(rabbit: Rabbit) {
    let (connection, channel) = rabbit.channel().await;
    let queue = unique("tags");
    channel.declare(&queue, &EXCLUSIVE).await.unwrap();
    let options = ConsumeOptions {
        tag: "twice".into(),
        ..ConsumeOptions::default()
    };
    let _first = channel.consume(&queue, &options).await.unwrap();
    let second = channel.consume(&queue, &options).await;
    assert_eq!(kind(second), ErrorKind::NotAllowed);
    let closed = soon(connection.closed()).await;
    assert_eq!(closed.error.kind, ErrorKind::NotAllowed);
    assert_eq!(closed.by, Party::Server);
}

on_both!(dropping_a_connection_gives_back_what_was_exclusive);
async fn dropping_a_connection_gives_back_what_was_exclusive(rabbit: Rabbit) {
    let queue = unique("dropped");
    let (connection, channel) = rabbit.channel().await;
    channel.declare(&queue, &EXCLUSIVE).await.unwrap();
    drop((channel, connection));
    let other = rabbit.connection().await;
    until(async || {
        let channel = fresh(&*other).await;
        channel.declare(&queue, &EXCLUSIVE).await.is_ok()
    })
    .await;
}

#[test]
fn an_executor_that_goes_away_makes_nobody_panic() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let Some(rabbit) = runtime.block_on(real()) else {
        return;
    };
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().name() == Some("lapin-io-loop") {
            PANICS.fetch_add(1, Ordering::SeqCst);
        }
        hook(info);
    }));
    let (connection, channel) = runtime.block_on(rabbit.channel());
    runtime
        .block_on(channel.declare(&unique("gone"), &EXCLUSIVE))
        .unwrap();
    drop(runtime);
    let other = tokio::runtime::Runtime::new().unwrap();
    let purging = other.block_on(async {
        tokio::time::timeout(Duration::from_secs(1), channel.purge("anything")).await
    });
    assert!(!matches!(purging, Ok(Ok(_))));
    drop((channel, connection));
    assert_eq!(PANICS.load(Ordering::SeqCst), 0);
}
