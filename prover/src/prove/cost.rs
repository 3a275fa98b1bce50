//! A claim about what an operation costs, put to the test: it is measured, round after round, while
//! nothing is broken. A round counts as a run; its seed is that of the first plus its number.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use checker::{Counts, Finding, Row, Verdict, counted};
use claims::{Case, Cost, Counterexample, Tested};
use jiff::Timestamp;
use run::seed::Seed;
use suite::{Came, Judged, Outcome, Summary};
use testbed::Described;
use tokio::task::block_in_place;
use tokio::time::timeout;

use super::brokers::Served;
use super::folder::Folder;
use super::real::{Site, broken};
use crate::causes::with_causes;
use crate::experiment::cost::{Place, SAMPLES, Sample, count};
use crate::failure::Failure;
use crate::interruption::interrupted;

/// Measures on a real broker. What breaks down is noted: it must not end what others are about.
pub(super) async fn on_broker(
    case: &Case,
    cost: &Cost,
    site: Site<'_>,
    mut tested: Tested,
) -> Tested {
    let seed = Seed(site.seed);
    let done = match site.brokers.of(&case.spec).await {
        Ok(Served::By(broker)) => {
            tested.place = Some(broker.described().to_string());
            let prefix = format!("cost-{}", Timestamp::now().as_nanosecond());
            let place = Place::Real(broker.connect(), &prefix);
            measured(case, cost, place, (seed, site.folder), &mut tested).await
        }
        Ok(Served::ByItsOwn | Served::Interrupted) => Ok(()),
        Err(failure) => Err(failure),
    };
    if let Err(failure) = done {
        tested.summary.merge(broken(seed, with_causes(&failure)));
        site.brokers.retire(&case.spec).await;
    }
    tested
}

/// Measures in a simulation.
pub(super) fn in_simulation(
    case: &Case,
    cost: &Cost,
    (seed, folder): (Seed, &Folder),
    mut tested: Tested,
) -> Tested {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    tested.place = Some(Described::simulated().to_string());
    let measuring = measured(case, cost, Place::Simulated, (seed, folder), &mut tested);
    let done = block_in_place(|| runtime.map_err(Failure::Output)?.block_on(measuring));
    if let Err(failure) = done {
        tested.summary.merge(broken(seed, with_causes(&failure)));
    }
    tested
}

/// Measures until it was done often enough, or time is up, or somebody interrupts. What was measured
/// until then counts.
async fn measured(
    case: &Case,
    cost: &Cost,
    place: Place<'_>,
    (seed, folder): (Seed, &Folder),
    tested: &mut Tested,
) -> Result<(), Failure> {
    let lock = plan::named_lock(&case.spec)?;
    let rounds = u32::try_from(case.needs.runs).unwrap_or(u32::MAX);
    let mut samples = Vec::new();
    let counting = count(place, &lock, cost, (rounds, seed), |it| samples.push(it));
    let done = tokio::select! {
        biased;
        () = interrupted() => Ok(()),
        done = timeout(case.within, counting) => done.unwrap_or(Ok(())),
    };
    for sample in &samples {
        take(tested, cost, seed, sample);
    }
    store(&samples, folder, tested)?;
    Ok(done?)
}

/// Keeps every measurement in a folder of its own.
fn store(samples: &[Sample], folder: &Folder, tested: &mut Tested) -> Result<(), Failure> {
    let below = folder.of_runs(&tested.claim, &tested.testbed).join("cost");
    let written = fs::create_dir_all(&below).and_then(|()| {
        let mut file = BufWriter::new(File::create(below.join(SAMPLES))?);
        for sample in samples {
            serde_json::to_writer(&mut file, sample)?;
            file.write_all(b"\n")?;
        }
        file.flush()
    });
    let path: PathBuf = below.clone();
    written.map_err(|source| Failure::Write { path, source })?;
    if let Some(measured) = &mut tested.measured {
        measured.folder = Some(folder.below(&below));
    }
    Ok(())
}

fn take(tested: &mut Tested, cost: &Cost, first: Seed, sample: &Sample) {
    let seed = Seed(first.0.wrapping_add(sample.round.into()));
    let is_dear = sample.operations.round_trips > cost.round_trips;
    let told = told(sample);
    tested
        .summary
        .merge(Summary::of(&outcome(cost, seed, is_dear, &told)));
    if is_dear && tested.counterexample.is_none() {
        tested.counterexample = Some(Counterexample {
            seed: seed.0,
            operations: 1,
            guarantee: cost.guarantee(),
            text: format!("{told}, at most {} claimed", cost.round_trips),
        });
    }
}

/// `acquire of exclusive-queue: 3 round trips for 3 methods`
fn told(sample: &Sample) -> String {
    let operations = sample.operations;
    let trips = counted(operations.round_trips.into(), "round trip");
    let methods = counted(operations.methods.into(), "method");
    format!("{}: {trips} for {methods}", sample.label)
}

fn outcome(cost: &Cost, seed: Seed, is_dear: bool, evidence: &str) -> Outcome {
    let verdict = if is_dear {
        Verdict::Violated
    } else {
        Verdict::Valid
    };
    let finding = Finding {
        guarantee: cost.guarantee(),
        verdict,
        evidence: evidence.to_owned(),
        reason: None,
        counts: Counts::default(),
        violations: Vec::new(),
        exposures_ns: Vec::new(),
    };
    let judged = Judged {
        verdict,
        unfinished: None,
        events: 0,
        operations: 1,
        guarantees: vec![Row {
            judged: true,
            finding,
        }],
        situations: Vec::new(),
        first_violation_ns: None,
        operations_before: is_dear.then_some(1),
        hits: Vec::new(),
        recheck: None,
    };
    Outcome {
        seed,
        came: Came::Judged(Box::new(judged)),
    }
}
