//! PostgreSQL.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use tokio::net::TcpStream;

use super::ask::{connect, in_time, read, send};
use crate::image::{Image, Releases};
use crate::place::{Form, Place, PlaceError};
use crate::recipe::Recipe;
use crate::service::{Outfit, Service, Setting};

/// PostgreSQL: advisory locks, and rows.
#[derive(Debug)]
pub struct Postgres;

const PORT: u16 = 5432;

const FORM: Form = Form {
    schemes: &["postgres", "postgresql"],
    port: PORT,
    example: "postgres://postgres@127.0.0.1:5432/postgres",
    needs_password: false,
};

const RELEASES: Releases = Releases {
    recipes: &[Recipe {
        service: "postgres",
        release: "17",
        suite: "trixie",
        packages: "postgresql-17",
        files: &[(
            "postgres/prepare.sh",
            0o644,
            include_str!("../../../../docker/postgres/prepare.sh"),
        )],
    }],
    official: Some(("postgres:", "")),
    usual: "--service postgres",
};

/// The user that every server has, and its password in containers that everybody may enter.
const USER: &str = "postgres";

/// Version 3.0 of the protocol.
const PROTOCOL: [u8; 4] = [0, 3, 0, 0];
/// No message of a greeting is longer.
const MESSAGE_BYTES_MAX: usize = 64 * 1024;

#[async_trait]
impl Service for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn product(&self) -> &'static str {
        "PostgreSQL"
    }

    fn summary(&self) -> &'static str {
        "PostgreSQL, one server: advisory locks and rows"
    }

    fn gives_away(&self) -> &'static str {
        "when the session's connection ends; of a silent client behind a proxy it never hears, as the proxy answers TCP keepalive"
    }

    fn patience(&self, _heartbeat: Duration) -> Duration {
        Duration::ZERO
    }

    fn image(&self, asked: Option<&str>) -> Image {
        RELEASES.image(asked)
    }

    fn outfit(&self, _setting: &Setting<'_>) -> Outfit {
        // A run has up to a thousand workers, and each may open a second session.
        let command = "postgres -c listen_addresses=* -c max_connections=2000 -c unix_socket_directories=/tmp";
        Outfit {
            ports: vec![PORT],
            environment: vec![
                ("POSTGRES_PASSWORD", USER.to_owned()),
                ("POSTGRES_HOST_AUTH_METHOD", "trust".to_owned()),
            ],
            command: command.split(' ').map(str::to_owned).collect(),
            ..Outfit::default()
        }
    }

    fn own(&self, address: SocketAddr) -> Place {
        FORM.own(&format!("postgres://{USER}:{USER}@{address}/postgres"))
    }

    fn place(&self, text: &str) -> Result<Place, PlaceError> {
        FORM.place(text)
    }

    async fn greet(&self, place: &Place) -> Result<Option<String>, String> {
        in_time(async {
            let mut stream = connect(&place.address()).await?;
            send(&mut stream, &startup(place)).await?;
            welcome(&mut stream).await
        })
        .await
    }
}

/// The packet that opens a session.
fn startup(place: &Place) -> Vec<u8> {
    let user = place.user().unwrap_or_else(|| USER.to_owned());
    let database = match place.path() {
        path if path.is_empty() => user.clone(),
        path => path,
    };
    let mut packet = PROTOCOL.to_vec();
    for text in ["user", &user, "database", &database, ""] {
        packet.extend_from_slice(text.as_bytes());
        packet.push(0);
    }
    let length = u32::try_from(packet.len() + 4).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], &packet].concat()
}

/// Reads until the server takes queries, or asks for a password: it does so only once it is up.
async fn welcome(stream: &mut TcpStream) -> Result<Option<String>, String> {
    let mut version = None;
    loop {
        let (kind, message) = message(stream).await?;
        match kind {
            b'E' => return Err(complaint(&message)),
            b'R' if message.first_chunk() != Some(&[0, 0, 0, 0]) => return Ok(None),
            b'S' => version = version.or_else(|| version_in(&message)),
            b'Z' => return Ok(version),
            _ => {}
        }
    }
}

async fn message(stream: &mut TcpStream) -> Result<(u8, Vec<u8>), String> {
    let header = read(stream, 5).await?;
    let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize;
    if !(4..MESSAGE_BYTES_MAX).contains(&length) {
        return Err("what answers does not speak PostgreSQL's protocol".to_owned());
    }
    Ok((header[0], read(stream, length - 4).await?))
}

fn texts(message: &[u8]) -> impl Iterator<Item = &str> {
    let parts = message.split(|byte| *byte == 0);
    parts.map(|part| std::str::from_utf8(part).unwrap_or_default())
}

fn version_in(message: &[u8]) -> Option<String> {
    let mut texts = texts(message);
    let name = texts.next()?;
    let value = texts.next()?.split(' ').next()?;
    (name == "server_version").then(|| value.to_owned())
}

/// The field that is for people.
fn complaint(message: &[u8]) -> String {
    let said = texts(message).find_map(|field| field.strip_prefix('M'));
    said.unwrap_or("it refuses without a reason").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    async fn greeted_by(answer: &'static [u8]) -> Result<Option<String>, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let _ = read(&mut stream, 8).await;
            stream.write_all(answer).await.expect("an answer");
            // The client reads before it goes.
            let _ = read(&mut stream, 10_000).await;
        });
        Postgres.greet(&Postgres.own(address)).await
    }

    #[tokio::test]
    async fn a_server_that_takes_queries_tells_its_version() {
        let whole = b"R\0\0\0\x08\0\0\0\0S\0\0\0\x1cserver_version\x0017.5 (D)\0Z\0\0\0\x05I";
        assert_eq!(greeted_by(whole).await, Ok(Some("17.5".to_owned())));
        let asks = b"R\0\0\0\x08\0\0\0\x0a";
        assert_eq!(greeted_by(asks).await, Ok(None));
    }

    #[tokio::test]
    async fn what_is_starting_or_another_thing_is_told() {
        let starting = b"E\0\0\0\x1fC57P03\0Mit is starting up\0\0";
        assert_eq!(
            greeted_by(starting).await,
            Err("it is starting up".to_owned())
        );
        let said = greeted_by(b"HTTP/1.1 400").await.expect_err("no server");
        assert!(said.contains("does not speak"), "{said}");
    }
}
