//! Removes what killed runs left on the Docker daemon.
//!
//! Everything a run creates carries its name and its owner (see [`crate::label`]). A run whose
//! owner still works is left alone; so is one whose owner cannot be judged from here, unless
//! everything is to go.

use std::collections::BTreeSet;
use std::fmt;

use crate::error::TestbedError;
use crate::label::{Liveness, Run, RunId};
use crate::{daemon, scope};

/// Which runs to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Which {
    /// Those whose owner is gone.
    #[default]
    Dead,
    /// Every one, also those that are still at work.
    All,
}

/// What was removed, and what was not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cleaned {
    /// Names of removed containers.
    pub containers: Vec<String>,
    /// Names of removed networks.
    pub networks: Vec<String>,
    /// Runs that were left because their owner works.
    pub alive: BTreeSet<RunId>,
    /// Runs that were left because their owner is on another machine or in another container, so
    /// nobody here can tell.
    pub unknown: BTreeSet<RunId>,
}

/// Removes the containers and networks of the runs that `which` names.
///
/// # Errors
/// When the daemon does not answer or refuses.
pub async fn clean(which: Which) -> Result<Cleaned, TestbedError> {
    let daemon = daemon::connect().await?;
    let mut cleaned = Cleaned::default();
    let doomed = |run: &Run| which == Which::All || cleaned.judge(run) == Liveness::Gone;
    let removed = scope::remove(&daemon, None, doomed).await?;
    cleaned.containers = removed.containers;
    cleaned.networks = removed.networks;
    Ok(cleaned)
}

/// The runs on the daemon whose owner is gone.
///
/// # Errors
/// When the daemon does not answer.
pub async fn leftovers() -> Result<BTreeSet<RunId>, TestbedError> {
    let daemon = daemon::connect().await?;
    let containers = scope::containers(&daemon, None).await?;
    let networks = scope::networks(&daemon, None).await?;
    let labels = containers
        .iter()
        .map(|container| container.labels.as_ref())
        .chain(networks.iter().map(|network| network.labels.as_ref()));
    Ok(labels
        .filter_map(scope::run_of)
        .filter(|run| run.owner.liveness() == Liveness::Gone)
        .map(|run| run.id)
        .collect())
}

impl Cleaned {
    fn judge(&mut self, run: &Run) -> Liveness {
        let liveness = run.owner.liveness();
        match liveness {
            Liveness::Alive => self.alive.insert(run.id.clone()),
            Liveness::Unknown => self.unknown.insert(run.id.clone()),
            Liveness::Gone => false,
        };
        liveness
    }
}

impl fmt::Display for Cleaned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "removed {} and {}",
            count(self.containers.len(), "container"),
            count(self.networks.len(), "network")
        )?;
        if !self.alive.is_empty() {
            write!(f, "; left {} at work", count(self.alive.len(), "run"))?;
        }
        if !self.unknown.is_empty() {
            let runs = count(self.unknown.len(), "run");
            write!(f, "; left {runs} of another machine (--all removes them)")?;
        }
        Ok(())
    }
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_names_what_was_left() {
        let mut cleaned = Cleaned {
            containers: vec!["a".to_owned()],
            ..Cleaned::default()
        };
        assert_eq!(cleaned.to_string(), "removed 1 container and 0 networks");
        assert_eq!(cleaned.judge(&Run::fresh()), Liveness::Alive);
        assert!(cleaned.to_string().ends_with("left 1 run at work"));
    }
}
