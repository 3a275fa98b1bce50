//! The Docker testbed against a real daemon.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use lapin::options::QueueDeclareOptions;
use lapin::types::FieldTable;
use lapin::{Connection, ConnectionProperties};
use testbed::amqp::greet;
use testbed::clean::{Which, clean, leftovers};
use testbed::doctor::Status;
use testbed::leftover::sweep;
use testbed::services::RabbitMq;
use testbed::testing::{docker_or_skip, selected, shared_broker, strike};
use testbed::{
    Demand, Docker, Plan, ProxyChoice, RealSite, Run, RunId, Service, Silent, Testbed,
    TestbedError, ToxiproxyPlan, ToxiproxyState,
};
use testcontainers::bollard::query_parameters::{
    BuildImageOptionsBuilder, ListContainersOptionsBuilder, ListNetworksOptionsBuilder,
    RemoveImageOptions,
};
use testcontainers::bollard::{Docker as Daemon, body_full};

async fn daemon() -> Daemon {
    testbed::daemon::connect().await.expect("a daemon")
}

/// One worker.
fn demand(logs: &Path) -> Demand<'_> {
    Demand {
        workers: 1,
        heartbeat: Duration::from_secs(2),
        proxy_seed: 0,
        logs,
    }
}

/// The containers and networks that carry the run's label.
async fn standing(run: &RunId) -> (usize, usize) {
    let daemon = daemon().await;
    let filters = HashMap::from([("label", vec![format!("prover.run={run}")])]);
    let containers = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&filters)
        .build();
    let networks = ListNetworksOptionsBuilder::new().filters(&filters).build();
    (
        daemon
            .list_containers(Some(containers))
            .await
            .expect("a list")
            .len(),
        daemon
            .list_networks(Some(networks))
            .await
            .expect("a list")
            .len(),
    )
}

async fn start(plan: Plan) -> Docker {
    match Docker::start(plan, &Silent).await {
        Ok(testbed) => testbed,
        Err(error) => panic!("failed to {error}"),
    }
}

/// A run whose owner is gone: a process of that number exists, but it began at another time.
fn orphan() -> Run {
    let mut run = Run::fresh();
    run.owner.started += 1;
    run
}

#[expect(clippy::print_stderr, reason = "a skipped test says why")]
fn skip(why: &str) {
    eprintln!("skipped: {why}");
}

/// Builds an image for one test from the Debian base that RabbitMQ's own image stands on, or skips
/// where that was never needed.
async fn build(name: &str, dockerfile: &str, files: &[(&str, &str)]) -> Option<String> {
    let daemon = daemon().await;
    let recipe = RabbitMq.image(None).recipe.expect("it can be built");
    let base = recipe.base_tag();
    if daemon.inspect_image(&base).await.is_err() {
        skip(&format!("no image {base} to build a stand-in on"));
        return None;
    }
    let mut tar = tokio_tar::Builder::new(Vec::new());
    let dockerfile = format!("FROM {base}\n{dockerfile}\n");
    for (path, content) in [("Dockerfile", dockerfile.as_str())].iter().chain(files) {
        let mut header = tokio_tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, content.as_bytes())
            .await
            .expect("in memory");
    }
    let context = tar.into_inner().await.expect("in memory");
    let tag = format!("amqp-prover-test/{name}:{}", RunId::fresh());
    let options = BuildImageOptionsBuilder::new().t(&tag).rm(true).build();
    let output: Vec<_> = futures_util::StreamExt::collect(daemon.build_image(
        options,
        None,
        Some(body_full(context.into())),
    ))
    .await;
    assert!(output.iter().all(Result::is_ok), "{output:?}");
    Some(tag)
}

async fn discard(tag: &str) {
    daemon()
        .await
        .remove_image(tag, None::<RemoveImageOptions>, None)
        .await
        .expect("it was just built");
}

