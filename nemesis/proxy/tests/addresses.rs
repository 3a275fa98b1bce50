//! Where proxies listen and connect to, and what becomes of connections when that changes.

mod common;

use common::{Bed, PROXY, ends, lacks_ipv6, passes, within};
use proxy::{Latency, ProxyRecord, Stream};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

/// The port of an address.
fn port(address: &str) -> &str {
    address.rsplit_once(':').expect("an address").1
}

/// A proxy with a toxic, and a connection through it.
struct Used {
    bed: Bed,
    client: TcpStream,
    server: TcpStream,
    /// The proxy as it was at first.
    record: ProxyRecord,
}

impl Used {
    async fn new() -> Self {
        let bed = Bed::new().await;
        let (client, server) = bed.connect().await;
        let toxic = Latency {
            latency: 1,
            jitter: 0,
        };
        bed.add(Stream::Upstream, &toxic).await;
        let record = bed.client.proxy(PROXY).await.unwrap();
        Self {
            bed,
            client,
            server,
            record,
        }
    }

    async fn record(&self) -> ProxyRecord {
        self.bed.client.proxy(PROXY).await.unwrap()
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> (StatusCode, String) {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}{path}", self.bed.served.url);
        let request = http.request(method, url).body(body.to_string());
        let response = within(request.send()).await.unwrap();
        (response.status(), response.text().await.unwrap())
    }

    /// Moves the proxy in each way that the API knows, one after the other.
    async fn relocate(&self, listen: &str, upstream: &str) -> Vec<(StatusCode, String)> {
        let mut answers = Vec::new();
        for method in [Method::PATCH, Method::POST] {
            let body = json!({"listen": listen, "upstream": upstream});
            answers.push(self.ask(method, "/proxies/p", &body).await);
        }
        let body = json!([{"name": PROXY, "listen": listen, "upstream": upstream}]);
        answers.push(self.ask(Method::POST, "/populate", &body).await);
        answers
    }

    /// Expects the connection and the toxic to live, and the proxy to accept where it did.
    async fn is_untouched(&mut self) {
        passes(&mut self.client, &mut self.server, "still here").await;
        let (mut client, mut server) = self.bed.connect().await;
        passes(&mut client, &mut server, "and open").await;
        let record = self.record().await;
        assert_eq!(record.listen, self.record.listen);
        assert_eq!(record.toxics, self.record.toxics);
        assert!(record.enabled);
    }

    /// Expects the connection to be over.
    async fn is_closed(&mut self) {
        ends(&mut self.client).await;
        ends(&mut self.server).await;
    }
}

#[tokio::test]
async fn other_words_for_the_same_addresses_touch_nothing() {
    let mut used = Used::new().await;
    let (listen, upstream) = (used.record.listen.clone(), used.record.upstream.clone());
    let named = |address: &str| format!("localhost:{}", port(address));
    for (listen, upstream) in [
        (listen.clone(), upstream.clone()),
        (named(&listen), upstream.clone()),
        (listen.clone(), named(&upstream)),
        (named(&listen), named(&upstream)),
        (listen, upstream),
    ] {
        for (status, answer) in used.relocate(&listen, &upstream).await {
            assert!(status.is_success(), "{listen} {upstream}: {answer}");
            assert!(answer.contains(&upstream), "shown as asked for: {answer}");
        }
        used.is_untouched().await;
    }
}

#[tokio::test]
async fn other_words_for_every_interface_touch_nothing() {
    let mut used = Used::new().await;
    used.relocate(":0", &used.record.upstream).await;
    used.is_closed().await;
    used.bed.add(Stream::Upstream, &Latency::default()).await;
    used.record = used.record().await;
    let port = port(&used.record.listen);
    used.bed.listen = format!("127.0.0.1:{port}");
    (used.client, used.server) = used.bed.connect().await;
    for listen in [":", "0.0.0.0:", "[::]:"].map(|host| format!("{host}{port}")) {
        for (status, answer) in used.relocate(&listen, &used.record.upstream).await {
            assert!(status.is_success(), "{listen}: {answer}");
        }
        passes(&mut used.client, &mut used.server, &listen).await;
        assert_eq!(used.record().await, used.record);
    }
}

