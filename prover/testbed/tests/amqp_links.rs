//! What links that read AMQP do between our client and a real RabbitMQ: traps, and clients whose
//! heartbeats are lost.

use std::sync::Arc;
use std::time::Duration;

use locks::broker::{
    Broker, Channel, Confirm, ConnectOptions, Connection, Party, Publish, QueueOptions, RabbitMq,
};
use proxy::Embedded;
use testbed::links::{Endpoint, Links, Route};
use testbed::testing::{TestBroker, shared_broker};
use tokio::time::{Instant, sleep, timeout};

/// Every wait in these tests ends by itself after this.
const PATIENCE: Duration = Duration::from_secs(60);
/// Long enough for an answer that nothing holds back.
const ANSWER: Duration = Duration::from_secs(1);
const DURABLE: QueueOptions = QueueOptions {
    durable: true,
    ..QueueOptions::SHARED
};
const PASSIVE: QueueOptions = QueueOptions {
    passive: true,
    ..DURABLE
};

struct Bed {
    links: Links,
    broker: &'static TestBroker,
    name: String,
}

impl Bed {
    async fn new(name: &str) -> Option<Self> {
        let broker = shared_broker().await?;
        let route = Route {
            service: "rabbitmq".to_owned(),
            upstream: broker.amqp.to_string(),
            endpoints: vec![Endpoint::local()],
        };
        let links = Links::create(Arc::new(Embedded::new(0)), &[route]).await;
        Some(Self {
            links: links.expect("a port is free"),
            broker,
            name: format!("{name}-{}", std::process::id()),
        })
    }

    fn queue(&self, number: u32) -> String {
        format!("{}-{number}", self.name)
    }

    async fn connect(&self) -> Box<dyn Connection> {
        connect(
            self.links.addresses(0).expect("one link")[0].to_string(),
            10,
        )
        .await
    }

    /// A channel past the link.
    async fn witness(&self) -> (Box<dyn Connection>, Box<dyn Channel>) {
        let connection = connect(self.broker.amqp.to_string(), 10).await;
        let channel = connection.channel().await.expect("the broker answers");
        (connection, channel)
    }
}

async fn connect(address: String, heartbeat_secs: u64) -> Box<dyn Connection> {
    let options = ConnectOptions {
        address,
        heartbeat: Duration::from_secs(heartbeat_secs),
        ..ConnectOptions::default()
    };
    RabbitMq
        .connect(&options)
        .await
        .expect("the broker answers")
}

