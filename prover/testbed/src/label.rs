//! The labels on everything a run creates: which run it is, and which process owns it.
//!
//! A run is alive as long as the process that owns it is. A process id alone is used again some
//! day, so the label also carries when the process began, and what makes both meaningful: host,
//! boot and process-id namespace. Where these differ from ours nobody can tell.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The label that carries a run's id, on containers and networks alike.
pub const RUN: &str = "prover.run";
const OWNER_PID: &str = "prover.owner.pid";
const OWNER_STARTED: &str = "prover.owner.started";
const OWNER_HOST: &str = "prover.owner.host";
const OWNER_BOOT: &str = "prover.owner.boot";
const OWNER_NAMESPACE: &str = "prover.owner.namespace";

const KEEP: &str = "prover.keep";

/// So many digits has the time in a run's name, from 2004 until 2527.
const MILLIS_DIGITS: usize = 11;

/// The name of one run, fit for a host name: lower-case letters, digits and dashes, at most 40 of
/// them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(String);

impl RunId {
    /// What everything that runs make on services begins with.
    pub(crate) const PREFIX: &str = "prover-";

    /// The run that has made what is called so: nothing but names of runs begin as they do.
    pub(crate) fn in_name(name: &str) -> Option<Self> {
        let rest = name.strip_prefix(Self::PREFIX)?;
        let is_end = |c: char| !c.is_ascii_hexdigit();
        let mut parts = rest.splitn(3, '-');
        let (millis, pid, rest) = (parts.next()?, parts.next()?, parts.next()?);
        let count = &rest[..rest.find(is_end).unwrap_or(rest.len())];
        let behind = rest[count.len()..].chars().next();
        let is_hex = |part: &str| {
            !part.is_empty() && part.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
        };
        let is_run = [millis, pid, count].into_iter().all(is_hex)
            && millis.len() == MILLIS_DIGITS
            && behind.is_none_or(|c| !c.is_alphanumeric());
        is_run.then(|| Self(format!("{millis}-{pid}-{count}")))
    }

    /// Whether the run began longer ago than this; one of an unknown beginning did not.
    pub(crate) fn is_older_than(&self, age: Duration, now: SystemTime) -> bool {
        let millis = self.0.split('-').next().unwrap_or_default();
        let Ok(millis) = u64::from_str_radix(millis, 16) else {
            return false;
        };
        let began = UNIX_EPOCH + Duration::from_millis(millis);
        now.duration_since(began).is_ok_and(|passed| passed > age)
    }

    /// A name that no other run on this machine has: time, process and a counter.
    #[must_use]
    pub fn fresh() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let millis = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(format!("{millis:x}-{:x}-{count:x}", std::process::id()))
    }

    /// Takes a name that somebody chose; `None` if a host name cannot be made of it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let fits = (1..=40).contains(&text.len()) && !text.starts_with('-') && !text.ends_with('-');
        (fits && text.chars().all(allowed)).then(|| Self(text.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the names of all that the run makes on a service begin with.
    #[must_use]
    pub fn prefix(&self) -> String {
        format!("{}{}", Self::PREFIX, self.0)
    }

    /// The name of the run's network.
    #[must_use]
    pub fn network(&self) -> String {
        self.prefix()
    }

    /// The name of one of the run's containers, which is its host name too.
    #[must_use]
    pub fn container(&self, role: &str) -> String {
        format!("prover-{}-{role}", self.0)
    }
}

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether the process that owns a run still exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// It runs.
    Alive,
    /// It ended, or the machine was booted since.
    Gone,
    /// It belongs to another machine or namespace, or this system does not tell.
    Unknown,
}

/// The process that owns a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Process id, within `namespace`.
    pub pid: u32,
    /// When it began, in clock ticks since the boot; 0 where the system does not tell.
    pub started: u64,
    /// The machine's name; empty where the system does not tell.
    pub host: String,
    /// The boot's id; empty where the system does not tell.
    pub boot: String,
    /// The process-id namespace; empty where the system does not tell.
    pub namespace: String,
}

impl Owner {
    /// This process.
    #[must_use]
    pub fn current() -> Self {
        let pid = std::process::id();
        Self {
            pid,
            started: start_of(pid).unwrap_or(0),
            host: kernel_fact("hostname"),
            boot: kernel_fact("random/boot_id"),
            namespace: fs::read_link("/proc/self/ns/pid")
                .map(|link| link.to_string_lossy().into_owned())
                .unwrap_or_default(),
        }
    }

    /// Whether that process still exists, as far as this one can tell.
    #[must_use]
    pub fn liveness(&self) -> Liveness {
        self.liveness_seen_by(&Self::current(), start_of(self.pid))
    }

    fn liveness_seen_by(&self, me: &Self, start_of_pid: Option<u64>) -> Liveness {
        if me.boot.is_empty() || self.boot.is_empty() || self.host != me.host {
            return Liveness::Unknown;
        }
        if self.boot != me.boot {
            return Liveness::Gone;
        }
        if self.namespace != me.namespace {
            return Liveness::Unknown;
        }
        match start_of_pid {
            Some(started) if started == self.started => Liveness::Alive,
            _ => Liveness::Gone,
        }
    }
}

/// One run: its name and its owner. Everything it creates carries both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// The process that will take it away.
    pub owner: Owner,
    /// Whether what it creates was asked to outlive it.
    pub keep: bool,
}

impl Run {
    /// A new run of this process.
    #[must_use]
    pub fn fresh() -> Self {
        Self {
            id: RunId::fresh(),
            owner: Owner::current(),
            keep: false,
        }
    }

