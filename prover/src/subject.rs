//! What the reports say of a run, by its manifest.

use std::num::NonZeroU32;
use std::path::Path;
use std::time::Duration;

use checker::Scope;
use history::{History, Process};
use humantime::format_duration;
use plan::manifest::{Manifest, Planned, State};
use plan::spec::{self, program};
use report::{Fact, Loss, Mistake, Skew, Subject};
use suite::Power;
use testbed::{Described, ServiceFacts};

/// The subject of a report on the run of this manifest.
pub(crate) fn of_manifest(manifest: &Manifest) -> Subject {
    let plan = &manifest.plan;
    let bounds = [
        about_testbed(manifest.testbed.as_ref()),
        about_ending(&manifest.state),
    ];
    Subject {
        lock: plan.lock.clone(),
        workload: plan.workload.clone(),
        faults: plan.faults.clone(),
        workers: plan.concurrency,
        slots: NonZeroU32::new(plan.most_slots).unwrap_or(NonZeroU32::MIN),
        setting: setting(manifest),
        bounds: bounds.into_iter().flatten().collect(),
        skew: manifest.skew.map(|skew| Skew {
            bursts: skew.bursts,
            median_ns: skew.median_ns,
            p99_ns: skew.p99_ns,
        }),
        is_run: true,
        repeat: manifest.ran().command_line(),
        certify: None,
        plan: planned(plan),
        origin: origin(manifest),
        losses: manifest.losses.iter().map(loss).collect(),
        mistakes: None,
    }
}

fn loss(loss: &run::NoticedLoss) -> Loss {
    Loss {
        time_ns: loss.time_ns,
        process: loss.process,
    }
}

/// The subject of a report on a history without a manifest. A record of this program's own says
/// whose it is; where nobody says how many workers there were, each process is one.
pub(crate) fn of_history(path: &Path, history: &History, scope: &Scope) -> Subject {
    let outline = history.outline();
    let file = path.file_name().unwrap_or(path.as_os_str());
    Subject {
        lock: outline.map_or_else(
            || file.to_string_lossy().into_owned(),
            |outline| outline.lock.clone(),
        ),
        workload: outline.map_or_else(
            || "an unknown workload".to_owned(),
            |outline| outline.workload.clone(),
        ),
        faults: scope.faults.clone(),
        workers: scope
            .workers
            .map_or_else(|| processes(history), NonZeroU32::get),
        slots: scope.slots,
        setting: vec![Fact::new("history", path.display().to_string())],
        bounds: vec!["The history was judged alone: no manifest says how it was made.".to_owned()],
        skew: None,
        is_run: false,
        repeat: typed(),
        certify: None,
        plan: vec![Fact::new("slots", scope.slots.to_string())],
        origin: vec![Fact::new("prover", env!("CARGO_PKG_VERSION"))],
        losses: Vec::new(),
        mistakes: None,
    }
}

/// The command that checks the certificate of a stored run again.
pub(crate) fn certify(folder: &Path) -> String {
    let words = ["certify".to_owned(), folder.to_string_lossy().into_owned()];
    spec::typed(program(), &words)
}

/// So many that each process of a history has a row of its own.
fn processes(history: &History) -> u32 {
    let numbers = history.events().iter().map(|event| match event.process {
        Process::Client(number) => number,
        Process::Nemesis | Process::Run => 0,
    });
    numbers.max().unwrap_or(0).saturating_add(1)
}

/// What was typed to get here.
fn typed() -> String {
    let words = std::env::args_os().skip(1);
    let words: Vec<String> = words
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    spec::typed(program(), &words)
}

/// The known mistakes that were tried, as the report tells of them.
pub(crate) fn mistakes(power: &Power) -> Vec<Mistake> {
    let mistakes = power.mistakes.iter().map(|mistake| Mistake {
        lock: mistake.lock.clone(),
        breaks: mistake.breaks.clone(),
        outcome: mistake.outcome(),
    });
    mistakes.collect()
}

fn about_testbed(testbed: Option<&Described>) -> Option<String> {
    let Some(testbed) = testbed else {
        return Some(
            "The manifest names no testbed: what the run was made on is not known.".to_owned(),
        );
    };
    let caveat = testbed.caveat()?;
    Some(format!("The testbed is simulated: {caveat}."))
}

