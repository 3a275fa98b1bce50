//! The client against a Toxiproxy that waits for somebody who does not read: this server has the
//! answers and the silences of one, as they were seen (docs/proxy.md).

use std::future::pending;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use proxy::toxiproxy::{ApiClient, Error};
use proxy::{Latency, Proxies, Stream, Toxic};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

const RECORD: &str = r#"{"name":"p","listen":"127.0.0.1:1","upstream":"127.0.0.1:2","enabled":true,"Logger":{},"toxics":[]}"#;

/// What was asked of it: method, path and body.
#[derive(Clone, Default)]
struct Toxiproxy {
    asked: Arc<Mutex<Vec<String>>>,
    /// How long a client is in the way of a change of the proxy.
    busy: Duration,
}

impl Toxiproxy {
    async fn serve(self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(self);
        tokio::spawn(async { axum::serve(listener, router).await });
        address
    }
}

async fn answer(
    State(toxiproxy): State<Toxiproxy>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> Response {
    let body = String::from_utf8(body.to_vec()).unwrap();
    let request = format!("{method} {} {body}", uri.path());
    toxiproxy.asked.lock().unwrap().push(request.clone());
    match request.trim_end() {
        // The connections are closed, and the answer waits for the toxics.
        r#"POST /proxies/p {"enabled":false}"# => pending().await,
        r#"POST /proxies/p {"listen":"nowhere"}"# => {
            sleep(toxiproxy.busy).await;
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
        "DELETE /proxies/p" => StatusCode::NO_CONTENT.into_response(),
        created if created.starts_with("POST /proxies {") => {
            (StatusCode::CREATED, RECORD).into_response()
        }
        _ => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn client(address: SocketAddr) -> ApiClient {
    ApiClient::new(&format!("http://{address}")).unwrap()
}

#[tokio::test]
async fn a_proxy_is_deleted_when_nothing_waits_for_it_any_more() {
    let busy = Duration::from_millis(1500);
    let toxiproxy = Toxiproxy {
        busy,
        ..Toxiproxy::default()
    };
    let asked = Arc::clone(&toxiproxy.asked);
    let client = client(toxiproxy.serve().await);
    let began = Instant::now();
    let put = client.put("p", "127.0.0.1:1", "127.0.0.1:2").await;
    assert_eq!(put.unwrap(), "127.0.0.1:1");
    let took = began.elapsed();
    assert!(took > busy && took < Duration::from_secs(10), "{took:?}");
    let asked = asked.lock().unwrap();
    let firsts = asked.iter().map(|request| {
        let mut words = request.splitn(3, ' ');
        format!("{} {}", words.next().unwrap(), words.next().unwrap())
    });
    let order = [
        "POST /proxies/p",
        "POST /proxies/p",
        "DELETE /proxies/p",
        "POST /proxies",
    ];
    assert_eq!(firsts.collect::<Vec<_>>(), order);
}

#[tokio::test]
async fn its_own_time_limit_is_told_with_the_remedy() {
    let address = Toxiproxy::default().serve().await;
    let toxic = Toxic::new(Stream::Upstream, &Latency::default());
    let error = client(address).add_toxic("p", &toxic).await.unwrap_err();
    assert!(matches!(error, Error::Stuck { .. }), "{error}");
    let told = error.to_string();
    for part in ["/proxies/p/toxics", &address.to_string(), "restart it"] {
        assert!(told.contains(part), "{told}");
    }
}
