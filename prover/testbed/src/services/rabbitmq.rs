//! RabbitMQ.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use locks::ErrorKind;
use locks::broker::{Broker, ConnectOptions, Connection, DeleteOptions, Publish};
use serde_json::Value;
use tokio::net::lookup_host;
use tokio::time::timeout;

use super::ask::{http, json, told};
use super::management::Management;
use crate::amqp::greet;
use crate::clock;
use crate::container::Container;
use crate::error::TestbedError;
use crate::image::{Image, Releases};
use crate::password::GUEST;
use crate::place::{Form, Place, PlaceError};
use crate::recipe::{Input, Recipe};
use crate::service::{Door, File, Made, Membership, Outfit, Service, Setting, Thing, Unfit};

/// RabbitMQ, the broker of the locks in `locks`.
#[derive(Debug)]
pub struct RabbitMq;

/// The port that AMQP clients connect to, inside the run's network.
const AMQP_PORT: u16 = 5672;
/// The port of the management API, inside the run's network.
pub(super) const MANAGEMENT_PORT: u16 = 15672;

const FORM: Form = Form {
    schemes: &["amqp"],
    port: AMQP_PORT,
    example: "amqp://guest:guest@127.0.0.1:5672/%2f",
    needs_password: true,
};

/// The configuration that every broker gets, whatever its image.
const CONFIGURATION: &str = include_str!("../../../../docker/rabbitmq/etc/rabbitmq/rabbitmq.conf");
/// The plugins that every broker gets.
const PLUGINS: &str = include_str!("../../../../docker/rabbitmq/etc/rabbitmq/enabled_plugins");

const FILES: &[Input] = &[
    (
        "rabbitmq/prepare.sh",
        0o644,
        include_str!("../../../../docker/rabbitmq/prepare.sh"),
    ),
    ("rabbitmq/etc/rabbitmq/rabbitmq.conf", 0o644, CONFIGURATION),
    ("rabbitmq/etc/rabbitmq/enabled_plugins", 0o644, PLUGINS),
];

const fn recipe(release: &'static str, suite: &'static str) -> Recipe {
    Recipe {
        service: "rabbitmq",
        release,
        suite,
        packages: "rabbitmq-server iproute2 iptables nftables procps libfaketime",
        files: FILES,
    }
}

const RELEASES: Releases = Releases {
    recipes: &[recipe("4.0", "trixie"), recipe("3.10", "bookworm")],
    official: Some(("rabbitmq:", "-management")),
    usual: "--rabbitmq 4.0 or 3.10",
};

/// The management listener opens with the AMQP one. An image without the plugin never answers.
const MANAGEMENT_WAIT: Duration = Duration::from_secs(15);
/// What every release logs when its start is over, and how long after the listener that may be.
const STARTED_UP: &str = "startup complete";
const STARTED_UP_WAIT: Duration = Duration::from_secs(30);
/// Idle schedulers that spin take the cores from the clients beside them.
const ERL_ARGS: &str = "+sbwt none +sbwtdcpu none +sbwtdio none";
/// Both sides give a silent peer up after so many heartbeats at the most.
const HEARTBEATS_OF_DEATH: u32 = 3;

