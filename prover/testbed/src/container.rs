//! One container of a run: how it is asked for, started, watched and read.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt;
use jiff::Timestamp;
use nemesis::Evidence;
use testcontainers::bollard::exec::StartExecResults;
use testcontainers::bollard::models::{
    ContainerInspectResponse, ContainerState, ContainerStateStatusEnum, ExecConfig, PortBinding,
};
use testcontainers::bollard::query_parameters::{
    InspectContainerOptions, KillContainerOptions, LogsOptions, LogsOptionsBuilder,
    RestartContainerOptionsBuilder, StartContainerOptions, StopContainerOptionsBuilder,
};
use testcontainers::bollard::{self, Docker as Daemon};
use testcontainers::core::ContainerPort;
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerRequest, GenericImage, ImageExt};
use tokio::time::Instant;

use crate::error::{TestbedError, chain};
use crate::label::Run;

/// The label that tells a run's containers apart: `redis-1`, `toxiproxy`.
pub(crate) const ROLE: &str = "prover.role";
/// Erlang sizes its port table by this limit, and some hosts refuse more than 20000.
const OPEN_FILES_MAX: i64 = 16_384;
const POLL: Duration = Duration::from_millis(100);
const LOG_TAIL_LINES: &str = "20";
/// Who is told to stop and has not by then is killed.
const STOP_SECS: i32 = 60;
/// The daemon knows of what it has done within milliseconds.
const STATE_WAIT: Duration = Duration::from_secs(10);

/// A started container.
#[derive(Debug, Clone)]
pub struct Container {
    daemon: Daemon,
    /// The daemon's name for it.
    pub(crate) id: String,
    /// Its name, host name and DNS name within the run's network.
    pub(crate) name: String,
}

/// A request for one container of a run: labelled, in the run's network, `ports` published on
/// 127.0.0.1, on ports that stay when the container is started again.
pub(crate) fn request(
    run: &Run,
    role: &str,
    image: &str,
    ports: &[u16],
) -> ContainerRequest<GenericImage> {
    let name = run.id.container(role);
    let bindings = loopback_bindings(ports);
    let (repository, tag) = split_tag(image);
    let image = ports
        .iter()
        .fold(GenericImage::new(repository, tag), |image, port| {
            image.with_exposed_port(ContainerPort::Tcp(*port))
        });
    image
        .with_container_name(name.clone())
        .with_hostname(name)
        .with_network(run.id.network())
        .with_labels(run.labels())
        .with_label(ROLE, role)
        .with_ulimit("nofile", OPEN_FILES_MAX, Some(OPEN_FILES_MAX))
        .with_host_config_modifier(move |host| {
            host.publish_all_ports = Some(false);
            host.port_bindings = Some(bindings.clone());
        })
}

/// A request for a container that lives in the network of another one, may change its rules, and
/// does nothing but wait to be told.
pub(crate) fn beside(
    run: &Run,
    role: &str,
    image: &str,
    other: &Container,
) -> ContainerRequest<GenericImage> {
    let network = format!("container:{}", other.id);
    let (repository, tag) = split_tag(image);
    GenericImage::new(repository, tag)
        .with_entrypoint("sleep")
        .with_container_name(run.id.container(role))
        // `with_network` would make a network of that name. Its ports are those of the other.
        .with_host_config_modifier(move |config| {
            config.network_mode = Some(network.clone());
            config.publish_all_ports = Some(false);
            config.port_bindings = None;
        })
        .with_cap_add("NET_ADMIN")
        .with_labels(run.labels())
        .with_cmd(["infinity"])
}

fn loopback_bindings(ports: &[u16]) -> HashMap<String, Option<Vec<PortBinding>>> {
    let binding = |host_port| PortBinding {
        host_ip: Some(Ipv4Addr::LOCALHOST.to_string()),
        host_port,
    };
    let bound = ports.iter().zip(free_ports(ports.len()));
    bound
        .map(|(port, host)| (format!("{port}/tcp"), Some(vec![binding(host)])))
        .collect()
}

