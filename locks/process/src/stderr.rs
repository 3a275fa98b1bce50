//! What a program writes to its standard error: kept in the run's folder, its last lines in errors.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncWriteExt, BufReader};

use crate::line::{self, Line};
use crate::secrets::Secrets;

/// A program that writes without end must not fill the disk.
const KEPT_BYTES: usize = 4 << 20;
/// A longer line is cut.
const LINE_BYTES: usize = 64 << 10;
/// So many last lines stand in an error.
const TAIL_LINES: usize = 8;

/// The last lines of a program's standard error.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tail(Arc<Mutex<VecDeque<String>>>);

impl Tail {
    pub(crate) fn text(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect::<Vec<_>>().join("\n")
    }

    fn push(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == TAIL_LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }
}

/// The file of a worker's programs in a run's folder.
pub(crate) fn file_in(folder: &Path, worker: u32) -> PathBuf {
    folder.join(format!("program-{worker}.log"))
}

/// Reads it to its end: a program whose standard error nobody reads would stand still.
pub(crate) async fn keep(
    stream: impl AsyncRead + Unpin,
    path: Option<PathBuf>,
    secrets: Secrets,
    tail: Tail,
) {
    let mut file = None;
    let mut left = KEPT_BYTES;
    let mut stream = BufReader::new(stream);
    while let Ok(line) = line::read(&mut stream, LINE_BYTES).await {
        let (Line::Whole(bytes) | Line::Torn(bytes) | Line::TooLong(bytes)) = line else {
            return;
        };
        let text = secrets.hide(&String::from_utf8_lossy(&bytes));
        if let Some(path) = &path
            && text.len() < left
        {
            left -= text.len() + 1;
            // A disk that is full shows in the history first.
            let _ = append(&mut file, path, &text).await;
        }
        tail.push(text);
    }
}

/// A program that says nothing leaves no file.
async fn append(file: &mut Option<File>, path: &Path, text: &str) -> std::io::Result<()> {
    let opened = match file {
        Some(opened) => opened,
        None => file.insert(File::options().append(true).create(true).open(path).await?),
    };
    opened.write_all(format!("{text}\n").as_bytes()).await?;
    opened.flush().await
}
