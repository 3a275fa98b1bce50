//! The simulated testbed, as far as faults go: a worker's link is the link of its number.

use async_trait::async_trait;
use locks::broker::{NoSuchLink, Simulation};

use crate::{System, SystemError, Worker};

#[async_trait]
impl System for Simulation {
    async fn partition(&self, worker: Worker) -> Result<(), SystemError> {
        self.partition(worker).map_err(lost_grip)
    }

    async fn cut(&self, worker: Worker) -> Result<(), SystemError> {
        self.cut(worker).map_err(lost_grip)
    }

    async fn heal(&self, worker: Worker) -> Result<(), SystemError> {
        self.heal(worker).map_err(lost_grip)
    }
}

fn lost_grip(error: NoSuchLink) -> SystemError {
    SystemError(Box::new(error))
}

#[cfg(test)]
mod tests {
    use locks::ErrorKind;
    use locks::broker::{Broker, ConnectOptions};

    use super::*;
    use crate::find;

    async fn kind_of_end(fault: &str) -> ErrorKind {
        let simulation = Simulation::new(1, 2);
        let options = ConnectOptions {
            address: Simulation::address(1),
            ..ConnectOptions::default()
        };
        let connection = simulation.connect(&options).await.expect("it is whole");
        let fault = find(fault).expect("it is registered");
        fault.inject(&simulation, &[1]).await.expect("a link");
        let closed = connection.closed().await;
        fault.heal(&simulation, &[1]).await.expect("a link");
        simulation.connect(&options).await.expect("it has healed");
        closed.error.kind
    }

    #[tokio::test(start_paused = true)]
    async fn faults_reach_the_link_of_their_target() {
        assert_eq!(kind_of_end("partition").await, ErrorKind::HeartbeatMissed);
        assert_eq!(kind_of_end("cut").await, ErrorKind::Io);
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_without_a_link_is_trouble_of_the_harness() {
        let simulation = Simulation::new(1, 1);
        let fault = find("partition").expect("it is registered");
        let error = fault.inject(&simulation, &[1]).await.expect_err("no link");
        assert!(
            error.to_string().contains("link 1 does not exist"),
            "{error}"
        );
    }
}
