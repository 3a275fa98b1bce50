//! The first bytes of an AMQP 0-9-1 connection: enough to know that a broker is there and which
//! one.
//!
//! A published port accepts connections before the broker does, since Docker's own proxy listens on
//! it, so only an answer counts.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const PROTOCOL_HEADER: &[u8] = b"AMQP\x00\x00\x09\x01";
/// Frame type, channel, payload size; then class and method.
const HEADER_BYTES: usize = 7;
const CONNECTION_START: [u8; 4] = [0, 10, 0, 10];
/// RabbitMQ's `connection.start` takes about 500 bytes.
const START_BYTES_MAX: usize = 64 * 1024;
const ANSWER_WAIT: Duration = Duration::from_secs(2);

/// What a broker says of itself before anybody logs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// The broker's version, if it tells: `4.0.5`.
    pub version: Option<String>,
}

/// Greets whoever listens at `addr` and reads its `connection.start`.
///
/// # Errors
/// When nobody answers within two seconds, or what answers does not speak AMQP 0-9-1.
pub async fn greet(addr: SocketAddr) -> io::Result<Greeting> {
    tokio::time::timeout(ANSWER_WAIT, read_start(addr))
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no answer to an AMQP greeting"))?
        .map(|start| Greeting {
            version: version_in(&start),
        })
}

async fn read_start(addr: SocketAddr) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(addr).await?;
    stream.write_all(PROTOCOL_HEADER).await?;
    let mut header = [0; HEADER_BYTES];
    stream.read_exact(&mut header).await?;
    let size = u32::from_be_bytes([header[3], header[4], header[5], header[6]]) as usize;
    if header[..3] != [1, 0, 0] || size > START_BYTES_MAX {
        return Err(no_amqp());
    }
    let mut payload = vec![0; size];
    stream.read_exact(&mut payload).await?;
    if payload.starts_with(&CONNECTION_START) {
        Ok(payload)
    } else {
        Err(no_amqp())
    }
}

fn no_amqp() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "what answers does not speak AMQP 0-9-1",
    )
}

/// The long string under the key `version` of the server's properties.
fn version_in(start: &[u8]) -> Option<String> {
    const KEY: &[u8] = b"\x07versionS";
    let at = start.windows(KEY.len()).position(|bytes| bytes == KEY)? + KEY.len();
    let size: [u8; 4] = start.get(at..at + 4)?.try_into().ok()?;
    let text = start.get(at + 4..at + 4 + u32::from_be_bytes(size) as usize)?;
    String::from_utf8(text.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// A peer that reads a greeting and says `answer`.
    async fn peer(answer: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("its address");
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let mut greeting = [0; 8];
            stream.read_exact(&mut greeting).await.expect("a greeting");
            stream.write_all(answer).await.expect("an answer");
        });
        addr
    }

    #[tokio::test]
    async fn the_version_is_read_from_connection_start() {
        let addr = peer(
            b"\x01\x00\x00\x00\x00\x00\x17\x00\x0a\x00\x0a\x00\x09\x07versionS\x00\x00\x00\x014",
        )
        .await;
        let error = greet(addr)
            .await
            .expect_err("the frame is shorter than it says");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        let addr = peer(
            b"\x01\x00\x00\x00\x00\x00\x14\x00\x0a\x00\x0a\x00\x09\x07versionS\x00\x00\x00\x014",
        )
        .await;
        let greeting = greet(addr).await.expect("a whole frame");
        assert_eq!(greeting.version.as_deref(), Some("4"));
    }

    #[tokio::test]
    async fn other_protocols_are_told() {
        let error = greet(peer(b"HTTP/1.1 400 Bad Request\r\n\r\n").await)
            .await
            .expect_err("not AMQP");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[tokio::test]
    async fn a_peer_that_hangs_up_is_no_broker() {
        greet(peer(b"").await).await.expect_err("nothing was said");
    }
}
