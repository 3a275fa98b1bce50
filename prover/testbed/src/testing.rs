//! Brokers for tests: one for all tests of a binary, gone when the binary ends, however it ends.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use nemesis::{Selected, Strike, System, Timer, Worker};
use tokio::sync::OnceCell;

use crate::docker::{Docker, Plan};
use crate::error::TestbedError;
use crate::label::RunId;
use crate::progress::Silent;

/// Turns "no Docker here" from a reason to skip into a failure.
pub const REQUIRE_VARIABLE: &str = "PROVER_REQUIRE_DOCKER";

/// Time that is never over.
struct Endless;

#[async_trait]
impl Timer for Endless {
    async fn rest(&self, time: Duration) -> bool {
        tokio::time::sleep(time).await;
        true
    }
}

/// A fault as it strikes these workers, with all the time that it wants.
#[must_use]
pub fn strike<'a>(
    system: &'a dyn System,
    targets: &'a [Worker],
    selected: &'a Selected,
) -> Strike<'a> {
    Strike {
        system,
        targets,
        parameters: &selected.parameters,
        timer: &Endless,
    }
}

/// The fault that is asked for so: `slow{latency=40ms}`.
///
/// # Panics
/// It is none.
#[must_use]
pub fn selected(text: &str) -> Selected {
    let mut mix = nemesis::parse_mix(text).expect("a fault");
    mix.remove(0)
}

/// A plain broker that tests share.
#[derive(Debug, Clone)]
pub struct TestBroker {
    /// Where AMQP clients connect (user and password `guest`).
    pub amqp: SocketAddr,
    /// Where the management API answers.
    pub management: Option<SocketAddr>,
    /// RabbitMQ's version.
    pub version: Option<String>,
    /// The broker's container, for `docker exec`.
    pub container: String,
}

/// The broker that all tests of this binary share, started by the first of them; `None`, with the
/// reason on stderr, where the daemon does not answer. Tests keep apart by the names of their
/// queues.
///
/// # Panics
/// When the daemon answers but the broker does not come up, and when there is no daemon although
/// [`REQUIRE_VARIABLE`] is set.
pub async fn shared_broker() -> Option<&'static TestBroker> {
    static SHARED: OnceCell<Option<TestBroker>> = OnceCell::const_new();
    SHARED.get_or_init(start_shared).await.as_ref()
}

async fn start_shared() -> Option<TestBroker> {
    if !docker_or_skip().await {
        return None;
    }
    // What binaries left that could not even start their reaper; another binary's reaper may be at
    // it at this moment.
    let _ = crate::clean::clean(crate::clean::Which::Dead).await;
    match Docker::start(Plan::rabbitmq(None), &Silent).await {
        Ok(testbed) => Some(hand_over(testbed)),
        Err(error) => panic!("failed to {error}"),
    }
}

/// Whether Docker can be used; where not, says so on stderr, or panics if it is required.
///
/// # Panics
/// When there is no daemon although [`REQUIRE_VARIABLE`] is set.
#[expect(clippy::print_stderr, reason = "a skipped test says why")]
pub async fn docker_or_skip() -> bool {
    match crate::daemon::connect().await {
        Ok(_) => true,
        Err(error) if std::env::var_os(REQUIRE_VARIABLE).is_some() => panic!("failed to {error}"),
        Err(error @ TestbedError::DaemonUnreachable { .. }) => {
            eprintln!("skipped: failed to {error}");
            false
        }
        Err(error) => panic!("failed to {error}"),
    }
}

/// Tests have no common end, so a process of its own waits for this one's and removes the broker
/// then.
fn hand_over(testbed: Docker) -> TestBroker {
    static REAPER: Mutex<Option<Child>> = Mutex::new(None);
    let node = &testbed.nodes()[0];
    let broker = TestBroker {
        amqp: node.address(),
        management: node.doors().first().map(|door| door.address),
        version: node.image().version.clone(),
        container: node.container_name().to_owned(),
    };
    let reaper = spawn_reaper(node.container_name(), testbed.run());
    if let Ok(mut place) = REAPER.lock() {
        *place = reaper.ok();
    }
    let _kept = testbed.keep();
    broker
}

/// Its stdin is a pipe whose other end closes with this process. Without a shell or the `docker`
/// program the next `clean` does its work.
fn spawn_reaper(container: &str, run: &RunId) -> std::io::Result<Child> {
    let script = format!(
        "trap '' INT TERM HUP; cat; docker rm --force --volumes {container}; docker network rm {}",
        run.network()
    );
    Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}
