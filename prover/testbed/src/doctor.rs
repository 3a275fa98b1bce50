//! What this machine can run, and why not: each check as data, with the remedy where one is needed.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use testcontainers::bollard::Docker as Daemon;
use tokio::process::Command;

use crate::apt::{MIRROR_VARIABLE, debian_mirror};
use crate::clean::leftovers;
use crate::error::said;
use crate::image::Image;
use crate::label::RunId;
use crate::provision::{find_program, install_command, may_install, with_tag};
use crate::services::{self, RabbitMq};
use crate::{Service, daemon, toxiproxy};

/// A registry that is there answers within a second or two.
const REGISTRY_WAIT: Duration = Duration::from_secs(5);
/// An image of our own with its base takes 230 to 700 MB, all of them about 2 GB.
const DISK_MIB_MIN: u64 = 3 * 1024;
const CORES_MIN: usize = 2;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Works.
    Ok,
    /// Works, but not everything or not well.
    Warn,
    /// Does not work.
    Fail,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        })
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Check {
    /// What was looked at: `docker daemon`.
    pub name: String,
    /// How it came out.
    pub status: Status,
    /// What was seen.
    pub detail: String,
    /// What to do about it, unless it is fine.
    pub remedy: Option<String>,
}

impl Check {
    fn ok(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            status: Status::Ok,
            detail: detail.into(),
            remedy: None,
        }
    }

    fn bad(
        status: Status,
        name: impl Into<String>,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            name: name.into(),
            status,
            detail: detail.into(),
            remedy: Some(remedy.into()),
        }
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.status, self.name, self.detail)?;
        match &self.remedy {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

/// Looks at everything a run may need. Takes a few seconds where a registry does not answer.
pub async fn examine() -> Vec<Check> {
    let mut checks = Vec::new();
    match daemon::connect().await {
        Ok(daemon) => checks.extend(examine_docker(&daemon).await),
        Err(error) => checks.push(Check::bad(
            Status::Fail,
            "docker daemon",
            format!("failed to {error}"),
            "without it only `--testbed sim` and `--testbed amqp://…` work",
        )),
    }
    checks.push(examine_bootstrap());
    checks.push(examine_cores());
    checks.push(examine_git());
    checks
}

async fn examine_docker(daemon: &Daemon) -> Vec<Check> {
    let mut checks = vec![examine_daemon(daemon).await];
    let images = images();
    checks.extend(join_all(images.iter().map(|image| examine_image(daemon, image))).await);
    checks.push(examine_toxiproxy(daemon).await);
    checks.push(examine_disk(daemon).await);
    checks.push(examine_leftovers().await);
    checks
}

async fn examine_daemon(daemon: &Daemon) -> Check {
    const NAME: &str = "docker daemon";
    match daemon.version().await {
        Ok(version) => Check::ok(
            NAME,
            format!(
                "{} (API {})",
                version.version.unwrap_or_default(),
                version.api_version.unwrap_or_default()
            ),
        ),
        Err(error) => Check::bad(Status::Fail, NAME, said(&error), "look at the daemon's log"),
    }
}

/// The usual image of each service, and the other RabbitMQ that can be built.
fn images() -> Vec<Image> {
    let usual = services::ALL.iter().map(|service| service.image(None));
    let mut all: Vec<Image> = usual.collect();
    all.insert(1, RabbitMq.image(Some("3.10")));
    all
}

async fn examine_image(daemon: &Daemon, image: &Image) -> Check {
    let name = image.asked.clone();
    // The others are for locks of one's own.
    let is_rabbitmq = image
        .recipe
        .is_some_and(|recipe| recipe.service == "rabbitmq");
    let own = image.recipe.map(|recipe| recipe.tag());
    for tag in image.reference.iter().chain(&own) {
        if is_present(daemon, tag).await {
            return Check::ok(name, format!("{tag} is present"));
        }
    }
    let refusal = match &image.reference {
        Some(official) => match ask_registry(daemon, official).await {
            Ok(()) => return Check::ok(name, format!("{official} can be pulled")),
            Err(reason) => format!("{official} cannot be pulled ({reason})"),
        },
        None => "there is no official image".to_owned(),
    };
    match why_no_build() {
        None => Check::ok(
            name,
            format!(
                "{refusal}; {} will be built at its first use",
                own.unwrap_or_default()
            ),
        ),
        Some((reason, remedy)) => Check::bad(
            if is_rabbitmq {
                Status::Fail
            } else {
                Status::Warn
            },
            name,
            format!("{refusal} and not built ({reason})"),
            format!("{remedy}, or load the image with `docker load`"),
        ),
    }
}

async fn examine_toxiproxy(daemon: &Daemon) -> Check {
    let detail = match toxiproxy::present(daemon).await {
        Some(image) => format!("{image} is present"),
        None => format!(
            "the embedded proxy is used, as no image {} is present",
            toxiproxy::REPOSITORY
        ),
    };
    Check::ok("toxiproxy", detail)
}

async fn is_present(daemon: &Daemon, reference: &str) -> bool {
    daemon.inspect_image(reference).await.is_ok()
}

/// Whether a registry has the image, without fetching it.
async fn ask_registry(daemon: &Daemon, reference: &str) -> Result<(), String> {
    let reference = with_tag(reference);
    let question = daemon.inspect_registry_image(&reference, None);
    match tokio::time::timeout(REGISTRY_WAIT, question).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(said(&error)),
        Err(_) => Err(format!(
            "the registry said nothing for {} s",
            REGISTRY_WAIT.as_secs()
        )),
    }
}

