//! The simulated broker agrees with RabbitMQ.

use std::sync::Arc;
use std::time::Duration;

use conform::arm::{LINKS, Simulated};
use conform::script::Script;
use conform::{campaign, named, random};
use prover::conform::parts;
use run::seed::{Seed, Stream};
use testbed::testing::docker_or_skip;
use testbed::{Demand, ProxyChoice, RealSite, Silent, Testbed};

fn scripts(random: u32) -> Vec<Script> {
    let named = named::ALL.iter().map(named::Named::script);
    let random =
        (0..random).map(|number| random::draw(Seed(1).stream(Stream::Script(number)), number));
    named.chain(random).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulation_agrees_with_rabbitmq() {
    if !docker_or_skip().await {
        return;
    }
    const PARTS: u32 = 8;
    // Scripts of an operator want a broker that is the run's own.
    let site = RealSite::rabbitmq("4.0");
    let logs = tempfile::tempdir().expect("a temporary folder");
    let demand = Demand {
        workers: PARTS * u32::try_from(LINKS).expect("there are few"),
        heartbeat: Duration::from_secs(60),
        proxy_seed: Seed(1).short_stream(Stream::Proxy),
        logs: logs.path(),
    };
    let testbed = Testbed::start(&site, &ProxyChoice::Embedded, demand, &Silent).await;
    let testbed = testbed.expect("the broker answers");
    let prefix = format!("conform-test-{}", std::process::id());
    let parts = parts(&testbed, &prefix).await;
    let parts = parts.expect("every part has its links");
    let simulation = Arc::new(Simulated::faithful());
    let played = campaign::run(scripts(30), simulation, parts, &|_| {}).await;
    testbed.stop().await.expect("the links go");
    let report = played.expect("the harness holds");
    assert_eq!(report.divergences, []);
    assert_eq!(report.too_slow, [""; 0]);
    let explained: usize = report.explained.values().sum();
    assert_eq!(report.agree + explained, report.scripts);
}
