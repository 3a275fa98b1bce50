//! The command-line program.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::FromArgMatches;
use prover::arguments::joined;
use prover::causes::with_causes;
use prover::cli::Cli;
use prover::commands::dispatch;
use prover::exit::Exit;
use prover::help;
use prover::output;

fn main() -> ExitCode {
    let cli = match understood() {
        Ok(cli) => cli,
        Err(error) => return told(&error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return failed(
                &format!("cannot start the runtime: {}", with_causes(&error)),
                Exit::Internal,
            );
        }
    };
    // A panic has said where it comes from by then.
    let done = catch_unwind(AssertUnwindSafe(|| runtime.block_on(dispatch(cli))));
    match done {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err(failure)) => failed(&with_causes(&failure), failure.exit()),
        Err(_) => failed("the prover panicked: this is a bug of it", Exit::Internal),
    }
}

/// What the command line says.
fn understood() -> Result<Cli, clap::Error> {
    let mut command = help::command();
    let matches = command.try_get_matches_from_mut(joined(std::env::args_os()))?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// Help and version are answers; everything else that clap has to say is about wrong arguments.
fn told(error: &clap::Error) -> ExitCode {
    let exit = if error.use_stderr() {
        Exit::BadArguments
    } else {
        Exit::Valid
    };
    // If nobody reads it there is nobody to tell.
    let _ = error.print();
    exit.into()
}

fn failed(text: &str, exit: Exit) -> ExitCode {
    output::error(text);
    exit.into()
}
