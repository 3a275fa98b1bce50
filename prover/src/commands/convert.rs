//! `prover convert`: from one format of histories to the other.

use std::fs::File;
use std::io::{BufWriter, Write};

use history::{edn, jsonl};

use crate::cli::ConvertArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::reading::{self, Form};

/// Reads the one file and writes the other.
pub(super) fn convert(arguments: &ConvertArgs) -> Result<Exit, Failure> {
    let history = reading::history(&arguments.source)?;
    let path = &arguments.target;
    let failed = |source| Failure::Write {
        path: path.clone(),
        source,
    };
    let mut sink = BufWriter::new(File::create(path).map_err(failed)?);
    match Form::of(path) {
        Form::JsonLines => jsonl::write(&history, &mut sink).map_err(failed)?,
        Form::Edn => edn::write(&history, &mut sink).map_err(failed)?,
    }
    sink.flush().map_err(failed)?;
    Ok(Exit::Valid)
}
