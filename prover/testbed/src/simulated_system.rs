//! The simulated testbed, as far as faults go: a worker's link is the link of its number.

use std::collections::BTreeMap;

use async_trait::async_trait;
use nemesis::{
    BrokerHarm, Done, Evidence, LinkHarm, Notice, Resource, System, SystemError, Way, Worker,
};
use serde_json::Value;
use simulated::{NoSuchLink, Shutdown, Simulation};

use crate::link_evidence;

/// A simulated broker and its links.
#[derive(Clone, Debug)]
pub struct SimulatedSystem(pub Simulation);

#[async_trait]
impl System for SimulatedSystem {
    async fn harm_link(&self, worker: Worker, harm: &LinkHarm) -> Result<(), SystemError> {
        let simulation = &self.0;
        let harmed = match harm {
            LinkHarm::Hold(Way::Upstream) => simulation.partition_upstream(worker),
            LinkHarm::Hold(Way::Downstream) => simulation.partition_downstream(worker),
            LinkHarm::Cut => simulation.cut(worker),
            LinkHarm::Slow { latency, jitter } => simulation.slow(worker, *latency, *jitter),
            LinkHarm::Trickle {
                bytes_per_s,
                slice_bytes,
            } => {
                let slowed = simulation.trickle(worker, *bytes_per_s, *slice_bytes);
                return slowed.map_err(|error| SystemError(Box::new(error)));
            }
            LinkHarm::Limit { bytes } => simulation.limit(worker, *bytes),
            LinkHarm::Silence => simulation.silence(worker),
            LinkHarm::Trap(trap) => {
                let set = simulation.trap(worker, &trap.method, trap.nth, "hold");
                return set.map_err(|error| SystemError(Box::new(error)));
            }
        };
        harmed.map_err(failed)
    }

    async fn sprung(&self, worker: Worker) -> Done {
        let sprung = self.0.sprung(worker).await;
        let sprung = sprung.map_err(|error| SystemError(Box::new(error)))?;
        Ok(seen("methods_seen", sprung.seen.into()))
    }

    async fn heal(&self, worker: Worker) -> Done {
        let seen = self.0.evidence(worker).map_err(failed)?;
        self.0.heal(worker).map_err(failed)?;
        Ok(link_evidence::of_simulated(seen))
    }

    async fn freeze(&self, worker: Worker) -> Result<(), SystemError> {
        self.0.freeze(worker).map_err(failed)
    }

    async fn thaw(&self, worker: Worker) -> Result<(), SystemError> {
        self.0.thaw(worker).map_err(failed)
    }

    async fn harm_broker(&self, harm: &BrokerHarm) -> Done {
        let simulation = &self.0;
        match harm {
            BrokerHarm::Kill => simulation.stop(Shutdown::Killed),
            BrokerHarm::Stop => simulation.stop(Shutdown::Stopped),
            BrokerHarm::Pause => simulation.pause(),
            BrokerHarm::Alarm(Resource::Memory) => simulation.set_memory_alarm(true),
            BrokerHarm::Alarm(Resource::Disk) => simulation.set_disk_alarm(true),
            BrokerHarm::CloseConnections(names) => {
                let closed = simulation.close_connections(names, "closed by the operator");
                return Ok(seen("closed", closed.into()));
            }
            BrokerHarm::DeleteQueues(prefix) => {
                return Ok(seen("deleted", counts(simulation.delete_queues(prefix))));
            }
            BrokerHarm::PurgeQueues(prefix) => {
                return Ok(seen("purged", counts(simulation.purge_queues(prefix))));
            }
            BrokerHarm::Policy { prefix, rule } => {
                let (expires, max_length) = rule.parts();
                simulation.set_policy(prefix, expires, max_length);
            }
            BrokerHarm::ClockJump(_) => {
                return Err(SystemError::unable("set the clock of the broker"));
            }
        }
        Ok(Evidence::new())
    }

    async fn noticed(&self) -> Result<Vec<Notice>, SystemError> {
        let now = self.0.elapsed();
        let notice = |loss: simulated::NoticedLoss| Notice {
            ago: now.saturating_sub(loss.at),
            connection: loss.connection,
            reason: loss.reason,
        };
        Ok(self.0.losses().into_iter().map(notice).collect())
    }

