//! Which faults are possible where a run happens.

use locks::Lock;
use nemesis::{Clients, Fault, MixError, Need, Part, Selected};
use testbed::{Choice, ProxyChoice, Site};
use workloads::{Needs, Workload};

use crate::spec::RunSpec;
use crate::unknown::hint;

/// The words that stand for faults.
const ALL: &str = "all";
const NONE: &str = "none";

/// Why a fault, or what the clients are, is not possible there.
#[derive(Debug, thiserror::Error)]
pub enum GroundError {
    /// A fault that is not known.
    #[error("there is no fault \"{name}\"{hint}")]
    Unknown {
        /// What was given.
        name: String,
        /// What was meant, and which there are.
        hint: String,
    },
    /// All faults, or none, beside others.
    #[error("\"{0}\" cannot be combined with other faults: write `--nemesis {0}`, or leave it out")]
    Alone(String),
    /// Faults that are not written right.
    #[error(transparent)]
    Mix(MixError),
    /// Processes where there can be none.
    #[error("clients that are processes of their own need real services: leave --testbed sim out")]
    SimulatedProcesses,
    /// A fault that is not to be had there.
    #[error(
        "the fault {0} strikes the service itself: choose --testbed docker or sim, where it is the run's own"
    )]
    OwnBroker(&'static str),
    /// A fault that needs an operator.
    #[error(
        "the fault {0} is what an operator of RabbitMQ does: choose a lock on RabbitMQ and --testbed docker or sim, where the broker is the run's own"
    )]
    Operator(&'static str),
    /// A fault that reads frames.
    #[error(
        "the fault {0} reads the frames of AMQP, which only this program's own proxy does: choose a lock on RabbitMQ, and leave --toxiproxy out"
    )]
    Frames(&'static str),
    /// A fault that is possible in Docker only.
    #[error(
        "the fault {0} sets the clock of a container: choose a lock on RabbitMQ and --testbed docker"
    )]
    Clock(&'static str),
    /// A fault of a cluster.
    #[error("the fault {0} breaks the nodes of a cluster: add --nodes 3 and --testbed docker")]
    Cluster(&'static str),
    /// A fault that no simulation has.
    #[error("known mistakes are made in the simulation, which has no {0}: leave it out")]
    NotSimulated(&'static str),
    /// A fault that changes slots.
    #[error(
        "the fault {0} changes the slots of locks: choose --workload semaphore with two slots or more and a lock whose slots can be changed ({1})"
    )]
    Slots(&'static str, String),
    /// A fault that stops processes.
    #[error(
        "the fault {0} stops a client that is a process of its own: add --isolate, or choose --testbed sim"
    )]
    OwnProcesses(&'static str),
    /// A fault breaks links, and there are none.
    #[error(
        "the lock needs no service, so {0} has no link to break: choose faults of the workers ({1}), or give --service what the lock talks to"
    )]
    NoLink(&'static str, String),
}

impl GroundError {
    fn of_mix(error: MixError) -> Self {
        match error {
            MixError::NoFault(name) if [ALL, NONE].contains(&name.as_str()) => Self::Alone(name),
            MixError::NoFault(name) => {
                let known = nemesis::ALL.iter().map(|fault| fault.name());
                Self::Unknown {
                    hint: hint("fault", &name, [ALL, NONE].into_iter().chain(known)),
                    name,
                }
            }
            error => Self::Mix(error),
        }
    }
}

/// What decides which faults are possible.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    testbed: &'a Choice,
    clients: Clients,
    /// Whether the nemesis may change the slots of locks.
    may_change_slots: bool,
}

impl<'a> Ground<'a> {
    /// Where a run happens, and what its clients are.
    ///
    /// # Errors
    /// They cannot be that there.
    pub(crate) fn of(
        testbed: &'a Choice,
        asked: &RunSpec,
        workload: &dyn Workload,
        lock: &dyn Lock,
    ) -> Result<Self, GroundError> {
        let clients = clients(asked, lock);
        if clients == Clients::Processes && testbed.site.is_simulated() {
            return Err(GroundError::SimulatedProcesses);
        }
        Ok(Self {
            testbed,
            clients,
            may_change_slots: leaves_slots_alone(asked, workload) && lock.kind().is_administered(),
        })
    }

