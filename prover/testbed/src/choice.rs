//! Where a run happens, as chosen on the command line.

use std::time::Duration;

use crate::cluster::NODES;
use crate::instance::{Instance, Source, Wanted, named, place};
use crate::partition_handling::PartitionHandling;
use crate::password::without_userinfo;
use crate::place::Place;
use crate::service::Service;
use crate::services::RabbitMq;

/// A testbed to start, or one that is there already.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The services.
    pub site: Site,
    /// The proxy between workers and services.
    pub proxy: ProxyChoice,
}

/// What is said of a testbed on the command line.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// `--testbed`.
    pub testbed: &'a str,
    /// Each `--service`.
    pub services: &'a [String],
    /// The services that the lock talks to, one entry an instance: what is started where none is
    /// named.
    pub needed: &'a [&'a str],
    /// `--rabbitmq`.
    pub rabbitmq: Option<&'a str>,
    /// `--toxiproxy`.
    pub toxiproxy: Option<&'a str>,
    /// `--nodes`.
    pub nodes: u32,
    /// `--partition-handling`.
    pub partition_handling: Option<&'a str>,
    /// `--keep`.
    pub keep: bool,
}

impl Asked<'_> {
    /// Nothing but `--testbed`, for one RabbitMQ.
    #[must_use]
    pub fn broker(testbed: &str) -> Asked<'_> {
        Asked {
            testbed,
            services: &[],
            needed: &["rabbitmq"],
            rabbitmq: None,
            toxiproxy: None,
            nodes: 1,
            partition_handling: None,
            keep: false,
        }
    }
}

/// Where the services are.
#[derive(Clone, Debug)]
pub enum Site {
    /// In Docker where its daemon answers, else simulated.
    Auto(RealSite),
    /// In a simulation, within this process.
    Simulated,
    /// Somewhere real.
    Real(RealSite),
}

impl Site {
    /// Whether it is a simulation by choice.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        matches!(self, Self::Simulated)
    }

    /// What the nodes do when they lose sight of each other, where they are a cluster.
    #[must_use]
    pub fn cluster(&self) -> Option<PartitionHandling> {
        match self {
            Self::Simulated | Self::Auto(_) => None,
            Self::Real(site) => site.cluster,
        }
    }

    /// Whether all services are started for the run, and it may do to them what it likes.
    #[must_use]
    pub fn is_all_started(&self) -> bool {
        match self {
            Self::Simulated => false,
            Self::Auto(site) | Self::Real(site) => {
                !site.instances.is_empty() && site.is_all_started()
            }
        }
    }

    /// Whether all services are RabbitMQs.
    #[must_use]
    pub fn is_of_rabbitmq(&self) -> bool {
        match self {
            Self::Simulated => true,
            Self::Auto(site) | Self::Real(site) => {
                let mut instances = site.instances.iter();
                !site.instances.is_empty()
                    && instances.all(|it| it.service.name() == RabbitMq.name())
            }
        }
    }

    /// Whether clients reach nothing over a link, so that none can break.
    #[must_use]
    pub fn has_no_link(&self) -> bool {
        matches!(self, Self::Real(site) if site.instances.is_empty())
    }

    /// How long it may take at the most until the lock of a silent client can be had again by the
    /// rules of the services.
    #[must_use]
    pub fn patience(&self, heartbeat: Duration) -> Duration {
        match self {
            Self::Simulated => RabbitMq.patience(heartbeat),
            Self::Auto(site) | Self::Real(site) => {
                let instances = site.instances.iter();
                let patience = instances.map(|one| one.service.patience(heartbeat));
                patience.max().unwrap_or_default()
            }
        }
    }
}

/// The real services of a run.
#[derive(Clone, Debug)]
pub struct RealSite {
    /// Each of them.
    pub instances: Vec<Instance>,
    /// Whether they are the nodes of one cluster, and what those do when they lose sight of each
    /// other.
    pub cluster: Option<PartitionHandling>,
    /// Whether those that are started are left running at the end.
    pub keep: bool,
    /// Whether the clocks of the brokers that are started are to be made to jump.
    pub clock: bool,
    /// Whether its queues are to have copies on all nodes, where they are classic and can have such.
    pub mirrored: bool,
}

impl RealSite {
    /// One RabbitMQ in a container.
    #[must_use]
    pub fn rabbitmq(asked: &str) -> Self {
        Self::broker(Source::Image(RabbitMq.image(Some(asked))))
    }

    /// One RabbitMQ that is there already.
    #[must_use]
    pub fn broker_at(place: Place) -> Self {
        Self::broker(Source::Place(place))
    }

