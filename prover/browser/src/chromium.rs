//! Finding a browser, starting it, and ending it.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::page::Page;

/// Turns "no browser here" from a reason to skip into a failure.
pub const REQUIRE_VARIABLE: &str = "PROVER_REQUIRE_BROWSER";

/// Names the program to use.
const CHROME: &str = "CHROME";
/// What it is called where nobody says.
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// It has no window, says nothing to anybody, and leaves nothing behind. Tests in containers run as
/// root, for whom its sandbox does not start; it shows our own pages only.
const FLAGS: [&str; 14] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-first-run",
    "--no-pings",
    "--disable-sync",
    "--disable-extensions",
    "--disable-default-apps",
    "--disable-component-update",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--remote-debugging-port=0",
];

/// A running browser; it ends with this.
#[derive(Debug)]
pub struct Browser {
    child: Child,
    address: String,
    _profile: TempDir,
}

impl Browser {
    /// Starts the browser named by `CHROME` or found in `PATH`. Without one it says so on stderr
    /// and is `None`.
    ///
    /// # Panics
    /// It does not start, or there is none although [`REQUIRE_VARIABLE`] is set.
    #[must_use]
    #[expect(clippy::print_stderr, reason = "a skipped test says why")]
    pub fn start_or_skip() -> Option<Self> {
        let Some(program) = find() else {
            let why = "no Chromium: install it, or name it in CHROME";
            assert!(env::var_os(REQUIRE_VARIABLE).is_none(), "{why}");
            eprintln!("skipped: {why}");
            return None;
        };
        Some(Self::start(&program))
    }

    fn start(program: &Path) -> Self {
        let profile = tempfile::tempdir().expect("a temporary folder");
        let mut child = Command::new(program)
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("failed to start {}: {error}", program.display()));
        let stderr = child.stderr.take().expect("it is piped");
        let mut said = BufReader::new(stderr);
        let address = address(&mut said);
        // Nobody else reads what it says, and it must not wait for that.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        Self {
            child,
            address,
            _profile: profile,
        }
    }

    /// An empty page of this size.
    #[must_use]
    pub fn page(&self, width: u32, height: u32) -> Page {
        Page::new(&self.address, width, height)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn find() -> Option<PathBuf> {
    if let Some(named) = env::var_os(CHROME) {
        return Some(named.into());
    }
    let path = env::var_os("PATH")?;
    let mut places = env::split_paths(&path).flat_map(|folder| NAMES.map(|name| folder.join(name)));
    places.find(|place| place.is_file())
}

/// Where it listens, which it says when it does.
fn address(said: &mut impl BufRead) -> String {
    let mut all = String::new();
    for line in said.lines() {
        let line = line.expect("it speaks UTF-8");
        if let Some(address) = line.strip_prefix("DevTools listening on ") {
            return address.to_owned();
        }
        all = format!("{all}{line}\n");
    }
    panic!("the browser ended:\n{all}")
}
