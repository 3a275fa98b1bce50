//! Two laws over every lock, its options, every workload that suits it, and swarms of faults: a
//! correct lock is violated on nothing, and no broken lock is valid in a run whose faults took
//! nothing away. `LAWS` sets how many runs each lock makes under each workload.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use checker::Verdict;
use checker::guarantee;
use history::{Answer, Event, Function, History, Kind, Process, Value};
use locks::Lock;
use nemesis::Aim;
use plan::spec::RunSpec;
use plan::{Plan, PlanError, catalogue, suits};
use rayon::prelude::*;
use run::seed::Seed;
use suite::{Trial, attempt};

fn runs() -> u64 {
    let runs = std::env::var("LAWS").ok();
    runs.and_then(|runs| runs.parse().ok()).unwrap_or(4)
}

/// The lock with one value of each of its options, chosen by the seed.
fn with_options(lock: &dyn Lock, seed: u64) -> String {
    let mut chosen = lock.name().to_owned();
    let mut left = seed;
    // The simulation has no quorum queues.
    let simulated = lock
        .options()
        .iter()
        .filter(|option| option.name != "queue");
    for option in simulated {
        // An option without values takes a time: it stays as it is.
        let count = option.values.len().max(1) as u64;
        if let Some(value) = option.values.get((left % count) as usize) {
            chosen += &format!(",{}={value}", option.name);
        }
        left /= count;
    }
    chosen
}

/// Every lock of a kind under every workload that suits it, with a few seeds each.
fn specs(is_wanted: impl Fn(&dyn Lock) -> bool) -> Vec<RunSpec> {
    let mut specs = Vec::new();
    for lock in catalogue::LOCKS.iter().filter(|lock| is_wanted(&***lock)) {
        for workload in workloads::ALL {
            if !suits(*workload, &**lock) {
                continue;
            }
            specs.extend((0..runs()).map(|seed| RunSpec {
                workload: workload.name().to_owned(),
                lock: Some(with_options(&**lock, seed)),
                testbed: "sim".to_owned(),
                nemesis: "all".to_owned(),
                swarm: true,
                target: [Aim::Holder, Aim::Random][(seed % 2) as usize],
                keys: 1 + (seed % 3) as u32,
                time_limit: Duration::from_secs(30),
                seed: Some(Seed(seed)),
                ..RunSpec::default()
            }));
        }
    }
    specs
}

/// What cannot be asked of a lock, whatever a correct one does: docs/guarantees.md says why.
fn is_out_of_reach(pattern: &str, lock: &dyn Lock, workload: &str) -> bool {
    match pattern {
        // A service takes a lock away before its client has heard of it.
        "exclusion" | "overlap<=D" => true,
        // A lock guards no resource that does not ask for tokens.
        "no-lost-update" => workload != "guarded-fenced",
        // A request that is filed is carried out at least or at most once; no lock does both.
        "no-lost-decrement" | "no-doubled-decrement" => {
            lock.kind().files_decrements() && !lock.promises().contains(&pattern)
        }
        _ => false,
    }
}

fn guarantees(lock: &dyn Lock, workload: &str) -> Vec<String> {
    let patterns = guarantee::ALL.iter().map(|entry| entry.pattern);
    let asked = patterns.filter(|pattern| !is_out_of_reach(pattern, lock, workload));
    let named = asked.map(|pattern| match pattern {
        "progress<=D" => "progress".to_owned(),
        pattern => pattern.to_owned(),
    });
    named.collect()
}

/// The run of a spec; nothing where its options contradict each other.
fn trial(spec: &RunSpec) -> Option<Trial> {
    let plan = match Plan::new(spec) {
        Err(PlanError::Lock(_) | PlanError::Unknown { .. }) => return None,
        plan => plan.expect("a plan"),
    };
    Some(attempt(plan).expect("the harness works"))
}

/// Every lock of a kind was run; an option that contradicts another leaves out runs, not locks.
fn assert_every_lock_ran<'a>(
    ran: impl Iterator<Item = &'a RunSpec>,
    is_wanted: impl Fn(&dyn Lock) -> bool,
) {
    let name = |spec: &'a RunSpec| spec.lock.as_deref().and_then(|name| name.split(',').next());
    let ran: BTreeSet<&str> = ran.filter_map(name).collect();
    let wanted = catalogue::LOCKS.iter().filter(|lock| is_wanted(&***lock));
    let missing: Vec<_> = wanted
        .map(|lock| lock.name())
        .filter(|name| !ran.contains(name))
        .collect();
    assert!(missing.is_empty(), "never run: {missing:?}");
}

