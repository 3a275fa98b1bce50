//! What the workers' clients are to an operating system, and what faults need.

use std::fmt;

/// What the workers' clients are to an operating system, and so what can be done to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clients {
    /// Tasks of the prover: one that is paused leaves its connections to the library, heartbeats
    /// included.
    #[default]
    Tasks,
    /// Processes of their own: one that is stopped stands still with all it has.
    Processes,
}

/// What a fault needs to be possible at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Need {
    /// Any testbed will do.
    #[default]
    Nothing,
    /// Clients that are processes of their own, or a simulation.
    Processes,
    /// A broker that can die and come back: one that was started for the run, or a simulated one.
    Broker,
    /// A RabbitMQ of which this program is the operator: one that was started for the run, or a
    /// simulated one.
    Operator,
    /// Links that read the frames of AMQP: those of our own proxy, or simulated ones.
    Frames,
    /// A broker in a container whose clock can be set.
    Clock,
    /// A cluster of three nodes that was started for the run.
    Cluster,
    /// A lock whose slots can be changed, and a workload that leaves that to others.
    Slots,
}

impl fmt::Display for Need {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Nothing => "nothing",
            Self::Processes => {
                "clients that are processes of their own (--isolate), or a simulation"
            }
            Self::Broker => "a service that was started for the run, or a simulated one",
            Self::Operator => "a RabbitMQ that was started for the run, or a simulated one",
            Self::Frames => "a lock on RabbitMQ, behind this program's own proxy or simulated",
            Self::Clock => "a RabbitMQ in a container",
            Self::Cluster => "a cluster of three nodes (--nodes 3)",
            Self::Slots => "a lock whose slots can be changed, and the workload semaphore",
        })
    }
}
