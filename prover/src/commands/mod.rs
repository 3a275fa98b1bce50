//! The commands, one a file, and what they share.

mod adapter;
mod campaign;
mod certify;
mod check;
mod clean;
pub(crate) mod compare;
pub(crate) mod conform;
mod convert;
mod generate;
mod list;
mod manual;
pub(crate) mod power;
mod proxy;
mod replay;
pub(crate) mod report;
mod run;
mod selftest;
mod serve;
mod shrink;
mod site;
mod worker;

use crate::cli::{Cli, Command};
use crate::exit::Exit;
use crate::failure::Failure;

/// Stands beside the verdict where nothing was broken.
const NO_FAULTS: &str =
    "no faults: add --nemesis partition,cut to see what the lock keeps when connections break";

/// The same where there are no connections.
const NO_FAULTS_NO_LINKS: &str =
    "no faults: add --nemesis pause,crash to see what the lock keeps when clients stop and die";

/// Does what the command line says.
///
/// # Errors
/// What stood in the way; it knows its exit code.
pub async fn dispatch(cli: Cli) -> Result<Exit, Failure> {
    match cli.command {
        None => run::run(&cli.run).await,
        Some(Command::Run(arguments)) => run::run(&arguments).await,
        Some(Command::Compare(arguments)) => compare::compare(&arguments),
        Some(Command::Serve(arguments)) => serve::serve(&arguments).await,
        Some(Command::Site(arguments)) => site::site(&arguments),
        Some(Command::Replay(arguments)) => replay::replay(&arguments).await,
        Some(Command::Shrink(arguments)) => shrink::shrink_run(&arguments).await,
        Some(Command::Check(arguments)) => check::check(&arguments),
        Some(Command::Report(arguments)) => report::report(&arguments),
        Some(Command::Certify(arguments)) => certify::certify(&arguments),
        Some(Command::Convert(arguments)) => convert::convert(&arguments),
        Some(Command::Generate(arguments)) => generate::generate(&arguments),
        Some(Command::List(arguments)) => list::list(&arguments),
        Some(Command::NewAdapter(arguments)) => adapter::new_adapter(&arguments),
        Some(Command::TryAdapter(arguments)) => adapter::try_adapter(&arguments).await,
        Some(Command::Worker(arguments)) => worker::worker(&arguments).await,
        Some(Command::Completions(arguments)) => manual::completions(&arguments),
        Some(Command::Man(arguments)) => manual::man(&arguments),
        Some(Command::Doctor) => clean::doctor().await,
        Some(Command::Clean(arguments)) => clean::clean(&arguments).await,
        Some(Command::Power(arguments)) => power::print_power(&arguments).await,
        Some(Command::Selftest(arguments)) => selftest::selftest(&arguments).await,
        Some(Command::Conform(arguments)) => conform::conform(&arguments).await,
        Some(Command::Experiment(chosen)) => chosen.conduct().await,
        Some(Command::Proxy(arguments)) => proxy::proxy(&arguments).await,
    }
}