#[test]
fn a_correct_lock_is_violated_on_nothing_that_can_be_asked_of_it() {
    let specs = specs(|lock| lock.breaks().is_none());
    let judged = specs.par_iter().filter_map(|spec| {
        let lock = spec.lock.as_deref().and_then(|name| name.split(',').next());
        let lock = catalogue::find(lock.expect("it is named")).expect("known");
        let spec = RunSpec {
            guarantees: guarantees(&*lock, &spec.workload),
            ..spec.clone()
        };
        let judgement = trial(&spec)?.judgement;
        let rows = judgement.guarantees.into_iter().filter(|row| row.judged);
        let findings: Vec<_> = rows.map(|row| row.finding).collect();
        Some((spec, findings))
    });
    let judged: Vec<_> = judged.collect();
    let ran = judged.iter().map(|(spec, _)| spec);
    assert_every_lock_ran(ran, |lock| lock.breaks().is_none());
    let mut valid: BTreeMap<String, u64> = BTreeMap::new();
    for (spec, findings) in &judged {
        for finding in findings {
            assert_ne!(
                finding.verdict,
                Verdict::Violated,
                "{}: {}",
                spec.command_line(),
                finding.evidence
            );
            let name = finding.guarantee.split("<=").next().unwrap_or_default();
            *valid.entry(name.to_owned()).or_default() +=
                u64::from(finding.verdict == Verdict::Valid);
        }
    }
    // A law about what is never judged would be none.
    let never = valid.iter().filter(|(_, count)| **count == 0);
    let never: Vec<_> = never.map(|(name, _)| name.as_str()).collect();
    assert!(never.is_empty(), "never valid: {never:?} of {valid:?}");
}

/// Faults that reach few mistakes, or none.
fn gentle() -> Vec<RunSpec> {
    let plan = |nemesis: &str, duration_ms: u64| RunSpec {
        nemesis: nemesis.to_owned(),
        nemesis_interval: Some(Duration::from_millis(500)),
        nemesis_duration: Some(Duration::from_millis(duration_ms)),
        swarm: false,
        ..RunSpec::default()
    };
    vec![
        plan("pause", 8_000),
        plan("partition", 1_000),
        plan("partition-upstream,partition-downstream", 2_000),
        plan("freeze", 500),
        plan("cut", 1),
        plan("pause,freeze", 3_000),
    ]
}

/// The kinds of errors by which a client knows that its session is gone.
fn tells_of_loss(event: &Event) -> bool {
    let error = event.error.as_ref().map(|error| &*error.kind);
    let of_session = ["io", "heartbeat-missed", "not-sent", "crashed"];
    error.is_some_and(|kind| kind.starts_with("connection") || of_session.contains(&kind))
}

/// Whether anybody lost a lock otherwise than by giving it back. Naive, and wider than what
/// coverage asks for: it does not matter whose fault it was, nor when.
fn was_anything_taken(history: &History, slots: u32) -> bool {
    // Who believes that it holds which slot of which lock.
    let mut believed: BTreeSet<(u32, String, Option<u32>)> = BTreeSet::new();
    for event in history.events() {
        let Process::Client(process) = event.process else {
            continue;
        };
        let key = event.key.as_deref().unwrap_or_default().to_owned();
        let is_lost =
            event.function == Function::Lost || event.value == Value::Answer(Answer::Lost);
        let holds_something = believed.iter().any(|(holder, ..)| *holder == process);
        let is_end = event.kind != Kind::Invoke;
        if holds_something && is_end && (is_lost || tells_of_loss(event)) {
            return true;
        }
        match (&event.function, event.kind) {
            (Function::Acquire, Kind::Ok) => {
                let slot = match &event.value {
                    Value::Grant(grant) => grant.slot,
                    _ => None,
                };
                let is_same = |of: &str, held: Option<u32>| {
                    of == key && (slots == 1 || (slot.is_some() && held == slot))
                };
                let mut others = believed.iter().filter(|(holder, ..)| *holder != process);
                if others.any(|(_, of, held)| is_same(of, *held)) {
                    return true;
                }
                believed.insert((process, key, slot));
            }
            (Function::Release, Kind::Invoke) => {
                believed.retain(|(holder, of, _)| (*holder, of) != (process, &key));
            }
            _ => {}
        }
    }
    false
}

#[test]
fn no_broken_lock_is_valid_where_no_fault_took_anything_away() {
    let swarms = specs(|lock| lock.breaks().is_some());
    let gentle = gentle();
    let gentle = swarms.iter().zip(gentle.iter().cycle());
    let gentle = gentle.map(|(swarm, plan)| RunSpec {
        workload: swarm.workload.clone(),
        lock: swarm.lock.clone(),
        testbed: "sim".to_owned(),
        time_limit: Duration::from_secs(20),
        seed: swarm.seed,
        ..plan.clone()
    });
    let all: Vec<RunSpec> = gentle.chain(swarms.iter().cloned()).collect();
    let trials = all.par_iter().filter_map(|spec| {
        let trial = trial(spec)?;
        let workload = workloads::find(&spec.workload).expect("known");
        let taken = was_anything_taken(&trial.history, workload.slots());
        let is_valid = trial.judgement.verdict == Verdict::Valid;
        assert!(
            taken || !is_valid,
            "valid, and nothing was taken away: {}",
            spec.command_line()
        );
        Some((spec, (taken, is_valid)))
    });
    let trials: Vec<_> = trials.collect();
    let ran = trials.iter().map(|(spec, _)| *spec);
    assert_every_lock_ran(ran, |lock| lock.breaks().is_some());
    let count = |taken: bool, is_valid: bool| {
        let came = trials.iter().map(|(_, came)| *came);
        came.filter(|came| *came == (taken, is_valid)).count()
    };
    // Both sorts of runs come up, or the law would be empty.
    assert!(
        count(false, false) > 0 && count(true, true) > 0,
        "{trials:?}"
    );
}