/// Why an image cannot be built here, and what to do about it.
fn why_no_build() -> Option<(&'static str, String)> {
    if debian_mirror().is_none() {
        let remedy = format!("set {MIRROR_VARIABLE} to a Debian mirror");
        return Some(("apt's sources name no Debian mirror", remedy));
    }
    if find_program("mmdebstrap").is_none() && !may_install() {
        let remedy = format!("run `{}` as root", install_command());
        return Some(("mmdebstrap is missing", remedy));
    }
    None
}

fn examine_bootstrap() -> Check {
    const NAME: &str = "building images";
    match (why_no_build(), find_program("mmdebstrap")) {
        (None, Some(program)) => Check::ok(NAME, format!("with {}", program.display())),
        (None, None) => Check::ok(NAME, "mmdebstrap will be installed when it is needed"),
        (Some((reason, remedy)), _) => Check::bad(
            Status::Warn,
            NAME,
            format!("{reason}; it matters only where images cannot be pulled"),
            remedy,
        ),
    }
}

/// Free space where the daemon keeps its images, or here if that folder is another machine's.
async fn examine_disk(daemon: &Daemon) -> Check {
    const NAME: &str = "disk";
    let root = daemon
        .info()
        .await
        .ok()
        .and_then(|info| info.docker_root_dir);
    let folder = root
        .filter(|root| Path::new(root).is_dir())
        .unwrap_or_else(|| ".".to_owned());
    let remedy = "make room, for example with `docker image prune`";
    match free_mib(&folder).await {
        Some(free) if free >= DISK_MIB_MIN => {
            Check::ok(NAME, format!("{free} MiB free in {folder}"))
        }
        Some(free) => Check::bad(
            Status::Warn,
            NAME,
            format!("{free} MiB free in {folder}; building images takes {DISK_MIB_MIN}"),
            remedy,
        ),
        None => Check::bad(
            Status::Warn,
            NAME,
            format!("`df {folder}` does not tell"),
            remedy,
        ),
    }
}

async fn free_mib(folder: &str) -> Option<u64> {
    let output = Command::new("df")
        .args(["-Pk", folder])
        .output()
        .await
        .ok()?;
    parse_df(&String::from_utf8_lossy(&output.stdout))
}

/// The fourth column of the second line, in KiB.
fn parse_df(output: &str) -> Option<u64> {
    let kib: u64 = output
        .lines()
        .nth(1)?
        .split_whitespace()
        .nth(3)?
        .parse()
        .ok()?;
    Some(kib / 1024)
}

fn examine_cores() -> Check {
    const NAME: &str = "cores";
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let detail = format!("{cores}");
    if cores >= CORES_MIN {
        return Check::ok(NAME, detail);
    }
    let remedy = "expect slow starts and coarse timing";
    Check::bad(Status::Warn, NAME, detail, remedy)
}

fn examine_git() -> Check {
    const NAME: &str = "git";
    match find_program("git") {
        Some(program) => Check::ok(NAME, program.display().to_string()),
        None => Check::bad(
            Status::Warn,
            NAME,
            "not found; manifests will not say which state of the code ran",
            "install git",
        ),
    }
}

async fn examine_leftovers() -> Check {
    const NAME: &str = "leftovers of killed runs";
    match leftovers().await {
        Ok(runs) if runs.is_empty() => Check::ok(NAME, "none"),
        Ok(runs) => {
            let names: Vec<&str> = runs.iter().map(RunId::as_str).collect();
            Check::bad(Status::Warn, NAME, names.join(", "), "run `prover clean`")
        }
        Err(error) => Check::bad(
            Status::Warn,
            NAME,
            format!("failed to {error}"),
            "look at the daemon's log",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn df_is_read_in_its_portable_form() {
        let output =
            "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/a 9000 1 4096 1% /\n";
        assert_eq!(parse_df(output), Some(4));
        assert_eq!(parse_df("df: no such file"), None);
    }

    #[test]
    fn a_check_reads_as_a_sentence() {
        assert_eq!(Check::ok("git", "here").to_string(), "ok: git: here");
        let bad = Check::bad(Status::Fail, "git", "gone", "install it");
        assert_eq!(bad.to_string(), "fail: git: gone; install it");
        assert!(Status::Ok < Status::Fail, "the worst is the greatest");
    }
}