/// Waits until the queue has so many messages ready; fails where it does not exist.
async fn until_ready(channel: &dyn Channel, queue: &str, messages: u32) {
    let ready = async {
        loop {
            let status = channel.declare(queue, &PASSIVE).await;
            if status.expect("the queue exists").messages == messages {
                return;
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, ready).await.expect("it comes to that");
}

#[tokio::test]
async fn a_held_declare_is_done_at_the_broker_and_its_client_does_not_know() {
    let Some(bed) = Bed::new("held").await else {
        return;
    };
    let (_witness, channel) = bed.witness().await;
    let connection = bed.connect().await;
    let client = connection.channel().await.expect("it is whole");
    bed.links
        .trap(0, "queue.declare", 2, "hold")
        .await
        .expect("a method");
    let first = client.declare(&bed.queue(1), &DURABLE).await;
    first.expect("only the second is trapped");
    let trapped = bed.links.trapped(0).await.expect("a trap");
    assert_eq!((trapped.seen, trapped.sprung_ago), (1, None));
    let queue = bed.queue(2);
    let declare = client.declare(&queue, &DURABLE);
    tokio::pin!(declare);
    let answer = timeout(ANSWER, &mut declare).await;
    assert!(answer.is_err(), "{answer:?}");
    let trapped = timeout(PATIENCE, bed.links.sprung(0))
        .await
        .expect("it sprang");
    assert_eq!(trapped.expect("a trap").seen, 2);
    until_ready(&*channel, &queue, 0).await;
    let evidence = bed.links.evidence(0).await.expect("a link");
    assert!(evidence.held_down_bytes > Some(0), "{evidence:?}");
    bed.links.heal(0).await.expect("the proxy answers");
    let answer = timeout(PATIENCE, declare).await.expect("it was held back");
    answer.expect("the same connection lives on");
    for number in [1, 2] {
        let _ = channel
            .delete(&bed.queue(number), &Default::default())
            .await;
    }
}

/// Again and again: what is reset must not take the method with it.
#[tokio::test]
async fn a_cut_declare_is_done_at_the_broker_and_its_client_comes_back_at_once() {
    let Some(bed) = Bed::new("cut").await else {
        return;
    };
    let (_witness, channel) = bed.witness().await;
    for number in 0..50 {
        let connection = bed.connect().await;
        let client = connection.channel().await.expect("it is whole");
        bed.links
            .trap(0, "queue.declare", 1, "cut")
            .await
            .expect("a method");
        let queue = bed.queue(number);
        let answer = timeout(PATIENCE, client.declare(&queue, &DURABLE)).await;
        let error = answer
            .expect("the client hears of it")
            .expect_err("no answer");
        assert!(!error.kind.certainty().is_definite(), "{error}");
        let closed = timeout(PATIENCE, connection.closed())
            .await
            .expect("it is over");
        assert_eq!(closed.by, Party::Transport);
        // It strikes once: no heal is needed to come back.
        let again = bed.connect().await;
        let client = again.channel().await.expect("it is whole");
        // The broker's processes may come to it a moment later.
        let exists = async {
            loop {
                match client.declare(&queue, &PASSIVE).await {
                    Ok(_) => return,
                    Err(_) => sleep(Duration::from_millis(20)).await,
                }
                if channel.declare(&queue, &PASSIVE).await.is_ok() {
                    return;
                }
            }
        };
        let exists = timeout(Duration::from_secs(5), exists).await;
        exists.unwrap_or_else(|_| panic!("{queue} does not exist"));
        bed.links.heal(0).await.expect("the proxy answers");
        let _ = channel.delete(&queue, &Default::default()).await;
    }
}

#[tokio::test]
async fn a_trapped_publish_is_there_with_its_body_and_a_trapped_confirm_was_heard() {
    let Some(bed) = Bed::new("publish").await else {
        return;
    };
    let (_witness, channel) = bed.witness().await;
    let queue = bed.queue(0);
    channel.declare(&queue, &DURABLE).await.expect("a queue");
    let publish = Publish {
        body: vec![7; 300_000],
        ..Publish::default()
    };
    for (then, count) in [("hold", 1), ("cut", 2)] {
        let connection = bed.connect().await;
        let client = connection.channel().await.expect("it is whole");
        client.confirm_select().await.expect("it is whole");
        bed.links
            .trap(0, "basic.publish", 1, then)
            .await
            .expect("a method");
        let confirm = timeout(ANSWER, client.publish(&queue, &publish)).await;
        assert!(!matches!(confirm, Ok(Ok(_))), "{confirm:?}");
        until_ready(&*channel, &queue, count).await;
        bed.links.heal(0).await.expect("the proxy answers");
    }
    let connection = bed.connect().await;
    let client = connection.channel().await.expect("it is whole");
    client.confirm_select().await.expect("it is whole");
    bed.links
        .trap(0, "basic.ack down", 1, "hold")
        .await
        .expect("a method");
    let confirm = timeout(PATIENCE, client.publish(&queue, &publish)).await;
    assert_eq!(confirm.expect("it is heard"), Ok(Confirm::Ack));
    let answer = timeout(ANSWER, client.declare(&queue, &PASSIVE)).await;
    assert!(answer.is_err(), "{answer:?}");
    channel
        .delete(&queue, &Default::default())
        .await
        .expect("it is there");
}

#[tokio::test]
async fn a_silenced_client_is_given_up_unless_it_talks() {
    let Some(bed) = Bed::new("silence").await else {
        return;
    };
    let address = bed.links.addresses(0).expect("one link")[0].to_string();
    let idle = connect(address.clone(), 1).await;
    let talker = connect(address, 1).await;
    let channel = talker.channel().await.expect("it is whole");
    let began = Instant::now();
    bed.links.silence(0).await.expect("the proxy reads AMQP");
    let talk = async {
        loop {
            channel.qos(1).await.expect("who talks lives on");
            sleep(Duration::from_millis(300)).await;
        }
    };
    let closed = tokio::select! {
        closed = timeout(PATIENCE, idle.closed()) => closed.expect("RabbitMQ loses patience"),
        () = talk => unreachable!("it never ends"),
    };
    assert_eq!(closed.by, Party::Transport, "{closed:?}");
    assert!(began.elapsed() > Duration::from_secs(1), "{closed:?}");
    channel.qos(1).await.expect("who talks lives on");
    bed.links.heal(0).await.expect("the proxy answers");
    // With its heartbeats it need not talk.
    sleep(Duration::from_secs(5)).await;
    channel.qos(1).await.expect("its heartbeats arrive again");
}
