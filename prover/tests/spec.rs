//! What is asked of a run survives being printed as a command and typed again, and being stored and
//! read again.

use std::process::Command;
use std::time::Duration;

use clap::{CommandFactory, Parser};
use nemesis::Aim;
use plan::spec::RunSpec;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use prover::cli::Cli;
use run::seed::Seed;

/// The words that a shell makes of a command line.
fn words(line: &str) -> Vec<String> {
    let script = format!("for word in {line}; do printf '%s\\0' \"$word\"; done");
    let said = Command::new("sh").args(["-c", &script]).output();
    let said = said.expect("every POSIX system has a shell").stdout;
    let text = String::from_utf8(said).expect("it was text");
    text.split_terminator('\0').map(str::to_owned).collect()
}

fn typed(line: &str) -> RunSpec {
    let words = words(line);
    let end = words.iter().position(|word| word == "--");
    let options = &words[end.expect("cargo's options end somewhere") + 1..];
    let prover = std::iter::once("prover".to_owned());
    let cli = Cli::try_parse_from(prover.chain(options.iter().cloned()));
    cli.unwrap_or_else(|error| panic!("{line}: {error}"))
        .run
        .spec
}

/// Whatever text somebody may type: with quotes, blanks, dashes in front.
fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z,=]{1,12}", "-{0,2}[ -~]{1,12}", "\\PC{1,8}"]
}

fn time() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (0..100_000_u64).prop_map(Duration::from_millis),
        any::<u64>().prop_map(Duration::from_nanos),
    ]
}

fn target() -> impl Strategy<Value = Aim> {
    proptest::sample::select(&Aim::ALL)
}

prop_compose! {
    fn subject()(
        workload in text(),
        lock in option::of(text()),
        testbed in text(),
        guarantees in vec(text(), 0..3),
        rabbitmq in option::of(text()),
        toxiproxy in option::of(text()),
        seed in option::of(any::<u64>().prop_map(Seed)),
        keep in any::<bool>(),
    ) -> RunSpec {
        RunSpec { workload, lock, testbed, guarantees, rabbitmq, toxiproxy, seed, keep, ..RunSpec::default() }
    }
}

prop_compose! {
    fn numbers()(
        time_limit in time(),
        until_covered in any::<bool>(),
        at_most in option::of(time()),
        concurrency in option::of(any::<u32>()),
        rate in option::of(0.0..1e9),
        keys in any::<u32>(),
        slots in option::of(any::<u32>()),
        hold in option::of(time()),
        verify_interval in time(),
        burst in any::<bool>(),
        heartbeat in option::of(time()),
        operation_timeout in time(),
    ) -> RunSpec {
        RunSpec {
            time_limit, until_covered, at_most, concurrency, rate, keys, slots, hold, verify_interval, burst, heartbeat, operation_timeout,
            ..RunSpec::default()
        }
    }
}

prop_compose! {
    fn faults()(
        nemesis in text(),
        nemesis_interval in option::of(time()),
        nemesis_duration in option::of(time()),
        target in target(),
        coverage in option::of(text()),
        swarm in any::<bool>(),
        schedule in option::of(text()),
    ) -> RunSpec {
        match schedule {
            Some(path) => RunSpec { schedule: Some(path.into()), coverage, ..RunSpec::default() },
            None => RunSpec { nemesis, nemesis_interval, nemesis_duration, target, coverage, swarm, ..RunSpec::default() },
        }
    }
}

/// Every field that can stand beside the others.
fn spec() -> impl Strategy<Value = RunSpec> {
    (subject(), numbers(), faults()).prop_map(|(subject, numbers, faults)| RunSpec {
        workload: subject.workload,
        lock: subject.lock,
        testbed: subject.testbed,
        guarantees: subject.guarantees,
        rabbitmq: subject.rabbitmq,
        toxiproxy: subject.toxiproxy,
        seed: subject.seed,
        keep: subject.keep,
        nemesis: faults.nemesis,
        nemesis_interval: faults.nemesis_interval,
        nemesis_duration: faults.nemesis_duration,
        target: faults.target,
        coverage: faults.coverage,
        swarm: faults.swarm,
        schedule: faults.schedule,
        ..numbers
    })
}

proptest! {
    #[test]
    fn the_printed_command_asks_for_the_same(spec in spec()) {
        prop_assert_eq!(typed(&spec.command_line()), spec);
    }

    #[test]
    fn what_is_stored_is_read_again(spec in spec()) {
        let text = serde_json::to_string(&spec).expect("texts and numbers");
        let again: RunSpec = serde_json::from_str(&text).expect("it was stored by us");
        prop_assert_eq!(again, spec);
    }
}

#[test]
fn nothing_said_is_the_default() {
    let plain = RunSpec::default();
    assert_eq!(typed("prover --"), plain);
    assert_eq!(plain.command_line(), "cargo run -p prover --");
}

/// A field that is no option could not be typed, and an option that is no field would be forgotten.
#[test]
fn fields_and_options_have_the_same_names() {
    let stored = serde_json::to_value(RunSpec::default()).expect("texts and numbers");
    let fields = stored.as_object().expect("a struct").keys().cloned();
    let command = Cli::command();
    let options = command.get_arguments().filter_map(clap::Arg::get_long);
    let others = [
        "seeds",
        "keep-going",
        "power-within",
        "results",
        "commit",
        "format",
        "quiet",
    ];
    let mut options: Vec<_> = options.filter(|name| !others.contains(name)).collect();
    options.sort_unstable();
    assert_eq!(fields.collect::<Vec<_>>(), options);
}

#[test]
fn a_field_that_is_not_known_is_refused() {
    let said = serde_json::from_str::<RunSpec>(r#"{"workloud": "mutex"}"#);
    let said = said.expect_err("misspelt").to_string();
    assert!(said.contains("unknown field `workloud`"), "{said}");
}
