//! The ways in which services are asked something: some bytes over TCP, a request over HTTP.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A service that works answers within milliseconds.
const ANSWER_WAIT: Duration = Duration::from_secs(2);

/// Does something that a service should have answered by now.
pub(super) async fn in_time<T>(
    asked: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    timeout(ANSWER_WAIT, asked)
        .await
        .unwrap_or_else(|_| Err(format!("no answer within {} s", ANSWER_WAIT.as_secs())))
}

/// Connects to `host:port`.
pub(super) async fn connect(address: &str) -> Result<TcpStream, String> {
    TcpStream::connect(address).await.map_err(told)
}

/// Sends some bytes.
pub(super) async fn send(stream: &mut TcpStream, bytes: &[u8]) -> Result<(), String> {
    stream.write_all(bytes).await.map_err(told)
}

/// Reads so many bytes.
pub(super) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    count: usize,
) -> Result<Vec<u8>, String> {
    let mut bytes = vec![0; count];
    stream.read_exact(&mut bytes).await.map_err(told)?;
    Ok(bytes)
}

/// What is said of an error of a socket.
pub(super) fn told(error: std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => "nobody listens there".to_owned(),
        _ => error.to_string(),
    }
}

/// Asks an HTTP API and reads the JSON that it answers with; nothing of the URL is in an error.
pub(super) async fn json(request: reqwest::RequestBuilder) -> Result<Value, String> {
    let answer = send_http(request).await?;
    let answer = answer.error_for_status().map_err(of_http)?;
    answer.json().await.map_err(of_http)
}

/// Asks an HTTP API; gives its answer, whatever it is.
pub(super) async fn send_http(
    request: reqwest::RequestBuilder,
) -> Result<reqwest::Response, String> {
    let sent = request.timeout(ANSWER_WAIT).send().await;
    sent.map_err(|error| match error.is_connect() {
        true => "nobody listens there".to_owned(),
        false => of_http(error),
    })
}

/// What is said of an error over HTTP.
pub(super) fn of_http(error: reqwest::Error) -> String {
    crate::error::chain(&error.without_url())
}

/// An HTTP client that goes straight to whom it asks.
pub(super) fn http() -> Result<reqwest::Client, String> {
    let client = reqwest::Client::builder().no_proxy().build();
    client.map_err(|error| error.to_string())
}
