//! Services beside RabbitMQ, against a real daemon: all of them in one run, so that each image is
//! built once and little is started.

use std::path::Path;
use std::time::Duration;

use locks::ClientConfig;
use testbed::testing::docker_or_skip;
use testbed::{
    Asked, Choice, Demand, ProxyChoice, RealSite, Silent, Site, StartError, Testbed, services,
};

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
    testbed.stop().await.expect("nothing but links goes");
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