#[tokio::test]
async fn a_broker_answers_and_leaves_nothing_behind() {
    if !docker_or_skip().await {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut plan = Plan::rabbitmq(None);
    plan.logs = Some(folder.path().to_owned());
    let testbed = start(plan).await;
    let run = testbed.run().clone();
    let node = &testbed.nodes()[0];
    assert!(node.address().ip().is_loopback());
    let version = node.image().version.clone().expect("RabbitMQ tells it");
    assert!(version.starts_with("4.0."), "{version}");
    assert!(node.image().id.starts_with("sha256:"));
    assert_eq!(node.doors()[0].name, "management", "the plugin is on");

    let url = format!("amqp://guest:guest@{}", node.address());
    let connection = Connection::connect(&url, ConnectionProperties::default())
        .await
        .expect("guest may come in");
    connection.create_channel().await.expect("a channel");
    assert_eq!(standing(&run).await, (1, 1));

    testbed.stop().await.expect("everything goes");
    assert_eq!(standing(&run).await, (0, 0));
    let log = read(&folder.path().join("rabbitmq.log"));
    assert!(log.contains("started TCP listener"), "{log}");
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a log")
}

#[tokio::test]
async fn clean_takes_orphans_and_leaves_the_living() {
    let Some(shared) = shared_broker().await else {
        return;
    };
    let mut plan = Plan::rabbitmq(None);
    plan.run = orphan();
    let kept = start(plan).await.keep();
    let container = kept.nodes[0].container_name().to_owned();
    assert_eq!(standing(&kept.run).await, (1, 1));
    assert!(leftovers().await.expect("a list").contains(&kept.run));

    let cleaned = clean(Which::Dead).await.expect("the daemon obeys");
    assert!(cleaned.containers.contains(&container), "{cleaned:?}");
    assert!(!cleaned.alive.is_empty(), "{cleaned:?}");
    assert_eq!(standing(&kept.run).await, (0, 0));
    greet(shared.amqp)
        .await
        .expect("a living run is left alone");
}

#[tokio::test]
async fn a_dropped_testbed_is_removed() {
    if !docker_or_skip().await {
        return;
    }
    let testbed = start(Plan::rabbitmq(None)).await;
    let run = testbed.run().clone();
    drop(testbed);
    assert_eq!(standing(&run).await, (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_is_dropped_midway_leaves_nothing() {
    // The image is present afterwards, so what is cut off is the start of the container.
    if shared_broker().await.is_none() {
        return;
    }
    for millis in [50, 400, 1500] {
        let plan = Plan::rabbitmq(None);
        let run = plan.run.id.clone();
        let cut = tokio::time::timeout(Duration::from_millis(millis), Docker::start(plan, &Silent));
        assert!(cut.await.is_err(), "no broker starts within {millis} ms");
        assert_eq!(standing(&run).await, (0, 0), "after {millis} ms");
    }
}

#[tokio::test]
async fn a_container_that_dies_shows_its_last_words() {
    if shared_broker().await.is_none() {
        return;
    }
    let words = r#"CMD ["sh", "-c", "echo these are my last words; exit 3"]"#;
    let Some(image) = build("dies", words, &[]).await else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut plan = Plan::rabbitmq(Some(&image));
    plan.logs = Some(folder.path().to_owned());
    let run = plan.run.id.clone();
    let result = Docker::start(plan, &Silent).await;
    discard(&image).await;
    match result.err() {
        Some(TestbedError::ContainerDied {
            exit_code,
            log_tail,
            ..
        }) => {
            assert_eq!(exit_code, Some(3));
            assert_eq!(log_tail, "these are my last words");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(standing(&run).await, (0, 0));
    let log = read(&folder.path().join("rabbitmq.log"));
    assert_eq!(log, "these are my last words\n");
}

#[tokio::test]
async fn an_unknown_image_names_the_remedy() {
    if !docker_or_skip().await {
        return;
    }
    let plan = Plan::rabbitmq(Some("amqp-prover-test/no-such-image:1"));
    let run = plan.run.id.clone();
    let error = Docker::start(plan, &Silent).await.err().expect("no image");
    let text = error.to_string();
    assert!(
        matches!(error, TestbedError::ImageUnobtainable { .. }),
        "{text}"
    );
    assert!(
        text.contains("docker pull amqp-prover-test/no-such-image:1"),
        "{text}"
    );
    assert!(text.contains("--rabbitmq 4.0"), "{text}");
    assert_eq!(standing(&run).await, (0, 0));
}

#[tokio::test]
async fn a_toxiproxy_that_cannot_be_had_is_no_failure() {
    if !docker_or_skip().await {
        return;
    }
    let mut plan = Plan::rabbitmq(None);
    plan.toxiproxy = Some(ToxiproxyPlan {
        image: Some("amqp-prover-test/no-such-proxy:1".to_owned()),
        links: 2,
    });
    let testbed = start(plan).await;
    match testbed.toxiproxy() {
        ToxiproxyState::Unavailable { because } => assert!(because.contains("pull"), "{because}"),
        other => panic!("{other:?}"),
    }
    testbed.stop().await.expect("everything goes");
}

#[tokio::test]
async fn links_of_a_toxiproxy_lead_to_the_broker() {
    if shared_broker().await.is_none() {
        return;
    }
    let dockerfile = "COPY toxiproxy.pl /toxiproxy.pl\nCMD [\"perl\", \"/toxiproxy.pl\"]";
    let script = include_str!("docker/toxiproxy.pl");
    let Some(image) = build("toxiproxy", dockerfile, &[("toxiproxy.pl", script)]).await else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut plan = Plan::rabbitmq(None);
    plan.logs = Some(folder.path().to_owned());
    plan.toxiproxy = Some(ToxiproxyPlan {
        image: Some(image.clone()),
        links: 2,
    });
    let testbed = start(plan).await;
    let ToxiproxyState::Running(toxiproxy) = testbed.toxiproxy() else {
        panic!("{:?}", testbed.toxiproxy());
    };
    assert_eq!(toxiproxy.links.len(), 2);
    let node = &testbed.nodes()[0];
    for (number, link) in toxiproxy.links.iter().enumerate() {
        let proxy = serde_json::json!({
            "name": format!("worker-{number}"), "listen": link.listen, "upstream": node.inner_address(),
        });
        reqwest::Client::new()
            .post(format!("http://{}/proxies", toxiproxy.api))
            .json(&proxy)
            .send()
            .await
            .and_then(reqwest::Response::error_for_status)
            .expect("a proxy is made");
        let greeting = greet(link.published).await.expect("the broker answers");
        assert_eq!(greeting.version, node.image().version);
    }
    let run = testbed.run().clone();
    testbed.stop().await.expect("everything goes");
    discard(&image).await;
    assert_eq!(standing(&run).await, (0, 0));
    assert_eq!(
        read(&folder.path().join("toxiproxy.log")),
        "stand-in listens\n"
    );
}

#[tokio::test]
async fn the_doctor_sees_what_is_here() {
    if shared_broker().await.is_none() {
        return;
    }
    let checks = testbed::doctor::examine().await;
    let named = |name: &str| {
        let found = checks.iter().find(|check| check.name == name);
        found.unwrap_or_else(|| panic!("no check {name} in {checks:#?}"))
    };
    assert_eq!(named("docker daemon").status, Status::Ok);
    assert!(named("rabbitmq 4.0").detail.ends_with("is present"));
    assert_eq!(named("disk").status, Status::Ok, "{}", named("disk"));
    for check in &checks {
        assert_eq!(
            check.remedy.is_none(),
            check.status == Status::Ok,
            "{check}"
        );
    }
}

/// A durable queue, on a connection of this name.
async fn queue(url: &str, client: &str, name: &str) -> Connection {
    let named = ConnectionProperties::default().with_connection_name(client.into());
    let connection = Connection::connect(url, named).await.expect("guest");
    let channel = connection.create_channel().await.expect("a channel");
    let durable = QueueDeclareOptions {
        durable: true,
        ..QueueDeclareOptions::default()
    };
    let declared = channel.queue_declare(name.into(), durable, FieldTable::default());
    declared.await.expect("nobody has it");
    connection
}

#[tokio::test]
async fn what_killed_runs_left_on_a_broker_goes_and_nothing_else() {
    let Some(shared) = shared_broker().await else {
        return;
    };
    let url = format!("amqp://guest:guest@{}/%2f", shared.amqp);
    let [long_ago, at_work] = ["prover-18000000000-1-1", "prover-18000000000-1-2"];
    let dead = format!("{long_ago}.lock-0-1-A");
    let alive = format!("{at_work}.lock-0-1-A");
    drop(queue(&url, "another", &dead).await);
    let _worker = queue(&url, &format!("{at_work}-0"), &alive).await;
    let _other = queue(&url, "another", "prover-asks-nobody").await;

    let site = RealSite::broker_at(RabbitMq.place(&url).expect("a URL"));
    let no_api = sweep(&site, Some("http://127.0.0.1:1"), Which::Dead).await;
    let said = no_api.expect_err("nobody listens there").to_string();
    assert!(said.contains("give its URL with --management"), "{said}");
    let management = shared.management.map(|address| format!("http://{address}"));
    let management = management.as_deref();
    let place = RabbitMq.place(&url).expect("a URL");
    // The API learns of connections and queues a moment later.
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let things = RabbitMq.find(&place, "prover-", management).await;
        let things = things.expect("it tells");
        let knows = |name: &str, in_use| {
            let mut things = things.iter();
            things.any(|thing| thing.name == name && thing.in_use == in_use)
        };
        if knows(&dead, false) && knows(&alive, true) {
            break;
        }
        assert!(Instant::now() < deadline, "{things:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let swept = sweep(&site, management, Which::Dead).await;
    let swept = swept.expect("it tells");
    assert_eq!(swept[0].removed, [dead]);
    let left = swept[0].left.iter().map(RunId::prefix);
    assert_eq!(
        left.collect::<Vec<_>>(),
        [at_work],
        "its connection is open"
    );
}

#[tokio::test]
async fn what_a_run_made_on_a_broker_goes_with_it_also_where_nothing_lists_it() {
    let Some(shared) = shared_broker().await else {
        return;
    };
    let url = format!("amqp://guest:guest@{}/%2f", shared.amqp);
    let site = RealSite::broker_at(RabbitMq.place(&url).expect("a URL"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let demand = demand(folder.path());
    let testbed = Testbed::start(&site, &ProxyChoice::Embedded, demand, &Silent).await;
    let testbed = testbed.expect("it answers");
    let names = ["lock-0", "lock-0-2-A", "lock-0-2-B", "lock-0-token"];
    let names = names.map(|name| format!("{}.{name}", testbed.prefix()));
    for name in &names {
        queue(&url, "another", name).await;
    }
    let connection = queue(&url, "another", "orders").await;
    assert_eq!(testbed.clear(&["lock-0".into()], 2).await, [""; 0]);
    let passive = QueueDeclareOptions {
        passive: true,
        ..QueueDeclareOptions::default()
    };
    for (name, is_there) in names
        .iter()
        .map(|name| (name.as_str(), false))
        .chain([("orders", true)])
    {
        let channel = connection.create_channel().await.expect("a channel");
        let asked = channel.queue_declare(name.into(), passive, FieldTable::default());
        assert_eq!(asked.await.is_ok(), is_there, "{name}");
    }
    testbed.stop().await.expect("the links go");
}

/// Whether a broker greets whoever connects to it there.
async fn greets(address: std::net::SocketAddr) -> bool {
    greet(address).await.is_ok()
}

/// Seen from outside: nobody is greeted while it is stopped or dead, and at the same published port
/// everybody is afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_stands_still_and_goes_on_dies_and_comes_back_at_the_same_port() {
    if !docker_or_skip().await {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let demand = demand(folder.path());
    let site = RealSite::rabbitmq("4.0");
    let testbed = Testbed::start(&site, &ProxyChoice::Embedded, demand, &Silent).await;
    let testbed = testbed.expect("it starts");
    let link = testbed.links().addresses(0).expect("a link")[0];
    let system = testbed.system();
    assert!(greets(link).await);
    for (fault, strikes) in [("broker-pause", "stands still"), ("kill", "is dead")] {
        let selected = selected(fault);
        let (fault, strike) = (selected.fault, strike(&system, &[0], &selected));
        fault.inject(&strike).await.expect(strikes);
        assert!(!greets(link).await, "it {strikes}");
        fault.heal(&strike).await.expect("it is mended");
        assert!(greets(link).await, "it {strikes} no more");
    }
    testbed.stop().await.expect("it is taken down");
}

#[tokio::test]
async fn what_is_somebodys_own_is_not_struck() {
    let Some(shared) = shared_broker().await else {
        return;
    };
    let url = format!("amqp://guest:guest@{}/%2f", shared.amqp);
    let site = RealSite::broker_at(RabbitMq.place(&url).expect("a URL"));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let demand = demand(folder.path());
    let testbed = Testbed::start(&site, &ProxyChoice::Embedded, demand, &Silent).await;
    let testbed = testbed.expect("it answers");
    let (system, selected) = (testbed.system(), selected("kill"));
    let strike = strike(&system, &[0], &selected);
    let error = selected.fault.inject(&strike).await;
    let said = error.expect_err("it is not the run's own").to_string();
    assert!(said.contains("no service was started"), "{said}");
}
