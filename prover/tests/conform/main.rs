//! The comparison of simulation and broker: that it finds what deviates, that the simulation agrees with itself, and that it agrees with RabbitMQ.

mod deviating;

use std::sync::Arc;
use std::time::Duration;

use prover::conform::arm::{Arm, LINKS, Running, Simulated};
use prover::conform::campaign::{self, Report};
use prover::conform::comparison::Divergence;
use prover::conform::script::Script;
use prover::conform::{named, random};
use prover::seed::Seed;
use prover::testbed::testing::shared_broker;
use prover::testbed::{Choice, Demand, ProxyChoice, Silent, Site, Testbed};

fn scripts(random: u32) -> Vec<Script> {
    let named = named::ALL.iter().map(named::Named::script);
    let random = (0..random).map(|number| random::draw(Seed(1), number));
    named.chain(random).collect()
}

async fn compare(scripts: Vec<Script>, broker: Vec<Arc<dyn Arm>>) -> Report {
    let simulation = Arc::new(Simulated::faithful());
    let played = campaign::run(scripts, simulation, broker, &|_| {}).await;
    played.expect("the harness holds")
}

fn assert_agrees(report: &Report) {
    let differ: Vec<_> = report.divergences.iter().map(described).collect();
    assert!(differ.is_empty(), "{}", differ.join("\n"));
    assert!(report.too_slow.is_empty(), "{:?}", report.too_slow);
    let explained: usize = report.explained.values().sum();
    assert_eq!(report.agree + explained, report.scripts);
}

fn described(divergence: &Divergence) -> String {
    let steps: Vec<_> = divergence
        .script
        .steps
        .iter()
        .map(ToString::to_string)
        .collect();
    let [simulated, real] = [divergence.expected(), divergence.found()]
        .map(|entry| entry.map_or_else(String::new, ToString::to_string));
    let name = &divergence.script.name;
    format!(
        "{name}: {}\n  simulation: {simulated}\n  broker: {real}",
        steps.join("; ")
    )
}

#[tokio::test]
async fn the_simulation_agrees_with_itself() {
    let report = compare(scripts(200), vec![Arc::new(Simulated::faithful())]).await;
    assert_agrees(&report);
}

#[tokio::test]
async fn one_deviation_is_found_and_shrunk_to_a_few_steps() {
    for (name, surface, steps_max) in deviating::ALL {
        let report = compare(scripts(40), vec![Arc::new(Simulated::through(*surface))]).await;
        let shortest = report
            .divergences
            .iter()
            .min_by_key(|divergence| divergence.script.steps.len());
        let shortest = shortest.unwrap_or_else(|| panic!("{name} is not found"));
        let steps = shortest.script.steps.len();
        assert!(steps <= *steps_max, "{name}: {}", described(shortest));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_simulation_agrees_with_rabbitmq() {
    let Some(broker) = shared_broker().await else {
        return;
    };
    const PARTS: u32 = 8;
    let url = format!("amqp://guest:guest@{}", broker.amqp);
    let choice = Choice::parse(&url, None, None, false).expect("a URL");
    let Site::Real(site) = choice.site else {
        panic!("a URL is somebody's own broker")
    };
    let logs = tempfile::tempdir().expect("a temporary folder");
    let demand = Demand {
        workers: PARTS * u32::try_from(LINKS).expect("there are few"),
        heartbeat: Duration::from_secs(60),
        seed: Seed(1),
        logs: logs.path(),
    };
    let testbed = Testbed::start(&site, &ProxyChoice::Embedded, demand, &Silent).await;
    let testbed = testbed.expect("the broker answers");
    let prefix = format!("conform-test-{}", std::process::id());
    let parts = Running::parts(&testbed, &prefix).await;
    let parts = parts.expect("every part has its links").into_iter();
    let parts = parts.map(|part| Arc::new(part) as Arc<dyn Arm>).collect();
    let report = compare(scripts(30), parts).await;
    testbed.stop().await.expect("the links go");
    assert_agrees(&report);
}