    /// The labels to put on a container or a network.
    #[must_use]
    pub fn labels(&self) -> BTreeMap<String, String> {
        let owner = &self.owner;
        [
            (RUN, self.id.to_string()),
            (OWNER_PID, owner.pid.to_string()),
            (OWNER_STARTED, owner.started.to_string()),
            (OWNER_HOST, owner.host.clone()),
            (OWNER_BOOT, owner.boot.clone()),
            (OWNER_NAMESPACE, owner.namespace.clone()),
            (KEEP, self.keep.to_string()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Reads the labels back; `None` if they are not a run's. An owner that cannot be read counts
    /// as nobody one could tell about.
    #[must_use]
    pub fn from_labels<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let id = RunId::parse(get(RUN)?)?;
        let text = |name: &str| get(name).unwrap_or_default().to_owned();
        let number = |name: &str| get(name).and_then(|text| text.parse::<u64>().ok());
        let owner = Owner {
            pid: number(OWNER_PID)
                .and_then(|pid| u32::try_from(pid).ok())
                .unwrap_or(0),
            started: number(OWNER_STARTED).unwrap_or(0),
            host: text(OWNER_HOST),
            boot: text(OWNER_BOOT),
            namespace: text(OWNER_NAMESPACE),
        };
        let keep = get(KEEP) == Some("true");
        Some(Self { id, owner, keep })
    }
}

fn kernel_fact(name: &str) -> String {
    fs::read_to_string(format!("/proc/sys/kernel/{name}"))
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

/// When a process began, in clock ticks since the boot; `None` if there is no such process or it is
/// only waiting to be reaped.
fn start_of(pid: u32) -> Option<u64> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Field 3 is the state, field 22 the start; the name before them is in parentheses and may contain
/// anything.
fn parse_stat(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace();
    let state = fields.next()?;
    let started = fields.nth(18)?.parse().ok()?;
    (!matches!(state, "Z" | "X")).then_some(started)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn labels_round_trip(
            id in "[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?",
            pid in any::<u32>(),
            started in any::<u64>(),
            host in "[a-z.]{0,12}",
            boot in "[0-9a-f-]{0,36}",
            namespace in "(pid:\\[[0-9]{1,10}\\])?",
            keep in any::<bool>(),
        ) {
            let id = RunId::parse(&id).expect("made to fit");
            let owner = Owner { pid, started, host, boot, namespace };
            let run = Run { id, owner, keep };
            let labels = run.labels();
            prop_assert_eq!(Run::from_labels(|name| labels.get(name).map(String::as_str)), Some(run));
        }
    }

    #[test]
    fn fresh_names_differ_and_are_host_names() {
        let (a, b) = (RunId::fresh(), RunId::fresh());
        assert_ne!(a, b);
        assert_eq!(RunId::parse(a.as_str()), Some(a.clone()));
        assert!(a.container("toxiproxy").len() <= 63);
    }

    #[test]
    fn a_run_is_found_in_the_names_of_what_it_made() {
        let run = RunId::fresh();
        let prefix = run.prefix();
        for behind in ["", ".lock-0", "-3", ":x", "/"] {
            let found = RunId::in_name(&format!("{prefix}{behind}"));
            assert_eq!(found.as_ref(), Some(&run), "{behind}");
        }
        for other in [
            "prover-asks",
            "prover-cafe-1-1",
            "prover-19a000000000-1-1",
            "prover-19a00000000-1-",
            "prover-19a00000000-1-1x",
            "prover-19A00000000-1-1",
            "xprover-19a00000000-1-1",
        ] {
            assert_eq!(RunId::in_name(other), None, "{other}");
        }
        let now = SystemTime::now();
        let minute = Duration::from_secs(60);
        assert!(!run.is_older_than(minute, now));
        assert!(run.is_older_than(minute, now + 2 * minute));
        assert!(!run.is_older_than(minute, now - 2 * minute));
    }

    #[test]
    fn names_that_are_no_host_names_are_refused() {
        for name in ["", "-a", "a-", "A", "a_b", "a.b", &"a".repeat(41)] {
            assert_eq!(RunId::parse(name), None, "{name}");
        }
    }

    #[test]
    fn foreign_labels_are_no_run() {
        assert_eq!(Run::from_labels(|_| None), None);
    }

    #[test]
    fn stat_is_read_past_any_name() {
        let fields = "R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20";
        assert_eq!(parse_stat(&format!("7 (a) b) {fields}")), Some(4242));
        assert_eq!(
            parse_stat(&format!("7 (a) {}", fields.replace('R', "Z"))),
            None
        );
        assert_eq!(parse_stat("7 (a) R 1"), None);
    }

    #[test]
    fn liveness_needs_the_same_process_on_the_same_boot() {
        let me = Owner {
            pid: 7,
            started: 100,
            host: "h".to_owned(),
            boot: "b".to_owned(),
            namespace: "n".to_owned(),
        };
        let with = |change: fn(&mut Owner)| {
            let mut owner = me.clone();
            change(&mut owner);
            owner
        };
        assert_eq!(me.liveness_seen_by(&me, Some(100)), Liveness::Alive);
        assert_eq!(me.liveness_seen_by(&me, Some(101)), Liveness::Gone);
        assert_eq!(me.liveness_seen_by(&me, None), Liveness::Gone);
        let rebooted = with(|owner| owner.boot = "c".to_owned());
        assert_eq!(rebooted.liveness_seen_by(&me, Some(100)), Liveness::Gone);
        let elsewhere = with(|owner| owner.host = "i".to_owned());
        assert_eq!(elsewhere.liveness_seen_by(&me, None), Liveness::Unknown);
        let contained = with(|owner| owner.namespace = "o".to_owned());
        assert_eq!(contained.liveness_seen_by(&me, None), Liveness::Unknown);
        let untold = with(|owner| owner.boot.clear());
        assert_eq!(me.liveness_seen_by(&untold, None), Liveness::Unknown);
    }
}
