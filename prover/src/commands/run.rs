//! `prover run`: one run from the plan to the verdict.

use std::fs::File;
use std::time::Duration;

use checker::certificate::Certificate;
use history::History;
use jiff::Timestamp;
use serde_json::json;

use super::check::print_judgement;
use super::interruption::interrupted;
use super::limits::within;
use super::output::{self, Steps};
use super::{Failure, reading};
use crate::causes::with_causes;
use crate::cli::{Format, RunArgs};
use crate::exit::Exit;
use crate::judgement::{Criteria, Judgement};
use crate::manifest::{Manifest, State};
use crate::plan::Plan;
use crate::report;
use crate::run::{Execution, Skew, Stop, execute};
use crate::store::{Store, file};
use crate::testbed::{Demand, Progress, Testbed};

/// How far the judgement of a run may search where a sweep does not decide.
const SEARCH_WITHIN: Duration = Duration::from_secs(60);
const SEARCH_BYTES: u64 = 4 << 30;

/// Plans, runs, judges, stores and prints.
pub(super) async fn run(arguments: &RunArgs) -> Result<Exit, Failure> {
    let mut plan = Plan::new(arguments)?;
    let began = Timestamp::now();
    let mut store = Store::open(&plan.results, &plan.name(), began)?;
    log_to(&store);
    let mut manifest = Manifest::begin(&plan, began);
    store.write_json(file::MANIFEST, &manifest)?;
    store.write_json(file::SCHEDULE, &plan.schedule)?;
    let steps = Steps::new(plan.quiet);
    let result = record(&plan, &mut store, &mut manifest, &steps).await;
    steps.done();
    store.write_json(file::MANIFEST, &manifest)?;
    let stop = result.inspect_err(|_| tell_where(&store, &manifest))?;
    let history = reading::history(&store.path(file::HISTORY))?;
    let criteria = Criteria::of_plan(&mut plan);
    let (judgement, certificate) = within(SEARCH_WITHIN, SEARCH_BYTES, |limits| {
        let judgement = criteria.judge(&history, Some(&manifest.state), limits)?;
        let certificate = criteria.certificate(&history, &judgement, limits);
        Ok::<_, Failure>((judgement, certificate))
    })?;
    // What was found is said before anything else can go wrong.
    print(&plan, &store, &manifest, &judgement, &history)?;
    let mut exits = vec![judgement.verdict.into()];
    if stop == Stop::Interrupted {
        exits.push(Exit::Interrupted);
    }
    if let Err(failure) = keep(&store, &manifest, &history, &judgement, &certificate) {
        output::note(&format!("error: {}", with_causes(&failure)));
        exits.push(failure.exit());
    }
    Ok(Exit::worst(exits))
}

/// Stores what was found, as evidence and for people.
fn keep(
    store: &Store,
    manifest: &Manifest,
    history: &History,
    judgement: &Judgement,
    certificate: &Certificate,
) -> Result<(), Failure> {
    store.write(file::CERTIFICATE, &certificate.to_bytes())?;
    store.write_json(file::VERDICT, judgement)?;
    store.write(
        file::REPORT,
        report::html(manifest, history, judgement)?.as_bytes(),
    )?;
    for (name, svg) in report::plots(manifest, history, judgement)? {
        store.write(name, svg.as_bytes())?;
    }
    Ok(())
}

/// Has the run happen on its testbed, and notes in the manifest how that went.
async fn record(
    plan: &Plan,
    store: &mut Store,
    manifest: &mut Manifest,
    steps: &Steps,
) -> Result<Stop, Failure> {
    let broken = |manifest: &mut Manifest, failure: Failure| {
        manifest.state = State::Broken(with_causes(&failure));
        failure
    };
    warn(plan, steps);
    let testbed = tokio::select! {
        biased;
        () = interrupted() => {
            manifest.state = State::Interrupted;
            return Ok(Stop::Interrupted);
        }
        started = start(plan, store, steps) => started.map_err(|failure| broken(manifest, failure))?,
    };
    manifest.testbed = Some(testbed.described().clone());
    announce(plan, manifest)?;
    let ran = on_testbed(plan, store, &testbed, steps).await;
    let ran = match ran {
        // A lock whose broker is gone is not to blame for what it did not do.
        Ok(ran) if ran.0 != Stop::Interrupted => {
            testbed.answers().await.map(|()| ran).map_err(Failure::from)
        }
        other => other,
    };
    steps.step("take the testbed down");
    let stopped = testbed.stop().await;
    let (stop, skew) = ran.map_err(|failure| broken(manifest, failure))?;
    manifest.skew = skew;
    manifest.state = state(stop);
    match stopped {
        Ok(Some(kept)) => output::note(&kept.to_string()),
        Ok(None) => {}
        // What was recorded is whole; what is left can be cleaned up later.
        Err(error) => output::note(&format!(
            "warning: {}; `prover clean` removes what is left",
            with_causes(&error)
        )),
    }
    Ok(stop)
}

