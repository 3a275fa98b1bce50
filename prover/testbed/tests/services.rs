//! Services beside RabbitMQ, against a real daemon: all of them in one run, so that each image is
//! built once and little is started.

use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use locks::{ClientConfig, Endpoint};
use testbed::clean::Which;
use testbed::leftover::sweep;
use testbed::testing::docker_or_skip;
use testbed::{
    Asked, Choice, Demand, ProxyChoice, RealSite, RunId, Silent, Site, StartError, Testbed, Thing,
    services,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const WORKERS: u32 = 2;

fn site(testbed: &str, services: &[String]) -> RealSite {
    let asked = Asked {
        services,
        needed: &[],
        ..Asked::broker(testbed)
    };
    match Choice::parse(&asked).expect("they are known").site {
        Site::Real(site) => site,
        other => panic!("{other:?}"),
    }
}

async fn start(site: &RealSite, logs: &Path) -> Result<Testbed, StartError> {
    let demand = Demand {
        workers: WORKERS,
        heartbeat: Duration::from_secs(2),
        proxy_seed: 0,
        logs,
    };
    Testbed::start(site, &ProxyChoice::Embedded, demand, &Silent).await
}

/// Whether each service answers a client over its own links.
async fn answers(client: &ClientConfig) -> Vec<bool> {
    let asked = client.endpoints.iter().map(|endpoint| async {
        let service = services::find(&endpoint.service).expect("it is known");
        let place = service.place(&endpoint.url).expect("it is a place");
        assert_eq!(place.port(), endpoint.port);
        service.greet(&place).await.is_ok()
    });
    futures_util::future::join_all(asked).await
}

fn clients(testbed: &Testbed) -> Vec<ClientConfig> {
    let clients = testbed.clients(&testbed.prefix(), |_| 0);
    clients.expect("everybody has links")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_worker_has_its_own_links_to_every_service() {
    if !docker_or_skip().await {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let asked = ["redis", "etcd", "postgres", "redis"].map(str::to_owned);
    let testbed = match start(&site("docker", &asked), folder.path()).await {
        Ok(testbed) => testbed,
        Err(error) => panic!("{error}"),
    };
    let described = testbed.described();
    assert_eq!(described.kind, "docker");
    let names = ["redis-1", "etcd", "postgres", "redis-2"];
    for (facts, name) in described.services.iter().zip(names) {
        assert_eq!(facts.name, name);
        assert!(
            facts.version.is_some() && facts.digest.is_some(),
            "{facts:?}"
        );
    }
    let workers = clients(&testbed);
    for worker in &workers {
        let told: Vec<_> = worker
            .endpoints
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        assert_eq!(told, names);
        assert_eq!(answers(worker).await, [true; 4]);
    }

    testbed
        .links()
        .partition(0)
        .await
        .expect("the proxy answers");
    assert_eq!(answers(&workers[0]).await, [false; 4]);
    assert_eq!(answers(&workers[1]).await, [true; 4]);
    testbed.answers().await.expect("past the links they answer");
    testbed.links().heal(0).await.expect("the proxy answers");
    assert_eq!(answers(&workers[0]).await, [true; 4]);

    by_address(&testbed, folder.path()).await;
    testbed.stop().await.expect("everything goes");
    for (name, said) in [
        ("redis-1", "Ready to accept connections"),
        ("redis-2", "Ready to accept connections"),
        ("etcd", "ready to serve client requests"),
        ("postgres", "database system is ready to accept connections"),
    ] {
        let log = std::fs::read_to_string(folder.path().join(format!("{name}.log")));
        let log = log.expect("its log is kept");
        assert!(log.contains(said), "{name}: {log}");
    }
}

/// The same services, as somebody's own.
async fn by_address(running: &Testbed, logs: &Path) {
    let links = clients(running).remove(0).endpoints;
    let there = links
        .iter()
        .map(|one| format!("{}={}", one.service, one.url));
    let there: Vec<String> = there.collect();
    let site = site("auto", &there);
    assert!(!site.needs_docker());
    let testbed = start(&site, logs).await.expect("they answer");
    assert_eq!(testbed.described().kind, "endpoints");
    assert_eq!(answers(&clients(&testbed)[1]).await, [true; 4]);
    testbed.links().cut(1).await.expect("the proxy answers");
    assert_eq!(answers(&clients(&testbed)[1]).await, [false; 4]);
    nothing_of_others_is_removed(&testbed, &links, &site).await;
    testbed.stop().await.expect("nothing but links goes");
}

/// A run of long ago, one of just now, and what only begins as if it were a run's.
const LONG_AGO: &str = "prover-18000000000-1-1.lock-0";
const NO_RUNS: [&str; 2] = ["orders", "prover-asks"];

async fn nothing_of_others_is_removed(testbed: &Testbed, links: &[Endpoint], site: &RealSite) {
    let own = format!("{}.lock-0", testbed.prefix());
    let fresh = format!("{}.lock-0", RunId::fresh().prefix());
    let [redis, etcd] = [&links[0], &links[1]];
    for endpoint in [redis, etcd] {
        for name in [&own, &fresh, LONG_AGO, NO_RUNS[0], NO_RUNS[1]] {
            put(endpoint, name).await;
        }
        let things = things(endpoint).await;
        let of_own = things.iter().find(|thing| thing.name == own);
        let is_attended = endpoint.service == "redis";
        assert_eq!(of_own.map(|thing| thing.in_use), Some(is_attended));
    }
    let stays = testbed.clear(&["lock-0".into()], 1).await;
    assert_eq!(stays.len(), 1, "{stays:?}");
    assert!(stays[0].contains("PostgreSQL"), "{stays:?}");
    let cleanable = RealSite {
        instances: site.instances[..2].to_vec(),
        cluster: None,
        keep: false,
        clock: false,
        mirrored: false,
    };
    for (which, left) in [
        (None, vec![fresh.as_str(), LONG_AGO, NO_RUNS[1]]),
        (Some(Which::Dead), vec![fresh.as_str(), NO_RUNS[1]]),
        (Some(Which::All), vec![NO_RUNS[1]]),
    ] {
        if let Some(which) = which {
            sweep(&cleanable, None, which).await.expect("both tell");
        }
        for endpoint in [redis, etcd] {
            let mut left: Vec<_> = left.iter().map(ToString::to_string).collect();
            left.sort();
            assert_eq!(names(endpoint).await, left, "{which:?} on {endpoint:?}");
        }
    }
    let refused = sweep(site, None, Which::Dead)
        .await
        .expect_err("PostgreSQL");
    let said = refused.to_string();
    assert!(said.contains("does not look into PostgreSQL"), "{said}");
}

/// What is there and begins with `prover-`.
async fn things(endpoint: &Endpoint) -> Vec<Thing> {
    let service = services::find(&endpoint.service).expect("it is known");
    let place = service.place(&endpoint.url).expect("it is a place");
    let things = service.find(&place, "prover-", None).await;
    things.expect("it tells")
}

async fn names(endpoint: &Endpoint) -> Vec<String> {
    let things = things(endpoint).await.into_iter();
    let mut names: Vec<_> = things.map(|thing| thing.name).collect();
    names.sort();
    names
}

async fn put(endpoint: &Endpoint, name: &str) {
    match endpoint.service.as_str() {
        "redis" => set_in_redis(endpoint, name).await,
        _ => put_into_etcd(endpoint, name).await,
    }
}

async fn set_in_redis(endpoint: &Endpoint, name: &str) {
    let mut stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port))
        .await
        .expect("it listens");
    let request = format!("SET {name} 1\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = [0; 5];
    stream.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer, b"+OK\r\n");
}

async fn put_into_etcd(endpoint: &Endpoint, name: &str) {
    let put = serde_json::json!({ "key": BASE64.encode(name), "value": "" });
    let url = format!("{}/v3/kv/put", endpoint.url);
    let answer = reqwest::Client::new().post(url).json(&put).send().await;
    let answer = answer.expect("it answers");
    answer.error_for_status().expect("it takes it");
}

#[tokio::test]
async fn what_is_not_there_is_told_before_anything_starts() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (service, noun) in [
        ("redis=redis://:s3cret@127.0.0.1:1", "Redis"),
        ("etcd=http://ada:s3cret@127.0.0.1:1", "etcd"),
        ("postgres=postgres://ada:s3cret@127.0.0.1:1", "PostgreSQL"),
        ("zookeeper=127.0.0.1:1", "ZooKeeper"),
        ("rabbitmq=amqp://ada:s3cret@127.0.0.1:1", "the broker"),
    ] {
        let site = site("docker", &[service.to_owned(), "redis".to_owned()]);
        let said = match start(&site, folder.path()).await {
            Ok(_) => panic!("nobody listens there"),
            Err(error) => error.to_string(),
        };
        assert_eq!(
            said,
            format!(
                "failed to connect to {noun} at 127.0.0.1:1: nobody listens there; start it, or correct the URL"
            )
        );
    }
}

#[tokio::test]
async fn a_run_without_a_service_has_nothing_to_start() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let testbed = start(&site("auto", &[]), folder.path())
        .await
        .expect("nothing is needed");
    assert_eq!(testbed.described().to_string(), "none, no service, no link");
    let workers = clients(&testbed);
    assert_eq!(workers.len(), 2);
    assert!(workers.iter().all(|worker| worker.endpoints.is_empty()));
    assert!(testbed.links().partition(0).await.is_err());
    testbed.answers().await.expect("nobody is asked");
    testbed.stop().await.expect("nothing goes");
}
