//! Has cells run where they belong. A broker is started for the first cell that needs it, and
//! serves all others of its kind: each run has its own links to it, and its own names on it.

use std::path::{Path, PathBuf};

use checker::{Judgement, Verdict};
use jiff::Timestamp;
use plan::Plan;
use plan::manifest::git;
use run::Stop;
use run::seed::{Seed, Stream};
use suite::attempt;
use testbed::{
    Demand, Described, Direct, Progress, ProxyChoice, RabbitImage, RealSite, Silent, Testbed,
};

use super::cell::{Cell, CellRecord, Figures, Place, because};
use crate::conclusion::{begin, conclude, keep};
use crate::experiment::CellError;
use crate::failure::Failure;
use crate::interruption::interrupted;
use crate::output::Steps;
use crate::record::{carry_out, note};
use crate::store::file;

/// Where all cells of one place are run.
pub(super) struct Stage<'a> {
    place: Place,
    broker: Option<Direct>,
    /// For the folders of runs.
    results: &'a Path,
}

/// One run.
struct Run {
    judgement: Judgement,
    testbed: Described,
    repeat: String,
    folder: Option<PathBuf>,
}

impl<'a> Stage<'a> {
    /// Nothing is started yet.
    pub(super) fn new(place: Place, results: &'a Path) -> Self {
        Self {
            place,
            broker: None,
            results,
        }
    }

    /// Makes sure that the broker is up; false where somebody interrupts meanwhile.
    ///
    /// # Errors
    /// It does not start: no cell can be run here.
    pub(super) async fn ready(&mut self, steps: &Steps) -> Result<bool, Failure> {
        let Place::Docker(rabbitmq) = &self.place else {
            return Ok(true);
        };
        if self.broker.is_none() {
            let site = RealSite::Docker {
                rabbitmq: RabbitImage::named(rabbitmq),
                keep: false,
            };
            self.broker = tokio::select! {
                biased;
                () = interrupted() => None,
                started = Direct::start(&site, self.results, steps) => Some(started?),
            };
        }
        Ok(self.broker.is_some())
    }

    /// Runs a cell, with one seed after the other until the verdict says something, so many times
    /// at most; nothing where it is interrupted.
    ///
    /// # Errors
    /// The harness broke down.
    pub(super) async fn run(
        &self,
        cell: &Cell,
        tries: u32,
        steps: &Steps,
    ) -> Result<Option<CellRecord>, Failure> {
        let mut seeds = Vec::new();
        loop {
            let seed = Seed(cell.seed.0.wrapping_add(seeds.len() as u64));
            seeds.push(seed);
            let Some(run) = self.once(cell, seed).await? else {
                return Ok(None);
            };
            let Run {
                judgement,
                testbed,
                repeat,
                folder,
            } = run;
            let because = because(&judgement);
            // A run that did not come to its end may be one of a lock that was lost: that is not
            // tried away.
            let is_open = judgement.verdict == Verdict::Unknown && judgement.unfinished.is_none();
            if is_open && seeds.len() < tries as usize {
                let because = because.unwrap_or_default();
                steps.step(&format!(
                    "unknown with seed {seed} ({because}): once more with the next"
                ));
                continue;
            }
            return Ok(Some(CellRecord {
                cell: cell.clone(),
                at: Timestamp::now(),
                git: git(),
                testbed: testbed.to_string(),
                verdict: judgement.verdict,
                because,
                figures: Figures::of(&judgement),
                seeds,
                repeat,
                folder,
            }));
        }
    }

    async fn once(&self, cell: &Cell, seed: Seed) -> Result<Option<Run>, Failure> {
        let plan = Plan::new(&cell.spec(seed))?;
        match &self.broker {
            Some(broker) => on_broker(broker, plan, self.results).await,
            None => in_simulation(plan).map(Some),
        }
    }

    /// Takes the broker down, so that the next cell gets another.
    ///
    /// # Errors
    /// It could not be removed: `prover clean` does it later.
    pub(super) async fn clear(&mut self, steps: &Steps) -> Result<(), Failure> {
        if let Some(broker) = self.broker.take() {
            steps.step(&format!("take {} down", self.place));
            broker.stop().await?;
        }
        Ok(())
    }
}

/// Leaves nothing on disk: its command repeats it to the byte.
fn in_simulation(plan: Plan) -> Result<Run, Failure> {
    let repeat = plan.spec.command_line();
    let trial = tokio::task::block_in_place(|| attempt(plan)).map_err(CellError::from)?;
    Ok(Run {
        judgement: trial.judgement,
        testbed: Described::simulated(),
        repeat,
        folder: None,
    })
}

async fn on_broker(
    broker: &Direct,
    mut plan: Plan,
    results: &Path,
) -> Result<Option<Run>, Failure> {
    let (mut store, mut manifest) = begin(&plan, results)?;
    let site = RealSite::Amqp(Box::new(broker.connect().clone()));
    let demand = Demand {
        workers: plan.params.concurrency,
        heartbeat: plan.heartbeat,
        proxy_seed: plan.seed.short_stream(Stream::Proxy),
        logs: store.folder(),
    };
    let links = Testbed::start(&site, &ProxyChoice::Embedded, demand, &Silent).await?;
    let testbed = Described {
        proxy: links.described().proxy.clone(),
        ..broker.described().clone()
    };
    manifest.testbed = Some(testbed.clone());
    let ran = carry_out(links, &plan, &mut store, &Steps::new(true)).await;
    note(&mut manifest, &ran);
    store.write_json(file::MANIFEST, &manifest)?;
    if ran?.stop == Stop::Interrupted {
        return Ok(None);
    }
    let conclusion = conclude(&mut plan, &store, &manifest)?;
    keep(&store, &manifest, &conclusion)?;
    Ok(Some(Run {
        judgement: conclusion.judgement,
        testbed,
        repeat: plan.spec.command_line(),
        folder: Some(store.folder().to_owned()),
    }))
}
