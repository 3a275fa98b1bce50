//! Has a run happen on its testbed, and notes in the manifest how that went.

use std::sync::Arc;

use nemesis::Clients;
use plan::Plan;
use plan::manifest::{Manifest, State};
use run::seed::Stream;
use run::{Clock, Live, Ran, Recording, Stage, Stop, execute};
use suite::simulate;
use testbed::{Demand, Described, Progress, RealSite, Site, StartError, Testbed, daemon};

use crate::causes::with_causes;
use crate::failure::Failure;
use crate::interruption::interrupted;
use crate::line::Length;
use crate::output::{self, Format, Steps};
use crate::store::Store;

/// Has the run happen, and notes in the manifest how that went.
pub(super) async fn record(
    plan: &Plan,
    store: &mut Store,
    manifest: &mut Manifest,
    format: Format,
    steps: &Steps,
) -> Result<Stop, Failure> {
    for doubt in plan.doubts() {
        steps.say(&format!("warning: {doubt}"));
    }
    let ran = match real_site(plan, steps).await? {
        Some(site) => on_site(site, plan, store, manifest, format, steps).await,
        None => in_simulation(plan, store, manifest, format, steps).await,
    };
    note(manifest, &ran);
    if let (Ok(ran), true) = (&ran, plan.spec.schedule.is_some()) {
        for left_out in &ran.left_out {
            steps.say(&format!("note: {left_out}"));
        }
    }
    ran.map(|ran| ran.stop)
}

/// Notes how a run went.
pub(crate) fn note(manifest: &mut Manifest, ran: &Result<Ran, Failure>) {
    match ran {
        Ok(ran) => {
            manifest.skew = ran.skew;
            manifest.losses.clone_from(&ran.losses);
            manifest.state = ran.stop.into();
        }
        Err(failure) => manifest.state = State::Broken(with_causes(failure)),
    }
}

/// Where the run happens, unless it is simulated.
async fn real_site<'a>(plan: &'a Plan, steps: &Steps) -> Result<Option<&'a RealSite>, Failure> {
    Ok(match &plan.testbed.site {
        Site::Simulated => None,
        Site::Real(site) => Some(site),
        Site::Auto(site) => match daemon::connect().await {
            Ok(_) => Some(site),
            // No simulation can stand in for a process.
            Err(error) if plan.clients() == Clients::Processes => return Err(error.into()),
            Err(error) => {
                steps.say(&format!(
                    "note: failed to {}; this run is simulated instead, `--testbed docker` insists on Docker",
                    with_causes(&error)
                ));
                None
            }
        },
    })
}

async fn in_simulation(
    plan: &Plan,
    store: &mut Store,
    manifest: &mut Manifest,
    format: Format,
    steps: &Steps,
) -> Result<Ran, Failure> {
    manifest.testbed = Some(Described::simulated());
    steps.aside(|| announce(plan, manifest, format))?;
    let (tell, told) = tokio::sync::oneshot::channel();
    let listening = tokio::spawn(async move {
        interrupted().await;
        // Nobody listens any more where the run is over.
        let _ = tell.send(());
    });
    let interrupted = async {
        // Without a sender nobody will ever interrupt.
        if told.await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    let recording = recording(store);
    let ran = tokio::task::block_in_place(|| simulate(plan, recording, interrupted));
    listening.abort();
    Ok(ran?)
}

async fn on_site(
    site: &RealSite,
    plan: &Plan,
    store: &mut Store,
    manifest: &mut Manifest,
    format: Format,
    steps: &Steps,
) -> Result<Ran, Failure> {
    let testbed = tokio::select! {
        biased;
        () = interrupted() => return Ok(Ran::interrupted()),
        started = start(site, plan, store, steps) => started?,
    };
    manifest.testbed = Some(testbed.described().clone());
    steps.aside(|| announce(plan, manifest, format))?;
    carry_out(testbed, plan, store, steps).await
}

/// Has the run happen on a testbed that is up, and takes the testbed down.
pub(crate) async fn carry_out(
    testbed: Testbed,
    plan: &Plan,
    store: &mut Store,
    steps: &Steps,
) -> Result<Ran, Failure> {
    let ran = on_testbed(plan, store, &testbed, steps).await;
    let ran = match ran {
        // A lock whose broker is gone is not to blame for what it did not do.
        Ok(ran) if ran.stop != Stop::Interrupted => {
            testbed.answers().await.map(|()| ran).map_err(Failure::from)
        }
        other => other,
    };
    steps.step("take the testbed down");
    let slots = plan.workload.most_slots(plan.params.slots);
    for stays in testbed.clear(&plan.params.key_names(), slots).await {
        steps.say(&format!("warning: {stays}"));
    }
    let stopped = testbed.stop().await;
    let ran = ran?;
    match stopped {
        Ok(Some(kept)) => steps.aside(|| output::note(&kept.to_string())),
        Ok(None) => {}
        // What was recorded is whole; what is left can be cleaned up later.
        Err(error) => steps.aside(|| {
            output::note(&format!(
                "warning: {}; `prover clean` removes what is left",
                with_causes(&error)
            ));
        }),
    }
    Ok(ran)
}

async fn start(
    site: &RealSite,
    plan: &Plan,
    store: &Store,
    steps: &Steps,
) -> Result<Testbed, Failure> {
    let demand = Demand {
        workers: plan.params.concurrency,
        heartbeat: plan.heartbeat,
        proxy_seed: plan.seed.short_stream(Stream::Proxy),
        logs: store.folder(),
    };
    Ok(Testbed::start(site, &plan.testbed.proxy, demand, steps).await?)
}

async fn on_testbed(
    plan: &Plan,
    store: &mut Store,
    testbed: &Testbed,
    steps: &Steps,
) -> Result<Ran, Failure> {
    let system = testbed.system();
    let stage = Stage {
        clients: testbed
            .clients(&testbed.prefix(), plan.seed.of_locks())
            .map_err(StartError::Links)?,
        system: &system,
        clock: Clock::of_runtime(),
        folder: Some(store.folder().to_owned()),
    };
    let workers = plan.params.concurrency;
    let live = Live::new(plan.schedule.clone(), workers, plan.time_limit);
    let live = Arc::new(live.of_slots(plan.workload.most_slots(plan.params.slots)));
    let recording = recording(store).observed_by(live.clone());
    let length = if plan.until_covered {
        Length::UntilCovered(plan.time_limit)
    } else {
        Length::Fixed(plan.time_limit)
    };
    steps.follow(live, length);
    Ok(execute(plan.setup(), stage, recording, interrupted()).await?)
}

/// Into the history of a run's folder.
pub(crate) fn recording(store: &mut Store) -> Recording {
    let history = store.take_history();
    Recording::new(history.expect("a store is made with a history"))
}

/// The first line printed says where the run happens.
fn announce(plan: &Plan, manifest: &Manifest, format: Format) -> std::io::Result<()> {
    let Some(testbed) = manifest
        .testbed
        .as_ref()
        .filter(|_| format == Format::Human)
    else {
        return Ok(());
    };
    output::result(&format!("testbed: {testbed}"))?;
    output::result(&format!("run:     {}", plan.describe()))
}
