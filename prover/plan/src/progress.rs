//! How soon after the last fault every lock must be granted again: D of `progress<=D`, and of what it is
//! made.

use std::fmt;
use std::time::Duration;

use nemesis::Fault;
use serde::{Deserialize, Serialize};
use testbed::{Service, services};

use crate::spec::time::{self, written};

/// The clients need so long to notice that a lock can be had again.
const NOTICED_WITHIN: Duration = Duration::from_secs(4);

/// How soon after the last fault every lock must be granted again, part by part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// So long its services leave a lock with a silent client by their own rules.
    #[serde(with = "time")]
    patience: Duration,
    /// So long the lock itself does, by its lease.
    #[serde(with = "time")]
    lease: Duration,
    /// So long what the faults broke takes to recover.
    #[serde(with = "time")]
    recovery: Duration,
    /// So long the clients take to notice.
    #[serde(with = "time")]
    notice: Duration,
}

impl Progress {
    /// Of the faults the one counts after which most has to recover: they heal beside each other.
    pub(crate) fn of<'a>(
        patience: Duration,
        lease: Option<Duration>,
        faults: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let faults = faults.into_iter().filter_map(nemesis::find);
        let recovery = faults.map(Fault::recovery).max().unwrap_or_default();
        Self {
            patience,
            lease: lease.unwrap_or_default(),
            recovery: recovery.within(),
            notice: NOTICED_WITHIN,
        }
    }

    /// That of a lock on RabbitMQ alone: a silent client is taken for dead after up to three
    /// heartbeats.
    #[must_use]
    pub fn on_rabbitmq<'a>(heartbeat: Duration, faults: impl IntoIterator<Item = &'a str>) -> Self {
        Self::of(services::RabbitMq.patience(heartbeat), None, faults)
    }

    /// After so long a silent client's lock is surely given away, by the services' rules or by the
    /// lock's lease.
    pub(crate) fn kept(self) -> Duration {
        self.patience.saturating_add(self.lease)
    }

    /// The whole.
    #[must_use]
    pub fn within(self) -> Duration {
        let beside = self.recovery.saturating_add(self.notice);
        self.kept().saturating_add(beside)
    }
}

impl fmt::Display for Progress {
    /// `15s: 6s until a silent client's lock is given away, 5s until …`
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.patience, "until a silent client's lock is given away"),
            (self.lease, "until its lease is over"),
            (self.recovery, "until what the faults broke has recovered"),
            (self.notice, "until clients notice"),
        ];
        let parts = parts.into_iter().filter(|(time, _)| !time.is_zero());
        let parts = parts.map(|(time, what)| format!("{} {what}", written(time)));
        let parts = parts.collect::<Vec<_>>().join(", ");
        write!(out, "{}: {parts}", written(self.within()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;
    use crate::spec::RunSpec;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn it_waits_for_the_services_and_for_the_lease() {
        let within = |patience, lease| Progress::of(patience, lease, ["cut"]).within();
        assert_eq!(within(seconds(6), None), seconds(10));
        assert_eq!(within(seconds(0), Some(seconds(5))), seconds(9));
        assert_eq!(within(Duration::MAX, Some(seconds(5))), Duration::MAX);
    }

    #[test]
    fn it_waits_for_the_slowest_to_recover_and_for_no_sum() {
        let within = |faults: &[&str]| {
            let progress = Progress::on_rabbitmq(seconds(2), faults.iter().copied());
            assert_eq!(progress.kept(), seconds(6), "no fault is due to that");
            progress.within()
        };
        assert_eq!(within(&[]), seconds(10));
        assert_eq!(within(&["cut", "kill", "restart"]), seconds(15));
        assert_eq!(within(&["split", "kill", "pause-node"]), seconds(25));
    }

    #[test]
    fn it_says_of_what_it_is_made_and_reads_back() {
        let progress = Progress::of(seconds(6), None, ["kill"]);
        let said = progress.to_string();
        assert!(said.starts_with("15s: 6s until a silent client"), "{said}");
        assert!(said.contains("5s until what the faults broke"), "{said}");
        assert!(!said.contains("lease"), "{said}");
        let text = serde_json::to_string(&progress).expect("JSON");
        let again: Progress = serde_json::from_str(&text).expect("its own words");
        assert_eq!(again, progress);
    }

    /// A schedule that is played again names faults that the options do not.
    #[test]
    fn the_faults_of_a_stored_schedule_count() {
        let plan = |nemesis: &str, schedule| {
            let spec = RunSpec {
                nemesis: nemesis.to_owned(),
                testbed: "sim".to_owned(),
                ..RunSpec::default()
            };
            let plan = Plan::with(&spec, schedule).map_err(|error| error.to_string());
            plan.expect("a plan")
        };
        let killed = plan("kill", None);
        assert_eq!(killed.progress.within(), seconds(15));
        let judged: Vec<String> = killed.judged.iter().map(|one| one.name()).collect();
        assert!(judged.contains(&"progress<=15s".to_owned()), "{judged:?}");
        let again = plan("none", Some(killed.schedule.clone()));
        assert_eq!(again.progress, killed.progress);
        let under_another_name = plan("cut", Some(killed.schedule));
        assert_eq!(under_another_name.progress, again.progress);
    }
}