    /// The faults that are asked for, with their parameters.
    ///
    /// # Errors
    /// One that is none, or not possible here.
    pub(crate) fn select(self, asked: &str) -> Result<Vec<Selected>, GroundError> {
        match asked {
            NONE => return Ok(Vec::new()),
            ALL => {
                let all = nemesis::ALL.iter().copied().filter(|it| it.is_in_all());
                let possible = all.filter(|fault| self.check(*fault).is_ok());
                return Ok(possible.map(Selected::plain).collect());
            }
            _ => {}
        }
        let mix = nemesis::parse_mix(asked).map_err(GroundError::of_mix)?;
        let mut selected: Vec<Selected> = Vec::new();
        for one in mix {
            self.check(one.fault)?;
            let is_there = |other: &Selected| other.to_string() == one.to_string();
            if !selected.iter().any(is_there) {
                selected.push(one);
            }
        }
        Ok(selected)
    }

    /// The testbed by which these faults can reach what they break.
    pub(crate) fn reached(self, mix: &[Selected]) -> Choice {
        let mut testbed = self.testbed.clone();
        let some_needs = |need| mix.iter().any(|it| it.fault.needs() == need);
        if testbed.proxy == ProxyChoice::Auto && some_needs(Need::Frames) {
            testbed.proxy = ProxyChoice::Embedded;
        }
        if let Site::Real(site) = &mut testbed.site {
            site.clock |= some_needs(Need::Clock);
        }
        testbed
    }

    fn check(self, fault: &dyn Fault) -> Result<(), GroundError> {
        let name = fault.name();
        if !self.is_possible(fault) {
            return Err(match fault.needs() {
                Need::Processes => GroundError::OwnProcesses(name),
                Need::Broker => GroundError::OwnBroker(name),
                Need::Operator => GroundError::Operator(name),
                Need::Frames => GroundError::Frames(name),
                Need::Clock => GroundError::Clock(name),
                Need::Cluster => GroundError::Cluster(name),
                Need::Slots => GroundError::Slots(name, administered()),
                Need::Nothing => GroundError::NoLink(name, self.others()),
            });
        }
        if self.breaks_nothing(fault) {
            return Err(GroundError::NoLink(name, self.others()));
        }
        Ok(())
    }

    fn is_possible(self, fault: &dyn Fault) -> bool {
        let site = &self.testbed.site;
        let is_real = !site.is_simulated() && !matches!(site, Site::Auto(_));
        match fault.needs() {
            Need::Nothing => true,
            Need::Processes => site.is_simulated() || self.clients == Clients::Processes,
            Need::Broker => site.is_simulated() || site.is_all_started(),
            Need::Operator => site.is_simulated() || site.is_all_started() && site.is_of_rabbitmq(),
            Need::Frames => {
                let is_ours = !matches!(self.testbed.proxy, ProxyChoice::Running(_));
                site.is_simulated() || is_ours && site.is_of_rabbitmq()
            }
            // Where Docker may not answer, a simulation takes its place.
            Need::Clock => is_real && site.is_all_started() && site.is_of_rabbitmq(),
            Need::Cluster => site.cluster().is_some(),
            Need::Slots => self.may_change_slots,
        }
    }

    /// The faults that are possible and break something, by name.
    fn others(self) -> String {
        let all = nemesis::ALL.iter().copied();
        let all = all.filter(|it| self.is_possible(*it) && !self.breaks_nothing(*it));
        all.map(Fault::name).collect::<Vec<_>>().join(", ")
    }

    /// Whether there is no link where a fault breaks one. A process stands still with its links,
    /// however many.
    fn breaks_nothing(self, fault: &dyn Fault) -> bool {
        let breaks_links = fault.parts().contains(&Part::Link) && fault.needs() == Need::Nothing;
        self.testbed.site.has_no_link() && breaks_links
    }
}

/// Whether a workload has locks of several slots, and nobody in it changes these: one that is taken
/// away leaves some.
fn leaves_slots_alone(asked: &RunSpec, workload: &dyn Workload) -> bool {
    workload.needs() == Needs::Slots && asked.slots.unwrap_or(workload.slots()) > 1
}

/// The locks whose slots can be changed, by name.
fn administered() -> String {
    let locks = locks::ALL
        .iter()
        .filter(|lock| lock.kind().is_administered());
    locks.map(|lock| lock.name()).collect::<Vec<_>>().join(", ")
}

/// What the clients of a run are: a run that isolates them makes each a process.
pub(crate) fn clients(spec: &RunSpec, lock: &dyn Lock) -> Clients {
    if spec.isolate || lock.has_processes() {
        Clients::Processes
    } else {
        Clients::Tasks
    }
}

