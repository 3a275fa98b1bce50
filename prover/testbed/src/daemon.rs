//! The door to the Docker daemon.

use std::io::ErrorKind;
use std::time::Duration;

use testcontainers::bollard::Docker as Daemon;
use testcontainers::bollard::errors::Error as DockerError;
use testcontainers::core::client::docker_client_instance;

use crate::error::{TestbedError, chain};

/// A daemon that is there answers a ping within milliseconds.
const PING_WAIT: Duration = Duration::from_secs(5);

/// Connects the way testcontainers does (`DOCKER_HOST`, else the local socket) and makes sure that
/// somebody answers.
///
/// The client keeps no idle connections, so a clone of it may be used from any runtime.
///
/// # Errors
/// [`TestbedError::DaemonUnreachable`] with the remedy that fits.
pub async fn connect() -> Result<Daemon, TestbedError> {
    let daemon = docker_client_instance()
        .await
        .map_err(|error| unreachable(chain(&error), find_io_kind(&error)))?;
    match tokio::time::timeout(PING_WAIT, daemon.ping()).await {
        Ok(Ok(_)) => Ok(daemon),
        Ok(Err(error)) => Err(unreachable(chain(&error), find_io_kind(&error))),
        Err(_) => Err(unreachable(
            format!("no answer within {} s", PING_WAIT.as_secs()),
            None,
        )),
    }
}

fn unreachable(detail: String, kind: Option<ErrorKind>) -> TestbedError {
    let remedy = match kind {
        Some(ErrorKind::PermissionDenied) => {
            "run as root or join the group `docker` and log in again"
        }
        _ => {
            "start it (`systemctl start docker`, or Docker Desktop), set DOCKER_HOST if it is elsewhere, or use `--testbed sim`"
        }
    };
    TestbedError::DaemonUnreachable { detail, remedy }
}

fn find_io_kind(error: &(dyn std::error::Error + 'static)) -> Option<ErrorKind> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        next = error.source();
    }
    None
}

/// Whether the daemon says that the thing asked for does not exist.
pub(crate) fn is_missing(error: &DockerError) -> bool {
    matches!(
        error,
        DockerError::DockerResponseServerError {
            status_code: 404,
            ..
        }
    )
}

/// Whether the daemon is already doing what was asked for.
pub(crate) fn is_under_way(error: &DockerError) -> bool {
    matches!(
        error,
        DockerError::DockerResponseServerError {
            status_code: 409,
            ..
        }
    )
}
