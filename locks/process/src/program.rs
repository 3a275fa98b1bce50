//! A running program: started in a process group of its own, which is stopped, resumed and ended
//! whole.

use std::fmt;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use locks::OwnProcess;
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use process_wrap::tokio::{CommandWrap, ProcessGroup};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::command::CommandLine;
use crate::strays::{self, MARK};

/// How often something that the system is about to do is looked for.
const POLL: Duration = Duration::from_millis(2);
/// How long the system may take to stop a process.
const STOPPED_WITHIN: Duration = Duration::from_secs(2);

/// Why a program did not start.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {program}: {reason}; give its path, or install what runs it")]
pub struct SpawnError {
    /// The program.
    program: String,
    /// What the system said.
    reason: io::Error,
}

/// A running program. Dropping it kills it, and whatever it started in its group.
pub struct Program {
    group: Pid,
    /// How it ended, once it has.
    status: watch::Receiver<Option<ExitStatus>>,
    /// It was asked to end.
    is_closing: AtomicBool,
    /// It was made to.
    is_killed: AtomicBool,
}

/// The three streams of a program.
pub struct Streams {
    /// What it reads.
    pub stdin: ChildStdin,
    /// What it answers.
    pub stdout: ChildStdout,
    /// What else it says.
    pub stderr: ChildStderr,
}

impl Program {
    /// Starts a program; whatever it starts bears the mark.
    ///
    /// # Errors
    /// The system does not start it.
    pub fn start(command: &CommandLine, mark: &str) -> Result<(Arc<Self>, Streams), SpawnError> {
        let failed = |reason| SpawnError {
            program: command.program.clone(),
            reason,
        };
        let mut wrap = CommandWrap::with_new(&command.program, |it| {
            it.args(&command.arguments)
                .env(MARK, mark)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
        });
        wrap.wrap(ProcessGroup::leader());
        let mut child = wrap.spawn().map_err(failed)?;
        let gone = || failed(io::ErrorKind::BrokenPipe.into());
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        let group = Pid::from_raw(id.ok_or_else(gone)?);
        let streams = Streams {
            stdin: child.stdin().take().ok_or_else(gone)?,
            stdout: child.stdout().take().ok_or_else(gone)?,
            stderr: child.stderr().take().ok_or_else(gone)?,
        };
        let (tell, status) = watch::channel(None);
        tokio::spawn(async move {
            // What cannot be waited for is gone.
            let status = child.wait().await.unwrap_or_default();
            let _ = tell.send(Some(status));
        });
        let program = Self {
            group,
            status,
            is_closing: AtomicBool::new(false),
            is_killed: AtomicBool::new(false),
        };
        Ok((Arc::new(program), streams))
    }

    /// From here on its end is no news.
    pub(crate) fn expect_end(&self) {
        self.is_closing.store(true, Ordering::Release);
    }

    /// Whether its end is no news.
    pub(crate) fn may_end(&self) -> bool {
        self.is_closing.load(Ordering::Acquire) || self.is_killed()
    }

    /// Whether it was killed, in whatever it was about.
    pub(crate) fn is_killed(&self) -> bool {
        self.is_killed.load(Ordering::Acquire)
    }

    /// Waits for it to end; nothing if it has not after so long.
    pub(crate) async fn ended(&self, within: Duration) -> Option<ExitStatus> {
        let mut status = self.status();
        let ended = timeout(within, status.wait_for(Option::is_some)).await;
        *ended.ok()?.ok()?
    }

    /// How it ended, once it has.
    pub(crate) fn status(&self) -> watch::Receiver<Option<ExitStatus>> {
        self.status.clone()
    }

    /// What of its group is left after so long, once it has ended.
    pub(crate) async fn left_behind(&self, within: Duration) -> Option<String> {
        let is_empty = || strays::in_group(self.group).is_empty().then_some(());
        match until(within, is_empty).await {
            Some(()) => None,
            None => Some(strays::listed(&strays::in_group(self.group))),
        }
    }

    /// A group that is gone already needs no signal.
    fn signal(&self, signal: Signal) -> io::Result<()> {
        match killpg(self.group, signal) {
            Ok(()) | Err(Errno::ESRCH) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// What a fault asked of a process and did not get: then there was none.
fn late(process: Pid, what: &str) -> io::Error {
    let text = format!("process {process} does not {what}");
    io::Error::new(io::ErrorKind::TimedOut, text)
}

/// Asks again and again until something is so; nothing if it is not after so long.
async fn until<T>(within: Duration, ask: impl Fn() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + within;
    loop {
        let answer = ask();
        if answer.is_some() || Instant::now() >= deadline {
            return answer;
        }
        sleep(POLL).await;
    }
}

#[async_trait]
impl OwnProcess for Program {
    async fn stop(&self) -> io::Result<()> {
        self.signal(Signal::SIGSTOP)?;
        // Systems that show no state are believed.
        let moves = || strays::stat(self.group).is_some_and(|it| "RSD".contains(it.state));
        let is_still = || (!moves()).then_some(());
        match until(STOPPED_WITHIN, is_still).await {
            Some(()) => Ok(()),
            None => Err(late(self.group, "stop")),
        }
    }

    fn state(&self) -> Option<String> {
        strays::stat(self.group).map(|stat| stat.state.to_string())
    }

    async fn resume(&self) -> io::Result<()> {
        self.signal(Signal::SIGCONT)
    }

    async fn kill(&self) -> io::Result<()> {
        self.is_killed.store(true, Ordering::Release);
        self.signal(Signal::SIGKILL)?;
        match self.ended(STOPPED_WITHIN).await {
            Some(_) => Ok(()),
            None => Err(late(self.group, "die")),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.is_killed.store(true, Ordering::Release);
        // Whatever it holds goes with it. The runtime reaps it.
        let _ = self.signal(Signal::SIGKILL);
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Program").field(&self.group).finish()
    }
}
