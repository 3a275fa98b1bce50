//! The daemon as a store of images: looks for them, pulls them, and builds services from a
//! bootstrapped Debian where nothing can be pulled.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use testcontainers::bollard::errors::Error as DockerError;
use testcontainers::bollard::query_parameters::{
    BuildImageOptionsBuilder, BuilderVersion, CreateImageOptionsBuilder,
};
use testcontainers::bollard::{Docker as Daemon, body_full, body_try_stream};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::apt::{MIRROR_VARIABLE, debian_mirror};
use crate::daemon::is_missing;
use crate::error::{TestbedError, said};
use crate::image_store::ImageStore;
use crate::progress::Progress;
use crate::recipe::Recipe;

/// A registry that is there names its layers within seconds; one that is not must not cost much.
const PULL_ANSWER_WAIT: Duration = Duration::from_secs(10);
/// A pull that has begun may be slow, but not silent.
const PULL_STALL_WAIT: Duration = Duration::from_secs(90);
/// The longest that a bootstrap or a build may take on a slow mirror.
const BUILD_WAIT: Duration = Duration::from_secs(30 * 60);
const LOCK_POLL: Duration = Duration::from_millis(250);
/// How many of a step's last lines go into its error.
const TAIL_LINES: usize = 12;

/// What mmdebstrap needs where it is not installed; gpg and the keyring let it verify what it
/// fetches.
const BOOTSTRAP_PACKAGES: &[&str] = &["mmdebstrap", "gpg", "debian-archive-keyring"];

/// The daemon's images, with what it takes to get more.
pub(crate) struct DaemonStore<'a> {
    daemon: Daemon,
    progress: &'a dyn Progress,
}

impl<'a> DaemonStore<'a> {
    pub(crate) fn new(daemon: &Daemon, progress: &'a dyn Progress) -> Self {
        let mut daemon = daemon.clone();
        daemon.set_timeout(BUILD_WAIT);
        Self { daemon, progress }
    }
}

#[async_trait]
impl ImageStore for DaemonStore<'_> {
    async fn present(&self, reference: &str) -> Result<bool, TestbedError> {
        match self.daemon.inspect_image(reference).await {
            Ok(_) => Ok(true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(TestbedError::docker(
                format!("look for the image {reference}"),
                &error,
            )),
        }
    }

    async fn pull(&self, reference: &str) -> Result<(), TestbedError> {
        let what = format!("pull {reference}");
        let options = CreateImageOptionsBuilder::new()
            .from_image(&with_tag(reference))
            .build();
        let mut answers = self.daemon.create_image(Some(options), None, None).boxed();
        let mut patience = PULL_ANSWER_WAIT;
        loop {
            match tokio::time::timeout(patience, answers.next()).await {
                Ok(None) => return Ok(()),
                Ok(Some(Ok(_))) => patience = PULL_STALL_WAIT,
                Ok(Some(Err(error))) => return Err(TestbedError::docker(what, &error)),
                Err(_) => {
                    let detail = format!("the registry said nothing for {} s", patience.as_secs());
                    return Err(TestbedError::build(what, detail));
                }
            }
        }
    }

    async fn build(&self, recipe: &Recipe) -> Result<(), TestbedError> {
        let _lock = self.lock_builds().await;
        if self.present(&recipe.tag()).await? {
            return Ok(());
        }
        if !self.present(&recipe.base_tag()).await? {
            self.bootstrap(recipe).await?;
        }
        self.build_on_base(recipe).await
    }
}

/// Without a tag the daemon would pull all of them.
pub(crate) fn with_tag(reference: &str) -> String {
    let name = reference.rsplit('/').next().unwrap_or(reference);
    if name.contains(':') || name.contains('@') {
        reference.to_owned()
    } else {
        format!("{reference}:latest")
    }
}

