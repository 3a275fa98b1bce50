//! What help says beside the options, and how the program speaks of itself there.

use clap::builder::StyledStr;
use clap::{Arg, Command, CommandFactory};
use plan::spec::{as_called, program};

use crate::cli::Cli;
use crate::output;

/// What stands below the help of `prover` and of `prover run`.
const EXAMPLES: &str = "\
Examples:
  prover --testbed sim --nemesis partition,cut
      a minute of a true mutex in the simulation: it needs no Docker, and takes
      a moment
  prover --lock silent-reconnect --nemesis cut --seeds 0..20
      a lock with a mistake, in a simulated run for each seed until one shows it
  prover --testbed docker --nemesis cut,crash --time-limit 2m
      against RabbitMQ in Docker, with faults that take the lock away";

const ENVIRONMENT: &str = "\
Environment variables:
  PROVER_PASSWORD         the password of the user in the URL of --testbed
  PROVER_TOXIPROXY_IMAGE  the image of Toxiproxy
  PROVER_DEBIAN_MIRROR    where the packages of a built broker image come from
  DOCKER_HOST             where the Docker daemon listens
  PROVER_SHARD            the part of the claims that `prove` puts to the test
  PROVER_SHARDS           how many parts there are, where a cluster says only
                          which one this is (docs/ci.md)
  RUST_LOG                what the prover's own log of a run holds
  NO_COLOR                set, it has nothing be coloured";

const EXIT_CODES: &str = "\
Exit codes:
  0    every judged guarantee is valid
  1    a guarantee was violated
  2    unknown: the run proves nothing, or a bound was hit
  3    harness error: the testbed could not be started or kept running
  4    nothing was selected
  130  interrupted; the history is kept
  254  wrong arguments or files
  255  a bug of the prover";

/// The definition of the command line as it is read: everything in it is called as this program
/// was, and fits where it is shown.
#[must_use]
pub fn command() -> Command {
    let command = definition().bin_name(program());
    let width = usize::from(output::width());
    // Those of `run`: a command that is left out is that one.
    let command = command.mut_args(|arg| arg.hide(true));
    let usage = format!("{0} [OPTIONS]\n       {0} <COMMAND>", program());
    addressed(command).override_usage(usage).term_width(width)
}

/// The definition of the command line by the program's own name, as manual pages and completions
/// are made of it.
pub(crate) fn definition() -> Command {
    let after = [EXAMPLES, ENVIRONMENT, EXIT_CODES].join("\n\n");
    let command = Cli::command().after_help(format!(
        "Without a command it is `run`, whose options `prover run --help` shows.\n\n{after}"
    ));
    command.mut_subcommand("run", |run| run.after_help(after))
}

/// Has every text speak of commands as they can be typed, here and in every subcommand.
fn addressed(command: Command) -> Command {
    let address = |arg: Arg| match arg.get_help().map(text) {
        Some(help) => arg.help(help),
        None => arg,
    };
    let mut command = command.mut_args(address);
    if let Some(about) = command.get_about().map(text) {
        command = command.about(about);
    }
    if let Some(about) = command.get_long_about().map(text) {
        command = command.long_about(about);
    }
    if let Some(after) = command.get_after_help().map(text) {
        command = command.after_help(after);
    }
    command.mut_subcommands(addressed)
}

fn text(help: &StyledStr) -> String {
    let text = as_called(&help.to_string());
    let lines = text
        .lines()
        .map(|line| match line.strip_prefix("  prover ") {
            Some(options) => example(options, usize::from(output::width())),
            None => line.to_owned(),
        });
    lines.collect::<Vec<_>>().join("\n")
}

/// A line that can be typed as it stands, also where it is too long for one.
fn example(options: &str, width: usize) -> String {
    let mut lines = vec![format!("  {}", program())];
    for option in options.split(' ') {
        let line = lines.pop().unwrap_or_default();
        if line.len() + option.len() + " ".len() + " \\".len() <= width {
            lines.push(format!("{line} {option}"));
        } else {
            lines.extend([format!("{line} \\"), format!("    {option}")]);
        }
    }
    lines.join("\n")
}
