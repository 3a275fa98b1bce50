//! A claim on one testbed: what is to be run.

use std::time::Duration;

use plan::PROGRAM;
use plan::spec::RunSpec;
use run::seed::Seeds;

use crate::cost::Cost;
use crate::needs::Needs;

/// Where a claim is put to the test where nobody says: what is claimed of a lock is claimed of a real
/// broker.
pub(crate) const TESTBED: &str = "docker";

/// The testbed that is none.
pub(crate) const SIMULATED: &str = "sim";

/// A claim on one testbed.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Which claim of the file, from 0 on.
    pub claim: usize,
    /// The lock, as it is called.
    pub lock: String,
    /// What is asked of each run; its testbed is that of the case.
    pub spec: RunSpec,
    /// The seeds, where they are given: all of them are run, in simulations.
    pub seeds: Option<Seeds>,
    /// What is measured instead of runs with faults, where the claim is about costs.
    pub cost: Option<Cost>,
    /// How often it must be put to the test.
    pub needs: Needs,
    /// How long it may take.
    pub within: Duration,
}

impl Case {
    /// Whether its lock is a program.
    #[must_use]
    pub fn is_of_program(&self) -> bool {
        let lock = self.spec.lock.as_deref();
        lock.is_some_and(|lock| lock.starts_with(PROGRAM))
    }

    /// Whether it is run in a simulation.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        self.testbed() == SIMULATED
    }

    /// Whether it starts a RabbitMQ of a version that it chooses: a program names its services itself.
    #[must_use]
    pub fn starts_rabbitmq(&self) -> bool {
        self.testbed() == TESTBED && self.spec.service.is_empty() && !self.is_of_program()
    }

    /// Where it is run, as that was asked for.
    #[must_use]
    pub fn testbed(&self) -> &str {
        &self.spec.testbed
    }
}
