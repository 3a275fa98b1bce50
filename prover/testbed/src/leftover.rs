//! What runs leave on services that are somebody's own: found by its name, which begins with that of
//! the run, and removed. Nothing else there is touched.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, SystemTime};

use crate::choice::RealSite;
use crate::clean::{Which, count};
use crate::error::TestbedError;
use crate::instance::Source;
use crate::label::RunId;
use crate::place::Place;
use crate::service::{Service, Thing};

/// A run may show nothing of itself for a while: one that began this lately is left alone.
const AT_WORK: Duration = Duration::from_secs(60 * 60);

/// What was removed from a service, and what was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swept {
    /// The service: product and address.
    pub what: String,
    /// Names of what was removed.
    pub removed: Vec<String>,
    /// Runs that were left because they may be at work.
    pub left: BTreeSet<RunId>,
}

/// Removes what runs left on the services of a site that were there already. A run that began
/// within the last hour, or of which something is in use, is left unless all are to go.
/// `management` is the URL of RabbitMQ's management API, where it is not the usual one.
///
/// # Errors
/// A service does not tell what there is, or does not remove it.
pub async fn sweep(
    site: &RealSite,
    management: Option<&str>,
    which: Which,
) -> Result<Vec<Swept>, TestbedError> {
    let mut swept = Vec::new();
    for one in &site.instances {
        if let Source::Place(place) = &one.source {
            swept.push(sweep_one(one.service, place, management, which).await?);
        }
    }
    Ok(swept)
}

async fn sweep_one(
    service: &dyn Service,
    place: &Place,
    management: Option<&str>,
    which: Which,
) -> Result<Swept, TestbedError> {
    let what = format!("{} at {}", service.product(), place.address());
    let failed = |doing: &str, detail| TestbedError::Service {
        what: format!("{doing} {what}"),
        detail,
    };
    let things = service.find(place, RunId::PREFIX, management).await;
    let things = things.map_err(|detail| failed("list what runs left on", detail))?;
    let runs = by_run(things);
    let now = SystemTime::now();
    let is_doomed = |(run, things): &(&RunId, &Vec<Thing>)| {
        which == Which::All
            || (run.is_older_than(AT_WORK, now) && things.iter().all(|it| !it.in_use))
    };
    let (doomed, left): (Vec<_>, Vec<_>) = runs.iter().partition(is_doomed);
    let doomed = doomed.into_iter().flat_map(|(_, things)| things);
    let names: Vec<String> = doomed.map(|thing| thing.name.clone()).collect();
    let removed = service.remove(place, &names).await;
    Ok(Swept {
        removed: removed.map_err(|detail| failed("remove what runs left on", detail))?,
        left: left.into_iter().map(|(run, _)| run.clone()).collect(),
        what,
    })
}

/// What belongs to runs, by the run; what only begins as if it did is left out.
fn by_run(things: Vec<Thing>) -> BTreeMap<RunId, Vec<Thing>> {
    let mut runs: BTreeMap<RunId, Vec<Thing>> = BTreeMap::new();
    for thing in things {
        if let Some(run) = RunId::in_name(&thing.name) {
            runs.entry(run).or_default().push(thing);
        }
    }
    runs
}

impl fmt::Display for Swept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let removed = count(self.removed.len(), "name");
        write!(f, "removed {removed} from {}", self.what)?;
        if !self.left.is_empty() {
            let runs = count(self.left.len(), "run");
            write!(f, "; left {runs} that may be at work (--all removes them)")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_the_name_of_a_run_belongs_to_one() {
        let run = RunId::fresh();
        let things = [
            format!("{}.lock-0", run.prefix()),
            format!("{}-1", run.prefix()),
            "prover-asks".to_owned(),
            "prover-cafe-1-1.lock-0".to_owned(),
            "orders".to_owned(),
        ];
        let things = things.map(|name| Thing {
            name,
            in_use: false,
        });
        let runs = by_run(things.to_vec());
        assert_eq!(runs.keys().collect::<Vec<_>>(), [&run]);
        assert_eq!(runs[&run].len(), 2);
    }
}
