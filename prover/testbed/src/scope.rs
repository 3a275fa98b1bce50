//! Everything of one run on the daemon, found by its label, and taken away at the end whichever way
//! that comes.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use testcontainers::bollard::Docker as Daemon;
use testcontainers::bollard::errors::Error as DockerError;
use testcontainers::bollard::models::{ContainerSummary, Network, NetworkCreateRequest};
use testcontainers::bollard::query_parameters::{
    ListContainersOptionsBuilder, ListNetworksOptionsBuilder, LogsOptionsBuilder,
    RemoveContainerOptionsBuilder,
};
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};

use crate::container::ROLE;
use crate::daemon::{is_missing, is_under_way};
use crate::error::TestbedError;
use crate::label::{RUN, Run, RunId};

/// Bounds what a drop may cost.
const DROP_WAIT: Duration = Duration::from_secs(20);
/// A request that was cut off may still be carried out, so a drop looks twice, this far apart.
const DROP_SETTLE: Duration = Duration::from_millis(400);

/// One run's share of the daemon. Dropping it removes what still stands.
pub(crate) struct Scope {
    pub(crate) daemon: Daemon,
    pub(crate) run: Run,
    armed: bool,
}

impl Scope {
    /// Opens the run's network; from here on whatever carries the run's label goes when this does.
    pub(crate) async fn open(daemon: &Daemon, run: Run) -> Result<Self, TestbedError> {
        let scope = Self {
            daemon: daemon.clone(),
            run,
            armed: true,
        };
        let name = scope.run.id.network();
        let request = NetworkCreateRequest {
            name: name.clone(),
            driver: Some("bridge".to_owned()),
            labels: Some(scope.run.labels().into_iter().collect()),
            ..NetworkCreateRequest::default()
        };
        daemon
            .create_network(request)
            .await
            .map_err(|error| TestbedError::docker(format!("create network {name}"), &error))?;
        Ok(scope)
    }

    /// Writes the containers' logs into `folder`, then removes everything, also when the logs could
    /// not be written.
    pub(crate) async fn close(mut self, folder: Option<&Path>) -> Result<(), TestbedError> {
        let logs = match folder {
            Some(folder) => save_logs(&self.daemon, &self.run.id, folder).await,
            None => Ok(()),
        };
        remove(&self.daemon, Some(&self.run.id), |_| true).await?;
        self.armed = false;
        logs
    }

    /// Leaves everything where it is.
    pub(crate) fn leave(mut self) {
        self.armed = false;
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        if !self.armed {
            return;
        }
        let (daemon, run) = (self.daemon.clone(), self.run.id.clone());
        // A thread of its own: a drop may happen on any runtime, or on none.
        let removal = std::thread::spawn(move || remove_blocking(&daemon, &run));
        if removal.join().is_err() {
            tracing::warn!(run = %self.run.id, "the removal of a dropped run panicked; `prover clean` removes it");
        }
    }
}

fn remove_blocking(daemon: &Daemon, run: &RunId) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let Ok(runtime) = runtime else { return };
    let settled =
        runtime.block_on(async { tokio::time::timeout(DROP_WAIT, settle(daemon, run)).await });
    if settled.is_err() {
        tracing::warn!(%run, "a dropped run was not removed in time; `prover clean` removes it");
    }
}

async fn settle(daemon: &Daemon, run: &RunId) {
    let gone = |removed: Result<Removed, TestbedError>| removed.is_ok_and(|it| it.is_empty());
    let mut looks_empty = 0;
    while looks_empty < 2 {
        let empty = gone(remove(daemon, Some(run), |_| true).await);
        looks_empty = if empty { looks_empty + 1 } else { 0 };
        tokio::time::sleep(DROP_SETTLE).await;
    }
}

/// What was taken from the daemon.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Removed {
    pub(crate) containers: Vec<String>,
    pub(crate) networks: Vec<String>,
}

impl Removed {
    fn is_empty(&self) -> bool {
        self.containers.is_empty() && self.networks.is_empty()
    }
}

