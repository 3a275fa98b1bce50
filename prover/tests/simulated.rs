//! Runs in the simulation: the same seed gives the same bytes, a broken lock is caught, and the
//! verdict says what it speaks of.

use std::fs;
use std::path::Path;
use std::time::Duration;

use assert_cmd::Command;
use checker::Verdict;
use clap::Parser;
use history::{Function, Kind, Mark, Value};
use nemesis::Schedule;
use plan::Plan;
use plan::spec::RunSpec;
use prover::cli::Cli;
use run::seed::{Seed, Seeds};
use suite::{Trial, Until, attempt, campaign};

/// As many as the issue asks for; each is run twice.
const SEEDS: u64 = 200;

fn plan(options: &str, seed: u64) -> Plan {
    let spec = RunSpec {
        testbed: "sim".to_owned(),
        seed: Some(Seed(seed)),
        ..spec(options)
    };
    Plan::new(&spec).expect("a plan")
}

fn trial(options: &str, seed: u64) -> Trial {
    attempt(plan(options, seed)).expect("the harness works")
}

/// Shows where two texts part.
fn assert_same(first: &[u8], second: &[u8], what: &str) {
    let lines = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (first, second) = (lines(first), lines(second));
    for (line, (one, other)) in first.lines().zip(second.lines()).enumerate() {
        assert_eq!(one, other, "{what}, line {line}");
    }
    assert_eq!(first.len(), second.len(), "{what}");
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let options =
        "--nemesis all --time-limit 12s --nemesis-interval 1s --nemesis-duration 4s --heartbeat 1s";
    let bytes = |seed| {
        let trial = trial(options, seed);
        let schedule = serde_json::to_vec(&plan(options, seed).schedule).expect("JSON");
        let verdict = serde_json::to_vec(&trial.judgement).expect("JSON");
        (trial.record, schedule, verdict)
    };
    let mut different = std::collections::BTreeSet::new();
    for seed in 0..SEEDS {
        let (first, second) = (bytes(seed), bytes(seed));
        assert_same(&first.0, &second.0, &format!("history of seed {seed}"));
        assert_same(&first.1, &second.1, &format!("schedule of seed {seed}"));
        assert_same(&first.2, &second.2, &format!("verdict of seed {seed}"));
        different.insert(first.0);
    }
    assert_eq!(different.len() as u64, SEEDS);
}

/// Faults that overlap are on at the same time, never on the same part of the same worker, and the
/// same each time.
#[test]
fn faults_may_overlap() {
    let schedule = r#"{"faults":[
        {"at_ms":1000,"for_ms":3000,"fault":"partition","target":{"random":{"draw":3}}},
        {"at_ms":2000,"for_ms":3000,"fault":"cut","target":{"holder":{"draw":7}}},
        {"at_ms":2500,"for_ms":500,"fault":"partition","target":{"random":{"draw":31}}},
        {"at_ms":2700,"for_ms":4000,"fault":"pause","target":{"workers":[0,1]}}]}"#;
    let record = || {
        let mut plan = plan("--nemesis none --time-limit 10s", 1);
        plan.schedule = Schedule::parse(schedule).expect("a schedule");
        attempt(plan).expect("the harness works").record
    };
    let first = record();
    assert_same(&first, &record(), "overlapping faults");
    let history = history::jsonl::read(first.as_slice()).expect("well-formed");
    let windows = history.windows();
    assert_eq!(windows.len(), 4);
    assert!(windows.iter().all(|window| window.healed.is_some()));
    let links: Vec<_> = windows
        .iter()
        .filter(|window| &*window.name != "pause")
        .collect();
    for (place, one) in links.iter().enumerate() {
        for other in links[place + 1..]
            .iter()
            .filter(|other| Some(other.inject) < one.healed)
        {
            let mut targets = other.targets.processes().iter();
            // A worker may act under another number by now.
            assert!(targets.all(|process| {
                !one.targets
                    .processes()
                    .iter()
                    .any(|of| of % 5 == process % 5)
            }));
        }
    }
    let overlap = windows
        .windows(2)
        .any(|pair| Some(pair[1].inject) < pair[0].heal);
    assert!(overlap, "{windows:?}");
}