/// Ports that are free now. One that the daemon chose would be another after the container was killed
/// and started again. Where none can be found out the daemon chooses.
fn free_ports(count: usize) -> Vec<Option<String>> {
    // All are held until all are known, so that each is another.
    let held: Vec<_> = (0..count)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect();
    let port = |listener: &io::Result<TcpListener>| {
        let address = listener.as_ref().ok()?.local_addr().ok()?;
        Some(address.port().to_string())
    };
    held.iter().map(port).collect()
}

/// testcontainers puts the two together again, with a colon, so a digest may stand in the tag's
/// place.
fn split_tag(reference: &str) -> (&str, &str) {
    match reference.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (reference, "latest"),
    }
}

/// Starts what was asked for. From here on the run's labels, not a destructor, decide when it is
/// removed.
pub(crate) async fn start(
    daemon: &Daemon,
    run: &Run,
    role: &str,
    request: ContainerRequest<GenericImage>,
) -> Result<Container, TestbedError> {
    let name = run.id.container(role);
    let started = request
        .start()
        .await
        .map_err(|error| TestbedError::start(format!("start container {name}"), chain(&error)))?;
    let id = started.id().to_owned();
    // Its destructor wants a runtime and removes one container at a time; the run's scope does both
    // better.
    std::mem::forget(started);
    Ok(Container {
        daemon: daemon.clone(),
        id,
        name,
    })
}

