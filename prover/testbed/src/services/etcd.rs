//! etcd.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;

use super::ask::{http, json};
use crate::image::{Image, Releases};
use crate::place::{Form, Place, PlaceError};
use crate::recipe::Recipe;
use crate::service::{Outfit, Service, Setting};

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
        let health = json(get("/health")).await?;
        if health["health"] != "true" {
            return Err(format!("it is not healthy ({})", health["reason"]));
        }
        let version = json(get("/version")).await.ok();
        let version = version.and_then(|it| it["etcdserver"].as_str().map(str::to_owned));
        Ok(version)
    }
}