async fn start(plan: &Plan, store: &Store, steps: &Steps) -> Result<Testbed, Failure> {
    let demand = Demand {
        workers: plan.params.concurrency,
        heartbeat: plan.heartbeat,
        seed: plan.seed,
        logs: store.folder(),
    };
    Ok(Testbed::start(&plan.testbed, demand, steps).await?)
}

async fn on_testbed(
    plan: &Plan,
    store: &mut Store,
    testbed: &Testbed,
    steps: &Steps,
) -> Result<(Stop, Option<Skew>), Failure> {
    let links = crate::testbed::StartError::Links;
    let prefix = format!("prover-{}", Timestamp::now().as_nanosecond());
    let execution = Execution {
        workload: plan.workload,
        lock: plan.lock,
        params: &plan.params,
        clients: testbed.clients(&prefix, plan.seed).map_err(links)?,
        schedule: &plan.schedule,
        system: testbed.links(),
        seed: plan.seed,
        time_limit: plan.time_limit,
        finish_within: plan.finish_within,
        operation_timeout: plan.operation_timeout,
    };
    let history = store
        .take_history()
        .expect("a store is made with a history");
    let clock = steps.clock(plan.time_limit);
    let ran = execute(execution, history, interrupted()).await;
    drop(clock);
    Ok(ran?)
}

fn state(stop: Stop) -> State {
    match stop {
        Stop::Done => State::Finished,
        Stop::Stuck => State::Stuck,
        Stop::Interrupted => State::Interrupted,
    }
}

/// Says beforehand what a run cannot prove.
fn warn(plan: &Plan, steps: &Steps) {
    for fault in &plan.faults {
        if !plan.schedule.fault_names().contains(fault) {
            let limit = humantime::format_duration(plan.time_limit);
            steps.step(&format!(
                "warning: no {fault} fits into {limit}, so this run will prove nothing about it: \
                 give --time-limit more, or --nemesis-interval and --nemesis-duration less"
            ));
        }
    }
}

/// The first line printed says where the run happens.
fn announce(plan: &Plan, manifest: &Manifest) -> std::io::Result<()> {
    let Some(testbed) = manifest
        .testbed
        .as_ref()
        .filter(|_| plan.format == Format::Human)
    else {
        return Ok(());
    };
    output::result(&format!(
        "testbed: {}, {}, {}",
        testbed.kind, testbed.broker, testbed.proxy
    ))?;
    output::result(&format!("run:     {}\n", plan.describe()))
}

fn print(
    plan: &Plan,
    store: &Store,
    manifest: &Manifest,
    judgement: &Judgement,
    history: &History,
) -> std::io::Result<()> {
    if plan.format == Format::Json {
        let mut line = json!(judgement);
        line["folder"] = json!(store.folder());
        line["manifest"] = json!(manifest);
        return output::result(&line.to_string());
    }
    print_judgement(history, judgement)?;
    if let Some(skew) = manifest.skew {
        output::result(&skew_line(skew))?;
    }
    output::result(&format!("results: {}", store.folder().display()))?;
    output::result(&format!("repeat:  {}", manifest.repeat))
}

fn skew_line(skew: Skew) -> String {
    let Skew {
        bursts,
        median_ns,
        p99_ns,
    } = skew;
    let [median, p99] = [median_ns, p99_ns].map(checker::show_ns);
    format!("bursts:  {bursts}; between first and last invocation {median} (median), {p99} (p99)")
}

fn tell_where(store: &Store, manifest: &Manifest) {
    output::note(&format!(
        "what there is: {}\nrepeat: {}",
        store.folder().display(),
        manifest.repeat
    ));
}

/// The prover's own log goes beside the results.
fn log_to(store: &Store) {
    let Ok(file) = File::options().append(true).open(store.path(file::LOG)) else {
        return;
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,lapin=off"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(file)
        .finish();
    // A second run in one process goes on in the first one's log.
    let _ = tracing::subscriber::set_global_default(subscriber);
}
