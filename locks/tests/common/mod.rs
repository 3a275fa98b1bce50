//! What the tests on brokers share: a real RabbitMQ and a simulated one, names that do not meet, a
//! link that can be cut.
#![allow(
    dead_code,
    unused_macros,
    unused_imports,
    reason = "each test binary uses its own part"
)]

mod relay;

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use locks::ClientConfig;
use locks::broker::{Broker, Channel, ConnectOptions, Connection, RabbitMq};
use simulated::Simulation;

pub(crate) use relay::Relay;

/// Every wait in these tests ends by itself after this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Links of a simulation: the first is nobody's relay, the last leads nowhere.
const LINKS: usize = 32;

/// A broker that is there for the tests.
pub(crate) enum Rabbit {
    Real {
        address: String,
        container: Option<String>,
    },
    Simulated {
        simulation: Simulation,
        relays: AtomicUsize,
    },
}

/// Runs a body on both arms: a real RabbitMQ where one is named, and always a simulated one under
/// virtual time.
macro_rules! on_both {
    ($body:ident) => {
        mod $body {
            #[tokio::test]
            async fn on_rabbitmq() {
                if let Some(rabbit) = crate::common::real().await {
                    super::$body(rabbit).await;
                }
            }

            #[tokio::test(start_paused = true)]
            async fn simulated() {
                super::$body(crate::common::simulated()).await;
            }
        }
    };
}
pub(crate) use on_both;

/// The real broker to test against: `PROVER_AMQP=host:port`, and its container in
/// `PROVER_AMQP_CONTAINER` for what takes an operator; else one in Docker that the tests of this
/// binary share. Without Docker the test is skipped, or fails under `PROVER_REQUIRE_DOCKER=1`.
pub(crate) async fn real() -> Option<Rabbit> {
    if let Ok(address) = std::env::var("PROVER_AMQP") {
        let container = std::env::var("PROVER_AMQP_CONTAINER").ok();
        return Some(Rabbit::Real { address, container });
    }
    let shared = testbed::testing::shared_broker().await?;
    Some(Rabbit::Real {
        address: shared.amqp.to_string(),
        container: Some(shared.container.clone()),
    })
}

/// A simulated broker of this test's own.
pub(crate) fn simulated() -> Rabbit {
    let simulation = Simulation::new(1, LINKS);
    simulation.set_refused(LINKS - 1, true).unwrap();
    Rabbit::Simulated {
        simulation,
        relays: AtomicUsize::new(1),
    }
}

#[allow(clippy::print_stderr, reason = "a skipped test says why")]
fn skipped<T>(why: &str) -> Option<T> {
    let required = std::env::var("PROVER_REQUIRE_DOCKER").is_ok_and(|value| value == "1");
    assert!(
        !required,
        "not skipped under PROVER_REQUIRE_DOCKER=1: {why}"
    );
    eprintln!("skipped: {why}");
    None
}

/// A name that no other test and no other run uses.
pub(crate) fn unique(name: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("test-{}-{number}-{name}", std::process::id())
}

impl Rabbit {
    pub(crate) fn broker(&self) -> Arc<dyn Broker> {
        match self {
            Self::Real { .. } => Arc::new(RabbitMq),
            Self::Simulated { simulation, .. } => Arc::new(simulation.clone()),
        }
    }

    pub(crate) fn options(&self, name: &str) -> ConnectOptions {
        let address = match self {
            Self::Real { address, .. } => address.clone(),
            Self::Simulated { .. } => Simulation::address(0),
        };
        ConnectOptions {
            address,
            name: name.into(),
            ..ConnectOptions::default()
        }
    }

    /// An address where nobody listens.
    pub(crate) fn nowhere(&self) -> String {
        match self {
            Self::Real { .. } => "127.0.0.1:1".into(),
            Self::Simulated { .. } => Simulation::address(LINKS - 1),
        }
    }