/// The names of faults, each once.
pub(crate) fn names(mix: &[Selected]) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    for selected in mix {
        if !names.contains(&selected.fault.name()) {
            names.push(selected.fault.name());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use testbed::Asked;

    use super::*;

    fn testbed(asked: &Asked<'_>) -> Choice {
        let choice = Choice::parse(asked).map_err(|error| error.to_string());
        choice.expect("a testbed")
    }

    fn simulated() -> Choice {
        testbed(&Asked::broker("sim"))
    }

    fn ground(testbed: &Choice) -> Ground<'_> {
        Ground {
            testbed,
            clients: Clients::Tasks,
            may_change_slots: false,
        }
    }

    fn named(names_of: &str, testbed: &Choice) -> Result<Vec<&'static str>, String> {
        let selected = ground(testbed).select(names_of);
        selected
            .map(|mix| names(&mix))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_lock_without_services_has_no_link_to_break() {
        let asked = Asked {
            needed: &[],
            ..Asked::broker("auto")
        };
        let testbed = testbed(&asked);
        let all = named("all", &testbed).expect("known");
        let breaks_links = |name: &&str| {
            let fault = nemesis::find(name).expect("known");
            fault.parts().contains(&Part::Link)
        };
        assert!(!all.is_empty() && !all.iter().any(breaks_links), "{all:?}");
        assert_eq!(named("pause", &testbed).expect("known"), ["pause"]);
        let said = named("pause,partition", &testbed).expect_err("no link");
        assert!(
            said.starts_with(
                "the lock needs no service, so partition has no link to break: choose faults of the workers ("
            ),
            "{said}"
        );
    }

    #[test]
    fn all_and_none_stand_alone() {
        let simulated = simulated();
        assert_eq!(named("none", &simulated).expect("known"), [] as [&str; 0]);
        let all = nemesis::ALL.iter();
        let possible = all.filter(|fault| fault.is_in_all());
        assert_eq!(
            named("all", &simulated).expect("known").len(),
            possible.count()
        );
        assert_eq!(
            named("cut, partition,cut", &simulated).expect("known"),
            ["cut", "partition"]
        );
        for (names, alone) in [
            ("cut,none", "none"),
            ("all,cut", "all"),
            ("none,all", "none"),
        ] {
            let said = named(names, &simulated).expect_err("contradicts itself");
            assert!(
                said.contains(&format!("\"{alone}\" cannot be combined")),
                "{said}"
            );
        }
        let said = named("cut,flood", &simulated).expect_err("unknown");
        assert!(said.starts_with("there is no fault \"flood\""), "{said}");
    }

    #[test]
    fn what_a_testbed_cannot_do_is_refused_with_what_can() {
        let somebodys = testbed(&Asked::broker("amqp://guest:guest@127.0.0.1:1/%2f"));
        let docker = testbed(&Asked::broker("docker"));
        let behind = testbed(&Asked {
            toxiproxy: Some("http://127.0.0.1:1"),
            ..Asked::broker("docker")
        });
        let simulated = simulated();
        for (fault, testbed, expected) in [
            (
                "kill",
                &somebodys,
                "strikes the service itself: choose --testbed docker or sim",
            ),
            (
                "memory-alarm",
                &somebodys,
                "is what an operator of RabbitMQ does",
            ),
            ("cut-after", &behind, "leave --toxiproxy out"),
            ("freeze", &docker, "add --isolate"),
            (
                "clock-jump",
                &simulated,
                "choose a lock on RabbitMQ and --testbed docker",
            ),
        ] {
            let said = named(fault, testbed).expect_err("it is not possible");
            assert!(said.contains(expected), "{fault}: {said}");
        }
        for fault in ["cut-after", "memory-alarm", "delete-queue", "clock-jump"] {
            assert_eq!(named(fault, &docker).expect("it is possible"), [fault]);
        }
    }

    #[test]
    fn who_reads_frames_has_our_own_proxy() {
        let docker = testbed(&Asked::broker("docker"));
        let ground = ground(&docker);
        let proxy = |asked| ground.reached(&ground.select(asked).expect("faults")).proxy;
        assert_eq!(proxy("cut"), ProxyChoice::Auto);
        assert_eq!(proxy("cut,silence"), ProxyChoice::Embedded);
    }
}