/// Removes the containers, their anonymous volumes and the networks of one run, or of every run
/// that `doomed` names.
pub(crate) async fn remove(
    daemon: &Daemon,
    run: Option<&RunId>,
    mut doomed: impl FnMut(&Run) -> bool,
) -> Result<Removed, TestbedError> {
    let mut removed = Removed::default();
    for container in containers(daemon, run).await? {
        let (id, name) = (
            container.id.clone().unwrap_or_default(),
            name_of(&container),
        );
        if run_of(container.labels.as_ref()).is_some_and(|run| doomed(&run)) {
            remove_container(daemon, &id).await.map_err(|error| {
                TestbedError::docker(format!("remove container {name}"), &error)
            })?;
            removed.containers.push(name);
        }
    }
    for network in networks(daemon, run).await? {
        let name = network.name.clone().unwrap_or_default();
        if run_of(network.labels.as_ref()).is_some_and(|run| doomed(&run)) {
            match daemon.remove_network(&name).await {
                Err(error) if !is_missing(&error) => {
                    return Err(TestbedError::docker(
                        format!("remove network {name}"),
                        &error,
                    ));
                }
                _ => removed.networks.push(name),
            }
        }
    }
    Ok(removed)
}

async fn remove_container(daemon: &Daemon, id: &str) -> Result<(), DockerError> {
    let options = RemoveContainerOptionsBuilder::new()
        .force(true)
        .v(true)
        .build();
    match daemon.remove_container(id, Some(options)).await {
        Err(error) if !is_missing(&error) && !is_under_way(&error) => Err(error),
        _ => Ok(()),
    }
}

/// The containers of one run, or of all, running or not.
pub(crate) async fn containers(
    daemon: &Daemon,
    run: Option<&RunId>,
) -> Result<Vec<ContainerSummary>, TestbedError> {
    let options = ListContainersOptionsBuilder::new()
        .all(true)
        .filters(&label_filter(run))
        .build();
    daemon
        .list_containers(Some(options))
        .await
        .map_err(|error| TestbedError::docker("list containers", &error))
}

/// The networks of one run, or of all.
pub(crate) async fn networks(
    daemon: &Daemon,
    run: Option<&RunId>,
) -> Result<Vec<Network>, TestbedError> {
    let options = ListNetworksOptionsBuilder::new()
        .filters(&label_filter(run))
        .build();
    daemon
        .list_networks(Some(options))
        .await
        .map_err(|error| TestbedError::docker("list networks", &error))
}

fn label_filter(run: Option<&RunId>) -> HashMap<String, Vec<String>> {
    let label = run.map_or_else(|| RUN.to_owned(), |id| format!("{RUN}={id}"));
    HashMap::from([("label".to_owned(), vec![label])])
}

/// Whose it is, by its labels.
pub(crate) fn run_of(labels: Option<&HashMap<String, String>>) -> Option<Run> {
    Run::from_labels(|name| labels?.get(name).map(String::as_str))
}

fn name_of(container: &ContainerSummary) -> String {
    let name = container.names.iter().flatten().next();
    name.or(container.id.as_ref())
        .map(|name| name.trim_start_matches('/').to_owned())
        .unwrap_or_default()
}

/// Writes each container's log as `<role>.log`.
async fn save_logs(daemon: &Daemon, run: &RunId, folder: &Path) -> Result<(), TestbedError> {
    for container in containers(daemon, Some(run)).await? {
        let labels = container.labels.unwrap_or_default();
        if let (Some(id), Some(role)) = (container.id, labels.get(ROLE)) {
            save_log(daemon, &id, &folder.join(format!("{role}.log"))).await?;
        }
    }
    Ok(())
}

async fn save_log(daemon: &Daemon, id: &str, path: &Path) -> Result<(), TestbedError> {
    let cannot_write = |source| TestbedError::Write {
        path: path.to_owned(),
        source,
    };
    let options = LogsOptionsBuilder::new()
        .stdout(true)
        .stderr(true)
        .tail("all")
        .build();
    let mut file = BufWriter::new(File::create(path).await.map_err(cannot_write)?);
    let mut frames = daemon.logs(id, Some(options)).boxed();
    while let Some(frame) = frames.next().await {
        let bytes = frame
            .map_err(|error| {
                TestbedError::docker(format!("read the log {}", path.display()), &error)
            })?
            .into_bytes();
        file.write_all(&bytes).await.map_err(cannot_write)?;
    }
    file.flush().await.map_err(cannot_write)
}