    fn broker(source: Source) -> Self {
        Self {
            instances: named(vec![(&RabbitMq, source)]),
            cluster: None,
            keep: false,
            clock: false,
            mirrored: false,
        }
    }

    /// Whether all of it has to be started.
    pub(crate) fn is_all_started(&self) -> bool {
        let mut instances = self.instances.iter();
        instances.all(|one| matches!(one.source, Source::Image(_)))
    }

    /// Whether something has to be started for it.
    #[must_use]
    pub fn needs_docker(&self) -> bool {
        let mut instances = self.instances.iter();
        instances.any(|one| matches!(one.source, Source::Image(_)))
    }
}

/// What stands between workers and services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyChoice {
    /// A real Toxiproxy where Docker has its image or can get it, the embedded proxy otherwise.
    Auto,
    /// The prover's own, in this process.
    Embedded,
    /// A Toxiproxy that runs already, by the URL of its API.
    Running(String),
}

/// What is wrong with the choice of a testbed.
#[derive(Debug, thiserror::Error)]
pub enum ChoiceError {
    /// It is none of the known kinds.
    #[error(
        "\"{0}\" is no testbed: choose auto, sim, docker, or a URL like amqp://guest:guest@127.0.0.1:5672/%2f"
    )]
    Unknown(String),
    /// There is no service of this name.
    #[error("there is no service \"{0}\"")]
    NoService(String),
    /// What stands behind the name of a service is neither an image nor a place.
    #[error(
        "\"{given}\" says nothing about where {service} comes from: write {service}=IMAGE, {service}=HOST:PORT, or {service}=URL where it has an account"
    )]
    NoSource {
        /// The service.
        service: &'static str,
        /// What was written.
        given: String,
    },
    /// The lock talks to a service that is not among those of the run.
    #[error(
        "the lock needs {needed}, which is not among the services of this run: give --service {needed} too, or leave --service out"
    )]
    NotNamed {
        /// The service.
        needed: String,
    },
    /// An option speaks of a RabbitMQ that the run has not.
    #[error(
        "{0} speaks of a RabbitMQ, and this run has none to be started: give --service rabbitmq too, or leave {0} out"
    )]
    NoRabbitMq(&'static str),
    /// Only RabbitMQ is simulated.
    #[error(
        "the simulation has RabbitMQ and nothing else, and the lock needs {0}: choose --testbed docker, or name one that is there (--service {0}=HOST:PORT)"
    )]
    NotInSimulation(String),
    /// No cluster has so many nodes.
    #[error(
        "--nodes {0} is no number of nodes that the prover starts: give 1, or {NODES} for a cluster"
    )]
    Nodes(u32),
    /// The nodes of a cluster can do no such thing.
    #[error("\"{0}\" is no partition handling: choose ignore, pause_minority or autoheal")]
    PartitionHandling(String),
    /// One node loses sight of nobody.
    #[error(
        "--partition-handling says what the nodes of a cluster do when they lose sight of each other: add --nodes {NODES}, or leave it out"
    )]
    NoCluster,
    /// A cluster is started in Docker.
    #[error(
        "--nodes {NODES} starts a cluster in Docker, and this run is simulated: choose --testbed docker, or leave --nodes out"
    )]
    SimulatedCluster,
    /// A cluster is started for the run.
    #[error(
        "--nodes {NODES} starts a cluster for the run, and {0} is somebody's own: leave its place out, or --nodes"
    )]
    OwnCluster(String),
    /// Only RabbitMQ makes a cluster.
    #[error(
        "--nodes {NODES} makes a cluster of one RabbitMQ and nothing else, and the services of this run are {0}: choose a lock on RabbitMQ, or leave --nodes out"
    )]
    NotACluster(String),
    /// Only what is there already can be cleaned.
    #[error(
        "name a service by where it is: --testbed amqp://guest:guest@127.0.0.1:5672/%2f, or --service redis=HOST:PORT"
    )]
    NotThere,
    /// An option speaks of something real.
    #[error("{0} says nothing to a simulation: leave it out, or choose another --testbed than sim")]
    NotSimulated(&'static str),
    /// What was asked for has no meaning in a simulation.
    #[error(
        "{0} measures a real broker, and a simulation would only give back the times that it was given: choose --testbed docker, or the URL of a broker like amqp://guest:guest@127.0.0.1:5672/%2f"
    )]
    RealOnly(&'static str),
    /// The URL of a service cannot be read.
    #[error("\"{url}\" is no URL of {noun} ({reason}): write it like {example}")]
    Url {
        /// As it was given, without an account.
        url: String,
        /// What it should lead to.
        noun: &'static str,
        /// Why not.
        reason: String,
        /// How it is written.
        example: &'static str,
    },
    /// The URL names a user and nothing gives the password.
    #[error(
        "\"{0}\" names a user and no password: write it behind the user, or set PROVER_PASSWORD"
    )]
    NoPassword(String),
    /// The proxy is none of the known kinds.
    #[error(
        "\"{0}\" is no proxy: choose auto, embedded, or the URL of a Toxiproxy's API like http://127.0.0.1:8474"
    )]
    Proxy(String),
}