#[test]
fn bursts_and_many_keys_are_the_same_each_time_too() {
    for options in [
        "--burst --nemesis cut",
        "--keys 7 --concurrency 3 --rate 100",
    ] {
        let options = format!("{options} --time-limit 10s --nemesis-interval 1s --heartbeat 1s");
        let [first, second] = [(), ()].map(|()| trial(&options, 1).record);
        assert_same(&first, &second, &options);
    }
}

#[test]
fn a_lock_that_is_none_is_caught_and_a_true_mutex_is_not() {
    for seed in 0..5 {
        let caught = trial("--lock no-lock --nemesis none --time-limit 5s", seed);
        assert_eq!(caught.judgement.verdict, Verdict::Violated, "seed {seed}");
        let kept = trial("--nemesis partition,cut --time-limit 60s", seed);
        assert_eq!(
            kept.judgement.verdict,
            Verdict::Valid,
            "seed {seed}: {:?}",
            kept.judgement
        );
    }
}

/// Slots come and go beside a workload that leaves them alone, and all are there at the end.
#[test]
fn a_client_that_administers_is_a_fault_like_others() {
    for seed in 0..10 {
        let options = "-w semaphore --nemesis grow,shrink,partition --time-limit 60s --keys 2";
        let trial = trial(options, seed);
        let judgement = &trial.judgement;
        assert_ne!(
            judgement.verdict,
            Verdict::Violated,
            "seed {seed}: {judgement:?}"
        );
        let count = |function: Function, found: usize| {
            let events = trial.history.events().iter();
            let listed = events.filter(|event| {
                let lists = matches!(&event.value, Value::Slots(slots) if slots.len() == found);
                event.kind == Kind::Ok && event.function == function && lists
            });
            listed.count()
        };
        let windows = trial.history.windows();
        let struck = |name: &str| windows.iter().filter(|it| *it.name == *name).count();
        if struck("grow") > 0 {
            assert!(count(Function::Count, 4) > 0, "seed {seed}: one slot more");
        }
        if struck("shrink") > 0 {
            assert!(count(Function::Count, 2) > 0, "seed {seed}: one slot less");
        }
        let events = trial.history.events().iter().rev();
        let mut counts = events.filter_map(|event| match &event.value {
            Value::Slots(slots) if event.function == Function::Count => Some(slots.len()),
            _ => None,
        });
        if struck("grow") + struck("shrink") > 0 {
            assert_eq!(counts.next(), Some(3), "seed {seed}: all are there again");
        }
    }
}

/// A slot that was to be added and never was is missed by nobody, and a run in which one was shrinks
/// like others.
#[test]
fn what_a_client_should_administer_and_did_not_is_not_missed() {
    for seed in 0..40 {
        let short = "-w semaphore --nemesis grow,cut --time-limit 12s";
        let long = "-w semaphore --nemesis grow{duration=1m},cut --time-limit 30s";
        for options in [short, long] {
            let verdict = trial(options, seed).judgement.verdict;
            assert_ne!(verdict, Verdict::Violated, "{options}, seed {seed}");
        }
    }
    // One slot more for all of the run does not hide who is one too many, whatever is chosen.
    let chosen = "-w semaphore --lock silent-reconnect-slot --nemesis grow,cut --guarantee confirmed-exclusion";
    let verdicts = (0..5).map(|seed| trial(chosen, seed).judgement.verdict);
    assert!(
        verdicts
            .into_iter()
            .any(|verdict| verdict == Verdict::Violated)
    );
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = |options: &str| prover(folder.path(), options).assert().code(1);
    run("-w semaphore --lock verify-asks-holder --nemesis grow,shrink,cut --seed 1 --testbed sim");
    run("shrink results/latest");
}

/// Whoever keeps a slot that an administrator took away is found out beside a workload that leaves
/// slots alone.
#[test]
fn a_slot_that_is_taken_away_is_nobodys() {
    let verdict = |lock: &str| {
        let options = format!("-w semaphore --lock {lock} --nemesis shrink --time-limit 60s");
        trial(&options, 0).judgement.verdict
    };
    assert_eq!(verdict("verify-asks-holder"), Verdict::Violated);
    assert_ne!(verdict("persistent-semaphore"), Verdict::Violated);
}