    async fn mend_broker(&self, harm: &BrokerHarm) -> Done {
        let simulation = &self.0;
        match harm {
            BrokerHarm::Kill | BrokerHarm::Stop => simulation.start(),
            BrokerHarm::Pause => simulation.resume(),
            BrokerHarm::Alarm(Resource::Memory) => simulation.set_memory_alarm(false),
            BrokerHarm::Alarm(Resource::Disk) => simulation.set_disk_alarm(false),
            BrokerHarm::Policy { .. } => simulation.clear_policy(),
            _ => {}
        }
        Ok(Evidence::new())
    }
}

fn seen(what: &str, value: Value) -> Evidence {
    Evidence::from([(what.to_owned(), value)])
}

fn counts(all: BTreeMap<String, u32>) -> Value {
    all.into_iter()
        .map(|(name, count)| (name, Value::from(count)))
        .collect()
}

fn failed(error: NoSuchLink) -> SystemError {
    SystemError(Box::new(error))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use locks::ErrorKind;
    use locks::broker::{Broker, ConnectOptions};
    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::testing::{selected, strike};

    async fn kind_of_end(fault: &str) -> ErrorKind {
        let simulation = Simulation::new(1, 2);
        let options = ConnectOptions {
            address: Simulation::address(1),
            ..ConnectOptions::default()
        };
        let connection = simulation.connect(&options).await.expect("it is whole");
        let selected = selected(fault);
        let system = SimulatedSystem(simulation.clone());
        let strike = strike(&system, &[1], &selected);
        selected.fault.inject(&strike).await.expect("a link");
        let closed = connection.closed().await;
        selected.fault.heal(&strike).await.expect("a link");
        simulation.connect(&options).await.expect("it has healed");
        closed.error.kind
    }

    /// Else it would be found out in the middle of a run.
    #[test]
    fn every_method_that_can_be_waited_for_is_known_to_simulated_and_real_links() {
        for method in nemesis::METHODS {
            let simulated = Simulation::check_trap(method, 1, "hold");
            simulated.unwrap_or_else(|error| panic!("{method}: {error}"));
            let real = crate::links::check_trap(method, 1, "hold");
            real.unwrap_or_else(|error| panic!("{method}: {error}"));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn faults_reach_the_link_of_their_target() {
        assert_eq!(kind_of_end("partition").await, ErrorKind::HeartbeatMissed);
        assert_eq!(
            kind_of_end("partition-downstream").await,
            ErrorKind::HeartbeatMissed
        );
        // The broker loses patience, and the client hears of that.
        assert_eq!(kind_of_end("partition-upstream").await, ErrorKind::Io);
        assert_eq!(kind_of_end("cut").await, ErrorKind::Io);
        assert_eq!(kind_of_end("kill").await, ErrorKind::Io);
    }

    #[tokio::test(start_paused = true)]
    async fn a_frozen_client_learns_nothing_until_it_thaws() {
        let simulation = Simulation::new(1, 1);
        let options = ConnectOptions {
            address: Simulation::address(0),
            heartbeat: Duration::from_secs(1),
            ..ConnectOptions::default()
        };
        let connection = simulation.connect(&options).await.expect("it is whole");
        simulation.freeze(0).expect("a link");
        let closed = timeout(Duration::from_secs(60), connection.closed()).await;
        assert!(closed.is_err(), "nobody looked at anything");
        simulation.thaw(0).expect("a link");
        let closed = timeout(Duration::from_millis(10), connection.closed()).await;
        let kind = closed.expect("it sees that soon").error.kind;
        assert!(
            [ErrorKind::Io, ErrorKind::HeartbeatMissed].contains(&kind),
            "{kind:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_was_frozen_for_a_moment_goes_on() {
        let simulation = Simulation::new(1, 1);
        let options = ConnectOptions {
            address: Simulation::address(0),
            heartbeat: Duration::from_secs(2),
            ..ConnectOptions::default()
        };
        let connection = simulation.connect(&options).await.expect("it is whole");
        for _ in 0..20 {
            simulation.freeze(0).expect("a link");
            sleep(Duration::from_secs(2)).await;
            simulation.thaw(0).expect("a link");
            sleep(Duration::from_secs(2)).await;
        }
        let channel = connection.channel().await;
        assert!(channel.is_ok(), "{:?}", channel.err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_without_a_link_is_a_harness_error() {
        let system = SimulatedSystem(Simulation::new(1, 1));
        let selected = selected("partition");
        let struck = selected
            .fault
            .inject(&strike(&system, &[1], &selected))
            .await;
        let error = struck.expect_err("no link");
        assert!(
            error.to_string().contains("link 1 does not exist"),
            "{error}"
        );
    }
}