impl Choice {
    /// Reads `--testbed`, `--service`, `--rabbitmq`, `--toxiproxy` and `--keep`.
    ///
    /// # Errors
    /// The testbed, a service or the proxy is none of the known kinds, or they do not fit together.
    pub fn parse(asked: &Asked<'_>) -> Result<Self, ChoiceError> {
        Ok(Self {
            site: site(asked)?,
            proxy: ProxyChoice::parse(asked.toxiproxy.unwrap_or("auto"))?,
        })
    }
}

fn site(asked: &Asked<'_>) -> Result<Site, ChoiceError> {
    let cluster = cluster(asked)?;
    if asked.testbed == "sim" {
        return match cluster {
            None => simulated(asked),
            Some(_) => Err(ChoiceError::SimulatedCluster),
        };
    }
    let named_url = asked.testbed.contains("://");
    if !named_url && !["auto", "docker"].contains(&asked.testbed) {
        return Err(ChoiceError::Unknown(without_userinfo(asked.testbed)));
    }
    let instances = instances(asked, named_url)?;
    let real = RealSite {
        instances: match cluster {
            Some(_) => nodes_of(instances)?,
            None => instances,
        },
        cluster,
        keep: asked.keep,
        clock: false,
        mirrored: false,
    };
    // Who names services or nodes means them; and no simulation has another.
    let may_be_simulated =
        asked.services.is_empty() && asked.needed == ["rabbitmq"] && cluster.is_none();
    Ok(if asked.testbed == "auto" && may_be_simulated {
        Site::Auto(real)
    } else {
        Site::Real(real)
    })
}

/// What the nodes of the cluster do when they lose sight of each other, where one is asked for.
fn cluster(asked: &Asked<'_>) -> Result<Option<PartitionHandling>, ChoiceError> {
    let handling = asked.partition_handling.map(|text| {
        let unknown = || ChoiceError::PartitionHandling(text.to_owned());
        PartitionHandling::parse(text).ok_or_else(unknown)
    });
    let handling = handling.transpose()?;
    match (asked.nodes, handling) {
        (1, None) => Ok(None),
        (1, Some(_)) => Err(ChoiceError::NoCluster),
        (NODES, handling) => Ok(Some(handling.unwrap_or_default())),
        (other, _) => Err(ChoiceError::Nodes(other)),
    }
}

/// The one RabbitMQ of a run, once for each node: `node-0`, `node-1`, `node-2`.
fn nodes_of(instances: Vec<Instance>) -> Result<Vec<Instance>, ChoiceError> {
    let [one] = &instances[..] else {
        return Err(not_a_cluster(&instances));
    };
    if one.service.name() != RabbitMq.name() {
        return Err(not_a_cluster(&instances));
    }
    if let Source::Place(place) = &one.source {
        return Err(ChoiceError::OwnCluster(place.to_string()));
    }
    let node = |at| Instance {
        name: format!("node-{at}"),
        ..one.clone()
    };
    Ok((0..NODES).map(node).collect())
}

fn not_a_cluster(instances: &[Instance]) -> ChoiceError {
    let names = instances.iter().map(|one| one.name.as_str());
    let names: Vec<&str> = names.collect();
    ChoiceError::NotACluster(match names[..] {
        [] => "none".to_owned(),
        _ => names.join(", "),
    })
}

fn simulated(asked: &Asked<'_>) -> Result<Site, ChoiceError> {
    let given = [
        ("--service", !asked.services.is_empty()),
        ("--rabbitmq", asked.rabbitmq.is_some()),
        ("--toxiproxy", asked.toxiproxy.is_some()),
        ("--keep", asked.keep),
    ];
    if let Some((option, _)) = given.iter().find(|(_, given)| *given) {
        return Err(ChoiceError::NotSimulated(option));
    }
    let mut needed = asked.needed.iter();
    match needed.find(|needed| **needed != RabbitMq.name()) {
        Some(needed) => Err(ChoiceError::NotInSimulation((*needed).to_owned())),
        None => Ok(Site::Simulated),
    }
}