#[test]
fn without_contention_or_faults_a_simulated_run_proves_nothing() {
    let alone = trial("--concurrency 1 --time-limit 5s", 1);
    assert_eq!(alone.judgement.verdict, Verdict::Unknown);
    let early = trial("--nemesis partition --time-limit 3s", 1);
    assert_eq!(early.judgement.verdict, Verdict::Unknown);
}

fn prover(folder: &Path, options: &str) -> Command {
    let mut command = Command::cargo_bin("prover").expect("it is built");
    command.current_dir(folder).args(options.split_whitespace());
    command
}

const FILES: [&str; 4] = [
    "history.jsonl",
    "schedule.json",
    "verdict.json",
    "certificate.json",
];

fn files(folder: &Path) -> [Vec<u8>; 4] {
    let latest = folder.join("results/latest");
    FILES.map(|name| fs::read(latest.join(name)).expect("the run has left it"))
}

fn spec(options: &str) -> RunSpec {
    let words = std::iter::once("prover").chain(options.split_whitespace());
    Cli::try_parse_from(words).expect("options").run.spec
}

#[test]
fn a_campaign_finds_the_lock_whose_verify_asks_anybody_and_stops_there() {
    let found = |until| {
        let spec = spec("--lock silent-reconnect --nemesis partition,cut");
        campaign(&spec, &Seeds(0..50), until, &|| true, |_| ()).expect("a plan")
    };
    let stopped = found(Until::Violation);
    assert_eq!(stopped.verdict(), Verdict::Violated);
    assert!(stopped.failing[0].0 < 20, "{:?}", stopped.failing);
    assert_eq!(stopped.runs, stopped.failing[0].0 + 1);
    assert_eq!(found(Until::Done).runs, 50);
}

#[test]
fn a_swarm_of_true_mutexes_keeps_its_promise_and_covers_every_fault() {
    let summary = campaign(
        &spec("--nemesis all"),
        &Seeds(0..64),
        Until::Done,
        &|| true,
        |_| (),
    );
    let summary = summary.expect("a plan");
    assert_eq!(summary.verdict(), Verdict::Valid, "{summary:?}");
    let all = nemesis::ALL.iter();
    let possible = all.filter(|fault| fault.is_in_all());
    assert_eq!(summary.faults.len(), possible.count());
    let kept = &summary.guarantees["confirmed-exclusion"];
    assert_eq!((kept.judged, kept.verdicts.valid), (true, 64));
}

#[test]
fn a_campaign_without_contention_or_without_landed_faults_proves_nothing() {
    let verdict = |text: &str| {
        let summary = campaign(&spec(text), &Seeds(0..4), Until::Done, &|| true, |_| ());
        summary.expect("a plan").verdict()
    };
    assert_eq!(verdict("--concurrency 1 --time-limit 5s"), Verdict::Unknown);
    assert_eq!(verdict("--nemesis cut --time-limit 3s"), Verdict::Unknown);
    assert_eq!(verdict("--time-limit 5s"), Verdict::Valid);
}

#[test]
fn a_violation_shrinks_to_what_it_needs_and_replays_to_the_byte() {
    for (lock, faults_max) in [("silent-reconnect", 1), ("no-lock", 0)] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let run = |options: &str| prover(folder.path(), options).assert();
        run(&format!(
            "--lock {lock} --testbed sim --nemesis partition,cut --seed 3"
        ))
        .code(1);
        let stored = folder.path().join("stored");
        fs::rename(folder.path().join("results"), &stored).expect("one file system");
        run("replay stored/latest").code(1);
        let again = files(folder.path());
        for (name, again) in FILES.iter().zip(again) {
            let first = fs::read(stored.join("latest").join(name)).expect("a file");
            assert_same(&first, &again, name);
        }
        run("shrink stored/latest").code(1);
        let shrunk = fs::read_to_string(folder.path().join("results/latest/schedule.json"));
        let schedule = nemesis::Schedule::parse(&shrunk.expect("a schedule")).expect("a schedule");
        assert!(schedule.faults.len() <= faults_max, "{schedule:?}");
        assert!((1..=6).contains(&schedule.calls.len()), "{schedule:?}");
    }
}

