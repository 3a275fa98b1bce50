//! Removes what killed runs left on the Docker daemon.
//!
//! Everything a run creates carries its name and its owner (see [`crate::label`]). A run whose
//! owner still works is left alone; so is one whose owner cannot be judged from here, and one that
//! was told to keep its broker, unless everything is to go.

use std::collections::BTreeSet;
use std::fmt;

use crate::error::TestbedError;
use crate::label::{Liveness, Run, RunId};
use crate::{daemon, scope};

/// Which runs to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Which {
    /// Those whose owner is gone and that were not told to keep their broker.
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
    /// Runs that were left because they were told to keep their broker.
    pub kept: BTreeSet<RunId>,
}

/// Removes the containers and networks of the runs that `which` names.
///
/// # Errors
/// When the daemon does not answer or refuses.
pub async fn clean(which: Which) -> Result<Cleaned, TestbedError> {
    let daemon = daemon::connect().await?;
    let mut cleaned = Cleaned::default();
    let doomed = |run: &Run| which == Which::All || cleaned.is_left_over(run);
    let removed = scope::remove(&daemon, None, doomed).await?;
    cleaned.containers = removed.containers;
    cleaned.networks = removed.networks;
    Ok(cleaned)
}

/// The runs on the daemon whose owner is gone, but for those that were told to keep their broker.
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
        .filter(|run| !run.keep && run.owner.liveness() == Liveness::Gone)
        .map(|run| run.id)
        .collect())
}

impl Cleaned {
    /// Whether nobody will take the run away any more; what is left for another reason is noted.
    fn is_left_over(&mut self, run: &Run) -> bool {
        let left = match run.owner.liveness() {
            Liveness::Alive => &mut self.alive,
            Liveness::Unknown => &mut self.unknown,
            Liveness::Gone if run.keep => &mut self.kept,
            Liveness::Gone => return true,
        };
        left.insert(run.id.clone());
        false
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
        if !self.kept.is_empty() {
            let runs = count(self.kept.len(), "run");
            write!(f, "; left {runs} told to --keep (--all removes them)")?;
        }
        Ok(())
    }
}

pub(crate) fn count(number: usize, noun: &str) -> String {
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
        assert!(!cleaned.is_left_over(&Run::fresh()));
        assert!(cleaned.to_string().ends_with("left 1 run at work"));
    }

    #[test]
    fn what_a_run_was_told_to_keep_is_left_when_it_is_over() {
        let over = |keep| {
            let mut run = Run::fresh();
            // No process is as old as the system.
            run.owner.started = 0;
            Run { keep, ..run }
        };
        let mut cleaned = Cleaned::default();
        assert!(cleaned.is_left_over(&over(false)));
        assert!(!cleaned.is_left_over(&over(true)));
        assert!(
            cleaned
                .to_string()
                .ends_with("left 1 run told to --keep (--all removes them)")
        );
    }
}