impl DaemonStore<'_> {
    /// Two programs that build at the same time would do all the work twice. Where the lock cannot
    /// be had they just do.
    async fn lock_builds(&self) -> Option<std::fs::File> {
        let path = std::env::temp_dir().join("amqp-prover-build.lock");
        let file = std::fs::File::create(&path)
            .or_else(|_| std::fs::File::open(&path))
            .ok()?;
        let mut told = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Some(file),
                Err(std::fs::TryLockError::WouldBlock) => {}
                Err(std::fs::TryLockError::Error(_)) => return None,
            }
            if !told {
                self.progress.step("wait for another build on this machine");
                told = true;
            }
            tokio::time::sleep(LOCK_POLL).await;
        }
    }

    /// Streams a minimal Debian from the machine's mirror into the daemon.
    async fn bootstrap(&self, recipe: &Recipe) -> Result<(), TestbedError> {
        let what = format!("bootstrap Debian {}", recipe.suite);
        let mirror = debian_mirror().ok_or_else(|| {
            TestbedError::build(
                what.clone(),
                format!("apt's sources here name no Debian mirror; set {MIRROR_VARIABLE} to one"),
            )
        })?;
        install_mmdebstrap(self.progress).await?;
        self.progress
            .step(&format!("build the image, part 1 of 2: {what}"));
        let mut child = piped("mmdebstrap")
            .args(["--variant=minbase", "--dpkgopt=force-unsafe-io"])
            .args([recipe.suite, "-", &mirror])
            .spawn()
            .map_err(|error| TestbedError::build(what.clone(), error.to_string()))?;
        let words = child.stderr.take().map(|err| tokio::spawn(tail_of(err)));
        let imported = self.import(child, &recipe.base_tag()).await;
        let words = match words {
            Some(task) => task.await.unwrap_or_default(),
            None => String::new(),
        };
        imported.map_err(|error| {
            TestbedError::build(what, format!("{}; mmdebstrap said:\n{words}", said(&error)))
        })
    }

    async fn import(&self, child: Child, tag: &str) -> Result<(), DockerError> {
        let (repository, tag) = tag.split_once(':').unwrap_or((tag, "latest"));
        let options = CreateImageOptionsBuilder::new()
            .from_src("-")
            .repo(repository)
            .tag(tag)
            .build();
        let body = body_try_stream(output_of(child));
        let mut answers = self
            .daemon
            .create_image(Some(options), Some(body), None)
            .boxed();
        while let Some(answer) = answers.next().await {
            answer?;
        }
        Ok(())
    }

    async fn build_on_base(&self, recipe: &Recipe) -> Result<(), TestbedError> {
        let what = format!("build {}", recipe.tag());
        let context = context_tar(recipe)
            .await
            .map_err(|error| TestbedError::build(what.clone(), error.to_string()))?;
        let options = BuildImageOptionsBuilder::new()
            .t(&recipe.tag())
            .buildargs(&build_arguments(recipe))
            .version(BuilderVersion::BuilderV1)
            .rm(true)
            .forcerm(true)
            .build();
        let mut answers = self
            .daemon
            .build_image(options, None, Some(body_full(context.into())))
            .boxed();
        let mut tail = Tail::default();
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(info) => self.tell(info.stream.as_deref().unwrap_or_default(), &mut tail),
                Err(error) => {
                    let detail = format!("{}; its output ended with\n{tail}", said(&error));
                    return Err(TestbedError::build(what, detail));
                }
            }
        }
        Ok(())
    }

    fn tell(&self, output: &str, tail: &mut Tail) {
        for line in output.lines().filter(|line| !line.trim().is_empty()) {
            if line.starts_with("Step ") {
                let step = short(line);
                self.progress
                    .step(&format!("build the image, part 2 of 2: {step}"));
            }
            tail.push(line);
        }
    }
}

/// So much of an instruction tells what it does.
const SHORT: usize = 48;

/// The beginning of a line.
fn short(line: &str) -> String {
    match line.char_indices().nth(SHORT) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line.to_owned(),
    }
}

/// The recipe's, and the machine's proxy settings, which Docker takes as build arguments of their own
/// names.
fn build_arguments(recipe: &Recipe) -> HashMap<String, String> {
    let proxies = [
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
    ];
    let own = recipe.arguments().into_iter();
    let own = own.map(|(name, value)| (name.to_owned(), value));
    proxies
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)))
        .chain(own)
        .collect()
}

async fn context_tar(recipe: &Recipe) -> std::io::Result<Vec<u8>> {
    let mut tar = tokio_tar::Builder::new(Vec::new());
    for (name, mode, content) in recipe.context() {
        let mut header = tokio_tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(*mode);
        header.set_cksum();
        tar.append_data(&mut header, name, content.as_bytes())
            .await?;
    }
    tar.into_inner().await
}

/// A program whose output is read, in a process group of its own: mmdebstrap hangs up on its whole
/// group when it fails, and that must not be ours. It is not killed when it is dropped: with its
/// output gone it ends by itself, and so takes its working folder away.
fn piped(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    #[cfg(unix)]
    command.process_group(0);
    command
}

/// A program's output as a stream that ends in an error if the program fails, so that the daemon
/// drops a torso instead of keeping it.
fn output_of(mut child: Child) -> impl Stream<Item = std::io::Result<Bytes>> + Send + 'static {
    let stdout = child.stdout.take();
    stream::try_unfold((child, stdout), |(mut child, stdout)| async move {
        let Some(mut stdout) = stdout else {
            return Ok(None);
        };
        let chunk = read_chunk(&mut stdout).await?;
        if !chunk.is_empty() {
            return Ok(Some((Bytes::from(chunk), (child, Some(stdout)))));
        }
        let status = child.wait().await?;
        if status.success() {
            Ok(None)
        } else {
            Err(std::io::Error::other(format!("it ended with {status}")))
        }
    })
}

async fn read_chunk(stdout: &mut ChildStdout) -> std::io::Result<Vec<u8>> {
    let mut chunk = Vec::with_capacity(64 * 1024);
    stdout.read_buf(&mut chunk).await?;
    Ok(chunk)
}

