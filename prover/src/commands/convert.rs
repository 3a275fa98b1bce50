//! `prover convert`: from one format of histories to the other.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

use history::{History, edn, jsonl};

use crate::cli::ConvertArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::reading;

/// Reads the one file and writes the other.
pub(super) fn convert(arguments: &ConvertArgs) -> Result<Exit, Failure> {
    let history = reading::history_by_key(&arguments.source, arguments.keys.independent)?;
    let path = &arguments.target;
    reading::ensure_no_part_of_a_run(path)?;
    let failed = |source| Failure::Write {
        path: path.clone(),
        source,
    };
    if reading::is_standard(path) {
        let mut sink = BufWriter::new(io::stdout().lock());
        let written = write(&history, path, &mut sink).and_then(|()| sink.flush());
        return match written {
            // Whoever read it has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Valid),
            written => written.map(|()| Exit::Valid).map_err(failed),
        };
    }
    let mut sink = BufWriter::new(File::create(path).map_err(failed)?);
    if has_extension(path, "gz") {
        let mut packed = GzEncoder::new(&mut sink, Compression::default());
        write(&history, &path.with_extension(""), &mut packed).map_err(failed)?;
        packed.finish().map_err(failed)?;
    } else {
        write(&history, path, &mut sink).map_err(failed)?;
    }
    sink.flush().map_err(failed)?;
    Ok(Exit::Valid)
}

/// `*.edn` is EDN, everything else JSON Lines.
fn write(history: &History, path: &Path, sink: impl Write) -> io::Result<()> {
    if has_extension(path, "edn") {
        edn::write(history, sink)
    } else {
        jsonl::write(history, sink)
    }
}

fn has_extension(path: &Path, expected: &str) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case(expected))
}
