//! A cluster of three against a real daemon: what is done to its nodes, seen from outside. All of it
//! in one test, because a cluster takes 20 to 40 s to start.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use nemesis::Link;
use testbed::testing::docker_or_skip;
use testbed::{Asked, Choice, Cluster, Demand, ProxyChoice, Sight, Silent, Site, Testbed};

const WORKERS: u32 = 5;
/// A silent node is found dead within 7 s, and an idle one comes back within 20 s.
const NOTICED_WITHIN: Duration = Duration::from_secs(60);

async fn start(handling: &str, logs: &Path) -> Testbed {
    let asked = Asked {
        nodes: 3,
        partition_handling: Some(handling),
        ..Asked::broker("docker")
    };
    let Site::Real(site) = Choice::parse(&asked).expect("a cluster").site else {
        panic!("a cluster is real")
    };
    let demand = Demand {
        workers: WORKERS,
        heartbeat: Duration::from_secs(2),
        proxy_seed: 0,
        logs,
    };
    let started = Testbed::start(&site, &ProxyChoice::Embedded, demand, &Silent).await;
    started.unwrap_or_else(|error| panic!("{error}"))
}

/// Both directions between two nodes.
fn between(one: u32, other: u32) -> [Link; 2] {
    [Link::from([one, other]), Link::from([other, one])]
}

async fn see(cluster: &Cluster, what: &str, is_so: impl Fn(&[Sight]) -> bool) {
    let seen = cluster.until(NOTICED_WITHIN, is_so).await;
    seen.unwrap_or_else(|error| panic!("{what}: {error}"));
}

fn sees(sight: &Sight, nodes: &[usize]) -> bool {
    matches!(sight, Sight::Sees { running, .. } if running == nodes)
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_are_cut_apart_killed_paused_and_taken_out() {
    if !docker_or_skip().await {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let testbed = start("pause_minority", folder.path()).await;
    let said = testbed.described().to_string();
    assert!(
        said.contains("a cluster of 3 nodes with pause_minority"),
        "{said}"
    );
    workers_are_spread(&testbed);
    let cluster = testbed.cluster().expect("it is a cluster");
    minority_waits(cluster).await;
    one_way_cut_counts_one_way(cluster).await;
    killed_node_is_missed(cluster).await;
    paused_node_is_missed(cluster).await;
    left_node_is_forgotten(cluster).await;
    testbed.answers().await.expect("all nodes serve again");
    testbed.stop().await.expect("everything goes");
    for node in 0..3 {
        let log = folder.path().join(format!("node-{node}.log"));
        let log = std::fs::read_to_string(log).expect("its log is kept");
        assert!(log.contains("startup complete"), "{log}");
    }
}

fn workers_are_spread(testbed: &Testbed) {
    let clients = testbed.clients(&testbed.prefix(), |_| 0);
    let clients = clients.expect("everybody has a link");
    let nodes = clients.iter().map(|client| {
        let [endpoint] = &client.endpoints[..] else {
            panic!("one link a worker: {:?}", client.endpoints)
        };
        endpoint.name.clone()
    });
    let nodes: Vec<String> = nodes.collect();
    assert_eq!(nodes, ["node-0", "node-1", "node-2", "node-0", "node-1"]);
    let addresses = clients.iter().map(|client| &client.connect.address);
    let addresses: BTreeSet<_> = addresses.collect();
    assert_eq!(addresses.len(), 5, "each has its own link");
}

async fn minority_waits(cluster: &Cluster) {
    let links = [between(0, 1), between(0, 2)].concat();
    cluster.split(&links).await.expect("rules are added");
    see(cluster, "node 0 is alone", |sights| {
        sights[0] == Sight::Waits && sees(&sights[1], &[1, 2]) && sees(&sights[2], &[1, 2])
    })
    .await;
    let dropped = cluster.mend().await.expect("rules are deleted");
    let cut: BTreeSet<_> = dropped.iter().map(|one| one.link).collect();
    assert_eq!(cut, links.into_iter().collect());
    assert!(dropped.iter().all(|one| one.packets > 0), "{dropped:?}");
    let restarted = cluster.recover().await.expect("they find each other");
    assert!(
        restarted.is_empty(),
        "a node that waited comes back by itself"
    );
    assert!(cluster.mend().await.expect("nothing is cut").is_empty());
}

async fn one_way_cut_counts_one_way(cluster: &Cluster) {
    let link = Link::from([0, 1]);
    cluster.split(&[link]).await.expect("a rule is added");
    see(cluster, "0 and 1 lose each other", |sights| {
        let lost = |node: usize| sights[node] == Sight::Waits || sights[node].sees(2);
        lost(0) || lost(1)
    })
    .await;
    let dropped = cluster.mend().await.expect("the rule is deleted");
    assert!(matches!(dropped[..], [one] if one.link == link && one.packets > 0));
    cluster.recover().await.expect("they find each other");
}

async fn killed_node_is_missed(cluster: &Cluster) {
    cluster.kill(1).await.expect("it is killed");
    see(cluster, "node 1 is dead", |sights| {
        let gone = Sight::Silent("its container is exited".to_owned());
        sights[1] == gone && sees(&sights[0], &[0, 2]) && sees(&sights[2], &[0, 2])
    })
    .await;
    cluster.start(1).await.expect("it starts");
    cluster.be_whole().await.expect("it is back");
}

async fn paused_node_is_missed(cluster: &Cluster) {
    cluster.pause(2).await.expect("it stands still");
    see(cluster, "node 2 stands still", |sights| {
        let still = Sight::Silent("its container is paused".to_owned());
        sights[2] == still && sees(&sights[0], &[0, 1]) && sees(&sights[1], &[0, 1])
    })
    .await;
    cluster.resume(2).await.expect("it goes on");
    let restarted = cluster.recover().await.expect("it is back");
    assert_eq!(
        restarted,
        [2],
        "what stood still does not see that it was left alone"
    );
}

async fn left_node_is_forgotten(cluster: &Cluster) {
    cluster.leave(0).await.expect("it leaves");
    see(cluster, "node 0 has left", |sights| {
        sees(&sights[1], &[1, 2]) && sees(&sights[2], &[1, 2])
    })
    .await;
    cluster.join(0).await.expect("it joins");
    cluster.be_whole().await.expect("it is back");
}
