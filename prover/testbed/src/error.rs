//! Why a testbed could not be had, each with its remedy. The command line maps every one of them to
//! exit code 3.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use testcontainers::bollard::errors::Error as DockerError;

/// Why a testbed could not be started, used or removed.
#[derive(Debug, thiserror::Error)]
pub enum TestbedError {
    /// Nobody answers at the daemon's address.
    #[error("reach the docker daemon ({detail}): {remedy}")]
    DaemonUnreachable {
        /// What the connection said.
        detail: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// No step gave the image.
    #[error("obtain the image {image}: {}; {remedy}", join(.attempts))]
    ImageUnobtainable {
        /// The image as it was asked for.
        image: String,
        /// Every step that was tried, in order.
        attempts: Vec<Attempt>,
        /// What to do about it.
        remedy: String,
    },
    /// A container ended before it was ready.
    #[error("keep container {container} running (exit code {}): its last words were\n{log_tail}", .exit_code.map_or("unknown".to_owned(), |code| code.to_string()))]
    ContainerDied {
        /// The container's name.
        container: String,
        /// Its exit code, if the daemon knows.
        exit_code: Option<i64>,
        /// The last lines of its log.
        log_tail: String,
    },
    /// A container runs, but what it should serve does not answer.
    #[error("see {service} of container {container} ready within {} s ({detail}): its last words were\n{log_tail}", .waited.as_secs())]
    NeverReady {
        /// The container's name.
        container: String,
        /// What was waited for: `AMQP`, `the HTTP API`.
        service: &'static str,
        /// How long.
        waited: Duration,
        /// What the last try said.
        detail: String,
        /// The last lines of its log.
        log_tail: String,
    },
    /// The daemon, or the build, ran out of disk.
    #[error(
        "{what}: the disk is full ({detail}); make room, for example with `docker image prune` or `prover clean`"
    )]
    DiskFull {
        /// What was being done.
        what: String,
        /// Who said so.
        detail: String,
    },
    /// The daemon refused something else.
    #[error("{what}: {detail}; `prover doctor` checks this machine")]
    Docker {
        /// What was being done.
        what: String,
        /// The daemon's answer.
        detail: String,
    },
    /// A program that a build needs failed or is missing.
    #[error("{what}: {detail}")]
    Build {
        /// What was being done.
        what: String,
        /// Why it did not work, with the remedy.
        detail: String,
    },
    /// A service does not tell or do what it was asked.
    #[error("{what}: {detail}")]
    Service {
        /// What was being done.
        what: String,
        /// Why it did not work.
        detail: String,
    },
    /// A log could not be written into the run's folder.
    #[error("write {}: {source}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// One step towards an image, and why it did not give one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// What was tried: "pull rabbitmq:4.0-management".
    pub step: String,
    /// Why it failed.
    pub reason: String,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed ({})", self.step, self.reason)
    }
}

fn join(attempts: &[Attempt]) -> String {
    let steps: Vec<String> = attempts.iter().map(Attempt::to_string).collect();
    steps.join("; ")
}

impl TestbedError {
    /// What the daemon said while `what` was done, sorted by what can be done about it.
    pub(crate) fn docker(what: impl Into<String>, error: &DockerError) -> Self {
        Self::sorted(what.into(), said(error), |what, detail| Self::Docker {
            what,
            detail,
        })
    }

    /// What testcontainers said while `what` was done.
    pub(crate) fn start(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::sorted(what.into(), detail.into(), |what, detail| Self::Docker {
            what,
            detail,
        })
    }

    /// What a build step said.
    pub(crate) fn build(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::sorted(what.into(), detail.into(), |what, detail| Self::Build {
            what,
            detail,
        })
    }

    fn sorted(what: String, detail: String, otherwise: fn(String, String) -> Self) -> Self {
        if detail.contains("no space left on device") || detail.contains("No space left on device")
        {
            return Self::DiskFull { what, detail };
        }
        otherwise(what, detail)
    }

    /// Whether another way to the same image is pointless.
    pub(crate) fn ends_the_search(&self) -> bool {
        matches!(self, Self::DaemonUnreachable { .. } | Self::DiskFull { .. })
    }

    /// The reason alone, where the step is named beside it.
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Docker { detail, .. } | Self::Build { detail, .. } => detail.clone(),
            other => other.to_string(),
        }
    }
}

/// What the daemon said, without the client's own words around it.
pub(crate) fn said(error: &DockerError) -> String {
    match error {
        DockerError::DockerResponseServerError { message, .. } => message.clone(),
        DockerError::DockerStreamError { error } => error.clone(),
        other => chain(other),
    }
}

/// An error with its causes, without those that the outer text already contains.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let inner = error.to_string();
        if !text.contains(&inner) {
            text = format!("{text}: {inner}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_disk_is_told_from_other_refusals() {
        let full = DockerError::DockerResponseServerError {
            status_code: 500,
            message: "write /var/lib/x: no space left on device".to_owned(),
        };
        assert!(matches!(
            TestbedError::docker("create a container", &full),
            TestbedError::DiskFull { .. }
        ));
        assert!(matches!(
            TestbedError::build("bootstrap", "E: mirror does not answer"),
            TestbedError::Build { .. }
        ));
    }

    #[test]
    fn every_attempt_is_shown() {
        let error = TestbedError::ImageUnobtainable {
            image: "rabbitmq:9".to_owned(),
            attempts: vec![
                Attempt {
                    step: "pull a".to_owned(),
                    reason: "refused".to_owned(),
                },
                Attempt {
                    step: "build b".to_owned(),
                    reason: "no mirror".to_owned(),
                },
            ],
            remedy: "do something".to_owned(),
        };
        assert_eq!(
            error.to_string(),
            "obtain the image rabbitmq:9: pull a failed (refused); build b failed (no mirror); do something"
        );
    }
}