    pub(crate) async fn connection(&self) -> Box<dyn Connection> {
        self.connection_named("test").await
    }

    pub(crate) async fn connection_named(&self, name: &str) -> Box<dyn Connection> {
        self.broker().connect(&self.options(name)).await.unwrap()
    }

    /// A connection of its own with one channel in confirm mode.
    pub(crate) async fn channel(&self) -> (Box<dyn Connection>, Box<dyn Channel>) {
        let connection = self.connection().await;
        let channel = connection.channel().await.unwrap();
        channel.confirm_select().await.unwrap();
        (connection, channel)
    }

    pub(crate) fn client(&self, prefix: &str, name: &str) -> ClientConfig {
        ClientConfig {
            broker: self.broker(),
            connect: self.options(name),
            endpoints: Vec::new(),
            run: locks::RunContext::default(),
            prefix: prefix.into(),
            name: name.into(),
            seed: 0,
            options: locks::Options::default(),
        }
    }

    pub(crate) async fn relay(&self) -> Relay {
        match self {
            Self::Real { address, .. } => Relay::start(address).await,
            Self::Simulated { simulation, relays } => {
                let link = relays.fetch_add(1, Ordering::Relaxed);
                Relay::simulated(simulation.clone(), link)
            }
        }
    }

    /// Runs `rabbitmqctl` where the broker's container is known.
    async fn ctl(container: Option<&str>, arguments: &[&str]) -> Option<()> {
        let Some(container) = container else {
            return skipped("PROVER_AMQP_CONTAINER names no container for rabbitmqctl");
        };
        let mut command = Command::new("docker");
        command.args(["exec", container, "rabbitmqctl", "-q"]);
        command.args(arguments);
        let running = tokio::task::spawn_blocking(move || command.output());
        let output = running.await.unwrap().expect("docker runs");
        assert!(output.status.success(), "{output:?}");
        Some(())
    }

    /// Deletes a queue, as an operator would.
    pub(crate) async fn delete_queue(&self, queue: &str) -> Option<()> {
        match self {
            Self::Real { container, .. } => {
                Self::ctl(container.as_deref(), &["delete_queue", queue]).await
            }
            Self::Simulated { simulation, .. } => simulation.delete_queue(queue).then_some(()),
        }
    }

    /// Raises or clears the memory alarm.
    pub(crate) async fn set_memory_alarm(&self, raised: bool) -> Option<()> {
        let watermark = if raised { "0.0000001" } else { "0.4" };
        match self {
            Self::Real { container, .. } => {
                let arguments = ["set_vm_memory_high_watermark", watermark];
                Self::ctl(container.as_deref(), &arguments).await
            }
            Self::Simulated { simulation, .. } => {
                simulation.set_memory_alarm(raised);
                Some(())
            }
        }
    }

    /// Closes the connections of this name, as an operator would.
    pub(crate) async fn close_connections(&self, name: &str) -> Option<()> {
        let container = match self {
            Self::Real { container, .. } => container.as_deref(),
            Self::Simulated { simulation, .. } => {
                let closed = simulation.close_connections(&[name.into()], "closed by a test");
                assert!(!closed.is_empty());
                return Some(());
            }
        };
        let program = format!(
            "[rabbit_networking:close_connection(Pid, \"closed by a test\") \
             || [{{pid, Pid}}, {{client_properties, Properties}}] \
             <- rabbit_networking:connection_info_all([pid, client_properties]), \
             is_list(Properties), lists:keyfind(<<\"connection_name\">>, 1, Properties) \
             =:= {{<<\"connection_name\">>, longstr, <<\"{name}\">>}}]."
        );
        Self::ctl(container, &["eval", &program]).await
    }
}

/// Waits for something with a bound.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what)
        .await
        .expect("happens within 30 s")
}

/// Asks again until the answer is yes, with a bound.
pub(crate) async fn until(mut condition: impl AsyncFnMut() -> bool) {
    soon(async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}