async fn tail_of(output: impl tokio::io::AsyncRead + Unpin) -> String {
    let mut lines = BufReader::new(output).lines();
    let mut tail = Tail::default();
    while let Ok(Some(line)) = lines.next_line().await {
        tail.push(&line);
    }
    tail.to_string()
}

/// The last lines of an output.
#[derive(Default)]
struct Tail(VecDeque<String>);

impl Tail {
    fn push(&mut self, line: &str) {
        if self.0.len() == TAIL_LINES {
            self.0.pop_front();
        }
        self.0.push_back(line.trim_end().to_owned());
    }
}

impl std::fmt::Display for Tail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (number, line) in self.0.iter().enumerate() {
            write!(f, "{}{line}", if number == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

/// Where a program is, as the shell would find it.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Whether this process may install packages: apt exists and we are root.
pub(crate) fn may_install() -> bool {
    find_program("apt-get").is_some() && is_root()
}

fn is_root() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| {
        status
            .lines()
            .filter_map(|line| line.strip_prefix("Uid:"))
            .any(|uids| uids.split_whitespace().nth(1) == Some("0"))
    })
}

/// The command for somebody who has to install it by hand.
pub(crate) fn install_command() -> String {
    format!("apt-get install {}", BOOTSTRAP_PACKAGES.join(" "))
}

async fn install_mmdebstrap(progress: &dyn Progress) -> Result<(), TestbedError> {
    if find_program("mmdebstrap").is_some() {
        return Ok(());
    }
    let what = "install mmdebstrap";
    if !may_install() {
        let remedy = format!("it is missing; run `{}` as root", install_command());
        return Err(TestbedError::build(what, remedy));
    }
    progress.step(what);
    // The lists may be old or were never fetched; then the names in them lead nowhere.
    apt_get(&["update"]).await?;
    let install = ["install", "--yes", "--no-install-recommends"];
    apt_get(&[&install[..], BOOTSTRAP_PACKAGES].concat()).await
}

async fn apt_get(arguments: &[&str]) -> Result<(), TestbedError> {
    let what = format!("run apt-get {}", arguments.join(" "));
    let output = Command::new("apt-get")
        .args(["-o", "DPkg::Lock::Timeout=120"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|error| TestbedError::build(what.clone(), error.to_string()))?;
    if output.status.success() {
        return Ok(());
    }
    let words = tail_of(output.stderr.as_slice()).await;
    Err(TestbedError::build(
        what,
        format!("{}: {words}", output.status),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Service;
    use crate::services::RabbitMq;

    #[test]
    fn of_a_long_instruction_the_beginning_is_told() {
        assert_eq!(short("Step 2/9 : FROM ${BASE}"), "Step 2/9 : FROM ${BASE}");
        let long = format!("Step 7/9 : RUN {}", "ä".repeat(99));
        assert_eq!(short(&long), format!("Step 7/9 : RUN {}…", "ä".repeat(33)));
    }

    #[test]
    fn a_reference_without_a_tag_means_the_latest() {
        assert_eq!(with_tag("a"), "a:latest");
        assert_eq!(
            with_tag("host.example:5000/a"),
            "host.example:5000/a:latest"
        );
        assert_eq!(with_tag("a:1"), "a:1");
        assert_eq!(with_tag("a@sha256:00"), "a@sha256:00");
    }

    #[tokio::test]
    async fn output_of_a_program_that_fails_ends_in_an_error() {
        // The last one would take this test with it if the two shared a process group.
        for (script, works) in [
            ("echo hello", true),
            ("echo hello; exit 3", false),
            ("echo hello; kill -KILL 0", false),
        ] {
            let child = piped("sh").args(["-c", script]).spawn().expect("a shell");
            let chunks: Vec<_> = output_of(child).collect().await;
            assert_eq!(chunks[0].as_ref().expect("output").as_ref(), b"hello\n");
            assert_eq!(chunks.iter().all(Result::is_ok), works, "{script}");
        }
    }

    #[tokio::test]
    async fn only_the_last_lines_are_kept() {
        let text: String = (0..40).map(|n| format!("line {n}\n")).collect();
        let tail = tail_of(text.as_bytes()).await;
        assert_eq!(tail.lines().count(), TAIL_LINES);
        assert!(tail.ends_with("line 39"), "{tail}");
    }

    #[tokio::test]
    async fn the_context_holds_every_input() {
        let image = RabbitMq.image(None);
        let recipe = image.recipe.expect("it can be built");
        let tar = context_tar(&recipe).await.expect("in memory");
        let mut archive = tokio_tar::Archive::new(tar.as_slice());
        let mut names = Vec::new();
        let mut entries = archive.entries().expect("an archive");
        while let Some(entry) = entries.next().await {
            let entry = entry.expect("an entry");
            names.push(entry.path().expect("a name").display().to_string());
        }
        assert_eq!(
            names,
            [
                "Dockerfile",
                "entrypoint.sh",
                "rabbitmq/prepare.sh",
                "rabbitmq/etc/rabbitmq/rabbitmq.conf",
                "rabbitmq/etc/rabbitmq/enabled_plugins"
            ]
        );
    }
}