/// What clients write and administer is part of a script, too.
#[test]
fn updates_and_administration_shrink_and_begin_at_once() {
    let runs = [
        (
            "-w guarded --nemesis freeze --nemesis-interval 1s --time-limit 15s --guarantee no-lost-update --seed 1",
            1,
        ),
        (
            "-w resize --lock expiring-slots --nemesis all --swarm --seed 1",
            0,
        ),
    ];
    for (options, faults) in runs {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let run = |options: &str| prover(folder.path(), options).assert().code(1);
        run(&format!("{options} --testbed sim"));
        let ran = run("shrink results/latest");
        let said = String::from_utf8_lossy(&ran.get_output().stdout).into_owned();
        let there = format!("on RabbitMQ: {}", env!("CARGO_BIN_EXE_prover"));
        let there = said.lines().find(|line| line.starts_with(&there));
        let there = there.unwrap_or_else(|| panic!("{said}"));
        // What is frozen is a process there.
        assert_eq!(there.contains("--isolate"), faults > 0, "{there}");
        let shrunk = fs::read_to_string(folder.path().join("results/latest/schedule.json"));
        let schedule = nemesis::Schedule::parse(&shrunk.expect("a schedule")).expect("a schedule");
        assert_eq!(schedule.faults.len(), faults, "{schedule:?}");
        assert!((1..=8).contains(&schedule.calls.len()), "{schedule:?}");
        assert_eq!(schedule.calls[0].at_ms, 0, "{schedule:?}");
    }
}

#[test]
fn what_cannot_be_repeated_or_shrunk_is_said() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let says = |options: &str, code: i32, text: &str| {
        let ran = prover(folder.path(), options).assert().code(code);
        let said = String::from_utf8_lossy(&ran.get_output().stderr).into_owned();
        assert!(said.contains(text), "{options}: {said}");
    };
    says("replay nowhere", 254, "nowhere is no folder of a run");
    prover(folder.path(), "--testbed sim --time-limit 5s --seed 1")
        .assert()
        .success();
    says(
        "shrink results/latest",
        254,
        "is violated: name a violated one",
    );
    says(
        "--nemesis freeze --testbed docker",
        254,
        "add --isolate, or choose --testbed sim",
    );
    says(
        "--seeds 0..9 --testbed docker",
        254,
        "--seeds makes simulated runs",
    );
    says("--seeds 9..0", 254, "write seeds as A..B");
}

#[test]
fn the_command_writes_the_same_files_again_and_says_that_it_simulates() {
    let options = "--testbed sim --nemesis partition,cut --seed 7 --time-limit 40s";
    let [first, second] = [(), ()].map(|()| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let ran = prover(folder.path(), options).assert().success();
        let said = String::from_utf8_lossy(&ran.get_output().stdout).into_owned();
        let first_line = said.lines().next().unwrap_or_default();
        assert_eq!(
            first_line,
            "testbed: sim, simulated RabbitMQ, simulated network (the verdict speaks of the model of the broker, not of a real one)"
        );
        let report = fs::read_to_string(folder.path().join("results/latest/report.html"));
        assert!(report.expect("a report").contains("The testbed is simulated"));
        folder
    });
    let latest = "results/latest";
    let certify = format!("certify {latest}/history.jsonl {latest}/certificate.json");
    prover(second.path(), &certify).assert().success();
    prover(second.path(), &format!("compare {latest} {latest}"))
        .assert()
        .success();
    for (first, second) in files(first.path()).iter().zip(files(second.path())) {
        assert_same(first, &second, "files");
    }
}