#[async_trait]
impl Service for RabbitMq {
    fn name(&self) -> &'static str {
        "rabbitmq"
    }

    fn product(&self) -> &'static str {
        "RabbitMQ"
    }

    fn noun(&self) -> &'static str {
        "the broker"
    }

    fn summary(&self) -> &'static str {
        "RabbitMQ with the management plugin; what the locks of `prover list locks` stand on"
    }

    fn gives_away(&self) -> &'static str {
        "when it finds the connection dead: after three heartbeats at the most"
    }

    fn patience(&self, heartbeat: Duration) -> Duration {
        HEARTBEATS_OF_DEATH * heartbeat
    }

    fn image(&self, asked: Option<&str>) -> Image {
        RELEASES.image(asked)
    }

    fn outfit(&self, setting: &Setting<'_>) -> Outfit {
        let file = |path, mode, content: &str| File {
            path,
            mode,
            content: content.as_bytes().to_vec(),
        };
        // The cookie is a file because RabbitMQ deprecates the variable.
        let cookie = format!("prover-{}", setting.run);
        let mut outfit = Outfit {
            ports: vec![AMQP_PORT, MANAGEMENT_PORT],
            environment: vec![("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", ERL_ARGS.to_owned())],
            command: Vec::new(),
            files: vec![
                file("/etc/rabbitmq/conf.d/90-prover.conf", 0o644, CONFIGURATION),
                file("/etc/rabbitmq/enabled_plugins", 0o644, PLUGINS),
                file("/var/lib/rabbitmq/.erlang.cookie", 0o400, &cookie),
            ],
        };
        if let Some(membership) = setting.cluster {
            let path = "/etc/rabbitmq/conf.d/91-prover-cluster.conf";
            outfit.files.push(file(path, 0o644, &clustered(membership)));
        }
        if setting.clock {
            outfit.environment.extend(clock::environment());
            outfit.files.push(clock::file());
        }
        outfit
    }

    fn own(&self, address: SocketAddr) -> Place {
        FORM.own(&format!("amqp://{GUEST}:{GUEST}@{address}/%2f"))
    }

    fn place(&self, text: &str) -> Result<Place, PlaceError> {
        match FORM.read(text, None) {
            Err(PlaceError::NoPassword) => {
                // Everybody knows the guest's.
                let guest = FORM.read(text, Some(GUEST.to_owned()))?;
                let is_guest = guest.user().as_deref() == Some(GUEST);
                if is_guest {
                    Ok(guest)
                } else {
                    FORM.place(text)
                }
            }
            other => other,
        }
    }

    fn url(&self, place: &Place) -> String {
        let url = place.url();
        let (scheme, rest) = url.split_once("://").unwrap_or(("amqp", url));
        let rest = rest.trim_end_matches('/');
        let account = match place.user() {
            None => format!("{GUEST}:{GUEST}@"),
            Some(_) => String::new(),
        };
        let vhost = if rest.contains('/') { "" } else { "/%2f" };
        format!("{scheme}://{account}{rest}{vhost}")
    }

    async fn greet(&self, place: &Place) -> Result<Option<String>, String> {
        let mut addresses = lookup_host(place.address()).await.map_err(told)?;
        let address = addresses.next().ok_or("its name leads nowhere")?;
        let greeting = greet(address).await.map_err(told)?;
        Ok(greeting.version)
    }

    async fn works(&self, place: &Place) -> Result<(), Unfit> {
        let options = connect(place);
        let broker = locks::broker::RabbitMq;
        let connection = broker.connect(&options).await;
        let connection =
            connection.map_err(|error| Unfit::Absent(why(&options.address, &error)))?;
        let taken = timeout(options.timeout, takes_messages(&*connection)).await;
        // It answered; how it takes the goodbye does not matter.
        let _ = timeout(options.timeout, connection.close()).await;
        taken.map_err(|_| {
            Unfit::Useless(format!(
                "the broker at {} takes no messages: it has an alarm, most likely of memory or disk; `rabbitmqctl status` shows it",
                options.address
            ))
        })
    }

    async fn find(
        &self,
        place: &Place,
        prefix: &str,
        management: Option<&str>,
    ) -> Result<Vec<Thing>, String> {
        let listed = Management::of(place, management)?.things(prefix).await;
        listed.map_err(|why| {
            format!("over AMQP a broker does not list its queues, and its management API does not answer ({why}): give its URL with --management")
        })
    }

    fn guess(&self, made: &Made<'_>) -> Vec<String> {
        let slots = (1..=made.slots).flat_map(|slot| [format!("-{slot}-A"), format!("-{slot}-B")]);
        let plain = ["", "-token", "-administration", "-decrement"].map(str::to_owned);
        let ends: Vec<String> = plain.into_iter().chain(slots).collect();
        let names = made.keys.iter().flat_map(|key| {
            let names = ends.iter();
            names.map(move |end| format!("{}.{key}{end}", made.prefix))
        });
        names.collect()
    }

    async fn remove(&self, place: &Place, names: &[String]) -> Result<Vec<String>, String> {
        let options = connect(place);
        let told = |error: locks::Error| why(&options.address, &error);
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let broker = locks::broker::RabbitMq;
        let connection = broker.connect(&options).await.map_err(told)?;
        let mut channel = connection.channel().await.map_err(told)?;
        let mut gone = Vec::new();
        for name in names {
            match channel.delete(name, &DeleteOptions::default()).await {
                Ok(_) => gone.push(name.clone()),
                // It belongs to a connection that the broker has not found dead yet, and goes with
                // it. The channel is lost.
                Err(_) => channel = connection.channel().await.map_err(told)?,
            }
        }
        let _ = timeout(options.timeout, connection.close()).await;
        Ok(gone)
    }

    /// RabbitMQ listens a moment before it is done: durable queues that are declared in between
    /// lose what is in them (measured on 4.0.5). An image that does not say when it is done is
    /// taken as it is.
    async fn settled(&self, container: &Container) -> Result<(), TestbedError> {
        let said = || async {
            let log = container.log_of_this_start().await;
            let is_done = log.is_ok_and(|log| log.contains(STARTED_UP));
            is_done
                .then_some(())
                .ok_or_else(|| format!("its log does not say \"{STARTED_UP}\""))
        };
        let settled = container.waits_for("the whole server", STARTED_UP_WAIT, said);
        settled.await.map(drop)
    }

    async fn doors(&self, container: &Container) -> Result<Vec<Door>, TestbedError> {
        let address = container.published(MANAGEMENT_PORT).await?;
        let answer = container
            .waits_for("the management API", MANAGEMENT_WAIT, || overview(address))
            .await?;
        let door = Door {
            name: "management",
            address,
            account: "guest / guest",
        };
        Ok(answer.map(|()| door).into_iter().collect())
    }
}

