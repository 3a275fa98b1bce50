//! One run from its plan to its report, without a word: what many runs are made of where each is
//! kept.

use std::future::pending;
use std::path::{Path, PathBuf};

use checker::Verdict;
use jiff::Timestamp;
use locks::Chosen;
use plan::Plan;
use plan::manifest::Manifest;
use plan::spec::RunSpec;
use report::violation_text;
use run::Stop;
use run::seed::Stream;
use suite::{Outcome, simulate};
use testbed::{Demand, Described, Direct, ProxyChoice, RealSite, Silent, Testbed};
use tokio::task::block_in_place;

use crate::conclusion::{Conclusion, as_played, begin_in, conclude, keep, note_record};
use crate::failure::Failure;
use crate::output::{Format, Steps};
use crate::record::{carry_out, note, record, recording};
use crate::repeat;
use crate::schema::Schema;
use crate::store::{Store, file};

/// A run that is kept.
pub(crate) struct StoredRun {
    /// What came of it.
    pub(crate) outcome: Outcome,
    /// Its plan, as it was drawn.
    pub(crate) plan: Plan,
    /// What was asked for, with the end that came of the run itself.
    pub(crate) played: RunSpec,
    /// Where it was: `RabbitMQ 4.0.5 (…)`.
    pub(crate) testbed: Described,
    /// Where it is stored.
    pub(crate) folder: PathBuf,
    /// The first violation of what was judged, for people.
    pub(crate) violation: Option<String>,
}

/// Has a run happen, on a broker that is up where one is given, and keeps it below `results`. Its
/// certificate is checked again. Nothing where somebody interrupts.
///
/// # Errors
/// The spec makes no plan, or the harness broke down.
pub(crate) async fn stored_run(
    lock: Chosen,
    spec: &RunSpec,
    broker: Option<&Direct>,
    results: &Path,
    commit: Option<&str>,
    steps: &Steps,
) -> Result<Option<StoredRun>, Failure> {
    let plan = Plan::of(lock, spec, None)?;
    let mut store = Store::open_among(results, &plan.name(), Timestamp::now())?;
    let mut manifest = begin_in(&store, &plan, commit)?;
    // What strikes a broker must not strike those who share it.
    let ran = match broker.filter(|_| !plan.strikes_the_service()) {
        Some(broker) => {
            let (links, described) = linked(broker, &plan, store.folder()).await?;
            manifest.testbed = Some(described);
            let ran = carry_out(links, &plan, &mut store, steps).await;
            note(&mut manifest, &ran);
            ran.map(|ran| ran.stop)
        }
        None => record(&plan, &mut store, &mut manifest, Format::Json, steps).await,
    };
    store.write_json(file::MANIFEST, &Schema::MANIFEST.mark(&manifest))?;
    if ran? == Stop::Interrupted {
        return Ok(None);
    }
    concluded(plan, store, manifest, |ran| {
        repeat::of_manifest(ran, results)
    })
    .map(Some)
}

/// Makes a simulated run again, and keeps it in this folder, which is new. Nobody interrupts: it is
/// short, and it is what shows most.
///
/// # Errors
/// The spec makes no plan, or the harness broke down.
pub(crate) fn stored_again(
    spec: &RunSpec,
    mut store: Store,
    commit: Option<&str>,
    repeat: &str,
) -> Result<StoredRun, Failure> {
    let plan = Plan::new(spec)?;
    let mut manifest = begin_in(&store, &plan, commit)?;
    manifest.testbed = Some(Described::simulated());
    let recording = recording(&mut store);
    let ran = block_in_place(|| simulate(&plan, recording, pending())).map_err(Failure::from);
    note(&mut manifest, &ran);
    store.write_json(file::MANIFEST, &Schema::MANIFEST.mark(&manifest))?;
    ran?;
    concluded(plan, store, manifest, |_| repeat.to_owned())
}

/// Judges what was recorded, and keeps what follows.
fn concluded(
    mut plan: Plan,
    store: Store,
    mut manifest: Manifest,
    repeat: impl FnOnce(&Manifest) -> String,
) -> Result<StoredRun, Failure> {
    let conclusion = conclude(&mut plan, &store, &manifest)?;
    note_record(&store, &mut manifest, &plan, &conclusion.history)?;
    keep(&store, &manifest, &conclusion, &repeat(&manifest))?;
    let violation = first_violation(&conclusion);
    let recheck = conclusion.recheck();
    let Conclusion {
        history, judgement, ..
    } = conclusion;
    let outcome = Outcome::judged(plan.seed, judgement, &history, manifest.plan.most_slots);
    Ok(StoredRun {
        outcome: outcome.rechecked(recheck),
        played: as_played(&plan.spec, manifest.settled_ms),
        testbed: manifest.testbed.unwrap_or_else(Described::simulated),
        plan,
        folder: store.folder().to_owned(),
        violation,
    })
}

/// Links of its own to a broker that serves several runs.
async fn linked(
    broker: &Direct,
    plan: &Plan,
    logs: &Path,
) -> Result<(Testbed, Described), Failure> {
    let site = RealSite::broker_at(broker.place().clone());
    let demand = Demand {
        workers: plan.params.concurrency,
        heartbeat: plan.heartbeat,
        proxy_seed: plan.seed.short_stream(Stream::Proxy),
        logs,
    };
    let links = Testbed::start(&site, &ProxyChoice::Embedded, demand, &Silent).await?;
    let described = Described {
        proxy: links.described().proxy.clone(),
        ..broker.described().clone()
    };
    Ok((links, described))
}

fn first_violation(conclusion: &Conclusion) -> Option<String> {
    let judged = conclusion
        .judgement
        .guarantees
        .iter()
        .filter(|row| row.judged);
    let mut violated = judged.filter(|row| row.finding.verdict == Verdict::Violated);
    let finding = &violated.next()?.finding;
    let violation = finding.violations.first()?;
    let text = violation_text(finding, violation, &conclusion.history);
    Some(text.trim().to_owned())
}