impl Container {
    /// Where a port of the container is reached from the host.
    pub(crate) async fn published(&self, port: u16) -> Result<SocketAddr, TestbedError> {
        let facts = self.inspect().await?;
        let binding = facts
            .network_settings
            .and_then(|network| network.ports)
            .and_then(|mut ports| ports.remove(&format!("{port}/tcp")).flatten())
            .and_then(|bindings| bindings.into_iter().next())
            .and_then(|binding| binding.host_port?.parse().ok());
        match binding {
            Some(host_port) => Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, host_port))),
            None => Err(self.died_or("its port is not published".to_owned()).await),
        }
    }

    /// Kills it (SIGKILL).
    pub(crate) async fn kill(&self) -> Result<Evidence, TestbedError> {
        let killed = self
            .daemon
            .kill_container(&self.id, None::<KillContainerOptions>);
        self.done("kill", killed.await)?;
        self.comes_to("kill", ContainerStateStatusEnum::EXITED)
            .await
    }

    /// Tells it to stop (SIGTERM, unless its image names another signal), and waits until it has.
    pub(crate) async fn stop(&self) -> Result<Evidence, TestbedError> {
        let options = StopContainerOptionsBuilder::new().t(STOP_SECS).build();
        let stopped = self.daemon.stop_container(&self.id, Some(options));
        self.done("stop", stopped.await)?;
        self.comes_to("stop", ContainerStateStatusEnum::EXITED)
            .await
    }

    /// Starts it again after it was killed or stopped.
    pub(crate) async fn start_again(&self) -> Result<Evidence, TestbedError> {
        let started = self
            .daemon
            .start_container(&self.id, None::<StartContainerOptions>);
        self.done("start", started.await)?;
        self.comes_to("start", ContainerStateStatusEnum::RUNNING)
            .await
    }

    /// Stops all of its processes where they are.
    pub(crate) async fn pause(&self) -> Result<Evidence, TestbedError> {
        self.done("pause", self.daemon.pause_container(&self.id).await)?;
        self.comes_to("pause", ContainerStateStatusEnum::PAUSED)
            .await
    }

    /// Has them go on.
    pub(crate) async fn resume(&self) -> Result<Evidence, TestbedError> {
        self.done("resume", self.daemon.unpause_container(&self.id).await)?;
        self.comes_to("resume", ContainerStateStatusEnum::RUNNING)
            .await
    }

    /// Waits until the daemon says that it is so; gives what it says.
    async fn comes_to(
        &self,
        what: &str,
        wanted: ContainerStateStatusEnum,
    ) -> Result<Evidence, TestbedError> {
        let deadline = Instant::now() + STATE_WAIT;
        loop {
            let state = self.inspect().await?.state.unwrap_or_default();
            if state.status == Some(wanted) {
                return Ok(self.told(&state));
            }
            if Instant::now() >= deadline {
                let status = state
                    .status
                    .map_or(String::new(), |status| status.to_string());
                let detail = format!("it is {status:?} and not {wanted}");
                return Err(TestbedError::start(
                    format!("{what} container {}", self.name),
                    detail,
                ));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    fn told(&self, state: &ContainerState) -> Evidence {
        let status = state.status.map(|status| status.to_string());
        let mut told = Evidence::from([
            ("container".to_owned(), self.name.clone().into()),
            ("state".to_owned(), status.into()),
        ]);
        if state.status == Some(ContainerStateStatusEnum::EXITED) {
            told.insert("exit_code".to_owned(), state.exit_code.into());
        }
        told
    }

    /// Runs a program in it; gives what it printed.
    pub(crate) async fn execute(&self, command: &[&str]) -> Result<String, TestbedError> {
        let what = || format!("run {} in container {}", command[0], self.name);
        let failed = |error| TestbedError::docker(what(), &error);
        let config = ExecConfig {
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(command.iter().map(|word| (*word).to_owned()).collect()),
            ..ExecConfig::default()
        };
        let created = self.daemon.create_exec(&self.id, config).await;
        let id = created.map_err(failed)?.id;
        let started = self.daemon.start_exec(&id, None).await.map_err(failed)?;
        let mut printed = Vec::new();
        if let StartExecResults::Attached { mut output, .. } = started {
            while let Some(frame) = output.next().await {
                printed.extend_from_slice(&frame.map_err(failed)?.into_bytes());
            }
        }
        let printed = String::from_utf8_lossy(&printed).trim_end().to_owned();
        match self
            .daemon
            .inspect_exec(&id)
            .await
            .map_err(failed)?
            .exit_code
        {
            Some(0) => Ok(printed),
            _ => Err(TestbedError::Service {
                what: what(),
                detail: printed,
            }),
        }
    }

    /// Ends it at once and starts it again, in the network that the one beside it has now.
    pub(crate) async fn restart(&self) -> Result<(), TestbedError> {
        let at_once = RestartContainerOptionsBuilder::new().t(0).build();
        let restarted = self.daemon.restart_container(&self.id, Some(at_once));
        self.done("restart", restarted.await)
    }

    /// Its address in the network of its run, which may be another one after it was started again.
    pub(crate) async fn inner_ip(&self) -> Result<IpAddr, TestbedError> {
        let settings = self.inspect().await?.network_settings;
        let networks = settings.and_then(|settings| settings.networks);
        let mut networks = networks.into_iter().flatten();
        let ip = networks.find_map(|(_, network)| network.ip_address?.parse().ok());
        let nowhere = || TestbedError::Service {
            what: format!("find container {} in its network", self.name),
            detail: "it has no address there".to_owned(),
        };
        ip.ok_or_else(nowhere)
    }

    /// What the daemon says that it does: `running`, `paused`, `exited`.
    pub(crate) async fn status(&self) -> Result<String, TestbedError> {
        let state = self.inspect().await?.state.unwrap_or_default();
        let status = state.status.unwrap_or(ContainerStateStatusEnum::EMPTY);
        Ok(status.to_string())
    }

    fn done(
        &self,
        what: &str,
        done: Result<(), bollard::errors::Error>,
    ) -> Result<(), TestbedError> {
        done.map_err(|error| {
            TestbedError::docker(format!("{what} container {}", self.name), &error)
        })
    }

    /// The address inside the run's network.
    pub(crate) fn inner_address(&self, port: u16) -> String {
        format!("{}:{port}", self.name)
    }

    /// The last lines that the container wrote.
    pub(crate) async fn log_tail(&self) -> String {
        let options = every_line().tail(LOG_TAIL_LINES).build();
        self.read_log(options).await
    }

    /// Everything that it wrote, since it was first started.
    pub(crate) async fn log(&self) -> String {
        self.read_log(every_line().build()).await
    }

    /// What it wrote since it was started last.
    pub(crate) async fn log_of_this_start(&self) -> Result<String, TestbedError> {
        let state = self.inspect().await?.state.unwrap_or_default();
        let started = state.started_at.and_then(|at| at.parse::<Timestamp>().ok());
        // Whole seconds are all that the daemon takes.
        let since = started.map_or(0, |at| i32::try_from(at.as_second()).unwrap_or(0));
        Ok(self.read_log(every_line().since(since).build()).await)
    }

    /// What it has written since then.
    pub(crate) async fn log_since(&self, moment: SystemTime) -> String {
        let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
        let since = i32::try_from(since.as_secs()).unwrap_or(i32::MAX);
        self.read_log(every_line().since(since).build()).await
    }

    async fn read_log(&self, options: LogsOptions) -> String {
        let mut frames = self.daemon.logs(&self.id, Some(options)).boxed();
        let mut bytes = Vec::new();
        while let Some(Ok(frame)) = frames.next().await {
            bytes.extend_from_slice(&frame.into_bytes());
        }
        String::from_utf8_lossy(&bytes).trim_end().to_owned()
    }

    /// Tries again and again until `attempt` gives something, the container dies, or the time is
    /// up.
    pub(crate) async fn wait_until<T, Attempt>(
        &self,
        service: &'static str,
        bound: Duration,
        attempt: impl Fn() -> Attempt,
    ) -> Result<T, TestbedError>
    where
        Attempt: Future<Output = Result<T, String>>,
    {
        let deadline = Instant::now() + bound;
        loop {
            let detail = match attempt().await {
                Ok(ready) => return Ok(ready),
                Err(detail) => detail,
            };
            if let Some(exit_code) = self.exit_code().await? {
                return Err(self.died(exit_code).await);
            }
            if Instant::now() >= deadline {
                return Err(TestbedError::NeverReady {
                    container: self.name.clone(),
                    service,
                    waited: bound,
                    detail,
                    log_tail: self.log_tail().await,
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The same where it may well be that nothing comes: then nothing is given.
    pub(crate) async fn waits_for<T, Attempt>(
        &self,
        service: &'static str,
        bound: Duration,
        attempt: impl Fn() -> Attempt,
    ) -> Result<Option<T>, TestbedError>
    where
        Attempt: Future<Output = Result<T, String>>,
    {
        match self.wait_until(service, bound, attempt).await {
            Ok(ready) => Ok(Some(ready)),
            Err(TestbedError::NeverReady { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn inspect(&self) -> Result<ContainerInspectResponse, TestbedError> {
        self.daemon
            .inspect_container(&self.id, None::<InspectContainerOptions>)
            .await
            .map_err(|error| {
                TestbedError::docker(format!("inspect container {}", self.name), &error)
            })
    }

    /// `Some` once the container has ended; the code inside is what the daemon knows of it.
    async fn exit_code(&self) -> Result<Option<Option<i64>>, TestbedError> {
        let state = self.inspect().await?.state.unwrap_or_default();
        Ok((state.running == Some(false)).then_some(state.exit_code))
    }

    async fn died(&self, exit_code: Option<i64>) -> TestbedError {
        TestbedError::ContainerDied {
            container: self.name.clone(),
            exit_code,
            log_tail: self.log_tail().await,
        }
    }

    async fn died_or(&self, otherwise: String) -> TestbedError {
        match self.exit_code().await {
            Ok(Some(exit_code)) => self.died(exit_code).await,
            Ok(None) => TestbedError::start(format!("reach container {}", self.name), otherwise),
            Err(error) => error,
        }
    }
}

/// A container's log, both of its streams.
fn every_line() -> LogsOptionsBuilder {
    LogsOptionsBuilder::new().stdout(true).stderr(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_split_where_the_tag_begins() {
        assert_eq!(split_tag("a"), ("a", "latest"));
        assert_eq!(split_tag("a:1"), ("a", "1"));
        assert_eq!(
            split_tag("host.example:5000/a"),
            ("host.example:5000/a", "latest")
        );
        assert_eq!(split_tag("a@sha256:00"), ("a@sha256", "00"));
        assert_eq!(split_tag("sha256:00"), ("sha256", "00"));
    }
}
