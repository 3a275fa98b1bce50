//! Goes through the claims of a file.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use claims::{Case, File, Measured, Profile, Proof, Shard, Standing, State, Tested};
use futures_util::FutureExt;
use jiff::Timestamp;
use plan::manifest::Git;
use plan::spec::{RunSpec, program, typed};
use run::seed::Seed;
use testbed::without_password;
use tokio::runtime::Handle;

use super::brokers::Brokers;
use super::cost;
use super::folder::Folder;
use super::ledger::Ledger;
use super::programs::Programs;
use super::real::{Site, real};
use super::simulated::simulated;
use crate::failure::Failure;
use crate::interruption::interrupted;
use crate::output::Steps;
use crate::repeat::operand;

/// How the claims of a file are to be put to the test.
pub(crate) struct Order<'a> {
    pub(crate) file: &'a File,
    pub(crate) programs: &'a Programs,
    pub(crate) profile: Profile,
    pub(crate) shard: Shard,
    /// So many claims on real testbeds at a time.
    pub(crate) jobs: NonZeroUsize,
    /// The seed of the first run on a real testbed.
    pub(crate) seed: u64,
    /// The RabbitMQ that was asked for in place of what the file says.
    pub(crate) rabbitmq: Option<&'a str>,
    pub(crate) results: PathBuf,
    pub(crate) commit: Option<&'a str>,
}

/// Puts the claims of a file to the test, and stores what comes of it.
///
/// # Errors
/// What was found cannot be stored, or a simulation makes no plan.
pub(crate) async fn prove(order: &Order<'_>, steps: &Steps) -> Result<(Proof, PathBuf), Failure> {
    let began = Timestamp::now();
    let folder = Folder::new(&order.results, began)?;
    let ledger = Ledger::begin(&folder, untested(order, began), steps)?;
    let (in_simulation, on_site): (Vec<_>, Vec<_>) =
        own(order).partition(|(_, case)| case.is_simulated());
    all_real(order, on_site.into(), &folder, &ledger, steps).await?;
    for (place, case) in in_simulation {
        if is_interrupted() {
            break;
        }
        one_simulated(order, place, case, &folder, &ledger).await?;
    }
    let state = if is_interrupted() {
        State::Interrupted
    } else {
        State::Finished
    };
    Ok((ledger.end(state)?, folder.path().to_owned()))
}

fn is_interrupted() -> bool {
    interrupted().now_or_never().is_some()
}

/// The cases that this shard has a part in, with their places. Seeds are divided, real runs are not.
fn own<'a>(order: &'a Order<'_>) -> impl Iterator<Item = (usize, &'a Case)> {
    let cases = order.file.cases.iter().enumerate();
    cases.filter(|(place, case)| case.seeds.is_some() || order.shard.has(*place))
}

async fn one_simulated(
    order: &Order<'_>,
    place: usize,
    case: &Case,
    folder: &Folder,
    ledger: &Ledger<'_>,
) -> Result<(), Failure> {
    let (began, tested) = (Instant::now(), ledger.case(place));
    ledger.announce(place, &tested);
    let mut tested = match (&case.cost, &case.seeds) {
        (Some(cost), _) => cost::in_simulation(case, cost, (Seed(order.seed), folder), tested),
        (None, Some(seeds)) => {
            simulated(case, seeds, order.shard, folder, order.commit, tested).await?
        }
        (None, None) => return Ok(()),
    };
    tested.decide(order.shard);
    tested.spent_ms = spent_ms(began);
    ledger.take(place, tested)
}