/// What a node of a cluster is called there.
pub(crate) fn node_name(host: &str) -> String {
    format!("rabbit@{host}")
}

/// The settings that make nodes a cluster. A silent node is found dead within 4 to 7 s and not
/// within a minute, so that runs stay short.
fn clustered(membership: &Membership) -> String {
    let mut text = format!(
        "cluster_formation.peer_discovery_backend = classic_config\n\
         cluster_formation.discovery_retry_limit = 2\n\
         cluster_partition_handling = {}\n\
         net_ticktime = 5\n",
        membership.handling
    );
    for (at, host) in (1..).zip(&membership.hosts) {
        let node = node_name(host);
        text += &format!("cluster_formation.classic_config.nodes.{at} = {node}\n");
    }
    text
}

/// How clients connect to it.
#[must_use]
pub fn connect(place: &Place) -> ConnectOptions {
    ConnectOptions {
        address: place.address(),
        // A slash alone means the virtual host that every broker has.
        vhost: match place.path() {
            path if path.is_empty() => "/".to_owned(),
            path => path,
        },
        user: place.user().unwrap_or_else(|| GUEST.to_owned()),
        password: place.password().unwrap_or_else(|| GUEST.to_owned()),
        timeout: Duration::from_secs(10),
        ..ConnectOptions::default()
    }
}

/// What the node whose management API answers there says of all nodes of its cluster.
pub(crate) async fn cluster_nodes(address: SocketAddr) -> Result<Value, String> {
    let request = http()?.get(format!("http://{address}/api/nodes"));
    json(request.basic_auth(GUEST, Some(GUEST))).await
}

async fn overview(address: SocketAddr) -> Result<(), String> {
    let request = http()?.get(format!("http://{address}/api/overview"));
    json(request.basic_auth(GUEST, Some(GUEST))).await.map(drop)
}

/// What was said, without what is said of every service: where it is, and what to do.
fn why(address: &str, reason: &locks::Error) -> String {
    if reason.kind == ErrorKind::ConnectionRefused {
        return "nobody listens there".to_owned();
    }
    let text = reason.to_string();
    let place = format!("{address}: ");
    text.strip_prefix(&place).unwrap_or(&text).to_owned()
}

/// Returns once the broker has answered a publish, whatever it said: with an alarm it never does.
/// An account that may not publish need not.
async fn takes_messages(connection: &dyn Connection) {
    if let Ok(channel) = connection.channel().await
        && channel.confirm_select().await.is_ok()
    {
        // With an alarm RabbitMQ answers the first and reads nothing after that.
        for _ in 0..2 {
            let _ = channel.publish("prover-asks", &Publish::ping()).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_says_how_to_connect() {
        let options = |url: &str| connect(&RabbitMq.place(url).expect("a URL"));
        let whole = options("amqp://ada:s%2Fecret@127.0.0.1:5673/v%2F1");
        assert_eq!(whole.address, "127.0.0.1:5673");
        assert_eq!(
            (whole.user.as_str(), whole.password.as_str()),
            ("ada", "s/ecret")
        );
        assert_eq!(whole.vhost, "v/1");
        for url in ["amqp://h:1", "amqp://h:1/", "amqp://h:1/%2f", "h:1"] {
            assert_eq!(options(url).vhost, "/");
            let place = RabbitMq.place(url).expect("a URL");
            assert_eq!(RabbitMq.url(&place), "amqp://guest:guest@h:1/%2f");
        }
        assert_eq!(options("amqp://guest@h").password, "guest");
    }

    #[test]
    fn a_password_may_be_left_out() {
        let given = |url: &str, password: Option<&str>| {
            let place = FORM.read(url, password.map(str::to_owned));
            place.map(|place| connect(&place).password)
        };
        let url = "amqp://ada@127.0.0.1:1/%2f";
        assert_eq!(given(url, Some("s/ecret")), Ok("s/ecret".to_owned()));
        assert_eq!(given(url, None), Err(PlaceError::NoPassword));
        let in_url = given("amqp://ada:mine@127.0.0.1:1", Some("other"));
        assert_eq!(in_url, Ok("mine".to_owned()));
    }
}