#[tokio::test]
async fn a_disabled_proxy_keeps_its_toxics_under_other_words() {
    let used = Used::new().await;
    used.bed.client.disable(PROXY).await.unwrap();
    let listen = format!("localhost:{}", port(&used.record.listen));
    let body = json!([{"name": PROXY, "listen": listen, "upstream": used.record.upstream}]);
    let (status, answer) = used.ask(Method::POST, "/populate", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{answer}");
    let record = used.record().await;
    assert_eq!(record.toxics, used.record.toxics);
    assert!(!record.enabled);
    let record = used.bed.client.enable(PROXY).await.unwrap();
    assert_eq!(record, used.record);
}

#[tokio::test]
async fn a_listen_address_that_cannot_be_had_changes_nothing() {
    let mut used = Used::new().await;
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let taken = other.local_addr().unwrap().to_string();
    let elsewhere = "127.0.0.1:1";
    for listen in ["a..b:1", "127.0.0.1", "127.0.0.1:x", &taken] {
        for upstream in [elsewhere, &used.record.upstream.clone()] {
            for (status, answer) in used.relocate(listen, upstream).await {
                assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{answer}");
                assert!(answer.contains(&format!("listen tcp {listen}")), "{answer}");
            }
            used.is_untouched().await;
            assert_eq!(used.record().await, used.record);
        }
    }
}

#[tokio::test]
async fn a_port_that_is_taken_in_half_changes_nothing() {
    if lacks_ipv6().await {
        return;
    }
    let mut used = Used::new().await;
    let own = port(&used.record.listen).to_owned();
    let _half = TcpListener::bind(format!("[::1]:{own}")).await.unwrap();
    for (status, answer) in used.relocate(&format!(":{own}"), "127.0.0.1:1").await {
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{answer}");
    }
    used.is_untouched().await;
    assert_eq!(used.record().await, used.record);
}

#[tokio::test]
async fn a_proxy_is_not_in_its_own_way() {
    let mut used = Used::new().await;
    let wide = format!(":{}", port(&used.record.listen));
    let narrow = used.record.listen.clone();
    for listen in [&wide, &narrow] {
        let body = json!({ "listen": listen });
        let (status, answer) = used.ask(Method::PATCH, "/proxies/p", &body).await;
        assert_eq!(status, StatusCode::OK, "{listen}: {answer}");
        used.is_closed().await;
        (used.client, used.server) = used.bed.connect().await;
        passes(&mut used.client, &mut used.server, listen).await;
    }
    assert_eq!(used.record().await, used.record);
}

#[tokio::test]
async fn another_server_closes_connections_and_takes_the_next() {
    let mut used = Used::new().await;
    let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let body = json!({"upstream": other.local_addr().unwrap().to_string()});
    let (status, answer) = used.ask(Method::PATCH, "/proxies/p", &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    used.is_closed().await;
    used.bed.server = other;
    (used.client, used.server) = used.bed.connect().await;
    used.is_untouched().await;
}

#[tokio::test]
async fn a_port_alone_is_every_interface_of_both_families() {
    let bed = Bed::new().await;
    let upstream = bed.server.local_addr().unwrap().to_string();
    for listen in [":0", "0.0.0.0:0"] {
        let record = bed.client.create("wide", listen, &upstream).await.unwrap();
        let mut hosts = vec!["127.0.0.1"];
        if !lacks_ipv6().await {
            assert!(record.listen.starts_with("[::]:"), "{}", record.listen);
            hosts.push("[::1]");
        }
        for host in hosts {
            let address = format!("{host}:{}", port(&record.listen));
            let mut client = within(TcpStream::connect(&address)).await.expect(&address);
            let (mut server, _) = within(bed.server.accept()).await.unwrap();
            passes(&mut client, &mut server, "ping").await;
        }
        bed.client.delete("wide").await.unwrap();
    }
}
