//! Redis.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;

use super::ask::in_time;
use super::resp::{Reply, Talk};
use crate::image::{Image, Releases};
use crate::place::{Form, Place, PlaceError};
use crate::recipe::Recipe;
use crate::service::{Outfit, Service, Setting};

/// Redis: keys with a time to live.
#[derive(Debug)]
pub struct Redis;

const PORT: u16 = 6379;

const FORM: Form = Form {
    schemes: &["redis"],
    port: PORT,
    example: "redis://127.0.0.1:6379",
    needs_password: true,
};

const RELEASES: Releases = Releases {
    recipes: &[Recipe {
        service: "redis",
        release: "8.0",
        suite: "trixie",
        packages: "redis-server",
        files: &[(
            "redis/prepare.sh",
            0o644,
            include_str!("../../../../docker/redis/prepare.sh"),
        )],
    }],
    official: Some(("redis:", "")),
    usual: "--service redis",
};

#[async_trait]
impl Service for Redis {
    fn name(&self) -> &'static str {
        "redis"
    }

    fn product(&self) -> &'static str {
        "Redis"
    }

    fn summary(&self) -> &'static str {
        "Redis without persistence; several instances for Redlock"
    }

    fn gives_away(&self) -> &'static str {
        "never by itself: when the key's time to live ends, so the lock's lease decides"
    }

    fn patience(&self, _heartbeat: Duration) -> Duration {
        Duration::ZERO
    }

    fn image(&self, asked: Option<&str>) -> Image {
        RELEASES.image(asked)
    }

    fn outfit(&self, _setting: &Setting<'_>) -> Outfit {
        let command = "redis-server --bind 0.0.0.0 --protected-mode no --appendonly no --save";
        let words = command.split(' ').chain([""]);
        Outfit {
            ports: vec![PORT],
            command: words.map(str::to_owned).collect(),
            ..Outfit::default()
        }
    }

    fn own(&self, address: SocketAddr) -> Place {
        FORM.own(&format!("redis://{address}"))
    }

    fn place(&self, text: &str) -> Result<Place, PlaceError> {
        FORM.place(text)
    }

    async fn greet(&self, place: &Place) -> Result<Option<String>, String> {
        in_time(async {
            let mut talk = Talk::open(place).await?;
            talk.ask(&["PING"]).await?;
            // An account may be kept from it.
            let info = talk.ask(&["INFO", "server"]).await;
            Ok(info.ok().and_then(|info| version_in(&info)))
        })
        .await
    }
}

fn version_in(info: &Reply) -> Option<String> {
    let Reply::Text(info) = info else { return None };
    let mut lines = info.lines();
    let version = lines.find_map(|line| line.strip_prefix("redis_version:"))?;
    Some(version.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_stands_among_others() {
        let info = "# Server\r\nredis_version:8.0.2\r\nredis_mode:standalone\r\n";
        let version = version_in(&Reply::Text(info.to_owned()));
        assert_eq!(version.as_deref(), Some("8.0.2"));
        assert_eq!(version_in(&Reply::Nothing), None);
    }
}
