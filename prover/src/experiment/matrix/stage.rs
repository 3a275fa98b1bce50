//! Has cells run on a broker. It is started for the first of them, and serves all others: each run
//! has its own links to it, and its own names on it.

use std::path::Path;

use futures_util::FutureExt;
use plan::spec::RunSpec;
use suite::Stopwatch;
use testbed::{Direct, Progress, RealSite};

use super::attempts::{Attempts, CellRun};
use super::ledger::Ledger;
use crate::causes::with_causes;
use crate::failure::Failure;
use crate::interruption::interrupted;
use crate::lock;
use crate::output::{self, Steps};
use crate::stored_run::stored_run;

/// Where all cells of one RabbitMQ are run.
pub(super) struct Stage<'a> {
    rabbitmq: &'a str,
    broker: Option<Direct>,
    /// For the folders of runs.
    results: &'a Path,
    steps: &'a Steps,
}

impl<'a> Stage<'a> {
    /// Nothing is started yet.
    pub(super) fn new(rabbitmq: &'a str, results: &'a Path, steps: &'a Steps) -> Self {
        Self {
            rabbitmq,
            broker: None,
            results,
            steps,
        }
    }

    /// Runs the cells one after the other, unless it is interrupted.
    ///
    /// # Errors
    /// The broker does not start: no cell can be run here. Or what was found cannot be stored.
    pub(super) async fn run_all<'b>(
        &mut self,
        open: Vec<Attempts<'b>>,
        ledger: &mut Ledger<'b>,
    ) -> Result<(), Failure> {
        let stopwatch = Stopwatch::start(open.len() as u64);
        for (done, attempts) in (0..).zip(open) {
            let is_over = interrupted().now_or_never().is_some();
            if is_over || !self.ready().await? {
                ledger.interrupt();
            }
            if ledger.is_interrupted() {
                break;
            }
            ledger.begin(&attempts, stopwatch.pace(done));
            self.run(attempts, ledger).await?;
        }
        self.clear().await;
        Ok(())
    }

    /// Makes sure that the broker is up; false where somebody interrupts meanwhile.
    async fn ready(&mut self) -> Result<bool, Failure> {
        if self.broker.is_none() {
            let site = RealSite::rabbitmq(self.rabbitmq);
            self.broker = tokio::select! {
                biased;
                () = interrupted() => None,
                started = Direct::start(&site, self.results, self.steps) => Some(started?),
            };
        }
        Ok(self.broker.is_some())
    }

    /// Runs a cell, with one seed after the other until the verdict says something.
    async fn run<'b>(
        &mut self,
        mut attempts: Attempts<'b>,
        ledger: &mut Ledger<'b>,
    ) -> Result<(), Failure> {
        while let Some(broker) = &self.broker {
            match on_broker(broker, &attempts.spec(), self.results).await {
                Ok(Some(run)) => {
                    if !ledger.take(&mut attempts, run)? {
                        break;
                    }
                }
                Ok(None) => {
                    ledger.interrupt();
                    break;
                }
                // What is wrong with the broker must not be taken for a finding about the next
                // lock.
                Err(failure) => {
                    ledger.fail(attempts.cell, &failure);
                    self.clear().await;
                }
            }
        }
        Ok(())
    }

    /// Takes the broker down, so that the next cell gets another. What was found is whole; what is
    /// left can be cleaned up later.
    async fn clear(&mut self) {
        let Some(broker) = self.broker.take() else {
            return;
        };
        self.steps
            .step(&format!("take docker {} down", self.rabbitmq));
        if let Err(error) = broker.stop().await {
            output::note(&format!(
                "warning: {}; `prover clean` removes what is left",
                with_causes(&Failure::from(error))
            ));
        }
    }
}

/// One run; nothing where it is interrupted.
async fn on_broker(
    broker: &Direct,
    spec: &RunSpec,
    results: &Path,
) -> Result<Option<CellRun>, Failure> {
    let lock = lock::chosen(spec).await?;
    let quiet = Steps::new(true);
    let run = stored_run(lock, spec, Some(broker), results, None, &quiet).await?;
    Ok(run.map(|run| CellRun {
        outcome: run.outcome,
        testbed: run.testbed.to_string(),
        repeat: run.plan.spec.command_line(),
        folder: Some(run.folder),
    }))
}