/// The services of the run. `--rabbitmq` and the URL of a broker speak of those of that sort of
/// which nothing else is said.
fn instances(asked: &Asked<'_>, named_url: bool) -> Result<Vec<Instance>, ChoiceError> {
    let named = asked.services.iter().map(String::as_str);
    let texts: Vec<&str> = match asked.services {
        [] => asked.needed.to_vec(),
        _ => named.collect(),
    };
    let wanted = texts.into_iter().map(Wanted::parse);
    let wanted: Vec<Wanted> = wanted.collect::<Result<_, _>>()?;
    let is_there = |needed: &&&str| wanted.iter().any(|one| one.service.name() == **needed);
    if let Some(needed) = asked.needed.iter().find(|needed| !is_there(needed)) {
        return Err(ChoiceError::NotNamed {
            needed: (*needed).to_owned(),
        });
    }
    let broker = match (named_url, asked.rabbitmq) {
        (true, _) => Some(("--testbed", Source::Place(place(&RabbitMq, asked.testbed)?))),
        (false, Some(image)) => Some(("--rabbitmq", Source::Image(RabbitMq.image(Some(image))))),
        (false, None) => None,
    };
    let is_open = |one: &Wanted| one.value.is_none() && one.service.name() == RabbitMq.name();
    if let Some((option, _)) = &broker
        && !wanted.iter().any(is_open)
    {
        return Err(ChoiceError::NoRabbitMq(option));
    }
    let sourced = wanted.into_iter().map(|one| {
        let named = broker.as_ref().filter(|_| is_open(&one));
        let named = named.map(|(_, source)| source.clone());
        let usual = || Source::Image(one.service.image(None));
        let source = one.value.clone().or(named).unwrap_or_else(usual);
        (one.service, source)
    });
    Ok(self::named(sourced.collect()))
}

