//! Processes that a program has started and that have outlived it: in its group, or, where they
//! have left that, by a mark in their environment, where the system shows that.

use std::fmt;
use std::fs;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;

/// The variable that marks whatever a program starts.
pub(crate) const MARK: &str = "PROVER_PROGRAM";

/// A process that should not be there any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stray {
    id: Pid,
    command: String,
}

impl Stray {
    /// Kills it; it may be gone by itself meanwhile.
    pub(crate) fn kill(&self) {
        let _ = kill(self.id, Signal::SIGKILL);
    }
}

impl fmt::Display for Stray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.id, self.command)
    }
}

/// Several in one line.
pub(crate) fn listed(strays: &[Stray]) -> String {
    let strays: Vec<_> = strays.iter().map(ToString::to_string).collect();
    strays.join(", ")
}

/// The processes that bear this mark. Systems without `/proc` show none.
pub(crate) fn marked(mark: &str) -> Vec<Stray> {
    let wanted = format!("{MARK}={mark}");
    let bears = |id: &Pid| {
        let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
        let mut variables = environment.split(|byte| *byte == 0);
        variables.any(|it| it == wanted.as_bytes())
    };
    let found = processes().filter(bears);
    found.filter_map(alive).collect()
}

/// The processes of a group whose leader has ended.
pub(crate) fn in_group(group: Pid) -> Vec<Stray> {
    if killpg(group, None) == Err(Errno::ESRCH) {
        return Vec::new();
    }
    let is_in = |id: &Pid| stat(*id).is_some_and(|stat| stat.group == group.as_raw());
    let found = processes().filter(is_in);
    found.filter_map(alive).collect()
}

fn processes() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .map(Pid::from_raw)
}

/// A process that only waits to be reaped is none.
fn alive(id: Pid) -> Option<Stray> {
    let stat = stat(id).filter(|stat| !"ZX".contains(stat.state))?;
    let words = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    let command = String::from_utf8_lossy(&words).replace('\0', " ");
    let command = command.trim_end();
    let command = if command.is_empty() {
        stat.name
    } else {
        command.to_owned()
    };
    Some(Stray { id, command })
}

/// What Linux shows of a process.
pub(crate) struct Stat {
    name: String,
    /// `T` is stopped, `Z` waits to be reaped.
    pub(crate) state: char,
    group: i32,
}

pub(crate) fn stat(id: Pid) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name may contain anything.
    let (before, after) = text.rsplit_once(')')?;
    let mut fields = after.split_whitespace();
    Some(Stat {
        name: before.split_once('(')?.1.to_owned(),
        state: fields.next()?.chars().next()?,
        group: fields.nth(1)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn what_bears_a_mark_is_found_and_killed() {
        let mark = format!("test-{}", std::process::id());
        assert_eq!(marked(&mark), []);
        let mut sleeper = Command::new("sleep")
            .arg("600")
            .env(MARK, &mark)
            .spawn()
            .expect("sleep is there");
        // The environment is the new one once the program has taken its place.
        while marked(&mark).is_empty() {
            std::thread::yield_now();
        }
        let found = marked(&mark);
        assert!(listed(&found).contains("sleep 600"), "{found:?}");
        found.iter().for_each(Stray::kill);
        sleeper.wait().expect("it was killed");
        assert_eq!(marked(&mark), []);
    }
}
