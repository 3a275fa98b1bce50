//! The services of a run, once they answer.

use std::path::Path;
use std::time::Duration;

use futures_util::future::try_join_all;

use crate::choice::RealSite;
use crate::described::ServiceFacts;
use crate::docker::{Docker, Plan};
use crate::instance::Source;
use crate::label::{Run, RunId};
use crate::place::Place;
use crate::progress::Progress;
use crate::running::StartError;
use crate::service::{Presence, Service, Unfit};
use crate::toxiproxy::ToxiproxyPlan;

/// A service that answers.
pub(crate) struct Served {
    pub(crate) service: &'static dyn Service,
    pub(crate) name: String,
    pub(crate) place: Place,
    /// Shows on somebody's own service that the run is at work.
    pub(crate) _presence: Option<Presence>,
    /// Its address within the run's network, where it was started for the run.
    pub(crate) inner: Option<String>,
    pub(crate) facts: ServiceFacts,
}

/// The services of a run, and what holds those that were started.
pub(crate) struct AllServed {
    pub(crate) docker: Option<Docker>,
    pub(crate) services: Vec<Served>,
    /// What the testbed is called.
    pub(crate) kind: &'static str,
    /// The run: whatever it makes anywhere has its name.
    pub(crate) run: RunId,
}

impl AllServed {
    /// Makes sure that those that are there already answer, and starts the others. `logs` is the
    /// folder for their logs, which exists.
    pub(crate) async fn start(
        site: &RealSite,
        heartbeat: Duration,
        toxiproxy: Option<ToxiproxyPlan>,
        logs: &Path,
        progress: &dyn Progress,
    ) -> Result<Self, StartError> {
        let there = site.instances.iter().filter_map(|one| match &one.source {
            Source::Place(place) => Some(works(one.service, place)),
            Source::Image(_) => None,
        });
        try_join_all(there).await?;
        let run = Run {
            keep: site.keep,
            ..Run::fresh()
        };
        let id = run.id.clone();
        let docker = if site.needs_docker() {
            let plan = plan(run, site, heartbeat, toxiproxy, logs);
            Some(Docker::start(plan, progress).await?)
        } else {
            None
        };
        Ok(Self {
            services: served(site, docker.as_ref(), &id).await,
            docker,
            kind: kind(site),
            run: id,
        })
    }

    /// Asks each of them whether it still does for a client what a lock needs.
    pub(crate) async fn work(services: &[Served]) -> Result<(), StartError> {
        let asked = services.iter().map(|one| works(one.service, &one.place));
        try_join_all(asked).await.map(drop)
    }
}

/// A service that is not there must be noticed before the run, not be taken for a fault in it.
async fn works(service: &dyn Service, place: &Place) -> Result<(), StartError> {
    let working = service.works(place).await;
    working.map_err(|unfit| match unfit {
        Unfit::Absent(reason) => StartError::Absent {
            noun: service.noun(),
            address: place.address(),
            reason,
        },
        Unfit::Useless(whole) => StartError::Useless(whole),
    })
}

fn plan(
    run: Run,
    site: &RealSite,
    heartbeat: Duration,
    toxiproxy: Option<ToxiproxyPlan>,
    logs: &Path,
) -> Plan {
    let images = site.instances.iter().filter_map(|one| match &one.source {
        Source::Image(image) => Some((one.service, one.name.clone(), image.clone())),
        Source::Place(_) => None,
    });
    Plan {
        run,
        services: images.collect(),
        heartbeat,
        clock: site.clock,
        mirrored: site.mirrored,
        cluster: site.cluster,
        toxiproxy,
        logs: Some(logs.to_owned()),
    }
}

/// All of them, in the order of the site.
async fn served(site: &RealSite, docker: Option<&Docker>, run: &RunId) -> Vec<Served> {
    let nodes = docker.map_or(&[][..], Docker::nodes);
    let mut services = Vec::with_capacity(site.instances.len());
    for one in &site.instances {
        let (service, name) = (one.service, one.name.clone());
        let node = nodes.iter().find(|node| node.name() == name);
        let presence = match &one.source {
            Source::Place(place) => service.attend(place, &run.prefix()).await,
            Source::Image(_) => None,
        };
        let (place, inner, facts) = match (&one.source, node) {
            (Source::Place(place), _) => {
                let facts = ServiceFacts::of_place(&name, service, place).await;
                (place.clone(), None, facts)
            }
            (Source::Image(_), Some(node)) => {
                let facts = ServiceFacts::of_node(node);
                (node.place(), Some(node.inner_address()), facts)
            }
            (Source::Image(_), None) => unreachable!("Docker has started {name}"),
        };
        services.push(Served {
            service,
            name,
            place,
            _presence: presence,
            inner,
            facts,
        });
    }
    services
}

fn kind(site: &RealSite) -> &'static str {
    match &site.instances[..] {
        [] => "none",
        _ if site.needs_docker() => "docker",
        [one] if one.service.name() == "rabbitmq" => "amqp",
        _ => "endpoints",
    }
}
