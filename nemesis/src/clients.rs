//! What the workers' clients are to an operating system.

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
    /// A broker in a container that was started for the run.
    Container,
}
