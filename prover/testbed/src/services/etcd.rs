//! etcd.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::{Value, json};

use super::ask::{self, http};
use crate::image::{Image, Releases};
use crate::place::{Form, Place, PlaceError};
use crate::recipe::Recipe;
use crate::service::{Outfit, Service, Setting, Thing};

/// etcd: keys that hang on leases.
#[derive(Debug)]
pub struct Etcd;

const PORT: u16 = 2379;

const FORM: Form = Form {
    schemes: &["http"],
    port: PORT,
    example: "http://127.0.0.1:2379",
    needs_password: true,
};

/// Its makers hand out no image on Docker Hub.
const RELEASES: Releases = Releases {
    recipes: &[Recipe {
        service: "etcd",
        release: "3.5",
        suite: "trixie",
        packages: "etcd-server",
        files: &[(
            "etcd/prepare.sh",
            0o644,
            include_str!("../../../../docker/etcd/prepare.sh"),
        )],
    }],
    official: None,
    usual: "--service etcd",
};

#[async_trait]
impl Service for Etcd {
    fn name(&self) -> &'static str {
        "etcd"
    }

    fn product(&self) -> &'static str {
        "etcd"
    }

    fn summary(&self) -> &'static str {
        "etcd, one member; clients speak gRPC or its JSON gateway"
    }

    fn gives_away(&self) -> &'static str {
        "when the lease that the key hangs on ends, so the lock's lease decides"
    }

    fn patience(&self, _heartbeat: Duration) -> Duration {
        Duration::ZERO
    }

    fn image(&self, asked: Option<&str>) -> Image {
        RELEASES.image(asked)
    }

    fn outfit(&self, _setting: &Setting<'_>) -> Outfit {
        let options = [
            "--data-dir=/var/lib/etcd/data",
            "--listen-client-urls=http://0.0.0.0:2379",
            "--advertise-client-urls=http://127.0.0.1:2379",
        ];
        let words = ["etcd"].into_iter().chain(options);
        Outfit {
            ports: vec![PORT],
            command: words.map(str::to_owned).collect(),
            ..Outfit::default()
        }
    }

    fn own(&self, address: SocketAddr) -> Place {
        FORM.own(&format!("http://{address}"))
    }

    fn place(&self, text: &str) -> Result<Place, PlaceError> {
        FORM.place(text)
    }

    fn url(&self, place: &Place) -> String {
        place.url().trim_end_matches('/').to_owned()
    }

    async fn greet(&self, place: &Place) -> Result<Option<String>, String> {
        let (client, address) = (http()?, place.address());
        let get = |path: &str| client.get(format!("http://{address}{path}"));
        let health = ask::json(get("/health")).await?;
        if health["health"] != "true" {
            return Err(format!("it is not healthy ({})", health["reason"]));
        }
        let version = ask::json(get("/version")).await.ok();
        let version = version.and_then(|it| it["etcdserver"].as_str().map(str::to_owned));
        Ok(version)
    }

    async fn find(
        &self,
        place: &Place,
        prefix: &str,
        _management: Option<&str>,
    ) -> Result<Vec<Thing>, String> {
        let range = json!({
            "key": BASE64.encode(prefix),
            "range_end": BASE64.encode(behind(prefix)),
            "keys_only": true,
        });
        let found = ask(place, "kv/range", &range).await?;
        let kvs = found["kvs"].as_array().cloned().unwrap_or_default();
        let things = kvs.iter().map(|kv| {
            let key = BASE64.decode(kv["key"].as_str()?).ok()?;
            Some(Thing {
                name: String::from_utf8_lossy(&key).into_owned(),
                // What hangs on a lease goes by itself, or is kept alive.
                in_use: kv.get("lease").is_some_and(|lease| lease != "0"),
            })
        });
        Ok(things.flatten().collect())
    }

    async fn remove(&self, place: &Place, names: &[String]) -> Result<Vec<String>, String> {
        for name in names {
            let key = json!({ "key": BASE64.encode(name) });
            ask(place, "kv/deleterange", &key).await?;
        }
        Ok(names.to_vec())
    }
}

/// Asks the JSON gateway, as the place's account where it has one.
async fn ask(place: &Place, what: &str, question: &Value) -> Result<Value, String> {
    let (client, address) = (http()?, place.address());
    let post = |what: &str, question: &Value| {
        let request = client.post(format!("http://{address}/v3/{what}"));
        request.json(question)
    };
    let question = post(what, question);
    let (Some(user), Some(password)) = (place.user(), place.password()) else {
        return ask::json(question).await;
    };
    let login = json!({ "name": user, "password": password });
    let granted = ask::json(post("auth/authenticate", &login)).await?;
    let token = granted["token"].as_str().unwrap_or_default();
    ask::json(question.header("Authorization", token)).await
}

/// The first key behind all that begin so.
fn behind(prefix: &str) -> Vec<u8> {
    let mut key = prefix.as_bytes().to_vec();
    if let Some(last) = key.last_mut() {
        *last += 1;
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_all_that_begin_so() {
        let (prefix, end) = ("prover-", behind("prover-"));
        assert!(b"prover-z".as_slice() < &end[..] && b"prover.".as_slice() >= &end[..]);
        assert!(prefix.as_bytes() < &end[..]);
    }
}
