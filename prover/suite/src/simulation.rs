//! A run in a simulation: the same workers and the same nemesis, alone in a thread, under virtual
//! time.

use std::sync::Arc;

use locks::broker::{Broker, ConnectOptions};
use plan::Plan;
use run::seed::Stream;
use run::{Clock, Ran, Recording, RunError, Stage, execute};
use simulated::Simulation;
use testbed::{SimulatedSystem, clients};

/// Stands before every name in the simulated broker, which no other run shares.
const PREFIX: &str = "prover";

/// Carries out a plan in a simulated world of its own. The same plan writes the same bytes into the
/// history of `recording`, unless `interrupted` resolves. Blocks this thread, which must not be one
/// that a runtime runs tasks on.
///
/// # Errors
/// As for [`execute`].
pub fn simulate(
    plan: &Plan,
    recording: Recording,
    interrupted: impl Future<Output = ()>,
) -> Result<Ran, RunError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.map_err(RunError::Runtime)?.block_on(async {
        let world = SimulatedSystem(Simulation::new(
            plan.seed.short_stream(Stream::Simulation),
            plan.params.concurrency as usize,
        ));
        let stage = stage(plan, &world);
        execute(plan.setup(), stage, recording, interrupted).await
    })
}

fn stage<'a>(plan: &Plan, world: &'a SimulatedSystem) -> Stage<'a> {
    let connect = ConnectOptions {
        heartbeat: plan.heartbeat,
        ..ConnectOptions::default()
    };
    let links = (0..plan.params.concurrency as usize).map(Simulation::address);
    let broker: Arc<dyn Broker> = Arc::new(world.0.clone());
    Stage {
        clients: clients(&broker, &connect, links, PREFIX, plan.seed.of_locks()),
        system: world,
        clock: Clock::of_simulation(&world.0),
        folder: None,
    }
}
