//! Apache ZooKeeper.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::AsyncReadExt;

use super::ask::{connect, in_time, send, told};
use crate::image::{Image, Releases};
use crate::place::{Form, Place, PlaceError};
use crate::recipe::Recipe;
use crate::service::{File, Outfit, Service, Setting};

/// ZooKeeper: nodes that go with the session that made them.
#[derive(Debug)]
pub struct ZooKeeper;

const PORT: u16 = 2181;

const FORM: Form = Form {
    schemes: &["zookeeper"],
    port: PORT,
    example: "127.0.0.1:2181",
    needs_password: true,
};

const CONFIGURATION: &str = include_str!("../../../../docker/zookeeper/conf/zoo.cfg");

const RELEASES: Releases = Releases {
    recipes: &[Recipe {
        service: "zookeeper",
        release: "3.9",
        suite: "trixie",
        packages: "zookeeper",
        files: &[
            (
                "zookeeper/prepare.sh",
                0o644,
                include_str!("../../../../docker/zookeeper/prepare.sh"),
            ),
            ("zookeeper/conf/zoo.cfg", 0o644, CONFIGURATION),
        ],
    }],
    official: Some(("zookeeper:", "")),
    usual: "--service zookeeper",
};

/// A session is granted for so many heartbeats at the most, whatever its client asks for.
const SESSION_HEARTBEATS: u32 = 3;
/// As in the configuration: a session is found dead at the end of a tick.
const TICK: Duration = Duration::from_millis(500);

#[async_trait]
impl Service for ZooKeeper {
    fn name(&self) -> &'static str {
        "zookeeper"
    }

    fn product(&self) -> &'static str {
        "ZooKeeper"
    }

    fn summary(&self) -> &'static str {
        "Apache ZooKeeper, one server"
    }

    fn gives_away(&self) -> &'static str {
        "when the session times out: as its client asks, after three heartbeats at the most"
    }

    fn patience(&self, heartbeat: Duration) -> Duration {
        SESSION_HEARTBEATS * heartbeat + TICK
    }

    fn image(&self, asked: Option<&str>) -> Image {
        RELEASES.image(asked)
    }

    fn outfit(&self, setting: &Setting<'_>) -> Outfit {
        let longest = (SESSION_HEARTBEATS * setting.heartbeat).as_millis();
        let configuration = format!("{CONFIGURATION}maxSessionTimeout={longest}\n");
        Outfit {
            ports: vec![PORT],
            files: vec![File {
                path: "/conf/zoo.cfg",
                mode: 0o644,
                content: configuration.into_bytes(),
            }],
            ..Outfit::default()
        }
    }

    fn own(&self, address: SocketAddr) -> Place {
        FORM.own(&format!("zookeeper://{address}"))
    }

    fn place(&self, text: &str) -> Result<Place, PlaceError> {
        FORM.place(text)
    }

    fn url(&self, place: &Place) -> String {
        place.address()
    }

    async fn greet(&self, place: &Place) -> Result<Option<String>, String> {
        in_time(async {
            let mut stream = connect(&place.address()).await?;
            send(&mut stream, b"srvr").await?;
            let mut said = String::new();
            stream.read_to_string(&mut said).await.map_err(told)?;
            version_in(&said).map(Some)
        })
        .await
    }
}

/// `Zookeeper version: 3.9.3-c26634f…, built on …`, or why there is none.
fn version_in(said: &str) -> Result<String, String> {
    let line = said.lines().next().unwrap_or_default();
    let version = line.strip_prefix("Zookeeper version: ");
    let version = version.and_then(|rest| rest.split(['-', ',']).next());
    version.map(str::to_owned).ok_or_else(|| match line {
        "" => "what answers is no ZooKeeper".to_owned(),
        other => format!("it says \"{other}\""),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_in_the_first_line() {
        let said =
            "Zookeeper version: 3.9.3-c26634f, built on 2024-10-17\nLatency min/avg/max: 0/0/0\n";
        assert_eq!(version_in(said), Ok("3.9.3".to_owned()));
        let refusal = version_in("This ZooKeeper instance is not currently serving requests\n");
        assert!(
            refusal
                .expect_err("it refuses")
                .contains("not currently serving")
        );
    }
}
