//! The options of a run as words of a command line: what a stored run keeps so that it can be repeated, and what is printed for people to type.

use std::fmt::Display;
use std::time::Duration;

use clap::Parser;

use crate::cli::{Cli, Format, RunArgs, TargetKind};

/// The words that differ from what is assumed without them.
#[must_use]
pub fn words(arguments: &RunArgs) -> Vec<String> {
    let mut words = Words(Vec::new());
    let plain = plain();
    words.unless(&plain.workload, "--workload", &arguments.workload);
    words.where_given("--lock", arguments.lock.as_ref());
    words.unless(&plain.nemesis, "--nemesis", &arguments.nemesis);
    words.unless(&plain.testbed, "--testbed", &arguments.testbed);
    words.unless_lasting(plain.time_limit, "--time-limit", arguments.time_limit);
    words.where_given("--concurrency", arguments.concurrency);
    words.where_given("--rate", arguments.rate);
    words.unless(&plain.keys, "--keys", &arguments.keys);
    words.where_given("--slots", arguments.slots);
    words.lasting("--hold", arguments.hold);
    words.unless_lasting(
        plain.verify_interval,
        "--verify-interval",
        arguments.verify_interval,
    );
    words.flag("--burst", arguments.burst);
    words.lasting("--heartbeat", arguments.heartbeat);
    words.unless_lasting(
        plain.operation_timeout,
        "--operation-timeout",
        arguments.operation_timeout,
    );
    words.where_given("--rabbitmq", arguments.rabbitmq.as_ref());
    words.where_given("--toxiproxy", arguments.toxiproxy.as_ref());
    words.lasting("--nemesis-interval", arguments.nemesis_interval);
    words.lasting("--nemesis-duration", arguments.nemesis_duration);
    words.unless(&plain.target, "--target", &arguments.target);
    words.where_given(
        "--schedule",
        arguments.schedule.as_ref().map(|path| path.display()),
    );
    for guarantee in &arguments.guarantees {
        words.add("--guarantee", guarantee);
    }
    words.where_given("--seed", arguments.seed);
    words.flag("--swarm", arguments.swarm);
    words.where_given("--seeds", arguments.seeds.as_ref());
    words.flag("--keep-going", arguments.keep_going);
    let results = arguments.results.display().to_string();
    words.unless(&plain.results.display().to_string(), "--results", &results);
    words.unless(&plain.format, "--format", &arguments.format);
    words.flag("--quiet", arguments.quiet);
    words.flag("--keep", arguments.keep);
    words.0
}

/// The options that words stand for.
///
/// # Errors
/// They are not those of a run.
pub fn arguments(words: &[String]) -> Result<RunArgs, clap::Error> {
    let name = std::iter::once("prover");
    Ok(Cli::try_parse_from(name.chain(words.iter().map(String::as_str)))?.run)
}

/// The command that these words make, as it can be typed.
#[must_use]
pub fn command_line(words: &[String]) -> String {
    let quoted = words.iter().map(|word| quoted(word));
    std::iter::once("cargo run -p prover --".to_owned())
        .chain(quoted)
        .collect::<Vec<_>>()
        .join(" ")
}

/// The options of a run of which nothing was said.
fn plain() -> RunArgs {
    arguments(&[]).expect("every option has a default")
}

/// As a POSIX shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

struct Words(Vec<String>);

impl Words {
    fn add(&mut self, option: &str, value: impl Display) {
        self.0.extend([option.to_owned(), value.to_string()]);
    }

    fn unless<T: PartialEq + Display>(&mut self, plain: &T, option: &str, value: &T) {
        if value != plain {
            self.add(option, value);
        }
    }

    fn where_given(&mut self, option: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.add(option, value);
        }
    }

    fn lasting(&mut self, option: &str, value: Option<Duration>) {
        let text = value.map(|value| humantime::format_duration(value).to_string());
        self.where_given(option, text.map(|text| text.replace(' ', "")));
    }

    fn unless_lasting(&mut self, plain: Duration, option: &str, value: Duration) {
        self.lasting(option, (value != plain).then_some(value));
    }

    fn flag(&mut self, option: &str, is_given: bool) {
        if is_given {
            self.0.push(option.to_owned());
        }
    }
}

impl Display for TargetKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Holder => "holder",
            Self::Any => "any",
            Self::Random => "random",
        })
    }
}

impl Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Human => "human",
            Self::Json => "json",
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// Every option of a run but those that exclude others, each with a value that is not its default.
    const ALL: &str = "--workload mutex --lock no-lock --nemesis cut --testbed docker --time-limit 1m30s --concurrency 7 --rate 0.5 --keys 3 --slots 2 \
        --hold 1ms500us --verify-interval 7ms --burst --heartbeat 3s --operation-timeout 9s --rabbitmq 3.10 --toxiproxy embedded \
        --nemesis-interval 1s --nemesis-duration 2s --target any --guarantee exclusion --guarantee ownership --seed 5 --swarm \
        --results elsewhere --format json --quiet --keep";
    const REST: &str = "--seeds 1..9 --keep-going --schedule a.json";

    fn read(text: &str) -> RunArgs {
        let words: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
        arguments(&words).expect("options of a run")
    }

    #[test]
    fn words_read_back_as_they_were() {
        for text in ["", ALL, "--seeds 1..9 --keep-going", "--schedule a.json"] {
            let arguments_then = read(text);
            let again = arguments(&words(&arguments_then)).expect("they were written by us");
            assert_eq!(again, arguments_then);
        }
        assert!(words(&read("")).is_empty());
    }

    #[test]
    fn no_option_is_forgotten() {
        let command = Cli::command();
        let options = command.get_arguments().filter_map(clap::Arg::get_long);
        for option in options.filter(|option| !["help", "version"].contains(option)) {
            let is_in = |text: &str| text.contains(&format!("--{option}"));
            assert!(is_in(ALL) || is_in(REST), "--{option}");
        }
    }

    #[test]
    fn what_a_shell_would_take_apart_is_quoted() {
        let words = ["--results".to_owned(), "it's here".to_owned()];
        assert_eq!(
            command_line(&words),
            r"cargo run -p prover -- --results 'it'\''s here'"
        );
    }
}
