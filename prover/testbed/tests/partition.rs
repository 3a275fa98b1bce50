//! A partition that heals before anybody loses patience is survived by the same AMQP connection,
//! with nothing lost.

use std::sync::Arc;
use std::time::Duration;

use locks::broker::{ConnectOptions, RabbitMq};
use locks::{Answer, ClientConfig, ExclusiveQueue, Lock, Session};
use proxy::Embedded;
use testbed::links::{Endpoint, Links, Route};
use testbed::testing::shared_broker;
use tokio::time::{Instant, timeout};

/// Every wait in this test ends by itself after this.
const PATIENCE: Duration = Duration::from_secs(60);

const PARTITION: Duration = Duration::from_secs(3);

async fn session(address: String, name: &str) -> Box<dyn Session> {
    let connect = ConnectOptions {
        address,
        heartbeat: Duration::from_secs(10),
        ..ConnectOptions::default()
    };
    let client = ClientConfig {
        broker: Arc::new(RabbitMq),
        connect,
        endpoints: Vec::new(),
        run: locks::RunContext::default(),
        prefix: format!("partition-{}", std::process::id()),
        name: name.to_owned(),
        seed: 0,
        options: locks::Options::default(),
    };
    ExclusiveQueue
        .open(&client)
        .await
        .expect("the broker answers")
}

#[tokio::test]
async fn a_partition_within_the_heartbeat_loses_nothing() {
    let Some(broker) = shared_broker().await else {
        return;
    };
    let route = Route {
        service: "rabbitmq".to_owned(),
        upstream: broker.amqp.to_string(),
        endpoints: vec![Endpoint::local()],
    };
    let links = Links::create(Arc::new(Embedded::new(0)), &[route]).await;
    let links = links.expect("a port is free");
    let address = links.addresses(0).expect("one link")[0];
    let mut holder = session(address.to_string(), "holder").await;
    let mut rival = session(broker.amqp.to_string(), "rival").await;
    holder.acquire("k").await.expect("nobody holds it");

    links.partition(0).await.expect("the proxy answers");
    let began = Instant::now();
    let healing = async {
        tokio::time::sleep_until(began + PARTITION).await;
        assert!(
            rival.acquire("k").await.is_err(),
            "the broker must not have given the lock away"
        );
        links.heal(0).await.expect("the proxy answers");
    };
    let (answer, ()) = tokio::join!(timeout(PATIENCE, holder.verify("k")), healing);

    assert!(
        began.elapsed() >= PARTITION,
        "the answer passed through the partition"
    );
    assert_eq!(answer.expect("an answer comes"), Ok(Answer::Held));
    holder
        .release("k")
        .await
        .expect("the same connection releases");
    rival.acquire("k").await.expect("it is free");
}
