//! `prover worker`: one of our locks as a program that speaks the protocol.

use locks::Chosen;
use plan::PlanError;
use plan::catalogue::LOCKS;
use tokio::io::{BufReader, stdin, stdout};

use crate::cli::WorkerArgs;
use crate::exit::Exit;
use crate::failure::Failure;

/// Answers until the input ends, or `close` is asked for.
pub(super) async fn worker(arguments: &WorkerArgs) -> Result<Exit, Failure> {
    let chosen = Chosen::parse(&arguments.lock, &LOCKS).map_err(PlanError::from)?;
    process::serve(
        chosen.lock,
        chosen.options,
        BufReader::new(stdin()),
        stdout(),
    )
    .await?;
    Ok(Exit::Valid)
}
