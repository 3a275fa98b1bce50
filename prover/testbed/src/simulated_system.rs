//! The simulated testbed, as far as faults go: a worker's link is the link of its number.

use async_trait::async_trait;
use nemesis::{System, SystemError, Worker};
use simulated::{NoSuchLink, Shutdown, Simulation};

/// A simulated broker and its links.
#[derive(Clone, Debug)]
pub struct SimulatedSystem(pub Simulation);

#[async_trait]
impl System for SimulatedSystem {
    async fn partition_upstream(&self, worker: Worker) -> Result<(), SystemError> {
        self.0.partition_upstream(worker).map_err(failed)
    }

    async fn partition_downstream(&self, worker: Worker) -> Result<(), SystemError> {
        self.0.partition_downstream(worker).map_err(failed)
    }

    async fn cut(&self, worker: Worker) -> Result<(), SystemError> {
        self.0.cut(worker).map_err(failed)
    }

    async fn heal(&self, worker: Worker) -> Result<(), SystemError> {
        self.0.heal(worker).map_err(failed)
    }

    async fn freeze(&self, worker: Worker) -> Result<(), SystemError> {
        self.0.freeze(worker).map_err(failed)
    }

    async fn thaw(&self, worker: Worker) -> Result<(), SystemError> {
        self.0.thaw(worker).map_err(failed)
    }

    async fn kill_broker(&self) -> Result<(), SystemError> {
        self.0.stop(Shutdown::Killed);
        Ok(())
    }

    async fn start_broker(&self) -> Result<(), SystemError> {
        self.0.start();
        Ok(())
    }
}

fn failed(error: NoSuchLink) -> SystemError {
    SystemError(Box::new(error))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use locks::ErrorKind;
    use locks::broker::{Broker, ConnectOptions};
    use nemesis::find;
    use tokio::time::{sleep, timeout};

    use super::*;

    async fn kind_of_end(fault: &str) -> ErrorKind {
        let simulation = Simulation::new(1, 2);
        let options = ConnectOptions {
            address: Simulation::address(1),
            ..ConnectOptions::default()
        };
        let connection = simulation.connect(&options).await.expect("it is whole");
        let fault = find(fault).expect("it is registered");
        let system = SimulatedSystem(simulation.clone());
        fault.inject(&system, &[1]).await.expect("a link");
        let closed = connection.closed().await;
        fault.heal(&system, &[1]).await.expect("a link");
        simulation.connect(&options).await.expect("it has healed");
        closed.error.kind
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
        assert_eq!(kind_of_end("restart").await, ErrorKind::Io);
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
        let fault = find("partition").expect("it is registered");
        let error = fault.inject(&system, &[1]).await.expect_err("no link");
        assert!(
            error.to_string().contains("link 1 does not exist"),
            "{error}"
        );
    }
}
