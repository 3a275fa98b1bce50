//! The brokers that serve several runs: starting one takes longer than many a run.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use plan::spec::RunSpec;
use testbed::{Direct, Progress, RealSite};
use tokio::sync::Mutex;

use crate::causes::with_causes;
use crate::failure::Failure;
use crate::interruption::interrupted;
use crate::lock;
use crate::output::Steps;

/// The version of a spec that names none.
const USUAL: &str = "4.0";

/// What a run is served by.
pub(super) enum Served {
    /// A broker that others use too.
    By(Arc<Direct>),
    /// What it starts itself.
    ByItsOwn,
    /// Somebody interrupted before it was up.
    Interrupted,
}

/// One RabbitMQ of each version, started when it is first needed.
pub(super) struct Brokers<'a> {
    /// Where their logs go.
    logs: &'a Path,
    steps: &'a Steps,
    up: Mutex<BTreeMap<String, Arc<Direct>>>,
    /// Those that a run broke down on: nobody gets them any more.
    retired: Mutex<Vec<Arc<Direct>>>,
}

impl<'a> Brokers<'a> {
    pub(super) fn new(logs: &'a Path, steps: &'a Steps) -> Self {
        Self {
            logs,
            steps,
            up: Mutex::default(),
            retired: Mutex::default(),
        }
    }

    /// The broker for a run, where one that others use too is good enough. While it starts somebody may
    /// interrupt.
    pub(super) async fn of(&self, spec: &RunSpec) -> Result<Served, Failure> {
        let Some(version) = version(spec) else {
            return Ok(Served::ByItsOwn);
        };
        let mut up = self.up.lock().await;
        if let Some(broker) = up.get(version) {
            return Ok(Served::By(Arc::clone(broker)));
        }
        let site = RealSite::rabbitmq(version);
        let started = tokio::select! {
            biased;
            () = interrupted() => return Ok(Served::Interrupted),
            started = Direct::start(&site, self.logs, self.steps) => started?,
        };
        let broker = Arc::new(started);
        up.insert(version.to_owned(), Arc::clone(&broker));
        Ok(Served::By(broker))
    }

    /// What is wrong with a broker must not be taken for a finding about the next lock.
    pub(super) async fn retire(&self, spec: &RunSpec) {
        let Some(version) = version(spec) else {
            return;
        };
        if let Some(broker) = self.up.lock().await.remove(version) {
            self.retired.lock().await.push(broker);
        }
    }

    /// Takes all down. What was found is whole; what is left can be cleaned up later.
    pub(super) async fn stop(self) {
        let up = self.up.into_inner().into_values();
        for broker in up.chain(self.retired.into_inner()) {
            let Some(broker) = Arc::into_inner(broker) else {
                continue;
            };
            self.steps.step("take the broker down");
            if let Err(error) = broker.stop().await {
                let why = with_causes(&Failure::from(error));
                self.steps.say(&format!(
                    "warning: {why}; `prover clean` removes what is left"
                ));
            }
        }
    }
}

/// The version of RabbitMQ that a run needs, if it needs nothing else.
fn version(spec: &RunSpec) -> Option<&str> {
    let is_plain = spec.testbed == "docker"
        && spec.service.is_empty()
        && spec.toxiproxy.is_none()
        && spec.nodes == 1;
    (is_plain && !lock::is_program(spec) && !spec.keep)
        .then(|| spec.rabbitmq.as_deref().unwrap_or(USUAL))
}