fn about_ending(state: &State) -> Option<String> {
    Some(match state {
        State::Finished => return None,
        State::Running => {
            "The run was not finished: it was killed, or is still going on.".to_owned()
        }
        State::Stuck => {
            "The last phase was broken off: some lock could not be had any more in time.".to_owned()
        }
        State::Interrupted => "The run was interrupted before its end.".to_owned(),
        State::Broken(how) => format!("The harness broke down: {how}."),
    })
}

fn setting(manifest: &Manifest) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(testbed) = &manifest.testbed {
        facts.push(Fact::new("testbed", &testbed.kind));
        facts.extend(testbed.services.iter().map(of_service));
        facts.push(Fact::new("proxy", &testbed.proxy));
    }
    facts.push(Fact::new("began", manifest.began.to_string()));
    if let Some(ms) = manifest.settled_ms {
        let ran = format_duration(Duration::from_millis(ms));
        facts.push(Fact::new("covered or over after", ran.to_string()));
    }
    facts.push(Fact::new("seed", manifest.plan.seed.to_string()));
    facts
}

/// One of the services, with the digest of its image.
fn of_service(service: &ServiceFacts) -> Fact {
    let digest = service.digest.as_ref().map(|digest| format!(", {digest}"));
    let (name, what) = (&service.name, &service.what);
    Fact::new(
        "service",
        format!("{name}: {what}{}", digest.unwrap_or_default()),
    )
}

fn planned(plan: &Planned) -> Vec<Fact> {
    let time = |ms: u128| {
        format_duration(Duration::from_millis(u64::try_from(ms).unwrap_or(u64::MAX))).to_string()
    };
    let contention = if plan.burst {
        "bursts: all workers at the same instant"
    } else {
        "free-running"
    };
    let progress = plan.progress_of.as_ref();
    let progress = progress.map(|it| Fact::new("progress within", it.to_string()));
    let facts = [
        Fact::new("workers", plan.concurrency.to_string()),
        Fact::new("keys", plan.keys.to_string()),
        Fact::new("contention", contention),
        Fact::new("rate", format!("{} a second", plan.rate_per_second)),
        Fact::new("a hold lasts", time(plan.hold_ms)),
        Fact::new("verified every", time(plan.verify_interval_ms)),
        Fact::new("time limit", time(plan.time_limit_ms)),
        Fact::new("heartbeat", time(plan.heartbeat_ms)),
        Fact::new("operation time-out", time(plan.operation_timeout_ms)),
    ];
    facts.into_iter().chain(progress).collect()
}

fn origin(manifest: &Manifest) -> Vec<Fact> {
    let commit = manifest.git.as_ref().map_or("not known".to_owned(), |git| {
        let state = match git.dirty {
            Some(true) => " (tracked files changed since)",
            Some(false) => " (tracked files unchanged)",
            None => "",
        };
        format!("{}{state}", git.commit)
    });
    vec![
        Fact::new("prover", &manifest.prover),
        Fact::new("commit", commit),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored() -> Manifest {
        let stored = include_str!("../tests/cmd/check.in/whole/manifest.json");
        serde_json::from_str(stored).expect("a manifest")
    }

    #[test]
    fn a_manifest_without_testbed_and_working_tree_says_so() {
        let manifest = Manifest {
            testbed: None,
            git: None,
            state: State::Running,
            ..stored()
        };
        let subject = of_manifest(&manifest);
        assert!(subject.bounds[0].contains("what the run was made on is not known"));
        assert!(subject.bounds[1].contains("it was killed"));
        let origin = format!("{:?}", subject.origin);
        assert!(origin.contains("not known"), "{origin}");
    }

    #[test]
    fn of_a_simulated_run_it_is_said_of_what_it_speaks() {
        let manifest = Manifest {
            testbed: Some(Described::simulated()),
            state: State::Finished,
            ..stored()
        };
        let bounds = of_manifest(&manifest).bounds;
        let caveat = "the verdict speaks of the model of the broker, not of a real one";
        assert_eq!(bounds, [format!("The testbed is simulated: {caveat}.")]);
    }

    /// In a report no two faults of one run share a colour as long as there are enough.
    #[test]
    fn a_run_of_all_faults_has_a_colour_for_each() {
        let all = nemesis::ALL.iter().filter(|fault| fault.is_in_all());
        assert!(all.count() <= report::FAULT_COLOURS);
    }
}
