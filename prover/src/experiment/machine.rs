//! The machine that a measurement was made on.

use std::fmt;
use std::fs;

use serde::Serialize;

/// What a reader must know of it to compare figures.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Machine {
    cores: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernel: Option<String>,
    /// The profile that the prover was built in.
    profile: &'static str,
}

impl Machine {
    /// This one. What it does not tell is left out.
    pub(super) fn here() -> Self {
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            cpu: value("/proc/cpuinfo", "model name", ':'),
            system: value("/etc/os-release", "PRETTY_NAME", '='),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")
                .ok()
                .map(|text| text.trim().to_owned()),
            profile: if cfg!(debug_assertions) {
                "dev"
            } else {
                "release"
            },
        }
    }
}

/// The first value of that name in a file of names and values.
fn value(path: &str, name: &str, separator: char) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let mut pairs = text.lines().filter_map(|line| line.split_once(separator));
    let (_, value) = pairs.find(|(key, _)| key.trim() == name)?;
    Some(value.trim().trim_matches('"').to_owned())
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cores", self.cores)?;
        for part in [&self.cpu, &self.system].into_iter().flatten() {
            write!(f, ", {part}")?;
        }
        write!(f, ", {} profile", self.profile)
    }
}