/// Each in a thread of its own: judging what one run recorded must not hold up another that is under
/// way.
async fn all_real(
    order: &Order<'_>,
    cases: VecDeque<(usize, &Case)>,
    folder: &Folder,
    ledger: &Ledger<'_>,
    steps: &Steps,
) -> Result<(), Failure> {
    let brokers = Brokers::new(folder.path(), steps);
    let quiet = Steps::new(true);
    let jobs = order.jobs.get().min(cases.len());
    let site = Site {
        brokers: &brokers,
        folder,
        programs: order.programs,
        commit: order.commit,
        seed: order.seed,
        steps: if jobs == 1 { steps } else { &quiet },
    };
    let (queue, runtime) = (Mutex::new(cases), Handle::current());
    let next = || {
        queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front()
    };
    let work = || {
        let _within = runtime.enter();
        while let Some((place, case)) = next().filter(|_| !is_interrupted()) {
            runtime.block_on(one_real(place, case, site, ledger))?;
        }
        Ok(())
    };
    let done: Result<(), Failure> = tokio::task::block_in_place(|| {
        thread::scope(|scope| {
            let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
            let ends = workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
            ends.collect()
        })
    });
    brokers.stop().await;
    done
}

async fn one_real(
    place: usize,
    case: &Case,
    site: Site<'_>,
    ledger: &Ledger<'_>,
) -> Result<(), Failure> {
    let (began, tested) = (Instant::now(), ledger.case(place));
    ledger.announce(place, &tested);
    let mut tested = match &case.cost {
        Some(cost) => cost::on_broker(case, cost, site, tested).await,
        None => real(case, site, tested).await,
    };
    tested.decide(Shard::WHOLE);
    tested.spent_ms = spent_ms(began);
    ledger.take(place, tested)
}

fn spent_ms(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// The proof before anything was run.
fn untested(order: &Order<'_>, began: Timestamp) -> Proof {
    let git = order
        .commit
        .map_or_else(Git::of_program, |commit| Some(Git::given(commit)));
    let cases = order.file.cases.iter();
    Proof {
        prover: env!("CARGO_PKG_VERSION").to_owned(),
        git,
        source: order.file.source.clone(),
        programs: order.programs.files().clone(),
        rabbitmq: order.rabbitmq.map(str::to_owned),
        profile: order.profile,
        shard: order.shard,
        began,
        state: State::Running,
        cases: cases.map(|case| untested_case(order, case)).collect(),
        left_out: order.file.left_out.clone(),
    }
}

fn untested_case(order: &Order<'_>, case: &Case) -> Tested {
    let claim = order.file.claims[case.claim].clone();
    let testbed = without_password(case.testbed());
    let assumed = RunSpec::default();
    Tested {
        repeat: repeat(order, case, &claim.id),
        claim,
        testbed,
        place: None,
        lock: case.lock.clone(),
        workload: match &case.cost {
            Some(cost) => cost.to_string(),
            None => case.spec.workload.clone(),
        },
        nemesis: if case.cost.is_some() {
            "none".to_owned()
        } else if case.spec.schedule.is_some() {
            assumed.nemesis
        } else {
            case.spec.nemesis.clone()
        },
        standing: Standing::NotRun,
        why: "nothing was run".to_owned(),
        needs: case.needs.clone(),
        seeds: case.seeds.clone(),
        summary: suite::Summary::default(),
        measures: claims::Measures::default(),
        power: None,
        measured: case
            .cost
            .clone()
            .map(|cost| Measured { cost, folder: None }),
        stored: Vec::new(),
        counterexample: None,
        spent_ms: 0,
    }
}

fn repeat(order: &Order<'_>, case: &Case, claim: &str) -> String {
    let profile = order.profile.to_string();
    let testbed = without_password(case.testbed());
    let file = operand(Path::new(&order.file.source.path));
    let rabbitmq = order.rabbitmq.filter(|_| case.starts_rabbitmq());
    let mut words = vec![
        "prove",
        &file,
        "--only",
        claim,
        "--on",
        &testbed,
        "--profile",
        &profile,
    ];
    words.extend(rabbitmq.into_iter().flat_map(|it| ["--rabbitmq", it]));
    typed(
        program(),
        &words.into_iter().map(str::to_owned).collect::<Vec<_>>(),
    )
}
