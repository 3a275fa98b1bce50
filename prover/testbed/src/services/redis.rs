//! Redis.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;

use super::ask::in_time;
use super::resp::{Reply, Talk};
use crate::image::{Image, Releases};
use crate::label::RunId;
use crate::place::{Form, Place, PlaceError};
use crate::recipe::Recipe;
use crate::service::{Outfit, Presence, Service, Setting, Thing};

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

    async fn attend(&self, place: &Place, name: &str) -> Option<Presence> {
        let named = in_time(async {
            let mut talk = Talk::open(place).await?;
            talk.ask(&["CLIENT", "SETNAME", name]).await?;
            Ok(talk)
        });
        named.await.ok().map(Presence::of)
    }

    async fn find(
        &self,
        place: &Place,
        prefix: &str,
        _management: Option<&str>,
    ) -> Result<Vec<Thing>, String> {
        let mut talk = in_time(Talk::open(place)).await?;
        let at_work = at_work(&mut talk).await?;
        let (mut things, mut cursor) = (Vec::new(), "0".to_owned());
        let pattern = format!("{prefix}*");
        loop {
            let asked = ["SCAN", &cursor, "MATCH", &pattern, "COUNT", "1000"];
            let (next, keys) = page(in_time(talk.ask(&asked)).await?)?;
            for name in keys {
                let is_attended = RunId::in_name(&name).is_some_and(|run| at_work.contains(&run));
                let in_use = is_attended || has_end(&mut talk, &name).await?;
                things.push(Thing { name, in_use });
            }
            if next == "0" {
                return Ok(things);
            }
            cursor = next;
        }
    }

    async fn remove(&self, place: &Place, names: &[String]) -> Result<Vec<String>, String> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut talk = in_time(Talk::open(place)).await?;
        for some in names.chunks(1000) {
            let words = some.iter().map(String::as_str);
            let words: Vec<&str> = ["DEL"].into_iter().chain(words).collect();
            in_time(talk.ask(&words)).await?;
        }
        Ok(names.to_vec())
    }
}

/// The runs whose provers are connected, by the names of their connections.
async fn at_work(talk: &mut Talk) -> Result<Vec<RunId>, String> {
    let Reply::Text(clients) = in_time(talk.ask(&["CLIENT", "LIST"])).await? else {
        return Ok(Vec::new());
    };
    let facts = clients.split_whitespace();
    let names = facts.filter_map(|fact| fact.strip_prefix("name="));
    Ok(names.filter_map(RunId::in_name).collect())
}

/// Whether a key goes by itself, or is kept alive.
async fn has_end(talk: &mut Talk, name: &str) -> Result<bool, String> {
    let left = in_time(talk.ask(&["PTTL", name])).await?;
    Ok(!matches!(left, Reply::Text(left) if left.starts_with('-')))
}

/// The next cursor and some keys.
fn page(reply: Reply) -> Result<(String, Vec<String>), String> {
    let other = || "it answers SCAN with something else".to_owned();
    let Reply::Many(parts) = reply else {
        return Err(other());
    };
    match <[Reply; 2]>::try_from(parts) {
        Ok([Reply::Text(cursor), Reply::Many(keys)]) => {
            let keys = keys.into_iter().filter_map(|key| match key {
                Reply::Text(key) => Some(key),
                _ => None,
            });
            Ok((cursor, keys.collect()))
        }
        _ => Err(other()),
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