/// Every fault at least once had the effect that is due of it, as the checker says, and the run was
/// over at once.
#[test]
fn a_run_that_goes_on_until_it_is_covered_is_covered_and_no_longer() {
    let options = "--nemesis partition,cut,pause,crash --until-covered";
    let mut lengths = std::collections::BTreeSet::new();
    for seed in 0..40 {
        let (plan, trial) = (plan(options, seed), trial(options, seed));
        assert_eq!(trial.judgement.verdict, Verdict::Valid, "seed {seed}");
        let history = &trial.history;
        let settled = history.mark(Mark::Settle).expect("it settled");
        let time = Duration::from_nanos(history.events()[settled].time);
        assert!(time < plan.time_limit, "seed {seed} took {time:?}");
        // What came last is the healing of the fault whose effect was missing: between what is due at a
        // finer time the simulation's clock is at the next whole millisecond.
        let healed = history
            .windows()
            .into_iter()
            .filter_map(|window| window.healed);
        let healed = healed.map(|healed| history.events()[healed].time).max();
        let since = history.events()[settled].time - healed.expect("faults healed");
        assert!(since < 1_000_000, "seed {seed}: settled {since} ns later");
        assert_same(&trial.record, &self::trial(options, seed).record, "history");
        lengths.insert(time);
    }
    assert!(lengths.len() > 20, "{lengths:?}");
}

/// Where the effects do not come in time the run ends all the same, and is open.
#[test]
fn a_run_that_is_not_covered_ends_at_most_when_it_may() {
    let options = "--nemesis partition,partition-upstream --until-covered --at-most 40s";
    let trials = (0..20).map(|seed| trial(options, seed).judgement.verdict);
    let verdicts: Vec<Verdict> = trials.collect();
    assert!(verdicts.contains(&Verdict::Valid), "{verdicts:?}");
    assert!(verdicts.contains(&Verdict::Unknown), "{verdicts:?}");
}

#[test]
fn what_was_covered_is_repeated_and_replayed_to_the_byte() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = |options: &str| {
        let ran = prover(folder.path(), options).assert().success();
        let said = String::from_utf8_lossy(&ran.get_output().stdout).into_owned();
        let line = said.lines().find_map(|line| line.strip_prefix("repeat:  "));
        let repeat = line
            .expect("it is said")
            .replace(concat!(env!("CARGO_BIN_EXE_prover"), " "), "");
        (files(folder.path()), repeat)
    };
    let options = "--testbed sim --nemesis all --until-covered --at-most 20m --seed 3 -q";
    let (first, repeat) = run(&format!("{options} --power-within 0s"));
    assert_eq!(
        repeat,
        "--at-most 20m --nemesis all --seed 3 --testbed sim --until-covered"
    );
    let (repeated, _) = run(&format!("{repeat} -q --power-within 0s"));
    let manifest = fs::read_to_string(folder.path().join("results/latest/manifest.json"));
    assert!(manifest.expect("a manifest").contains("\"settled_ms\":"));
    let (replayed, _) = run("replay results/latest -q");
    for again in [repeated, replayed] {
        assert_same(&first[0], &again[0], "history");
        assert_same(&first[1], &again[1], "schedule");
    }
}

#[test]
fn campaigns_go_on_until_each_run_is_covered() {
    let spec = spec("-w resize --lock decrement-at-least-once --nemesis cut,crash --until-covered");
    let seeds = Seeds(0..30);
    let summary = campaign(&spec, &seeds, Until::Done, &|| true, |_| ()).expect("a plan");
    let coverage = &summary.guarantees["coverage"];
    assert_eq!((coverage.verdicts.valid, summary.failing.len()), (30, 0));
}

/// A run of milliseconds is not told while it goes on.
#[test]
fn nothing_is_told_of_a_simulated_run_while_it_goes_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let options = "--testbed sim --nemesis partition --seed 1 --power-within 0s";
    let ran = prover(folder.path(), options).assert();
    assert_eq!(String::from_utf8_lossy(&ran.get_output().stderr), "");
}

#[test]
fn without_docker_auto_simulates_and_docker_by_name_does_not() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = |testbed: &str| {
        let options = format!("--testbed {testbed} --time-limit 10s --seed 1");
        let mut command = prover(folder.path(), &options);
        command.env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
        command.assert()
    };
    let simulated = run("auto").success();
    let output = simulated.get_output();
    let (out, err) = (&output.stdout, &output.stderr);
    assert!(String::from_utf8_lossy(out).starts_with("testbed: sim, "));
    assert!(String::from_utf8_lossy(err).contains("this run is simulated instead"));
    run("docker").code(3);
}
