//! `prover generate`: large histories to measure checkers with.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use history::jsonl::{Log, LogError};
use workloads::generate::{Generator, Plan, Violation};

use crate::cli::GenerateArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Writes the history that was asked for.
pub(super) fn generate(arguments: &GenerateArgs) -> Result<Exit, Failure> {
    let plan = Plan {
        operations: arguments.ops,
        concurrency: arguments.concurrency,
        crashed: arguments.crashed,
        violation: arguments.violation,
        seed: arguments.seed,
    };
    let mut generator = Generator::new(plan);
    match &arguments.output {
        None => match write(&mut generator, io::stdout().lock()) {
            // Whoever read it has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(Exit::Valid),
            written => written?,
        },
        Some(path) => {
            let failed = |source| Failure::Write {
                path: path.clone(),
                source,
            };
            write(&mut generator, File::create(path).map_err(failed)?).map_err(failed)?;
        }
    }
    if plan.violation != Violation::None && !generator.is_planted() {
        output::note(
            "warning: no double hold could be planted: ask for more operations, or for an earlier place",
        );
        return Ok(Exit::NothingSelected);
    }
    Ok(Exit::Valid)
}

fn write(generator: &mut Generator, sink: impl Write) -> io::Result<()> {
    let mut sink = BufWriter::with_capacity(1 << 20, sink);
    let mut log = Log::new(Unflushed(&mut sink));
    for (time, draft) in generator {
        log.append(time, draft).map_err(into_io)?;
    }
    sink.flush()
}

fn into_io(error: LogError) -> io::Error {
    match error {
        LogError::Io(error) => io::Error::new(error.kind(), error),
        LogError::Rule(rule) => io::Error::other(rule),
    }
}

/// A log flushes after every event; nothing is lost here if this one does not.
struct Unflushed<W>(W);

impl<W: Write> Write for Unflushed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