impl ProxyChoice {
    fn parse(text: &str) -> Result<Self, ChoiceError> {
        match text {
            "auto" => Ok(Self::Auto),
            "embedded" => Ok(Self::Embedded),
            url if proxy::toxiproxy::ApiClient::new(url).is_ok() => {
                Ok(Self::Running(url.to_owned()))
            }
            other => Err(ChoiceError::Proxy(without_userinfo(other))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(testbed: &str, toxiproxy: &str) -> Result<Choice, ChoiceError> {
        Choice::parse(&Asked {
            toxiproxy: Some(toxiproxy),
            ..Asked::broker(testbed)
        })
    }

    fn with(testbed: &str, services: &[&str], needed: &[&str]) -> Result<Site, ChoiceError> {
        let services: Vec<String> = services.iter().map(ToString::to_string).collect();
        let asked = Asked {
            services: &services,
            needed,
            ..Asked::broker(testbed)
        };
        Ok(Choice::parse(&asked)?.site)
    }

    fn real(site: Result<Site, ChoiceError>) -> RealSite {
        match site {
            Ok(Site::Real(site)) => site,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_url_is_somebodys_own_broker() {
        let choice = parse("amqp://ada:secret@127.0.0.1:5673/v", "embedded").expect("a URL");
        let Site::Real(site) = choice.site else {
            panic!("a URL is not Docker")
        };
        assert!(!site.needs_docker());
        let [one] = &site.instances[..] else {
            panic!("{site:?}")
        };
        assert!(matches!(&one.source, Source::Place(place) if place.address() == "127.0.0.1:5673"));
    }

    #[test]
    fn what_a_lock_needs_is_started_where_nothing_is_named() {
        let site = real(with("auto", &[], &["redis", "redis"]));
        let names: Vec<_> = site.instances.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["redis-1", "redis-2"]);
        assert!(site.needs_docker());
        let none = with("auto", &[], &[]).expect("no service");
        assert!(none.has_no_link());
        assert!(!real(Ok(none)).needs_docker());
        let there = real(with("docker", &["redis=127.0.0.1:1"], &["redis"]));
        assert!(!there.needs_docker());
        let own = with("auto", &[], &["rabbitmq"]).expect("rabbitmq");
        assert!(matches!(own, Site::Auto(_)));
        let meant = with("auto", &["rabbitmq"], &["rabbitmq"]).expect("rabbitmq");
        assert!(matches!(meant, Site::Real(_)));
    }

    #[test]
    fn the_most_patient_service_decides() {
        let heartbeat = Duration::from_secs(2);
        let patience = |needed: &[&str]| {
            with("docker", &[], needed)
                .expect("known")
                .patience(heartbeat)
        };
        assert_eq!(patience(&["redis"]), Duration::ZERO);
        assert_eq!(patience(&["redis", "rabbitmq"]), Duration::from_secs(6));
        assert_eq!(patience(&[]), Duration::ZERO);
        assert_eq!(Site::Simulated.patience(heartbeat), Duration::from_secs(6));
    }

    #[test]
    fn services_that_do_not_fit_are_told() {
        let said = |testbed, services: &[&str], needed: &[&str]| {
            let refused = with(testbed, services, needed);
            refused.expect_err("it must be refused").to_string()
        };
        assert!(said("docker", &["redis"], &["rabbitmq"]).contains("the lock needs rabbitmq"));
        assert!(said("sim", &["rabbitmq"], &["rabbitmq"]).contains("--service says nothing"));
        assert!(said("sim", &[], &["redis"]).contains("the lock needs redis"));
        assert!(
            said("amqp://h", &["redis"], &["redis"]).contains("--testbed speaks of a RabbitMQ")
        );
        let twice = said("amqp://h", &["rabbitmq=4.0"], &["rabbitmq"]);
        assert!(twice.contains("--testbed speaks of a RabbitMQ"), "{twice}");
        assert!(said("docker", &["reids"], &[]).contains("no service \"reids\""));
        let mixed = real(with("amqp://h", &["rabbitmq", "redis"], &["rabbitmq"]));
        assert!(mixed.needs_docker());
        assert!(matches!(mixed.instances[0].source, Source::Place(_)));
    }

    #[test]
    fn a_cluster_is_three_nodes_of_one_rabbitmq() {
        let asked = |nodes| Asked {
            nodes,
            ..Asked::broker("auto")
        };
        let site = real(Choice::parse(&asked(3)).map(|choice| choice.site));
        let names = site.instances.iter().map(|one| one.name.as_str());
        assert_eq!(names.collect::<Vec<_>>(), ["node-0", "node-1", "node-2"]);
        assert_eq!(site.cluster, Some(PartitionHandling::Ignore));
        let services = ["rabbitmq=127.0.0.1:1".to_owned()];
        let heals = Some("autoheal");
        let refused = [
            (asked(2), "--nodes 2 is no number of nodes"),
            (
                Asked {
                    partition_handling: Some("pause-minority"),
                    ..asked(3)
                },
                "choose ignore, pause_minority or autoheal",
            ),
            (
                Asked {
                    partition_handling: heals,
                    ..asked(1)
                },
                "add --nodes 3",
            ),
            (
                Asked {
                    testbed: "sim",
                    ..asked(3)
                },
                "this run is simulated",
            ),
            (
                Asked {
                    services: &services,
                    ..asked(3)
                },
                "amqp://127.0.0.1:1 is somebody's own",
            ),
            (
                Asked {
                    needed: &["redis", "redis"],
                    ..asked(3)
                },
                "the services of this run are redis-1, redis-2",
            ),
            (
                Asked {
                    needed: &[],
                    ..asked(3)
                },
                "the services of this run are none",
            ),
        ];
        for (asked, expected) in refused {
            let said = Choice::parse(&asked).expect_err(expected).to_string();
            assert!(said.contains(expected), "{said}");
        }
    }

    #[test]
    fn passwords_are_not_shown() {
        for wrong in [
            "amqp://ada:secret@[",
            "amqp://ada:secret#x@127.0.0.1:1/",
            "amqp:ada:secret@h",
            "ada:secret@h",
        ] {
            let said = parse(wrong, "auto").expect_err("no URL").to_string();
            assert!(!said.contains("secret"), "{said}");
        }
        let said = parse("auto", "ftp://ada:secret@h").expect_err("no URL");
        assert!(!said.to_string().contains("secret"), "{said}");
        let choice = parse("amqp://ada:secret@h:1", "auto").expect("a URL");
        assert!(!format!("{choice:?}").contains("secret"));
    }

    #[test]
    fn what_is_wrong_is_said_with_the_remedy() {
        let said = |result: Result<Choice, ChoiceError>| {
            result.expect_err("it must be refused").to_string()
        };
        assert!(said(parse("dokcer", "auto")).contains("choose auto, sim, docker"));
        assert!(said(parse("http://127.0.0.1", "auto")).contains("no URL of the broker"));
        assert!(said(parse("amqps://127.0.0.1", "auto")).contains("only plain amqp://"));
        assert!(said(parse("sim", "embedded")).contains("--toxiproxy says nothing"));
        assert!(said(parse("auto", "toxi")).contains("choose auto, embedded"));
    }
}
